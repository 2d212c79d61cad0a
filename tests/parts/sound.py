"""Sound files for the phones of a test, and what is heard in them. No program beside Python is needed."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path
from typing import Final

RATE: Final = 8000
"""Samples a second of every file here: what a telephone carries."""
_PIECES_A_SECOND: Final = 50
_LOUD: Final = 500
"""Of 32767: above the noise that A-law makes of silence."""


def write_tone(file: Path, hertz: int, seconds: float = 60.0, *, level: float = 0.3) -> Path:
    """Write a sine tone as WAV (8 kHz, mono, 16 bit) and return `file`."""
    height = 32767 * level
    second = array.array("h", (round(height * math.sin(math.tau * hertz * n / RATE)) for n in range(RATE)))
    whole, rest = divmod(round(seconds * RATE), RATE)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(second.tobytes() * whole + second[:rest].tobytes())
    return file


def strength(file: Path, hertz: int) -> float:
    """Return how much of the sound in a WAV file is a tone of `hertz`: 0.0 none, 1.0 nothing else.

    Silence does not count: the answer is the mean over the loud pieces.
    """
    loud, rate = _loud_pieces(file)
    return sum(_share(piece, hertz, rate) for piece in loud) / len(loud) if loud else 0.0


def seconds_of_sound(file: Path) -> float:
    """Return for how many seconds a WAV file is not silent."""
    loud, _ = _loud_pieces(file)
    return len(loud) / _PIECES_A_SECOND


def read_samples(file: Path) -> tuple[array.array[int], int]:
    """Return the samples (first channel, 16 bit) and the rate of a WAV file, finished or still growing."""
    with wave.open(str(file), "rb") as source:
        channels, rate = source.getnchannels(), source.getframerate()
    # A file whose writer was killed has a header that says "no data": the rest of the file is the data.
    data = file.read_bytes()
    start = data.index(b"data") + 8
    samples = array.array("h", data[start : start + (len(data) - start) // 2 * 2])
    return samples[::channels], rate


def _loud_pieces(file: Path) -> tuple[list[array.array[int]], int]:
    samples, rate = read_samples(file)
    size = rate // _PIECES_A_SECOND
    pieces = (samples[start : start + size] for start in range(0, len(samples) - size, size))
    return [piece for piece in pieces if max(map(abs, piece)) > _LOUD], rate


def _share(piece: array.array[int], hertz: int, rate: int) -> float:
    """The power at `hertz` (Goertzel) over the whole power of the piece."""
    real = sum(value * math.cos(math.tau * hertz * n / rate) for n, value in enumerate(piece))
    imaginary = sum(value * math.sin(math.tau * hertz * n / rate) for n, value in enumerate(piece))
    power = sum(value * value for value in piece)
    return min(1.0, 2 * (real * real + imaginary * imaginary) / (len(piece) * power))
