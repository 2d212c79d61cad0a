"""The announcements: made by espeak-ng and sox, kept while they say the same, and provably playable."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.pack.facts import Group, PackFacts, Person, Place
from bridge.pack.phrases import PHRASES, phrases_in
from bridge.pack.prompts import MANIFEST, build, missing, wanted
from tests.pack.lab import phone
from tests.parts.sound import seconds_of_sound, write_tone

SMALL = PackFacts(
    site="small",
    alarm_extensions=("9110",),
    groups=(Group(name="shift", tiers=((Person(endpoint="2001"),),)),),
    phones=(phone("1001"),),
    locations=(Place(tag="PLACE-A", spoken="Tank farm east, post three"),),
)

speaks = pytest.mark.real("espeak")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prompts")
    build(SMALL, made)
    return made


@speaks
def test_every_prompt_is_what_asterisk_plays(folder: Path) -> None:
    names = {prompt.name for prompt in wanted(SMALL)}
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.wav")} == names
    for path in folder.rglob("*.wav"):
        with wave.open(str(path)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        assert seconds_of_sound(path) > 0.3
    assert missing(SMALL, folder) == []


@speaks
def test_the_caller_hears_a_ring_and_then_the_words(folder: Path) -> None:
    with wave.open(str(folder / "en/caller/waiting.wav")) as sound:
        seconds = sound.getnframes() / 8000
    assert seconds > 6
    # One second of ring, and a few of words.
    assert 2 < seconds_of_sound(folder / "en/caller/waiting.wav") < seconds - 3


@speaks
def test_building_again_makes_only_what_says_something_else(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    again = build(SMALL, tmp_path / "prompts")
    assert (again.made, again.removed) == ((), ())
    moved = replace(SMALL, locations=(Place(tag="PLACE-B", spoken="Tank farm west"),))
    changed = build(moved, tmp_path / "prompts")
    assert (changed.made, changed.removed) == (("en/location-PLACE-B",), ("en/location-PLACE-A",))
    renamed = build(replace(moved, locations=(Place(tag="PLACE-B", spoken="Jetty"),)), tmp_path / "prompts")
    assert renamed.made == ("en/location-PLACE-B",)


@speaks
@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"RIFF"), "is no WAV file"),
        (lambda path: write_tone(path, 440, 0.1), "is only 0.10 s long"),
        (lambda path: write_tone(path, 440, 1.0, level=0.0), "is silent"),
    ],
    ids=["missing", "no-wav", "short", "silent"],
)
def test_a_damaged_prompt_is_named_and_made_anew(
    folder: Path, tmp_path: Path, damage: object, complaint: str
) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    damage(tmp_path / "prompts/en/press-1.wav")  # type: ignore[operator]
    [found] = missing(SMALL, tmp_path / "prompts")
    assert found.startswith(f"en/press-1.wav {complaint}")
    assert build(SMALL, tmp_path / "prompts").made == ("en/press-1",)


@speaks
def test_text_that_looks_like_an_option_is_spoken(tmp_path: Path) -> None:
    facts = replace(SMALL, locations=(Place(tag="PLACE-A", spoken="--version `id` $(id) Größe"),))
    build(facts, tmp_path)
    assert missing(facts, tmp_path) == []


@pytest.mark.parametrize("tool", ["espeak-ng", "sox"])
def test_a_missing_tool_names_its_package(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else which(name) or "/bin/true")
    with pytest.raises(ConfigError, match=f"apt-get install {tool}"):
        build(SMALL, tmp_path)


@speaks
def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        build(SMALL, tmp_path / "file")


@speaks
def test_a_manifest_cannot_make_it_remove_other_files(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    bystander = write_tone(tmp_path / "bystander.wav", 440, 0.1)
    known = json.loads((tmp_path / "prompts" / MANIFEST).read_text())
    (tmp_path / "prompts" / MANIFEST).write_text(json.dumps({**known, "../bystander": "x"}))
    build(SMALL, tmp_path / "prompts")
    assert bystander.exists()


def test_each_language_in_use_says_everything() -> None:
    german = Group(name="werk", tiers=((Person(endpoint="3001", language="de"),),))
    names = [prompt.name for prompt in wanted(replace(SMALL, groups=(*SMALL.groups, german)))]
    assert "de/location-PLACE-A" in names
    assert "de/press-1" in names
    # The caller hears the site's language only.
    assert "de/caller/waiting" not in names
    assert len(names) == len(set(names))


def test_numbers_are_said_digit_by_digit() -> None:
    [number] = [prompt for prompt in wanted(SMALL) if prompt.name == "en/number-P-1001"]
    assert number.text == "Call back number: 1, 0, 0, 1."


@pytest.mark.parametrize("language", PHRASES)
def test_phrases_have_their_place_for_what_is_spoken(language: str) -> None:
    phrases = PHRASES[language]
    assert phrases.location.format(place="HERE").count("HERE") == 1
    assert phrases.call_back_number.format(number="4").count("4") == 1
    others: Mapping[str, str] = {name: getattr(phrases, name) for name in phrases.__slots__}
    assert all(
        text and "{" not in text
        for name, text in others.items()
        if name not in {"location", "call_back_number"}
    )


def test_a_language_without_phrases_is_refused_by_name() -> None:
    assert phrases_in("de-AT") is PHRASES["de"]
    with pytest.raises(ConfigError, match="language `fi`: use one of en, de"):
        phrases_in("fi")


@speaks
def test_an_exchange_of_our_own_has_no_sounds_of_a_pbx_to_fall_back_on(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    own = replace(SMALL, own_exchange=True)
    digits = {f"en/digits/{digit}" for digit in range(10)}
    assert set(build(own, tmp_path / "prompts").made) == {"en/console-has-it", "en/caller/ringback", *digits}
    assert missing(own, tmp_path / "prompts") == []
    assert 0.9 < seconds_of_sound(tmp_path / "prompts/en/caller/ringback.wav") < 1.1
