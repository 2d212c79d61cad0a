"""What somebody who listens would say of a piece of sound: silence, a tone and which, speech, noise. Pure.

Called by `call`, with what the media child has recorded of the other side.
"""

from __future__ import annotations

import enum
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, pstdev
from typing import Final

from bridge.protocols.media.rtp import RATE

PIECE: Final = RATE // 20
"""Samples of the pieces (50 ms) that are looked at one by one; a syllable has several."""
_LOUD: Final = 250.0
"""Root mean square, of 32767, from which on a piece is not silent: well above what G.711 makes of silence."""
_FEW: Final = 0.1
"""Share of loud pieces up to which all of it is silence: a click is no word."""
_PURE: Final = 0.8
"""Share of the power that one frequency has in a tone; a vowel stays below a half."""
_MOSTLY: Final = 0.7
"""Share of loud pieces that must be the same tone."""
_SAME_HERTZ: Final = 15.0
_UNEVEN: Final = 0.25
"""Spread of the loudness over its mean: speech rises and falls with its syllables, noise does not."""


class Kind(enum.StrEnum):
    """What it sounds like."""

    SILENCE = "silence"
    TONE = "tone"
    SPEECH = "speech"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard. hertz: of a tone, 0 otherwise."""

    kind: Kind
    hertz: int = 0

    def __str__(self) -> str:
        return f"a tone of {self.hertz} Hz" if self.kind is Kind.TONE else str(self.kind)


def listen(samples: Sequence[int]) -> Heard:
    """Return what 16 bit samples at 8 kHz sound like, as a whole; best half a second or more."""
    pieces = list(_pieces(samples))
    loud = [(piece, level) for piece in pieces if (level := _level(piece)) >= _LOUD]
    if len(loud) <= _FEW * len(pieces):
        return Heard(Kind.SILENCE)
    tones = [hertz for piece, _ in loud if (hertz := _tone(piece))]
    if tones:
        usual = median(tones)
        if sum(abs(hertz - usual) <= _SAME_HERTZ for hertz in tones) >= _MOSTLY * len(loud):
            return Heard(Kind.TONE, round(usual))
    levels = [_level(piece) for piece in pieces]
    uneven = pstdev(levels) / fmean(levels) >= _UNEVEN
    return Heard(Kind.SPEECH if uneven else Kind.NOISE)


def goertzel(samples: Sequence[int], hertz: float) -> float:
    """Return the share of one frequency in the power of a piece: 0.0 none, 1.0 nothing else (Goertzel)."""
    power = sum(sample * sample for sample in samples)
    if not power:
        return 0.0
    turn = 2 * math.cos(math.tau * hertz / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    found = last * last + before * before - turn * last * before
    return min(1.0, 2 * found / (len(samples) * power))


def _pieces(samples: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(samples) - PIECE + 1, PIECE):
        yield samples[start : start + PIECE]


def _level(piece: Sequence[int]) -> float:
    return math.sqrt(sum(sample * sample for sample in piece) / len(piece))


def _tone(piece: Sequence[int]) -> float:
    """Return the frequency of a piece that is a tone, 0 otherwise."""
    # The zero crossings name it, Goertzel proves it: far cheaper than to try every frequency.
    hertz = _crossings(piece)
    return hertz if hertz and goertzel(piece, hertz) >= _PURE else 0.0


def _crossings(piece: Sequence[int]) -> float:
    """Return how often a second the sound rises through zero; exact for a sine."""
    rises = [
        index + before / (before - after)
        for index, (before, after) in enumerate(pairwise(piece))
        if before < 0 <= after
    ]
    return (len(rises) - 1) * RATE / (rises[-1] - rises[0]) if len(rises) > 1 else 0.0


def left_track(interleaved: bytes) -> array[int]:
    """Return the first of two tracks of 16 bit samples; what is not a whole pair at the end is left out."""
    samples = array("h")
    samples.frombytes(interleaved[: len(interleaved) // 4 * 4])
    return samples[::2]
