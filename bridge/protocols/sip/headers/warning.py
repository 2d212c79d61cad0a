"""Warning (RFC 3261 section 20.43): why a response is what it is, for people. Called by `message`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import QUOTED, in_range, number, quote, shorten, split_list, unquote

_AGENT: Final = r"[^\x00-\x20\x7f\",<]++"
_WARNING: Final = re.compile(rf"[ \t]*+([0-9]++)[ \t]++({_AGENT})[ \t]++({QUOTED})[ \t]*+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SipWarning:
    """`code` is 3xx (399: anything else); `agent` the host or name of who warns."""

    code: int
    agent: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _WARNING.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no Warning: {shorten(text)}")
        return cls(
            number(match[1], "a warning's code", smallest=100, largest=999), match[2], unquote(match[3])
        )

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line)))

    def __str__(self) -> str:
        if re.fullmatch(_AGENT, self.agent) is None:
            raise ProtocolError(f"no agent of a Warning: {shorten(self.agent)}")
        code = in_range(self.code, "a warning's code", smallest=100, largest=999)
        return f"{code} {self.agent} {quote(self.text)}"
