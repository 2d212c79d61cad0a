"""The announcements: made by espeak-ng and sox, kept while they say the same, and provably playable."""

from __future__ import annotations

import json
import re
import shutil
import wave
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import ConfigError, SosBridgeError
from bridge.pack.facts import Group, PackFacts, Person, Place, Speech
from bridge.pack.phrases import PHRASES, phrases_in
from bridge.pack.prompts import MANIFEST, build, missing, wanted
from bridge.pack.site import announced
from tests.pack.lab import phone
from tests.pack.site import TEXT, load_site
from tests.parts.sound import seconds_of_sound, strength, write_tone

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
        assert seconds_of_sound(path) > 0.2
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
    assert changed.made == ("en/location-PLACE-B", "en/place-PLACE-B")
    assert changed.removed == ("en/location-PLACE-A", "en/place-PLACE-A")
    renamed = build(replace(moved, locations=(Place(tag="PLACE-B", spoken="Jetty"),)), tmp_path / "prompts")
    assert renamed.made == ("en/location-PLACE-B", "en/place-PLACE-B")


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
    folder: Path, tmp_path: Path, damage: Callable[[Path], object], complaint: str
) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    damage(tmp_path / "prompts/en/press-1.wav")
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
    # No phone speaks it to its caller.
    assert "de/caller/waiting" not in names
    assert "de/person-has-it" not in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("own_exchange", [False, True])
def test_a_caller_is_told_in_the_language_of_the_phone(own_exchange: bool) -> None:
    phones = (*SMALL.phones, replace(phone("1002"), language="de"), replace(phone("1003"), language="en"))
    names = [prompt.name for prompt in wanted(replace(SMALL, phones=phones, own_exchange=own_exchange))]
    # Nobody is rung in German: a caller needs no more.
    callers = ["de/person-has-it", "de/caller/waiting", *(["de/caller/ringback"] if own_exchange else [])]
    assert [name for name in names if name.startswith("de/")] == callers
    assert {name.replace("de/", "en/") for name in callers} <= set(names)
    assert len(names) == len(set(names))


def test_a_dispatcher_of_any_language_hears_a_phone_ring_that_is_called_back() -> None:
    german = Group(name="werk", tiers=((Person(endpoint="3001", language="de"),),))
    own = replace(SMALL, groups=(*SMALL.groups, german), own_exchange=True)
    assert {"en/caller/ringback", "de/caller/ringback"} <= {prompt.name for prompt in wanted(own)}


def test_numbers_are_said_digit_by_digit() -> None:
    [number] = [prompt for prompt in wanted(SMALL) if prompt.name == "en/number-P-1001"]
    assert number.text == "Call back number: 1, 0, 0, 1."


@pytest.mark.parametrize("language", PHRASES)
def test_how_many_more_wait_is_said_up_to_nine_then_they_are_many(language: str) -> None:
    spoken = replace(
        SMALL, groups=(Group(name="shift", tiers=((Person(endpoint="2001", language=language),),)),)
    )
    said = {
        prompt.name: prompt.text for prompt in wanted(spoken) if prompt.name.startswith(f"{language}/more-")
    }
    assert list(said) == [f"{language}/more-{count}" for count in (*range(1, 10), "many")]
    assert len(set(said.values())) == 10
    assert said[f"{language}/more-4"] == PHRASES[language].more.format(number=4)


@pytest.mark.parametrize("language", PHRASES)
def test_phrases_have_their_place_for_what_is_spoken(language: str) -> None:
    phrases = PHRASES[language]
    assert phrases.location.format(place="HERE").count("HERE") == 1
    assert phrases.place.format(place="HERE").count("HERE") == 1
    assert phrases.call_back_number.format(number="4").count("4") == 1
    assert phrases.more.format(number="4").count("4") == 1
    others: Mapping[str, str] = {name: getattr(phrases, name) for name in phrases.__slots__}
    assert all(
        text and "{" not in text
        for name, text in others.items()
        if name not in {"location", "place", "call_back_number", "more"}
    )


