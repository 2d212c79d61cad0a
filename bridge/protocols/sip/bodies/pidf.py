"""A position as text: PIDF-LO (RFC 4119, RFC 5139, RFC 5491), the XML an emergency call carries.

Read with a bare expat parser that refuses everything a stranger could blow up: a document type with its
entities, more than a few kilobytes, depth. Called by `caller_facts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from bridge.errors import ProtocolError

_LONGEST: Final = 32_768
_MOST_ELEMENTS: Final = 500
_DEEPEST: Final = 30
_LONGEST_VALUE: Final = 200

_CIVIC: Final = (
    "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr",
    "urn:ietf:params:xml:ns:pidf:geopriv10:civicLoc",
)
_GML: Final = "http://www.opengis.net/gml"
_SHAPES: Final = "http://www.opengis.net/pidflo/1.0"


def read_pidf(document: bytes) -> Mapping[str, str]:
    """Return the position that a PIDF-LO document holds, the first of each kind:

    `position` (latitude, longitude and perhaps altitude, by spaces), `radius` (metres), and every civic
    element as `civic_...` in lower case (`civic_flr` floor, `civic_room`, `civic_a6` street, `civic_loc`).
    Values are one line of at most 200 characters. Raises ProtocolError.
    """
    if len(document) > _LONGEST:
        raise ProtocolError(f"a position of {len(document)} bytes, {_LONGEST} at most")
    reader = _Reader()
    # The encoding is given, so that the document cannot ask for another.
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise ProtocolError(f"a position that is no XML: {error}") from error
    return reader.found


def _refuse(*_doctype: object) -> None:
    raise ProtocolError("a position with a document type")


class _Reader:
    """Collects what the parser meets."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._depth = 0
        self._elements = 0
        self._key = ""
        self._texts: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise ProtocolError("a position that is too large a document")
        self._key = _key_of(name)
        self._texts = []

    def text(self, text: str) -> None:
        if self._key:
            self._texts.append(text)

    def end(self, _name: str) -> None:
        self._depth -= 1
        value = one_line("".join(self._texts))
        if self._key and value:
            self.found.setdefault(self._key, value)
        self._key = ""


def _key_of(name: str) -> str:
    """Return the key for an element named `namespace local`, '' for one that says nothing by itself."""
    namespace, _, local = name.rpartition(" ")
    if namespace in _CIVIC and local.isascii() and local.isalnum() and local != "civicAddress":
        return f"civic_{local.lower()}"
    return {f"{_GML} pos": "position", f"{_SHAPES} radius": "radius"}.get(name, "")


def one_line(text: str, limit: int = _LONGEST_VALUE) -> str:
    """Return foreign text on one line, without control characters, at most `limit` characters."""
    if len(text) <= limit and text.isprintable() and "  " not in text:
        return text.strip()
    text = text[: limit * 4]
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:limit]
