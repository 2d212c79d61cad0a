"""Call-ID: RFC 3261 sections 8.1.1.4 and 20.8."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.call_id import CallId
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


@pytest.mark.parametrize(
    "text", ["a", "f81d4fae-7dec@foo.bar.com", "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"]
)
def test_20_8_read(text: str) -> None:
    assert CallId.parse(f" {text}\t") == CallId(text)
    assert str(CallId(text)) == text


def test_20_8_case_matters() -> None:
    assert CallId.parse("a@B") != CallId.parse("a@b")


@pytest.mark.parametrize("text", ["", "@", "a@", "@a", "a@b@c", "a b", "a;b", "a,b", "é", "a\r\nEvil: 1"])
def test_what_is_no_call_id(text: str) -> None:
    with pytest.raises(ProtocolError):
        CallId.parse(text)
    with pytest.raises(ProtocolError):
        str(CallId(text))


@thoroughly
@given(wild_text)
def test_written_and_read_back(value: str) -> None:
    check_written(CallId(value), CallId.parse)


@thoroughly
@given(line_text | mutated("f81d4fae-7dec@foo.bar.com"))
def test_any_line(line: str) -> None:
    check_read(line, CallId.parse)
