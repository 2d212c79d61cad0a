"""Call-ID (RFC 3261 sections 8.1.1.4 and 20.8): one word, or two around an @. Called by `message`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import WORD, shorten

_CALL_ID: Final = re.compile(f"{WORD}(?:@{WORD})?+")


@dataclass(frozen=True, slots=True)
class CallId:
    """Compared byte by byte, case and all (section 20.8)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError on spaces and other characters that end a value."""
        value = text.strip(" \t")
        if _CALL_ID.fullmatch(value) is None:
            raise ProtocolError(f"no Call-ID: {shorten(value)}")
        return cls(value)

    def __str__(self) -> str:
        if _CALL_ID.fullmatch(self.value) is None:
            raise ProtocolError(f"no Call-ID: {shorten(self.value)}")
        return self.value
