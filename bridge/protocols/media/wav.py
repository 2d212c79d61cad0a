"""WAV files of a telephone's sound: prompts are read, recordings are written.

Called by the media child's file threads, and by `builtin` never: a file is opened where it is used.
"""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path
from typing import Final

from bridge.errors import SosBridgeError
from bridge.protocols.media.rtp import RATE

LONGEST: Final = 300
"""Seconds of a prompt: it is kept in memory."""
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE: Final = 2
_LARGEST: Final = 0xFFFF_FFFF - _HEADER.size


class BadWav(SosBridgeError):
    """The file cannot be played. The text names it and says what is wrong."""


def read_prompt(file: Path) -> bytes:
    """Return the linear samples (16 bit, little-endian) of a WAV file. Raises BadWav."""
    try:
        with wave.open(str(file), "rb") as sound:
            shape = (sound.getframerate(), sound.getnchannels(), 8 * sound.getsampwidth())
            if shape != (RATE, 1, 16):
                raise BadWav(
                    f"{file}: {shape[0]} Hz, {shape[1]} channel(s), {shape[2]} bit; "
                    "a prompt is 8000 Hz, mono, 16 bit (sox in.wav -r 8000 -c 1 -b 16 out.wav)"
                )
            if sound.getnframes() > LONGEST * RATE:
                raise BadWav(f"{file}: longer than {LONGEST} s")
            linear = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError, struct.error) as error:
        raise BadWav(f"{file}: no WAV file that can be played: {error or 'it is cut off'}") from error
    except (OSError, ValueError) as error:
        raise BadWav(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if not linear:
        raise BadWav(f"{file}: no sound in it")
    return linear[: len(linear) // _SAMPLE * _SAMPLE]


class WavWriter:
    """A recording that grows. After every `write` the file is whole: who is killed loses only what waits."""

    def __init__(self, file: Path, channels: int) -> None:
        """Make the file (mode 0640). Raises OSError, also where it exists: no recording is overwritten."""
        self._channels = channels
        self._bytes = 0
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._write_header()

    def write(self, linear: bytes) -> None:
        """Append samples, interleaved when there are two channels. Raises OSError."""
        if self._bytes + len(linear) > _LARGEST:
            raise OSError("a WAV file holds no more than 4 GB")
        self._file.seek(_HEADER.size + self._bytes)
        # A raw write may stop short, at a full disk for one; the next attempt then says why.
        rest = memoryview(linear)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._bytes += len(linear)
        self._write_header()

    def close(self) -> float:
        """Bring it to the disk and return its length in seconds. Raises OSError."""
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        return self._bytes / (RATE * _SAMPLE * self._channels)

    def _write_header(self) -> None:
        frame = _SAMPLE * self._channels
        self._file.seek(0)
        self._file.write(
            _HEADER.pack(
                b"RIFF",
                _HEADER.size - 8 + self._bytes,
                b"WAVE",
                b"fmt ",
                16,
                1,
                self._channels,
                RATE,
                RATE * frame,
                frame,
                16,
                b"data",
                self._bytes,
            )
        )
