"""RAck: RFC 3262 section 7.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.rack import RAck
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly


def test_7_2_read() -> None:
    assert RAck.parse("776656 1 INVITE") == RAck(776656, CSeq(1, "INVITE"))
    assert str(RAck(1, CSeq(2, "INVITE"))) == "1 2 INVITE"


@pytest.mark.parametrize("text", ["", "1", "1 INVITE", "0 1 INVITE", "4294967296 1 INVITE", "1 1 INVITE x"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        RAck.parse(text)


@thoroughly
@given(st.integers(), st.integers())
def test_written_and_read_back(rseq: int, number: int) -> None:
    check_written(RAck(rseq, CSeq(1, "INVITE")), RAck.parse)
    check_written(RAck(1, CSeq(number, "INVITE")), RAck.parse)


@thoroughly
@given(line_text | mutated("776656 1 INVITE"))
def test_any_line(line: str) -> None:
    check_read(line, RAck.parse)
