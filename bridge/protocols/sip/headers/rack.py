"""RAck (RFC 3262 section 7.2): which reliable provisional response a PRACK answers. Called by `message`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import LARGEST, in_range, number, shorten
from bridge.protocols.sip.headers.cseq import CSeq

_RACK: Final = re.compile(r"[ \t]*+([0-9]++)[ \t]++(.++)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RAck:
    """The RSeq of the response, and the CSeq of the request it answered."""

    rseq: int
    cseq: CSeq

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _RACK.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no RAck: {shorten(text)}")
        return cls(number(match[1], "an RSeq", smallest=1, largest=LARGEST), CSeq.parse(match[2]))

    def __str__(self) -> str:
        return f"{in_range(self.rseq, 'an RSeq', smallest=1, largest=LARGEST)} {self.cseq}"
