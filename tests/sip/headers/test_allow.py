"""Allow: RFC 3261 section 20.5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.allow import Allow
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


def test_20_5_read() -> None:
    allow = Allow.parse("INVITE, ACK,OPTIONS")

    assert "ACK" in allow
    assert "ack" not in allow
    assert "BYE" not in allow
    assert str(allow) == "INVITE, ACK, OPTIONS"


def test_20_5_an_empty_list_allows_nothing() -> None:
    assert list(Allow.parse(" ")) == []


def test_what_is_refused() -> None:
    with pytest.raises(ProtocolError):
        Allow.parse("INVITE,,ACK")


@thoroughly
@given(st.lists(wild_text, max_size=3))
def test_written_and_read_back(methods: list[str]) -> None:
    check_written(Allow(tuple(methods)), Allow.parse)


@thoroughly
@given(line_text | mutated("INVITE, ACK"))
def test_any_line(line: str) -> None:
    check_read(line, Allow.parse)
