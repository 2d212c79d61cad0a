"""CSeq: RFC 3261 sections 8.1.1.5 and 20.16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.cseq import CSeq
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("4711 INVITE", CSeq(4711, "INVITE")),
        ("0009\t INVITE ", CSeq(9, "INVITE")),
        ("0 ACK", CSeq(0, "ACK")),
        ("2147483647 BYE", CSeq(2**31 - 1, "BYE")),
        ("1 foo%20", CSeq(1, "foo%20")),
    ],
)
def test_20_16_read(text: str, cseq: CSeq) -> None:
    assert CSeq.parse(text) == cseq


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "1INVITE",
        "-1 INVITE",
        "1.5 INVITE",
        "1 INVITE x",
        "1 IN/VITE",
        "٣ INVITE",
        "0x1 ACK",
    ],
)
def test_what_is_no_cseq(text: str) -> None:
    with pytest.raises(ProtocolError):
        CSeq.parse(text)


@pytest.mark.parametrize("digits", ["2147483648", "4294967296", "36893488147419103232", "1" * 5000])
def test_8_1_1_5_must_be_below_2_to_the_31(digits: str) -> None:
    with pytest.raises(ProtocolError, match="0 to 2147483647"):
        CSeq.parse(f"{digits} INVITE")


@pytest.mark.parametrize(
    "cseq", [CSeq(-1, "ACK"), CSeq(2**31, "ACK"), CSeq(1, "A CK"), CSeq(1, "ACK\r\nX: 1")]
)
def test_what_must_not_be_written(cseq: CSeq) -> None:
    with pytest.raises(ProtocolError):
        str(cseq)


@thoroughly
@given(st.integers(), wild_text)
def test_written_and_read_back(number: int, method: str) -> None:
    check_written(CSeq(number, method), CSeq.parse)
    check_written(CSeq(number, "ACK"), CSeq.parse)


@thoroughly
@given(line_text | mutated("4711 INVITE"))
def test_any_line(line: str) -> None:
    check_read(line, CSeq.parse)
