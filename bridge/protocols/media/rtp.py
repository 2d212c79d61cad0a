"""RTP packets of a telephone call: bytes to `Packet` and back (RFC 3550 section 5.1).

Called by the media child, which repeats the first lines of `parse` in place for the packets of a running
relay (`child/ingress.py`).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from bridge.errors import ProtocolError

HEADER: Final = struct.Struct("!BBHII")
"""Version and flags, marker and payload type, sequence number, timestamp, SSRC."""
PLAIN: Final = 0x80
"""First byte of version 2 without padding, extension and contributing sources."""
MARKER: Final = 0x80
RATE: Final = 8000
"""Timestamp units a second, of G.711 and of its telephone-events."""
FRAME: Final = 160
"""Samples, and bytes, of the 20 ms that are sent at a time."""
FRAME_SECONDS: Final = FRAME / RATE
LONGEST: Final = 2047
"""Bytes of a datagram that are looked at: 200 ms of G.711 are 1,612. A longer one is no telephone's."""
_RTCP_TYPES: Final = range(192, 224)
"""A second byte that means RTCP on the wrong port (RFC 5761 section 4)."""

UINT16: Final = 0xFFFF
UINT32: Final = 0xFFFFFFFF


class Packet(NamedTuple):
    """One RTP packet. `timestamp` counts 1/8000 s; `payload` is without padding."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(datagram: bytes | bytearray | memoryview) -> Packet:
    """Read one datagram. Raises ProtocolError for whatever is not one whole RTP packet."""
    size = len(datagram)
    if size < HEADER.size:
        raise ProtocolError(f"RTP: {size} bytes are no packet")
    if size > LONGEST:
        raise ProtocolError(f"RTP: more than {LONGEST} bytes")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    if first >> 6 != 2:
        raise ProtocolError(f"RTP: version {first >> 6}")
    if second in _RTCP_TYPES:
        raise ProtocolError("RTP: this is RTCP")
    start = _payload_start(datagram, first)
    end = _payload_end(datagram, first)
    if start > end:
        raise ProtocolError("RTP: the header is longer than the packet")
    payload = bytes(datagram[start:end])
    return Packet(second & 0x7F, second >= MARKER, sequence, timestamp, ssrc, payload)


def build(packet: Packet) -> bytes:
    """Return the datagram of `packet`, with a plain header."""
    second = packet.payload_type | (MARKER if packet.marker else 0)
    return HEADER.pack(PLAIN, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def distance(later: int, earlier: int, bits: int = 16) -> int:
    """Return by how much a wrapping number is ahead of another; negative when it is behind."""
    half = 1 << (bits - 1)
    return ((later - earlier + half) & ((1 << bits) - 1)) - half


def _payload_start(datagram: bytes | bytearray | memoryview, first: int) -> int:
    start = HEADER.size + 4 * (first & 0x0F)
    if not first & 0x10:
        return start
    if start + 4 > len(datagram):
        raise ProtocolError("RTP: the header extension is cut off")
    words = datagram[start + 2] << 8 | datagram[start + 3]
    return start + 4 + 4 * words


def _payload_end(datagram: bytes | bytearray | memoryview, first: int) -> int:
    size = len(datagram)
    if not first & 0x20:
        return size
    padding = datagram[size - 1]
    if padding == 0:
        raise ProtocolError("RTP: padding of no length")
    return size - padding
