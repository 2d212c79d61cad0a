"""A refused password is not sent again and again: accounts are locked by that, in the middle of a storm.

Called by `bridge.protocols.nx_session` and `bridge.protocols.zoneminder` around their log-ins.
"""

from __future__ import annotations

import hashlib
from typing import Final

from bridge.errors import Permanent
from bridge.model import Clock

SPARED: Final = 60.0
"""Seconds for which a refused password is not sent again; another one is tried at once."""


class LastRefusal:
    """The last log-in that was refused. Keeps no password, only what tells it from others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._password = b""
        self._why = ""
        self._until = 0.0

    def respect(self, password: str) -> None:
        """Raise Permanent, as the refusal did, where this password was refused a moment ago."""
        if self._password == _digest(password) and self._clock.monotonic() < self._until:
            raise Permanent(f"{self._why} (not asked again for {SPARED:g} s)")

    def remember(self, password: str, why: str) -> Permanent:
        """Note a refusal; return the error to raise for it."""
        self._password = _digest(password)
        self._why = why
        self._until = self._clock.monotonic() + SPARED
        return Permanent(why)


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
