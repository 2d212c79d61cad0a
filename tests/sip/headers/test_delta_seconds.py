"""Expires, Min-Expires, Min-SE: RFC 3261 sections 20.19 and 20.23, RFC 4028 section 5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        ("90;x=1", 90),
        ("4294967295", 2**32 - 1),
        ("4294967296", 2**32 - 1),
        ("1" * 5000, 2**32 - 1),
    ],
)
def test_20_19_read(text: str, seconds: int) -> None:
    assert DeltaSeconds.parse(text) == DeltaSeconds(seconds)


@pytest.mark.parametrize("text", ["", "-1", "soon", "1.5", "Thu, 01 Dec 1994 16:00:00 GMT"])
def test_what_is_no_time_span(text: str) -> None:
    with pytest.raises(ProtocolError):
        DeltaSeconds.parse(text)


@thoroughly
@given(st.integers())
def test_written_and_read_back(seconds: int) -> None:
    check_written(DeltaSeconds(seconds), DeltaSeconds.parse)


@thoroughly
@given(line_text | mutated("3600"))
def test_any_line(line: str) -> None:
    check_read(line, DeltaSeconds.parse)
