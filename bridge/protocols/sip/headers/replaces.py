"""Replaces (RFC 3891): the dialog a new one takes the place of. Read so that it can be refused, never obeyed.

Called by `message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import require_token, shorten
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.params import Parameters


@dataclass(frozen=True, slots=True)
class Replaces:
    """Call-ID and tags as the receiver of the header would see its dialog."""

    call_id: CallId
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError, also where a tag is missing."""
        call_id, semicolon, rest = text.partition(";")
        params = Parameters.parse(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not to_tag or not from_tag:
            raise ProtocolError(f"Replaces without both tags: {shorten(text)}")
        return cls(CallId.parse(call_id), _tag(to_tag), _tag(from_tag), "early-only" in params)

    def __str__(self) -> str:
        tags = f"to-tag={_tag(self.to_tag)};from-tag={_tag(self.from_tag)}"
        return f"{self.call_id};{tags}{';early-only' if self.early_only else ''}"


def _tag(tag: str) -> str:
    return require_token(tag, "a tag")
