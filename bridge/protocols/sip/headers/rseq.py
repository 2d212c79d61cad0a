"""RSeq (RFC 3262 section 7.1): numbers the reliable provisional responses. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import LARGEST, in_range, number


@dataclass(frozen=True, slots=True)
class RSeq:
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError outside 1 to 2**32 - 1."""
        return cls(number(text.strip(" \t"), "RSeq", smallest=1, largest=LARGEST))

    def __str__(self) -> str:
        return str(in_range(self.number, "RSeq", smallest=1, largest=LARGEST))
