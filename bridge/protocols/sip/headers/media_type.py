"""Content-Type and Accept (RFC 3261 sections 20.1 and 20.15): what a body is. Called by `message`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import TOKEN_CHARS, shorten, split_list
from bridge.protocols.sip.params import NONE, Parameters

_MEDIA_TYPE: Final = re.compile(
    rf"[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+(;.*+)?+", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class MediaType:
    """`name` is type and subtype in lower case (`application/sdp`); `*` may stand for either in Accept."""

    name: str
    params: Parameters = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _MEDIA_TYPE.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no media type: {shorten(text)}")
        return cls(f"{match[1]}/{match[2]}".lower(), Parameters.parse(match[3] or ""))

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Read a line of Accept; an empty one accepts nothing (section 20.1). Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line))) if line.strip(" \t") else ()

    def __str__(self) -> str:
        if self.name != self.parse(self.name).name:
            raise ProtocolError(f"no media type: {shorten(self.name)}")
        return f"{self.name}{self.params}"

    def accepts(self, name: str) -> bool:
        """Whether this range of Accept covers the media type `name`."""
        kind, _, _ = self.name.partition("/")
        return self.name in (name, "*/*") or (self.name == f"{kind}/*" and name.startswith(f"{kind}/"))


SDP: Final = MediaType("application/sdp")
