"""Require, Proxy-Require, Supported and Unsupported: lists of option tags (RFC 3261 section 19.2).

Called by `message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten
from bridge.protocols.sip.headers.token_list import TokenList


@dataclass(frozen=True, slots=True)
class OptionTags(TokenList):
    """Option tags in lower case: they compare without case (section 7.3.1)."""

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line, which may be empty. Raises ProtocolError."""
        return cls(TokenList.parse(line.lower()).tokens)

    def __str__(self) -> str:
        text = TokenList(self.tokens).__str__()
        if text != text.lower():
            raise ProtocolError(f"option tags must be lower case: {shorten(text)}")
        return text
