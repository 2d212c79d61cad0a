"""The announcements as files: espeak-ng speaks, sox makes them what Asterisk plays.

Asterisk plays 8 kHz mono 16 bit WAV; espeak-ng's own 22.05 kHz fails at once. Everything is made
beforehand and is local: a media server that is down or hung costs the announcement, or the caller's patience.
Called by `sosbridge prompts build` and `sosbridge asterisk render --prompts`.
"""

from __future__ import annotations

import array
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import ConfigError, SosBridgeError
from bridge.pack.facts import PackFacts
from bridge.pack.phrases import phrases_in

RATE: Final = 8000
SHORTEST: Final = 0.3
"""Seconds; nothing that is said is shorter."""
SILENT: Final = 500
"""Loudest sample (of 32767) below which a file counts as silent."""
RECIPE: Final = "1"
"""Raise it when the way of making a file changes: every file is made anew."""
MANIFEST: Final = "prompts.json"
TOOL_SECONDS: Final = 30.0

_NAME: Final = re.compile(r"[A-Za-z-]+(/caller|/digits)?/[0-9A-Za-z_-][0-9A-Za-z_.-]*")
_SPEECH_LOOK: Final = ("gain", "-n", "-3", "pad", "0.1", "0.3")
_RING: Final = ("synth", "1", "sine", "425", "gain", "-15", "pad", "0", "4")
"""One ringback tone as in most of the world (ITU-T E.180): 425 Hz, 1 s on, 4 s off."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One file: `name` is its path below the folder, without `.wav`."""

    name: str
    language: str
    text: str
    rings_first: bool = False
    """A ringback tone comes before the words, for what is played in a loop to a waiting caller. Without
    words there is the tone alone."""

    @property
    def fingerprint(self) -> str:
        parts = (RECIPE, self.language, self.text, str(self.rings_first))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: names of files."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def wanted(facts: PackFacts) -> Iterator[Prompt]:
    """Yield every prompt of the site: each phrase, location and number in each language in use.

    Raises ConfigError for a language without phrases.
    """
    for language in facts.languages:
        yield from _wanted_in(language, facts)


def build(facts: PackFacts, folder: Path) -> Built:
    """Make the files that are missing or say something else by now; remove our own that nobody needs.

    Raises ConfigError where a tool, a voice or the folder is missing, SosBridgeError where what was made
    cannot be played.
    """
    prompts = {prompt.name: prompt for prompt in wanted(facts)}
    known = _read_manifest(folder)
    fresh = {name for name, prompt in prompts.items() if _is_fresh(folder, prompt, known)}
    made = [prompt for name, prompt in prompts.items() if name not in fresh]
    if made:
        _require_tools()
    for prompt in made:
        _make(prompt, folder)
    stale = sorted(known.keys() - prompts.keys())
    for name in stale:
        (folder / f"{name}.wav").unlink(missing_ok=True)
    _write_manifest(folder, {name: prompt.fingerprint for name, prompt in prompts.items()})
    return Built(tuple(prompt.name for prompt in made), tuple(sorted(fresh)), tuple(stale))


def missing(facts: PackFacts, folder: Path) -> list[str]:
    """Return what is wrong with the files in `folder`, a line each; empty when all can be played."""
    complaints = ((prompt.name, _complaint(folder / f"{prompt.name}.wav")) for prompt in wanted(facts))
    return [f"{name}.wav {complaint}" for name, complaint in complaints if complaint]