def test_a_language_without_phrases_is_refused_by_name() -> None:
    assert phrases_in("de-AT") is PHRASES["de"]
    with pytest.raises(ConfigError, match="language `fi`: use one of en, de"):
        phrases_in("fi")


@speaks
def test_an_exchange_of_our_own_needs_what_a_pbx_does_in_another_way(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "prompts")
    own = replace(SMALL, own_exchange=True)
    assert set(build(own, tmp_path / "prompts").made) == {"en/console-has-it", "en/caller/ringback"}
    assert missing(own, tmp_path / "prompts") == []
    assert 0.9 < seconds_of_sound(tmp_path / "prompts/en/caller/ringback.wav") < 1.1


# --- other voices -----------------------------------------------------------------------------------


@pytest.fixture
def tones(tmp_path: Path) -> Callable[..., Speech]:
    """Make a program that "speaks" a tone of 440 Hz, and notes what it was asked; return the Speech."""
    script = tmp_path / "says.sh"
    script.write_text(
        "file=$1 noted=$2; shift 2\n"
        'printf "%s|" "$@" >>"$noted"; cat >>"$noted"; echo >>"$noted"\n'
        'exec sox -n -r 16000 -c 2 "$file" synth 1 sine 440 gain -9\n'
    )
    noted = tmp_path / "noted"
    noted.touch()

    def speech(*arguments: str, recorded: str = "") -> Speech:
        command = ("sh", str(script), "{file}", str(noted), *arguments)
        return Speech(command=command, recorded=recorded)

    return speech


@speaks
def test_any_program_may_speak(tones: Callable[..., Speech], tmp_path: Path) -> None:
    facts = replace(SMALL, speech=tones("--voice={language}", "$(id)", "`id`;"))
    build(facts, tmp_path / "out")
    assert missing(facts, tmp_path / "out") == []
    assert strength(tmp_path / "out/en/press-1.wav", 440) > 0.8
    said = (tmp_path / "noted").read_text().splitlines()
    # Nobody has taken it for a command, and the text came on standard input.
    assert f"--voice=en|$(id)|`id`;|{PHRASES['en'].press_1}" in said


@speaks
def test_what_another_program_speaks_is_made_anew_and_nothing_else(
    tones: Callable[..., Speech], tmp_path: Path
) -> None:
    facts = replace(SMALL, own_exchange=True, speech=tones())
    first = build(facts, tmp_path / "out")
    assert build(facts, tmp_path / "out").made == ()
    again = build(replace(facts, speech=tones("slower")), tmp_path / "out")
    assert set(first.made) - set(again.made) == {"en/caller/ringback"}
    assert again.kept == ("en/caller/ringback",)


