"""RTCP of a telephone call: sender and receiver reports, BYE (RFC 3550 section 6). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.media.reception import Report

SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203

INTERVAL: Final = 5.0
"""Seconds between two reports, on average (RFC 3550 section 6.2)."""
NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900 to 1970."""

_HEADER: Final = struct.Struct("!BBH")
_SENDER: Final = struct.Struct("!IIIII")
_BLOCK: Final = struct.Struct("!IB3sIIII")
_CNAME: Final = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender says of itself. ntp: 64 bit NTP time; timestamp: the same moment in RTP units."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(slots=True)
class Compound:
    """What one datagram says. `blocks` are reports about anybody; `bye` the sources that left."""

    ssrc: int | None = None
    sent: Sent | None = None
    blocks: list[Report] = field(default_factory=list)
    bye: list[int] = field(default_factory=list)


def ntp_time(epoch: float) -> int:
    """Return UTC epoch seconds as a 64 bit NTP timestamp."""
    return int((epoch + NTP_EPOCH) * (1 << 32)) & 0xFFFF_FFFF_FFFF_FFFF


def middle(ntp: int) -> int:
    """Return the middle 32 bits, in which reports count time (1/65536 s)."""
    return ntp >> 16 & 0xFFFFFFFF


def build(ssrc: int, name: str, *, sent: Sent | None, report: Report | None, bye: bool = False) -> bytes:
    """Return a compound packet: report, CNAME and, at the end of a call, BYE (RFC 3550 section 6.1)."""
    blocks = _write_block(report) if report else b""
    count = 1 if report else 0
    if sent is not None:
        body = _SENDER.pack(
            sent.ntp >> 32,
            sent.ntp & 0xFFFFFFFF,
            sent.timestamp,
            sent.packets & 0xFFFFFFFF,
            sent.octets & 0xFFFFFFFF,
        )
        compound = _packet(SR, count, _number(ssrc) + body + blocks)
    else:
        compound = _packet(RR, count, _number(ssrc) + blocks)
    text = name.encode()[:255]
    item = bytes((_CNAME, len(text))) + text + b"\0"
    compound += _packet(SDES, 1, _number(ssrc) + item + b"\0" * (-len(item) % 4))
    return compound + _packet(BYE, 1, _number(ssrc)) if bye else compound


def parse(datagram: bytes) -> Compound:
    """Read a compound packet; kinds that are not known are skipped. Raises ProtocolError for junk."""
    compound = Compound()
    rest = memoryview(datagram)
    first = True
    while rest:
        kind, count, body, rest = _next(rest)
        if first and kind not in (SR, RR):
            raise ProtocolError(f"RTCP: it begins with a packet of type {kind}")
        first = False
        _read(compound, kind, count, body)
    if first:
        raise ProtocolError("RTCP: an empty datagram")
    return compound


def _next(rest: memoryview) -> tuple[int, int, memoryview, memoryview]:
    if len(rest) < 4:
        raise ProtocolError(f"RTCP: {len(rest)} bytes are no packet")
    first, kind, words = _HEADER.unpack_from(rest)
    size = 4 * (words + 1)
    if first >> 6 != 2:
        raise ProtocolError(f"RTCP: version {first >> 6}")
    if size > len(rest):
        raise ProtocolError("RTCP: a packet is cut off")
    return kind, first & 0x1F, rest[4:size], rest[size:]


def _read(compound: Compound, kind: int, count: int, body: memoryview) -> None:
    if kind == BYE:
        if len(body) < 4 * count:
            raise ProtocolError("RTCP: a BYE is cut off")
        compound.bye.extend(struct.unpack_from(f"!{count}I", body))
        return
    if kind not in (SR, RR):
        return
    start = 4 + (_SENDER.size if kind == SR else 0)
    if len(body) < start + count * _BLOCK.size:
        raise ProtocolError("RTCP: a report is cut off")
    (compound.ssrc,) = struct.unpack_from("!I", body)
    if kind == SR:
        seconds, fraction, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
        compound.sent = Sent(seconds << 32 | fraction, timestamp, packets, octets)
    for number in range(count):
        compound.blocks.append(_read_block(body, start + number * _BLOCK.size))


def _read_block(body: memoryview, offset: int) -> Report:
    ssrc, loss, lost, highest, jitter, last_report, delay = _BLOCK.unpack_from(body, offset)
    return Report(ssrc, loss, int.from_bytes(lost, "big", signed=True), highest, jitter, last_report, delay)


def _write_block(report: Report) -> bytes:
    lost = report.lost.to_bytes(3, "big", signed=True)
    numbers = (report.highest, report.jitter, report.last_report, report.delay)
    return _BLOCK.pack(report.ssrc, report.fraction, lost, *numbers)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _number(ssrc: int) -> bytes:
    return ssrc.to_bytes(4, "big")
