"""Retry-After (RFC 3261 section 20.33): when to try again. Called by `message`, asked by registrations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import LARGEST, clamped, in_range, shorten

_RETRY_AFTER: Final = re.compile(r"[ \t]*+([0-9]++)[ \t]*+(?:[;(].*+)?+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Seconds to wait. The comment and the duration, which nobody acts on, are not kept."""

    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError on what does not begin with a number."""
        match = _RETRY_AFTER.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no Retry-After: {shorten(text)}")
        return cls(clamped(match[1], "Retry-After"))

    def __str__(self) -> str:
        return str(in_range(self.seconds, "Retry-After", largest=LARGEST))
