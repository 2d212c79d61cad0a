"""Reason: RFC 3326."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.reason import Reason
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLE = 'SIP ;cause=200 ;text="Call completed elsewhere"'


def test_read() -> None:
    assert Reason.parse(EXAMPLE) == Reason("SIP", 200, "Call completed elsewhere")
    assert Reason.parse("Q.850;cause=16") == Reason("Q.850", 16)
    assert Reason.parse("preemption") == Reason("preemption")


def test_several_values_on_a_line() -> None:
    assert Reason.parse_list(f'{EXAMPLE}, Q.850;cause=16;text="a, b"')[1] == Reason("Q.850", 16, "a, b")


@pytest.mark.parametrize("text", ["", ";cause=1", "SIP;cause=x", "SIP;cause=1000", "SIP;cause", "S IP"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Reason.parse(text)


@thoroughly
@given(wild_text, st.none() | st.integers(-5, 1100), wild_text)
def test_written_and_read_back(protocol: str, cause: int | None, text: str) -> None:
    check_written(Reason("SIP", cause, text), Reason.parse)
    check_written(Reason(protocol), Reason.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, Reason.parse)
