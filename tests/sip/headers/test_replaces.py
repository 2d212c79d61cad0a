"""Replaces: RFC 3891."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.headers.replaces import Replaces
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLE = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only"


def test_section_3_read() -> None:
    replaces = Replaces.parse(EXAMPLE)

    assert replaces == Replaces(CallId("98732@sip.example.com"), "ff87ff", "r33th4x0r", early_only=True)
    assert str(replaces) == "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r;early-only"


@pytest.mark.parametrize("text", ["", "a@b", "a@b;to-tag=1", "a@b;from-tag=1", ";to-tag=1;from-tag=1"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Replaces.parse(text)


@thoroughly
@given(wild_text, wild_text, st.booleans())
def test_written_and_read_back(call_id: str, tag: str, early: bool) -> None:
    check_written(Replaces(CallId(call_id), "1", "2", early), Replaces.parse)
    check_written(Replaces(CallId("a"), tag, "2", early), Replaces.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, Replaces.parse)
