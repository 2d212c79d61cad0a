"""Digits as telephone-events (RFC 4733): which packets are a pressed key, and the packets of one we press.

Called by the media child. A key is believed when at least two packets of the negotiated payload type say the
same about it and one of them is its end, so that any one of the three repeated ends is enough, the marker
packet is not needed, and neither junk nor a repeated end makes a digit. Tones within the voice ("inband
DTMF") are not looked for.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bridge.errors import ProtocolError
from bridge.protocols.media.rtp import FRAME, UINT16, Packet, distance

DIGITS: Final = "0123456789*#ABCD"
"""The key of each event number (RFC 4733 section 3.2)."""
SHORTEST: Final = FRAME
"""Timestamp units: no key is pressed for less than 20 ms, and no tone detector takes less for one."""
ENDS: Final = 3
"""How often the end of an event is sent (RFC 4733 section 2.5.1.4)."""
_CANDIDATES: Final = 8
"""Keys that are looked at together; there is one at a time, so the others are junk."""
_FAR: Final = 500
"""Packets from the first to the last of one key: the longest is 8.2 s, 410 packets of 20 ms."""

_PAYLOAD: Final = struct.Struct("!BBH")
_END: Final = 0x80
_RESERVED: Final = 0x40
_VOLUME: Final = 0x3F


class EventPayload(NamedTuple):
    """`duration` in timestamp units since the key went down; `volume` in dB below 0 dBm0."""

    event: int
    end: bool
    volume: int
    duration: int


def parse_event(payload: bytes) -> EventPayload:
    """Read the payload of a telephone-event. Raises ProtocolError for what is none (RFC 4733 section 2.3)."""
    if len(payload) < _PAYLOAD.size:
        raise ProtocolError(f"telephone-event: {len(payload)} bytes")
    event, flags, duration = _PAYLOAD.unpack_from(payload)
    if flags & _RESERVED:
        raise ProtocolError("telephone-event: the reserved bit is set")
    return EventPayload(event, bool(flags & _END), flags & _VOLUME, duration)


def build_event(event: EventPayload) -> bytes:
    flags = (_END if event.end else 0) | event.volume
    return _PAYLOAD.pack(event.event, flags, event.duration)


@dataclass(slots=True)
class _Candidate:
    """What was said so far about the key that went down at one timestamp."""

    event: int
    first: int
    """Sequence number of the packet that it was first seen in."""
    longest: int = 0
    """Duration said by a packet that was not the end."""
    ended: int | None = None
    """Duration said by the end packets."""
    sequences: set[int] = field(default_factory=set)


class DigitReceiver:
    """Digits of one source. The caller passes only packets of the negotiated payload type and source."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._candidates: OrderedDict[int, _Candidate] = OrderedDict()
        self._newest: int | None = None
        """Timestamp of the latest key that was reported: nothing as old is reported again."""

    def take(self, packet: Packet) -> str:
        """Return the key that this packet completes, or an empty text.

        Raises ProtocolError for a packet that is no telephone-event of a key, or that contradicts others.
        """
        said = parse_event(packet.payload)
        if said.event >= len(DIGITS):
            raise ProtocolError(f"telephone-event: {said.event} is no key")
        if packet.ssrc != self._ssrc:
            self._start_anew(packet.ssrc)
        if self._newest is not None and distance(packet.timestamp, self._newest, 32) <= 0:
            return ""
        candidate = self._candidate(packet, said)
        self._add(candidate, packet, said)
        if candidate.ended is None or len(candidate.sequences) < 2:
            return ""
        del self._candidates[packet.timestamp]
        self._newest = packet.timestamp
        return DIGITS[candidate.event]

    def _start_anew(self, ssrc: int) -> None:
        self._ssrc, self._newest = ssrc, None
        self._candidates.clear()

    def _candidate(self, packet: Packet, said: EventPayload) -> _Candidate:
        known = self._candidates.get(packet.timestamp)
        if known is None:
            known = self._candidates[packet.timestamp] = _Candidate(said.event, packet.sequence)
            if len(self._candidates) > _CANDIDATES:
                self._candidates.popitem(last=False)
        return known

    @staticmethod
    def _add(candidate: _Candidate, packet: Packet, said: EventPayload) -> None:
        if said.event != candidate.event or abs(distance(packet.sequence, candidate.first)) > _FAR:
            raise ProtocolError("telephone-event: two keys at one timestamp")
        if said.end:
            if said.duration < max(SHORTEST, candidate.longest):
                raise ProtocolError(f"telephone-event: it cannot end after {said.duration} units")
            if candidate.ended not in (None, said.duration):
                raise ProtocolError("telephone-event: it ends twice")
            candidate.ended = said.duration
        else:
            if candidate.ended is not None and said.duration > candidate.ended:
                raise ProtocolError("telephone-event: it goes on after its end")
            candidate.longest = max(candidate.longest, said.duration)
        candidate.sequences.add(packet.sequence)


class Step(NamedTuple):
    """What is sent of a key in one frame of 20 ms. `payload` is empty in the pause after a key."""

    payload: bytes
    marker: bool
    offset: int
    """Timestamp units since the key went down: the packet's timestamp is that of the key's first one."""


def press(digits: str, *, frames: int = 6, pause: int = 4, volume: int = 10) -> Iterator[Step]:
    """Yield, frame by frame, how keys are pressed: each for `frames` * 20 ms, then a pause.

    The three ends fill the first frames of the pause. Raises ProtocolError for what is no key.
    """
    for digit in digits:
        event = DIGITS.find(digit.upper())
        if event < 0:
            raise ProtocolError(f"{digit!r} is no key: write 0 to 9, *, #, A to D")
        for frame in range(frames):
            duration = (frame + 1) * FRAME & UINT16
            said = EventPayload(event, end=False, volume=volume, duration=duration)
            yield Step(build_event(said), frame == 0, frame * FRAME)
        end = EventPayload(event, end=True, volume=volume, duration=frames * FRAME)
        for frame in range(frames, frames + ENDS):
            yield Step(build_event(end), marker=False, offset=frame * FRAME)
        for frame in range(frames + ENDS, frames + max(pause, ENDS)):
            yield Step(b"", marker=False, offset=frame * FRAME)
