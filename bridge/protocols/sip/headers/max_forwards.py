"""Max-Forwards (RFC 3261 sections 8.1.1.6 and 20.22): how many hops are left. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from bridge.protocols.sip.grammar import clamped, in_range

LARGEST_MAX_FORWARDS: Final = 255
DEFAULT_MAX_FORWARDS: Final = 70


@dataclass(frozen=True, slots=True)
class MaxForwards:
    hops: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError on what is no number. More than 255 counts as 255 (RFC 4475, 3.1.2.4)."""
        return cls(clamped(text.strip(" \t"), "Max-Forwards", largest=LARGEST_MAX_FORWARDS))

    def __str__(self) -> str:
        return str(in_range(self.hops, "Max-Forwards", largest=LARGEST_MAX_FORWARDS))
