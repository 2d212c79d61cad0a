"""One announcement as a file: spoken by a program or recorded, and what Asterisk plays made of it by sox.

Asterisk plays 8 kHz mono 16 bit WAV; espeak-ng's own 22.05 kHz fails at once. No shell is ever asked.
Used by `prompts`.
"""

from __future__ import annotations

import array
import shutil
import subprocess
import wave
from pathlib import Path
from typing import Final

from bridge.errors import ConfigError, SosBridgeError
from bridge.pack.facts import ESPEAK, Speech

RATE: Final = 8000
SHORTEST: Final = 0.3
"""Seconds; nothing that is said is shorter."""
SILENT: Final = 500
"""Loudest sample (of 32767) below which a file counts as silent."""
TOOL_SECONDS: Final = 30.0

_SHAPE: Final = ("-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed-integer")
_SPEECH_LOOK: Final = ("gain", "-n", "-3", "pad", "0.1", "0.3")
_RING: Final = ("synth", "1", "sine", "425", "gain", "-15", "pad", "0", "4")
"""One ringback tone as in most of the world (ITU-T E.180): 425 Hz, 1 s on, 4 s off."""


def require_sox() -> None:
    """Raises ConfigError where it is not there."""
    if shutil.which("sox") is None:
        raise ConfigError("sox is missing: apt-get install sox")


def require_speech(speech: Speech) -> None:
    """Raises ConfigError where the program that speaks is not there."""
    program = speech.command[0]
    if shutil.which(program) is None:
        remedy = "apt-get install espeak-ng" if speech.command == ESPEAK else "`prompts.command` names it"
        raise ConfigError(f"{program} is missing: {remedy}")


def ring(made: Path) -> None:
    """Make the ringback tone alone."""
    _run("sox", "-n", *_SHAPE, str(made), *_RING)


def speak(text: str, language: str, speech: Speech, made: Path) -> None:
    """Let the text be spoken into `made`.

    Raises ConfigError where the program refuses, SosBridgeError where it hangs or what it made is no speech.
    """
    spoken, program = made.with_suffix(".spoken.wav"), speech.command[0]
    values = {"{language}": language, "{file}": str(spoken)}
    # The text goes in by stdin: it may begin with a dash.
    _run(program, *(_filled(argument, values) for argument in speech.command[1:]), text=text)
    if not spoken.is_file():
        raise ConfigError(f"{program} wrote no file: `prompts.command` must make it write {{file}}")
    _run("sox", str(spoken), *_SHAPE, str(made), *_SPEECH_LOOK)
    if wrong := complaint(made):
        raise SosBridgeError(f"what {program} and sox made {wrong}")


def take(recording: Path, made: Path) -> None:
    """Make `made` of a recording, no louder than it is.

    Raises ConfigError where it cannot be read, is too short or silent.
    """
    _run("sox", str(recording), *_SHAPE, str(made))
    if wrong := complaint(made):
        raise ConfigError(f"{recording} {wrong}")


def ring_first(words: Path, made: Path) -> None:
    """Make the ringback tone with the words behind it."""
    tone = made.with_suffix(".ring.wav")
    ring(tone)
    _run("sox", str(tone), str(words), str(made))


def complaint(file: Path) -> str:
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


def _filled(argument: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        argument = argument.replace(placeholder, value)
    return argument


def _run(*command: str, text: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=TOOL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SosBridgeError(f"{command[0]} did not end within {TOOL_SECONDS:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        code = f"exit code {done.returncode}"
        raise ConfigError(f"{' '.join(command[:3])}: {f'{code}: {said}' if said else code}")
