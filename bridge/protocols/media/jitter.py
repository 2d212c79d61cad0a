"""A fixed jitter buffer over samples: late, double and swapped packets in, an even stream out.

Called by the recorder of the media child, once for each direction. A relay has none: it forwards at once and
leaves the buffering to the phones. Works on timestamps, so packets may be of any length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.protocols.media.rtp import FRAME, UINT32, distance

WIDTH: Final = 2
"""Bytes a sample: linear, 16 bit."""
DEPTH: Final = 3 * FRAME
"""Samples (60 ms) that a packet may come later than the first one did."""
MOST: Final = 50 * FRAME
"""Samples (1 s) ahead of what is played: a timestamp further away is a new beginning."""


@dataclass(slots=True)
class JitterCounts:
    """How the packets came. `missing`: samples that were due and not there."""

    late: int = 0
    duplicate: int = 0
    reordered: int = 0
    restarts: int = 0
    missing: int = 0


class JitterBuffer:
    """Takes linear samples with timestamps, gives them back evenly.

    The first packet is played `DEPTH` samples after it came; from then on the buffer's owner takes as many
    samples as its own clock says, whether they are there or not.
    """

    def __init__(self) -> None:
        self.counts = JitterCounts()
        self._packets: dict[int, bytes] = {}
        self._next: int | None = None
        """The timestamp that is taken next; it lies before the first packet's to begin with."""
        self._newest = 0

    def put(self, timestamp: int, linear: bytes) -> None:
        """Add one packet's samples; `timestamp` wraps at 32 bits."""
        if self._next is None:
            self._begin(timestamp)
        ahead = distance(timestamp, self._due, 32)
        if not -MOST <= ahead <= MOST:
            self.counts.restarts += 1
            self._begin(timestamp)
        elif ahead + len(linear) // WIDTH <= 0:
            self.counts.late += 1
            return
        if timestamp in self._packets:
            self.counts.duplicate += 1
            return
        if distance(timestamp, self._newest, 32) < 0:
            self.counts.reordered += 1
        else:
            self._newest = timestamp
        self._packets[timestamp] = linear

    def take(self, samples: int = FRAME) -> bytes:
        """Return the next samples; what is not there is silence."""
        taken = bytearray(WIDTH * samples)
        if self._next is None:
            return bytes(taken)
        there = sum(self._copy(timestamp, taken) for timestamp in tuple(self._packets))
        self.counts.missing += max(0, samples - there)
        self._next = (self._next + samples) & UINT32
        return bytes(taken)

    @property
    def waiting(self) -> int:
        """Packets in the buffer."""
        return len(self._packets)

    @property
    def _due(self) -> int:
        return self._next or 0

    def _begin(self, timestamp: int) -> None:
        self._packets.clear()
        self._next = (timestamp - DEPTH) & UINT32
        self._newest = timestamp

    def _copy(self, timestamp: int, taken: bytearray) -> int:
        """Copy what of this packet is due, forget it when it is used up; return the samples copied."""
        linear = self._packets[timestamp]
        start = distance(timestamp, self._due, 32) * WIDTH
        end = start + len(linear)
        if end <= len(taken):
            del self._packets[timestamp]
        first, last = max(start, 0), min(end, len(taken))
        if first >= last:
            return 0
        taken[first:last] = linear[first - start : last - start]
        return (last - first) // WIDTH
