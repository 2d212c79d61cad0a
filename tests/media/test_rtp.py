"""RTP packets (RFC 3550 section 5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.media.rtp import LONGEST, Packet, build, distance, parse

PACKETS = st.builds(
    Packet,
    st.integers(0, 63),
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=400),
)
FIXED = b"\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x4d"


@given(PACKETS)
def test_a_packet_reads_back_as_written(packet: Packet) -> None:
    assert parse(build(packet)) == packet


@given(st.binary(max_size=3000))
def test_any_bytes_are_a_packet_or_a_protocol_error(datagram: bytes) -> None:
    try:
        packet = parse(datagram)
    except ProtocolError:
        return
    assert len(packet.payload) <= len(datagram) - 12


@pytest.mark.parametrize(
    ("datagram", "payload"),
    [
        (b"\x80" + FIXED + b"voice", b"voice"),
        (b"\x82" + FIXED + b"csrc" * 2 + b"voice", b"voice"),
        (b"\x90" + FIXED + b"\xbe\xde\x00\x01ext1voice", b"voice"),
        (b"\x90" + FIXED + b"\xbe\xde\x00\x00voice", b"voice"),
        (b"\xa0" + FIXED + b"voice\x00\x00\x03", b"voice"),
        (b"\xb1" + FIXED + b"csrc\xbe\xde\x00\x01ext1voice\x01", b"voice"),
        (b"\x80" + FIXED, b""),
    ],
)
def test_everything_around_the_payload_is_taken_off(datagram: bytes, payload: bytes) -> None:
    assert parse(datagram).payload == payload


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", "0 bytes"),
        (b"\x80", "1 bytes"),
        (b"\x80" + FIXED[:-1], "11 bytes"),
        (b"\x00" + FIXED, "version 0"),
        (b"\x40" + FIXED, "version 1"),
        (b"\xc0" + FIXED, "version 3"),
        (b"\x8f" + FIXED + bytes(59), "longer than the packet"),
        (b"\x90" + FIXED + b"\xbe\xde\x00", "extension is cut off"),
        (b"\x90" + FIXED + b"\xbe\xde\xff\xff" + bytes(100), "longer than the packet"),
        (b"\xa0" + FIXED + b"voice\x00", "padding of no length"),
        (b"\xa0" + FIXED + b"voice\xff", "longer than the packet"),
        (b"\x81\xc8" + bytes(26), "this is RTCP"),
        (b"\x80" + FIXED + bytes(LONGEST), "more than"),
    ],
)
def test_what_is_no_packet_is_refused(datagram: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        parse(datagram)


@pytest.mark.parametrize(
    ("later", "earlier", "expected"), [(5, 3, 2), (3, 5, -2), (1, 65535, 2), (65535, 1, -2), (7, 7, 0)]
)
def test_distance_knows_that_numbers_wrap(later: int, earlier: int, expected: int) -> None:
    assert distance(later, earlier) == expected
