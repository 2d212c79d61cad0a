"""Content-Type and Accept: RFC 3261 sections 20.1 and 20.15."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.media_type import SDP, MediaType
from bridge.protocols.sip.params import Parameters
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


def test_20_15_read() -> None:
    assert MediaType.parse("application/SDP") == SDP

    mixed = MediaType.parse('multipart / mixed ; boundary="a b"')
    assert mixed == MediaType("multipart/mixed", Parameters((("boundary", "a b"),)))
    assert str(mixed) == 'multipart/mixed;boundary="a b"'


@pytest.mark.parametrize("text", ["", "application", "/sdp", "application/", "a/b/c", "a/b c", "a/b;"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        MediaType.parse(text)


def test_20_1_accept() -> None:
    assert MediaType.parse_list("") == ()
    assert [str(kind) for kind in MediaType.parse_list("application/sdp;level=1, text/html")] == [
        "application/sdp;level=1",
        "text/html",
    ]


@pytest.mark.parametrize(
    ("range_", "accepts"),
    [("application/sdp", True), ("application/*", True), ("*/*", True), ("text/*", False), ("*/sdp", False)],
)
def test_20_1_ranges(range_: str, accepts: bool) -> None:
    assert MediaType.parse(range_).accepts("application/sdp") is accepts


@thoroughly
@given(wild_text, wild_text)
def test_written_and_read_back(name: str, value: str) -> None:
    check_written(MediaType(name), MediaType.parse)
    check_written(MediaType("a/b", Parameters((("x", value),))), MediaType.parse)


@thoroughly
@given(line_text | mutated('multipart/mixed;boundary="a b"'))
def test_any_line(line: str) -> None:
    check_read(line, MediaType.parse)
