"""Expires, Min-Expires and Min-SE: a time span (RFC 3261 sections 20.19 and 20.23, RFC 4028 section 5).

Called by `message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import LARGEST, clamped, in_range


@dataclass(frozen=True, slots=True)
class DeltaSeconds:
    """Whole seconds, 0 to 2**32 - 1."""

    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError on what is no number; parameters are ignored.

        More than the largest counts as the largest (RFC 4475 section 3.1.2.4).
        """
        return cls(clamped(text.partition(";")[0].strip(" \t"), "a time span"))

    def __str__(self) -> str:
        return str(in_range(self.seconds, "a time span", largest=LARGEST))
