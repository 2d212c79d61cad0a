"""The announcements as files: which there are, and that each is made, kept or removed as the site wants it.

Everything is made beforehand and is local: a media server that is down or hung costs the announcement, or the
caller's patience. `speaking` makes one file. Called by `sosbridge prompts build` and
`sosbridge asterisk render --prompts`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import ConfigError, SosBridgeError
from bridge.pack import speaking
from bridge.pack.facts import ESPEAK, PackFacts, Speech
from bridge.pack.phrases import phrases_in

RECIPE: Final = "1"
"""Raise it when the way of making a file changes: every file is made anew."""
MANIFEST: Final = "prompts.json"

_NAME: Final = re.compile(r"[0-9A-Za-z-]+(/caller|/digits)?/[0-9A-Za-z_-][0-9A-Za-z_.-]*")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One file: `name` is its path below the folder, without `.wav`."""

    name: str
    language: str
    text: str
    rings_first: bool = False
    """A ringback tone comes before the words, for what is played in a loop to a waiting caller. Without
    words there is the tone alone."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: names of files."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    unused: tuple[str, ...] = ()
    """Recordings that no announcement is named after."""


def wanted(facts: PackFacts) -> Iterator[Prompt]:
    """Yield every prompt of the site: each phrase, location and number in each language in use.

    Raises ConfigError for a language without phrases.
    """
    for language in facts.languages:
        yield from _wanted_by_dispatchers(language, facts)
    for language in facts.caller_languages:
        yield from _wanted_by_callers(language)
    if facts.own_exchange:
        # The dispatcher who pressed 1 hears the phone ring, too.
        for language in dict.fromkeys((*facts.languages, *facts.caller_languages)):
            yield Prompt(f"{language}/caller/ringback", language, "", rings_first=True)


def build(facts: PackFacts, folder: Path) -> Built:
    """Make the files that are missing or say something else by now; remove our own that nobody needs.

    Raises ConfigError where a tool, a voice or a folder is missing, or a recording is of no use;
    SosBridgeError where what was made cannot be played.
    """
    speech = facts.speech
    prompts = {prompt.name: prompt for prompt in wanted(facts)}
    unused = tuple(_unused(prompts.values(), speech))
    now = {name: _fingerprint(prompt, speech) for name, prompt in prompts.items()}
    known = _read_manifest(folder)
    fresh = {name for name in prompts if known.get(name) == now[name] and not _complaint(folder, name)}
    made = [prompt for name, prompt in prompts.items() if name not in fresh]
    if made:
        _require_tools(made, speech)
    for prompt in made:
        _make(prompt, speech, folder)
    stale = sorted(known.keys() - prompts.keys())
    for name in stale:
        (folder / f"{name}.wav").unlink(missing_ok=True)
    _write_manifest(folder, now)
    return Built(tuple(prompt.name for prompt in made), tuple(sorted(fresh)), tuple(stale), unused)


def missing(facts: PackFacts, folder: Path) -> list[str]:
    """Return what is wrong with the files in `folder`, a line each; empty when all can be played."""
    complaints = ((prompt.name, _complaint(folder, prompt.name)) for prompt in wanted(facts))
    return [f"{name}.wav {complaint}" for name, complaint in complaints if complaint]


def _wanted_by_dispatchers(language: str, facts: PackFacts) -> Iterator[Prompt]:
    say = phrases_in(language)
    fixed = {
        "location-unknown": say.location_unknown,
        "video-unconfirmed": say.video_unconfirmed,
        "video-none": say.video_none,
        "exercise": say.exercise,
        "press-1": say.press_1,
        "one-more": say.another_person,
        "taken": say.taken,
        "over": say.over,
        "redialled": say.redialled,
        "never": say.never,
        "no-answer": say.no_answer,
        "missed": say.missed,
        "place-unknown": say.place_unknown,
        "press-heard": say.press_heard,
        **{f"digits/{digit}": digit for digit in "0123456789"},
    }
    for name, text in fixed.items():
        yield Prompt(f"{language}/{name}", language, text)
    yield from _wanted_of_the_line(language)
    for place in facts.locations:
        yield Prompt(f"{language}/location-{place.tag}", language, say.location.format(place=place.spoken))
        yield Prompt(f"{language}/place-{place.tag}", language, say.place.format(place=place.spoken))
    for phone in facts.phones:
        # Digit by digit: "four, seven, one, one", not "four thousand ...".
        text = say.call_back_number.format(number=", ".join(phone.number))
        yield Prompt(f"{language}/number-{phone.id}", language, text)
    if facts.own_exchange:
        yield from _wanted_by_the_exchange(language)


def _wanted_by_callers(language: str) -> Iterator[Prompt]:
    say = phrases_in(language)
    yield Prompt(f"{language}/person-has-it", language, say.person_has_it)
    yield Prompt(f"{language}/caller/waiting", language, say.sent, rings_first=True)


def _wanted_of_the_line(language: str) -> Iterator[Prompt]:
    """Yield how many other SOS stand in line for a dispatcher: `more-1` to `more-9`, `more-many`."""
    say = phrases_in(language)
    yield Prompt(f"{language}/more-1", language, say.one_more)
    for number in range(2, 10):
        yield Prompt(f"{language}/more-{number}", language, say.more.format(number=number))
    yield Prompt(f"{language}/more-many", language, say.many_more)


def _wanted_by_the_exchange(language: str) -> Iterator[Prompt]:
    """Yield what a PBX does in another way."""
    yield Prompt(f"{language}/console-has-it", language, phrases_in(language).console_has_it)


# --- making one -------------------------------------------------------------------------------------


def _require_tools(prompts: Iterable[Prompt], speech: Speech) -> None:
    speaking.require_sox()
    if any(prompt.text and _recording(prompt, speech) is None for prompt in prompts):
        speaking.require_speech(speech)


def _make(prompt: Prompt, speech: Speech, folder: Path) -> None:
    target = folder / f"{prompt.name}.wav"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as scratch:
            made = _sound(prompt, speech, Path(scratch).absolute())
            made.chmod(0o644)
            os.replace(made, target)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from error
    except SosBridgeError as error:
        raise type(error)(f"prompt {prompt.name}: {error}") from error


def _sound(prompt: Prompt, speech: Speech, scratch: Path) -> Path:
    """Return the file that was made in `scratch`."""
    made = scratch / "made.wav"
    if not prompt.text:
        speaking.ring(made)
        return made
    words = scratch / "words.wav" if prompt.rings_first else made
    if recording := _recording(prompt, speech):
        speaking.take(recording, words)
    else:
        speaking.speak(prompt.text, prompt.language, speech, words)
    if prompt.rings_first:
        speaking.ring_first(words, made)
    return made


# --- recordings -------------------------------------------------------------------------------------


def _recording(prompt: Prompt, speech: Speech) -> Path | None:
    """Return the file that is taken in place of speech, where there is one."""
    if not speech.recorded or not prompt.text:
        return None
    file = Path(speech.recorded) / f"{prompt.name}.wav"
    return file if file.is_file() else None


def _unused(prompts: Iterable[Prompt], speech: Speech) -> Iterator[str]:
    """Yield the recordings that no announcement is named after: a slip of the pen, or no longer wanted."""
    if not speech.recorded:
        return
    folder = Path(speech.recorded)
    if not folder.is_dir():
        raise ConfigError(f"prompts.recorded: {folder} is no folder")
    used = {_recording(prompt, speech) for prompt in prompts}
    yield from sorted(
        file.relative_to(folder).with_suffix("").as_posix()
        for file in folder.rglob("*.wav")
        if file not in used
    )


def _fingerprint(prompt: Prompt, speech: Speech) -> str:
    """Return a hash of all that its file is made of: it changes when the file must be made anew."""
    if recording := _recording(prompt, speech):
        try:
            taken = hashlib.sha256(recording.read_bytes()).hexdigest()
        except OSError as error:
            raise ConfigError(f"{recording}: {error.strerror}") from error
        parts: tuple[str, ...] = (RECIPE, "recorded", taken, str(prompt.rings_first))
    else:
        own = speech.command if prompt.text and speech.command != ESPEAK else ()
        parts = (RECIPE, prompt.language, prompt.text, str(prompt.rings_first), *own)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# --- what is there already --------------------------------------------------------------------------


def _complaint(folder: Path, name: str) -> str:
    return speaking.complaint(folder / f"{name}.wav")


def _read_manifest(folder: Path) -> dict[str, str]:
    """Return name -> fingerprint of what an earlier build left; empty where that cannot be told."""
    try:
        known = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    # A name becomes a path that may be removed: it must be one that we could have written.
    return {name: str(made) for name, made in known.items() if _NAME.fullmatch(name)}


def _write_manifest(folder: Path, prompts: Mapping[str, str]) -> None:
    try:
        (folder / MANIFEST).write_text(json.dumps(prompts, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise ConfigError(f"{folder / MANIFEST}: {error.strerror}") from error
