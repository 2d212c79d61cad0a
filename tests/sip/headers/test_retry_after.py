"""Retry-After: RFC 3261 section 20.33."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.retry_after import RetryAfter
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("18000;duration=3600", 18000), ("120 (I'm in a meeting)", 120), (" 5 ", 5), ("9" * 30, 2**32 - 1)],
)
def test_20_33_read(text: str, seconds: int) -> None:
    assert RetryAfter.parse(text) == RetryAfter(seconds)


@pytest.mark.parametrize("text", ["", "later", "-5", "5 6", "Mon, 21 Jul 1997 18:48:34 GMT"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        RetryAfter.parse(text)


@thoroughly
@given(st.integers())
def test_written_and_read_back(seconds: int) -> None:
    check_written(RetryAfter(seconds), RetryAfter.parse)


@thoroughly
@given(line_text | mutated("120 (comment);duration=3600"))
def test_any_line(line: str) -> None:
    check_read(line, RetryAfter.parse)
