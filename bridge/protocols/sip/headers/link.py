"""A URI in angle brackets with parameters: what Geolocation and Call-Info have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten, split_list
from bridge.protocols.sip.params import NONE, Parameters
from bridge.protocols.sip.uri import Uri, parse_uri

_LINK: Final = re.compile(r"[ \t]*+<([^<>]++)>[ \t]*+(;.*+)?+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """Where to find something. Nothing is ever fetched from there on a stranger's word."""

    uri: Uri
    params: Parameters = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _LINK.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no URI in angle brackets: {shorten(text)}")
        return cls(parse_uri(match[1]), Parameters.parse(match[2] or ""))

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line)))

    def __str__(self) -> str:
        return f"<{self.uri}>{self.params}"
