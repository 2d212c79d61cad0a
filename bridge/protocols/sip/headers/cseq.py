"""CSeq (RFC 3261 sections 8.1.1.5 and 20.16): orders the requests of a dialog. Called by `message`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import TOKEN_CHARS, in_range, number, require_token, shorten

LARGEST_CSEQ: Final = 2**31 - 1
_CSEQ: Final = re.compile(rf"[ \t]*+([0-9]++)[ \t]++([{TOKEN_CHARS}]++)[ \t]*+")


@dataclass(frozen=True, slots=True)
class CSeq:
    """A sequence number below 2**31 and a method."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no CSeq: {shorten(text)}")
        return cls(number(match[1], "the number of CSeq", largest=LARGEST_CSEQ), match[2])

    def __str__(self) -> str:
        sequence = in_range(self.number, "the number of CSeq", largest=LARGEST_CSEQ)
        return f"{sequence} {require_token(self.method, 'a method')}"
