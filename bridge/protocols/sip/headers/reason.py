"""Reason (RFC 3326): why a request was sent, in BYE and CANCEL. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import number, quote, require_token, split_list
from bridge.protocols.sip.params import Parameters


@dataclass(frozen=True, slots=True)
class Reason:
    """`protocol` is `SIP` (cause is a status) or `Q.850`; `cause` None if not given; `text` is for people."""

    protocol: str
    cause: int | None = None
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        protocol, semicolon, rest = text.partition(";")
        params = Parameters.parse(semicolon + rest)
        cause = number(params.get("cause"), "a cause", largest=999) if "cause" in params else None
        return cls(require_token(protocol.strip(" \t"), "a protocol"), cause, params.get("text"))

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line)))

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={number(str(self.cause), 'a cause', largest=999)}"
        text = f";text={quote(self.text)}" if self.text else ""
        return f"{require_token(self.protocol, 'a protocol')}{cause}{text}"
