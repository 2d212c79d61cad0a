"""Parameters behind a header's value (`;tag=8a;lr`) and within a SIP URI, which escapes differently.

RFC 3261 sections 7.3.1 and 19.1.1. Called by the header types and `uri`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import QUOTED, TOKEN_CHARS, is_token, quote, shorten, unquote

_PARAMETER: Final = re.compile(
    rf"[ \t]*+;[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+(?:=[ \t]*+({QUOTED}|[^;\" \t]*+)[ \t]*+)?+(?=;|\Z)|(.++)",
    re.DOTALL,
)
"""One parameter; or else all the rest, so that a line that makes no sense is read but once."""
_BARE: Final = rf"[{TOKEN_CHARS}:\[\]]++"
_PLAIN: Final = re.compile(rf"(?:;[a-z0-9\-.!%*_+`'~]++(?:={_BARE})?+)++")
"""What nearly all parameters look like: nothing to unquote, to strip or to write in lower case."""
_PLAIN_VALUE: Final = re.compile(_BARE)
"""A token, or a host with its colons and brackets: what may follow `=` without quotation marks."""
_URI_NAME: Final = re.compile(r"[^\x00-\x20\x7f\"<>@;?=,]++")
_URI_VALUE: Final = re.compile(r"[^\x00-\x20\x7f\"<>@;?,]*+")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters in the order of the wire. Names are lower case; a bare `;name` has the value ''."""

    items: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `;name=value;name...`, or nothing. Raises ProtocolError."""
        if _PLAIN.fullmatch(text):
            pairs = [piece.partition("=") for piece in text[1:].split(";")]
            return cls(tuple([(name, value) for name, _, value in pairs]))
        found = _PARAMETER.findall(text)
        if found and found[-1][2]:
            raise ProtocolError(f"no parameters: {shorten(text)}")
        return cls(
            tuple([(name.lower(), value if value[:1] != '"' else unquote(value)) for name, value, _ in found])
        )

    def __str__(self) -> str:
        return "".join([self._write(name, value) for name, value in self.items])

    @staticmethod
    def _write(name: str, value: str) -> str:
        if not is_token(name) or name != name.lower():
            raise ProtocolError(f"a parameter's name must be a lower case token: {shorten(name)}")
        if not value:
            return f";{name}"
        return f";{name}={value if _PLAIN_VALUE.fullmatch(value) else quote(value)}"

    def get(self, name: str) -> str:
        """Return the value of the first `name`, '' also where there is none: ask `in` for that."""
        for known, value in self.items:
            if known == name:
                return value
        return ""

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _ in self.items)

    def with_(self, name: str, value: str = "") -> Self:
        """Return these parameters with `name` set to `value`, in its old place or at the end."""
        if name not in self:
            return type(self)((*self.items, (name, value)))
        return type(self)(tuple((known, value if known == name else old) for known, old in self.items))

    def without(self, name: str) -> Self:
        return type(self)(tuple(item for item in self.items if item[0] != name))


@dataclass(frozen=True, slots=True)
class UriParameters(Parameters):
    """Parameters of a SIP URI: kept as they were escaped, never quoted."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `;name=value;name...`, or nothing. Raises ProtocolError."""
        first, *pieces = text.split(";")
        if first:
            raise ProtocolError(f"no parameters of a URI: {shorten(text)}")
        return cls(tuple(cls._read(piece) for piece in pieces))

    @staticmethod
    def _read(piece: str) -> tuple[str, str]:
        name, _, value = piece.partition("=")
        if _URI_NAME.fullmatch(name) is None or _URI_VALUE.fullmatch(value) is None:
            raise ProtocolError(f"no parameter of a URI: {shorten(piece)}")
        return name.lower(), value

    @staticmethod
    def _write(name: str, value: str) -> str:
        if _URI_NAME.fullmatch(name) is None or name != name.lower() or _URI_VALUE.fullmatch(value) is None:
            raise ProtocolError(f"a parameter of a URI must be escaped: {shorten(f'{name}={value}')}")
        return f";{name}={value}" if value else f";{name}"


NONE: Final = Parameters()
URI_NONE: Final = UriParameters()
