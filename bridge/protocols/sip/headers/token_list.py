"""A list of tokens: what Allow, Require, Supported, Unsupported and Content-Encoding have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import require_token, split_list


@dataclass(frozen=True, slots=True)
class TokenList:
    """Tokens in the order of the wire."""

    tokens: tuple[str, ...] = ()

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line, which may be empty (`Supported:`). Raises ProtocolError."""
        tokens = split_list(line) if line.strip(" \t") else []
        return cls(tuple(require_token(token, "a value") for token in tokens))

    def __str__(self) -> str:
        return ", ".join(require_token(token, "a value") for token in self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self.tokens

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __add__(self, other: Self) -> Self:
        return type(self)((*self.tokens, *other.tokens))
