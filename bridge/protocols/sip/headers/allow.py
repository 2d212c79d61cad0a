"""Allow (RFC 3261 section 20.5): the methods a user agent understands. Called by `message`."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocols.sip.headers.token_list import TokenList


@dataclass(frozen=True, slots=True)
class Allow(TokenList):
    """Methods, whose case matters (section 7.1)."""
