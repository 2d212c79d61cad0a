"""Texts and JSON structures with {placeholders}, filled so that no value can change the structure around it.

Called by drivers whose requests a site writes itself. A template is parsed once, when the configuration
is loaded: an unknown placeholder is an error there and not during an alarm. What a value may do is the
caller's choice of `escape`; structures are filled leaf by leaf and serialised afterwards.

    {name}        the value as text
    {name:int}    the value as a number       (the whole leaf of a JSON structure)
    {name:list}   the value, which is comma-separated, as an array of texts  (likewise)
    {{ and }}     a brace
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape as escape_markup

from bridge.errors import ProtocolError

CONVERSIONS: Final = ("int", "list")
_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Characters that XML 1.0 (2.2) forbids even as references.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class TemplateError(ValueError):
    """The template itself is wrong. The text says what is allowed."""


@dataclass(frozen=True, slots=True)
class _Placeholder:
    name: str
    conversion: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: literal pieces and placeholders in turn."""

    source: str
    pieces: tuple[str | _Placeholder, ...]

    @classmethod
    def parse(cls, source: str) -> Template:
        """Raises TemplateError for a lone brace or an unknown conversion."""
        pieces: list[str | _Placeholder] = []
        at = 0
        for match in _PIECE.finditer(source):
            pieces.append(source[at : match.start()])
            pieces.append(_piece(match, source))
            at = match.end()
        pieces.append(source[at:])
        return cls(source, tuple(piece for piece in pieces if piece))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, _Placeholder))

    @property
    def converts(self) -> bool:
        """Whether it yields a number or an array, which only a JSON leaf can be."""
        return any(isinstance(piece, _Placeholder) and piece.conversion for piece in self.pieces)

    def text(self, values: Mapping[str, str], escape: Callable[[str], str] = str) -> str:
        """Fill in `values`, each passed through `escape`; one that is missing is empty."""
        return "".join(
            piece if isinstance(piece, str) else escape(values.get(piece.name, "")) for piece in self.pieces
        )

    def leaf(self, values: Mapping[str, str]) -> str | int | list[str]:
        """Fill in `values` and convert. Raises ProtocolError if a value is not what `:int` needs."""
        match self.pieces:
            case (_Placeholder(name, "int"),):
                return _number(name, values.get(name, ""))
            case (_Placeholder(name, "list"),):
                return [item for item in values.get(name, "").split(",") if item]
        return self.text(values)


def _piece(match: re.Match[str], source: str) -> str | _Placeholder:
    if match[0] in ("{{", "}}"):
        return match[0][0]
    if match[1] is None:
        raise TemplateError(f"lone {match[0]} in {source!r}: write {{{{ or }}}} for a brace itself")
    name, colon, conversion = match[1].partition(":")
    if colon and conversion not in CONVERSIONS:
        raise TemplateError(f"unknown conversion in {match[0]}: there is {' and '.join(CONVERSIONS)}")
    if conversion and match[0] != source:
        raise TemplateError(f"{match[0]} must be the whole value, not a part of {source!r}")
    return _Placeholder(name, conversion)


def _number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ProtocolError(f"{name} is {value!r}, and {{{name}:int}} needs a whole number") from None


Structure = Any
"""A JSON value whose texts are `Template`s."""


def parse_structure(value: Any) -> Structure:
    """Parse every text of a JSON value; keys, numbers, booleans and null stay. Raises TemplateError."""
    match value:
        case str():
            return Template.parse(value)
        case dict():
            return {key: parse_structure(item) for key, item in value.items()}
        case list():
            return [parse_structure(item) for item in value]
    return value


def fill_structure(structure: Structure, values: Mapping[str, str]) -> Any:
    """Return the JSON value with `values` filled in. Raises ProtocolError as `Template.leaf`."""
    match structure:
        case Template():
            return structure.leaf(values)
        case dict():
            return {key: fill_structure(item, values) for key, item in structure.items()}
        case list():
            return [fill_structure(item, values) for item in structure]
    return structure


def templates_in(structure: Structure) -> Iterator[Template]:
    """Yield every template of a structure."""
    match structure:
        case Template():
            yield structure
        case dict():
            for item in structure.values():
                yield from templates_in(item)
        case list():
            for item in structure:
                yield from templates_in(item)


def escape_xml(value: str) -> str:
    """Escape for XML text and attribute values; a character XML cannot hold becomes U+FFFD."""
    return escape_markup(_NOT_XML.sub("\ufffd", value), {'"': "&quot;", "'": "&apos;"})


def escape_line(value: str) -> str:
    """Keep the value on its line: control characters and line separators become blanks."""
    return " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", encodable(value)).split())


def encodable(value: str) -> str:
    """Return `value` with what UTF-8 cannot hold (half a surrogate pair, from bad JSON) as `?`."""
    return value.encode("utf-8", "replace").decode()


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) points at. Raises LookupError if there is nothing."""
    if not pointer:
        return document
    if not pointer.startswith("/"):
        raise LookupError(pointer)
    for raw in pointer[1:].split("/"):
        token = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and token.isascii() and token.isdigit():
            document = document[int(token)]
        elif isinstance(document, dict):
            document = document[token]
        else:
            raise LookupError(pointer)
    return document


def same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values, in which true is not 1 (Python thinks so)."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case (list(), list()):
            return len(one) == len(other) and all(map(same_json, one, other))
        case (dict(), dict()):
            return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    return bool(one == other)