def _wanted_in(language: str, facts: PackFacts) -> Iterator[Prompt]:
    say = phrases_in(language)
    fixed = {
        "location-unknown": say.location_unknown,
        "video-unconfirmed": say.video_unconfirmed,
        "video-none": say.video_none,
        "exercise": say.exercise,
        "press-1": say.press_1,
        "taken": say.taken,
        "over": say.over,
        "redialled": say.redialled,
        "never": say.never,
        "no-answer": say.no_answer,
        "person-has-it": say.person_has_it,
    }
    for name, text in fixed.items():
        yield Prompt(f"{language}/{name}", language, text)
    for place in facts.locations:
        yield Prompt(f"{language}/location-{place.tag}", language, say.location.format(place=place.spoken))
    for phone in facts.phones:
        # Digit by digit: "four, seven, one, one", not "four thousand ...".
        text = say.call_back_number.format(number=", ".join(phone.number))
        yield Prompt(f"{language}/number-{phone.id}", language, text)
    if language == facts.language:
        yield Prompt(f"{language}/caller/waiting", language, say.sent, rings_first=True)
    if facts.own_exchange:
        yield from _wanted_by_the_exchange(language, facts)


def _wanted_by_the_exchange(language: str, facts: PackFacts) -> Iterator[Prompt]:
    """Yield what a PBX has sounds of its own for, or does in another way."""
    yield Prompt(f"{language}/console-has-it", language, phrases_in(language).console_has_it)
    for digit in "0123456789":
        yield Prompt(f"{language}/digits/{digit}", language, digit)
    if language == facts.language:
        yield Prompt(f"{language}/caller/ringback", language, "", rings_first=True)


# --- making one -------------------------------------------------------------------------------------


def _require_tools() -> None:
    for tool in ("espeak-ng", "sox"):
        if shutil.which(tool) is None:
            raise ConfigError(f"{tool} is missing: apt-get install {tool}")


def _make(prompt: Prompt, folder: Path) -> None:
    target = folder / f"{prompt.name}.wav"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as scratch:
            made = _speak(prompt, Path(scratch))
            if complaint := _complaint(made):
                raise SosBridgeError(f"prompt {prompt.name}: what espeak-ng and sox made {complaint}")
            made.chmod(0o644)
            os.replace(made, target)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from error


def _speak(prompt: Prompt, scratch: Path) -> Path:
    spoken, made = scratch / "spoken.wav", scratch / "made.wav"
    shape = ("-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed-integer")
    if not prompt.text:
        _run("sox", "-n", *shape, str(made), *_RING)
        return made
    # The text goes in by stdin: it may begin with a dash.
    voice = prompt.language.lower()
    _run("espeak-ng", "-v", voice, "-s", "145", "--stdin", "-w", str(spoken), text=prompt.text)
    if not prompt.rings_first:
        _run("sox", str(spoken), *shape, str(made), *_SPEECH_LOOK)
        return made
    words, ring = scratch / "words.wav", scratch / "ring.wav"
    _run("sox", str(spoken), *shape, str(words), *_SPEECH_LOOK)
    _run("sox", "-n", *shape, str(ring), *_RING)
    _run("sox", str(ring), str(words), str(made))
    return made


def _run(*command: str, text: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=TOOL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SosBridgeError(f"{command[0]} did not end within {TOOL_SECONDS:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise ConfigError(f"{' '.join(command[:3])}: {said}")


def _complaint(file: Path) -> str:
    """Say why Asterisk would not play this file as speech; '' when it would."""
    try:
        with wave.open(str(file), "rb") as sound:
            shape = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            frames = sound.readframes(sound.getnframes())
    except FileNotFoundError:
        return "is missing"
    except (OSError, EOFError, wave.Error) as error:
        return f"is no WAV file: {error}"
    if shape != (RATE, 1, 2):
        return f"is not 8 kHz mono 16 bit but {shape[0]} Hz, {shape[1]} channels, {8 * shape[2]} bit"
    samples = array.array("h", frames)
    if len(samples) < SHORTEST * RATE:
        return f"is only {len(samples) / RATE:.2f} s long"
    if max(map(abs, samples)) < SILENT:
        return "is silent"
    return ""


# --- what is there already --------------------------------------------------------------------------


def _is_fresh(folder: Path, prompt: Prompt, known: Mapping[str, str]) -> bool:
    if known.get(prompt.name) != prompt.fingerprint:
        return False
    return not _complaint(folder / f"{prompt.name}.wav")


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
