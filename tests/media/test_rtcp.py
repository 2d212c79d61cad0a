"""RTCP packets (RFC 3550 section 6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.media import rtcp
from bridge.protocols.media.reception import Report

WORD = st.integers(0, 0xFFFFFFFF)
SENT = st.builds(rtcp.Sent, st.integers(0, 0xFFFFFFFFFFFFFFFF), WORD, WORD, WORD)
REPORT = st.builds(
    Report, WORD, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), WORD, WORD, WORD, WORD
)


@given(WORD, st.none() | SENT, st.none() | REPORT, st.booleans(), st.text(max_size=300))
def test_a_compound_reads_back_as_written(
    ssrc: int, sent: rtcp.Sent | None, report: Report | None, bye: bool, name: str
) -> None:
    datagram = rtcp.build(ssrc, name.encode(errors="ignore").decode(), sent=sent, report=report, bye=bye)
    assert len(datagram) % 4 == 0
    compound = rtcp.parse(datagram)
    assert (compound.ssrc, compound.sent) == (ssrc, sent)
    assert compound.blocks == ([report] if report else [])
    assert compound.bye == ([ssrc] if bye else [])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_compound_or_a_protocol_error(datagram: bytes) -> None:
    try:
        rtcp.parse(datagram)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", "empty"),
        (b"\x80", "1 bytes"),
        (b"\x40\xc9\x00\x01\x00\x00\x00\x01", "version 1"),
        (b"\x80\xc9\xff\xff\x00\x00\x00\x01", "cut off"),
        (b"\x80\xc8\x00\x01\x00\x00\x00\x01", "report is cut off"),
        (b"\x9f\xc9\x00\x01\x00\x00\x00\x01", "report is cut off"),
        (b"\x80\xca\x00\x01\x00\x00\x00\x01", "begins with a packet of type 202"),
        (b"\x80\xc9\x00\x01\x00\x00\x00\x01\x82\xcb\x00\x01\x00\x00\x00\x01", "BYE is cut off"),
    ],
)
def test_what_is_no_compound_is_refused(datagram: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        rtcp.parse(datagram)


def test_kinds_nobody_knows_are_skipped() -> None:
    datagram = rtcp.build(1, "a", sent=None, report=None) + b"\x80\xcc\x00\x01name"
    assert rtcp.parse(datagram).ssrc == 1


def test_ntp_time_counts_from_1900() -> None:
    assert rtcp.ntp_time(0.5) == (2_208_988_800 << 32) + (1 << 31)
    assert rtcp.middle(0x1234_5678_9ABC_DEF0) == 0x5678_9ABC
