"""How one source's packets arrive: order, loss and jitter as RTCP reports them (RFC 3550 A.1, A.3, A.8).

Called by the media child for each received packet. `in_order` is on the way of every relayed packet; the
rest is for the first packet, and for what is late, double or of a new source.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from bridge.protocols.media.rtp import UINT16, UINT32, distance

_MAX_DROPOUT: Final = 3000
"""Packets (one minute) missing at a time; a larger step is a source that began anew."""
_MAX_MISORDER: Final = 100
_WINDOW: Final = 64
"""Packets back that a duplicate is recognised."""
_MASK: Final = (1 << _WINDOW) - 1
_LOST_LIMIT: Final = 0x7FFFFF


class Arrival(enum.Enum):
    """What a packet is in the order of its source."""

    NEW = "new"
    LATE = "late"
    """Behind a newer one that was already taken."""
    DUPLICATE = "duplicate"
    RESTART = "restart"
    """The first of a source, or of one that changed its SSRC or its numbering."""
    DOUBTFUL = "doubtful"
    """Far away from the others: believed when the next one follows it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a receiver tells the source (RFC 3550 section 6.4.1).

    fraction: lost of the last interval, in 1/256. lost: in all, negative with duplicates. highest: extended
    sequence number. jitter: timestamp units. last_report, delay: LSR and DLSR, 1/65536 s.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_report: int = 0
    delay: int = 0


class Reception:
    """The packets of the source that a leg hears at present."""

    __slots__ = (
        "_base",
        "_doubtful",
        "_expected_prior",
        "_jitter",
        "_received_prior",
        "_run",
        "_transit",
        "_window",
        "duplicates",
        "highest",
        "late",
        "lost_before",
        "octets",
        "packets",
        "received",
        "restarts",
        "ssrc",
    )

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self.packets = 0
        """Of all sources; `received` counts those of the present one."""
        self.octets = 0
        self.received = 0
        self.late = self.duplicates = self.restarts = self.lost_before = 0
        self.highest = 0
        """Extended sequence number: the upper bits count the times it wrapped."""
        self._base = 0
        self._doubtful: tuple[int, int] | None = None
        self._window = self._run = 0
        self._transit = 0
        self._jitter = 0.0
        self._expected_prior = self._received_prior = 0

    def in_order(self, sequence: int, timestamp: int, ssrc: int, size: int, arrived: int) -> bool:
        """Count the packet if it is the very next one of its source; else leave it to `take`.

        size: bytes of the datagram. arrived: by our clock, in timestamp units.
        """
        if ssrc != self.ssrc or sequence != (self.highest + 1) & UINT16:
            return False
        self.highest += 1
        self._run += 1
        self.received += 1
        self.packets += 1
        self.octets += size
        transit = arrived - timestamp
        step = transit - self._transit
        self._transit = transit
        if -8000 < step < 8000:  # the timestamp wrapped, or the source was silent: that is no jitter
            self._jitter += ((step if step > 0 else -step) - self._jitter) / 16
        return True

    def take(self, sequence: int, timestamp: int, ssrc: int, size: int, arrived: int) -> Arrival:
        """Count any packet, and say what it is."""
        if self.in_order(sequence, timestamp, ssrc, size, arrived):
            return Arrival.NEW
        if ssrc != self.ssrc:
            return self._believe_when_followed(sequence, timestamp, ssrc, size, arrived)
        step = distance(sequence, self.highest & UINT16)
        if 0 < step < _MAX_DROPOUT:
            return self._jump(step, timestamp, size, arrived)
        if -_MAX_MISORDER < step <= 0:
            return self._behind(-step, size)
        return self._believe_when_followed(sequence, timestamp, ssrc, size, arrived)

    @property
    def lost(self) -> int:
        """Packets of all sources that never came; at least 0."""
        return self.lost_before + max(0, self._expected - self.received)

    @property
    def jitter(self) -> float:
        """Seconds."""
        return self._jitter / 8000

    def report(self) -> Report | None:
        """Return the block for the next RTCP report, and begin a new interval; None before any packet."""
        if self.ssrc is None:
            return None
        expected, received = self._expected - self._expected_prior, self.received - self._received_prior
        self._expected_prior, self._received_prior = self._expected, self.received
        missing = expected - received
        fraction = min(255, (missing << 8) // expected) if expected and missing > 0 else 0
        lost = max(-_LOST_LIMIT - 1, min(_LOST_LIMIT, self._expected - self.received))
        return Report(self.ssrc, fraction, lost, self.highest & UINT32, int(self._jitter) & UINT32)

    @property
    def _expected(self) -> int:
        return self.highest - self._base + 1 if self.ssrc is not None else 0

    def _believe_when_followed(
        self, sequence: int, timestamp: int, ssrc: int, size: int, arrived: int
    ) -> Arrival:
        if self.ssrc is None or self._doubtful == (ssrc, sequence):
            self._restart(sequence, timestamp, ssrc, size, arrived)
            return Arrival.RESTART
        self._doubtful = (ssrc, (sequence + 1) & UINT16)
        return Arrival.DOUBTFUL

    def _restart(self, sequence: int, timestamp: int, ssrc: int, size: int, arrived: int) -> None:
        self.lost_before = self.lost
        if self.ssrc is not None:
            self.restarts += 1
        self.ssrc, self.highest, self._base, self.received = ssrc, sequence, sequence, 1
        self._window, self._run, self._doubtful = 1, 0, None
        self._expected_prior = self._received_prior = 0
        self._transit, self._jitter = arrived - timestamp, 0.0
        self.packets += 1
        self.octets += size

    def _jump(self, step: int, timestamp: int, size: int, arrived: int) -> Arrival:
        self._shift(step)
        self._window |= 1
        self.highest += step
        self.received += 1
        self.packets += 1
        self.octets += size
        self._transit = arrived - timestamp
        return Arrival.NEW

    def _behind(self, back: int, size: int) -> Arrival:
        self._shift(0)
        if back >= _WINDOW:
            self.late += 1
            return Arrival.LATE
        if self._window >> back & 1:
            self.duplicates += 1
            return Arrival.DUPLICATE
        self._window |= 1 << back
        self.late += 1
        self.received += 1
        self.packets += 1
        self.octets += size
        return Arrival.LATE

    def _shift(self, step: int) -> None:
        """Bring the window up to date: those in order were only counted, as a run."""
        run = min(self._run, _WINDOW)
        self._window = (self._window << run | ((1 << run) - 1)) << min(step, _WINDOW) & _MASK
        self._run = 0