@speaks
def test_a_recording_is_taken_in_place_of_speech(tones: Callable[..., Speech], tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    (recorded / "en/caller").mkdir(parents=True)
    write_tone(recorded / "en/press-1.wav", 700, 1.0)
    write_tone(recorded / "en/caller/waiting.wav", 900, 2.0)
    write_tone(recorded / "en/pres-1.wav", 700, 1.0)
    facts = replace(SMALL, speech=tones(recorded=str(recorded)))
    built = build(facts, tmp_path / "out")
    assert built.unused == ("en/pres-1",)
    assert missing(facts, tmp_path / "out") == []
    assert strength(tmp_path / "out/en/press-1.wav", 700) > 0.8
    # The ring comes first: a second of it, and two of words.
    assert 2.8 < seconds_of_sound(tmp_path / "out/en/caller/waiting.wav") < 3.2
    assert 0.5 < strength(tmp_path / "out/en/caller/waiting.wav", 900) < 0.8
    assert PHRASES["en"].press_1 not in (tmp_path / "noted").read_text()
    assert build(facts, tmp_path / "out").made == ()


@speaks
def test_another_recording_is_made_anew_and_nothing_else(
    tones: Callable[..., Speech], tmp_path: Path
) -> None:
    recorded = tmp_path / "recorded"
    (recorded / "en").mkdir(parents=True)
    facts = replace(SMALL, speech=tones(recorded=str(recorded)))
    build(facts, tmp_path / "out")
    for hertz in (700, 800):
        write_tone(recorded / "en/over.wav", hertz, 1.0)
        assert build(facts, tmp_path / "out").made == ("en/over",)
        assert strength(tmp_path / "out/en/over.wav", hertz) > 0.8
    # The program may change: it did not speak this one. Without the recording it does again.
    assert (
        "en/over" in build(replace(facts, speech=tones("x", recorded=str(recorded))), tmp_path / "out").kept
    )
    (recorded / "en/over.wav").unlink()
    assert "en/over" in build(facts, tmp_path / "out").made


@speaks
@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda path: write_tone(path, 440, 0.1), "is only 0.10 s long"),
        (lambda path: write_tone(path, 440, 1.0, level=0.001), "is silent"),
        (lambda path: path.write_text("no sound"), "exit code"),
    ],
    ids=["short", "silent", "no-wav"],
)
def test_a_recording_of_no_use_is_named(
    tones: Callable[..., Speech], tmp_path: Path, damage: Callable[[Path], object], complaint: str
) -> None:
    file = tmp_path / "recorded/en/press-1.wav"
    file.parent.mkdir(parents=True)
    damage(file)
    facts = replace(SMALL, speech=tones(recorded=str(tmp_path / "recorded")))
    with pytest.raises(ConfigError, match=rf"prompt en/press-1: .*{re.escape(str(file))}.* {complaint}"):
        build(facts, tmp_path / "out")


def test_a_folder_of_recordings_that_is_not_there_is_named(tmp_path: Path) -> None:
    facts = replace(SMALL, speech=Speech(recorded=str(tmp_path / "nowhere")))
    with pytest.raises(ConfigError, match=r"prompts\.recorded: .*nowhere is no folder"):
        build(facts, tmp_path / "out")


@speaks
@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("no-such-speaker", "{file}"), "no-such-speaker is missing: `prompts.command` names it"),
        (
            ("sh", "-c", "echo no voice >&2; exit 3", "{file}"),
            "prompt en/.*: sh -c .*: exit code 3: no voice",
        ),
        (("sh", "-c", "exit 4", "{file}"), "prompt en/.*: sh -c exit 4: exit code 4$"),
        (("true", "{file}"), "prompt en/.*: true wrote no file: `prompts.command` must make it write {file}"),
        (
            ("sox", "-n", "-r", "8000", "{file}", "trim", "0", "1"),
            "prompt en/.*: what sox and sox made is silent",
        ),
    ],
    ids=["no-program", "exit-code", "exit-code-alone", "no-file", "silent"],
)
def test_a_program_that_does_not_speak_is_named(
    command: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(SosBridgeError, match=complaint):
        build(replace(SMALL, speech=Speech(command=command)), tmp_path / "out")


@speaks
def test_without_a_program_recordings_and_tones_are_enough(tmp_path: Path) -> None:
    """Who records everything needs no program that speaks."""
    for prompt in wanted(SMALL):
        file = tmp_path / "recorded" / f"{prompt.name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_tone(file, 700, 0.5)
    speech = Speech(command=("no-such-speaker", "{file}"), recorded=str(tmp_path / "recorded"))
    facts = replace(SMALL, speech=speech)
    build(facts, tmp_path / "out")
    assert missing(facts, tmp_path / "out") == []


def test_the_site_says_who_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert announced(load_site(monkeypatch)).speech == Speech()
    own = TEXT + "prompts: {command: [piper, --out, '{file}'], recorded: /srv/voices}\n"
    speech = announced(load_site(monkeypatch, own)).speech
    assert speech == Speech(command=("piper", "--out", "{file}"), recorded="/srv/voices")
