"""RSeq: RFC 3262 section 7.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.rseq import RSeq
from tests.sip.properties import check_read, check_written, line_text, thoroughly


def test_7_1_read() -> None:
    assert RSeq.parse(" 988789 ") == RSeq(988789)


@pytest.mark.parametrize("text", ["", "0", "-1", "4294967296", "x", "1 1"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        RSeq.parse(text)


@thoroughly
@given(st.integers())
def test_written_and_read_back(number: int) -> None:
    check_written(RSeq(number), RSeq.parse)


@thoroughly
@given(line_text)
def test_any_line(line: str) -> None:
    check_read(line, RSeq.parse)
