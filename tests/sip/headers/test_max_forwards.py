"""Max-Forwards: RFC 3261 section 20.22."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.max_forwards import MaxForwards
from tests.sip.properties import check_read, check_written, line_text, thoroughly


@pytest.mark.parametrize(
    ("text", "hops"), [("70", 70), (" 0068 ", 68), ("0", 0), ("300", 255), ("9" * 5000, 255)]
)
def test_20_22_read(text: str, hops: int) -> None:
    assert MaxForwards.parse(text) == MaxForwards(hops)


@pytest.mark.parametrize("text", ["", "-1", "x", "7 0", "+7", "٧"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ProtocolError):
        MaxForwards.parse(text)


@thoroughly
@given(st.integers(-10, 300))
def test_written_and_read_back(hops: int) -> None:
    check_written(MaxForwards(hops), MaxForwards.parse)


@thoroughly
@given(line_text)
def test_any_line(line: str) -> None:
    check_read(line, MaxForwards.parse)
