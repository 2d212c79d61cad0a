"""Content-Disposition (RFC 3261 section 20.11): what a body is for. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import require_token
from bridge.protocols.sip.params import NONE, Parameters


@dataclass(frozen=True, slots=True)
class ContentDisposition:
    """`kind` is `session`, `render`, ... in lower case."""

    kind: str
    params: Parameters = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        kind, semicolon, params = text.partition(";")
        kind = require_token(kind.strip(" \t").lower(), "a disposition")
        return cls(kind, Parameters.parse(semicolon + params))

    def __str__(self) -> str:
        return f"{require_token(self.kind, 'a disposition')}{self.params}"

    @property
    def optional(self) -> bool:
        """Whether a body that is not understood may be ignored."""
        return self.params.get("handling").lower() == "optional"
