"""Content-Disposition: RFC 3261 section 20.11."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.content_disposition import ContentDisposition
from bridge.protocols.sip.params import Parameters
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "kind", "optional"),
    [
        ("session", "session", False),
        ("Render;handling=Optional", "render", True),
        ("x;handling=required", "x", False),
    ],
)
def test_20_11_read(text: str, kind: str, optional: bool) -> None:
    disposition = ContentDisposition.parse(text)
    assert (disposition.kind, disposition.optional) == (kind, optional)


@pytest.mark.parametrize("text", ["", ";handling=optional", "a b", "session;;"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        ContentDisposition.parse(text)


@thoroughly
@given(wild_text, wild_text)
def test_written_and_read_back(kind: str, value: str) -> None:
    check_written(ContentDisposition(kind.lower()), ContentDisposition.parse)
    check_written(ContentDisposition("session", Parameters((("handling", value),))), ContentDisposition.parse)


@thoroughly
@given(line_text | mutated("session;handling=optional"))
def test_any_line(line: str) -> None:
    check_read(line, ContentDisposition.parse)
