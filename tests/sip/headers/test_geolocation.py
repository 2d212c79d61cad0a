"""Geolocation: RFC 6442 section 4.1."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.geolocation import Geolocation
from bridge.protocols.sip.uri import AbsoluteUri
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


def test_4_1_in_the_body() -> None:
    place = Geolocation.parse("<cid:target123@atlanta.example.com>")

    assert place.content_id == "target123@atlanta.example.com"
    assert str(place) == "<cid:target123@atlanta.example.com>"


def test_4_1_elsewhere() -> None:
    one, other = Geolocation.parse_list("<sips:3sdefrhy2jj7@lis.example.com>, <https://x/y>;a=b")

    assert one.content_id == other.content_id == ""
    assert other.params.get("a") == "b"


@pytest.mark.parametrize("text", ["", "cid:a", "<>", "<cid>", "<cid:a> x", "<cid:a>;;"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Geolocation.parse(text)


@thoroughly
@given(wild_text)
def test_written_and_read_back(rest: str) -> None:
    check_written(Geolocation(AbsoluteUri("cid", rest)), Geolocation.parse)


@thoroughly
@given(line_text | mutated("<cid:target123@atlanta.example.com>;x=1"))
def test_any_line(line: str) -> None:
    check_read(line, Geolocation.parse)
