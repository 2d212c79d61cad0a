"""HTTP Digest authentication (RFC 7616) of one camera: what it challenged with, and the answers. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.digest import authorize, choose
from bridge.protocols.sip.headers.auth_params import is_digest
from bridge.protocols.sip.headers.challenge import Challenge

_PART: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^",])++')
"""What stands between two commas, those in quotes aside."""
_BEGINS: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9-]*(?:\s*$|\s+[^\s=])")
"""A scheme and what follows it; a further parameter has its `=` before any blank."""


class HttpDigest:
    """One camera's challenge and how often it was answered."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._challenge: Challenge | None = None
        self._count = 0

    @property
    def ready(self) -> bool:
        """Whether there is a challenge that can be answered."""
        return self._challenge is not None

    def take(self, header: str) -> bool:
        """Learn from a WWW-Authenticate header; False if it holds no challenge that we can answer."""
        challenge = choose(challenges_in(header))
        if challenge is None:
            return False
        if self._challenge is None or challenge.nonce != self._challenge.nonce:
            self._count = 0
        self._challenge = challenge
        return True

    def answer(self, method: str, target: str, password: str) -> str:
        """Return the Authorization header for one request. target: path and query as they are sent."""
        if self._challenge is None:
            raise ProtocolError("there is no challenge to answer")
        self._count += 1
        credentials = authorize(
            self._challenge,
            method=method,
            uri=target,
            username=self._user,
            password=password,
            cnonce=secrets.token_hex(8),
            nonce_count=self._count,
        )
        return str(credentials)


def challenges_in(header: str) -> Iterator[Challenge]:
    """Yield the Digest challenges of a WWW-Authenticate header, which may hold several of several schemes."""
    for text in _split(header):
        if is_digest(text):
            try:
                yield Challenge.parse(text)
            except ProtocolError:
                continue  # another one may be whole


def _split(header: str) -> Iterator[str]:
    parts: list[str] = []
    for part in _PART.findall(header):
        if parts and _BEGINS.match(part):
            yield ",".join(parts).strip()
            parts = []
        parts.append(part)
    if parts:
        yield ",".join(parts).strip()
