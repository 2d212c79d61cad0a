"""What must be unguessable or unique, of injected randomness, so that tests see the same every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.protocols.sip.dialog.reliable import LARGEST_FIRST
from bridge.protocols.sip.headers.via import MAGIC_COOKIE

_BYTES: Final = 12
"""96 bits: nobody guesses a tag (RFC 3261 section 19.3 asks for 32)."""


class Tokens:
    """randomness: gives so many random bytes, `os.urandom` outside of tests."""

    def __init__(self, randomness: Callable[[int], bytes]) -> None:
        self._randomness: Final = randomness

    def text(self) -> str:
        """Return a tag, Call-ID, cnonce or id of a call."""
        return self._randomness(_BYTES).hex()

    def branch(self) -> str:
        return MAGIC_COOKIE + self.text()

    def chance(self) -> float:
        """Return a number from 0 to below 1."""
        return self._number(4) / 2**32

    def first_rseq(self) -> int:
        """Return the number of a first reliable provisional response (RFC 3262 section 3)."""
        return 1 + self._number(8) % LARGEST_FIRST

    def session_id(self) -> str:
        """Return digits for the o= line (RFC 8866 section 5.2)."""
        return str(self._number(6))

    def _number(self, size: int) -> int:
        return int.from_bytes(self._randomness(size))
