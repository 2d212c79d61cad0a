"""Tones as WAV files: what a simulated phone says, and what a prompt is where nothing can speak."""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bridge.protocols.media.rtp import RATE

_LOUDEST: Final = 32767
_LEVEL: Final = 0.3


def write_tone(file: Path, hertz: float, seconds: float = 1.0) -> Path:
    """Write a sine tone as 8 kHz mono 16 bit WAV and return `file`.

    A tone of whole hertz and whole seconds can be looped without a click.
    """
    return write_melody(file, [(hertz, seconds)])


def write_melody(file: Path, notes: Sequence[tuple[float, float]]) -> Path:
    """Write tones one after the other. notes: hertz and seconds; 0 Hz is a pause."""
    samples = array("h")
    for hertz, seconds in notes:
        step = math.tau * hertz / RATE
        count = round(seconds * RATE)
        samples.extend(round(_LEVEL * _LOUDEST * math.sin(step * n)) for n in range(count))
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return file
