"""What was not let in, or did not get out: counted by reason, and logged now and then.

Called by everything in this package; `/metrics` reads `counts`.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

from bridge.model import Clock

QUIET: Final = 10.0
"""Seconds between two log lines with the same reason, however many drops there are."""

_log = structlog.get_logger(__name__)


class Drop(enum.StrEnum):
    """Why."""

    EMPTY = "empty"
    NOT_SIP = "not_sip"
    MALFORMED = "malformed"
    NO_WAY_BACK = "no_way_back"
    """From port 0, where nothing can be answered."""
    SOURCE_FLOOD = "source_flood"
    TOTAL_FLOOD = "total_flood"
    CONNECTIONS = "connections"
    """One connection too many."""
    HANDSHAKE = "handshake"
    """No TLS connection came of it."""
    IDLE = "idle"
    """A connection that said nothing for too long."""
    UNREAD = "unread"
    """A connection whose other end does not read."""
    FAULT = "fault"
    """Our own error while a message was looked after."""
    NOT_SENT = "not_sent"
    SEND_BUFFER = "send_buffer"
    """The kernel had no room for a datagram. It will be sent again."""
    SOCKET = "socket"
    """The kernel refused to read or accept."""


class Drops:
    """Counters of one endpoint."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[Drop] = Counter()
        self._logged: dict[Drop, tuple[float, int]] = {}
        """When a reason was last logged, and its count then."""

    @property
    def counts(self) -> Mapping[Drop, int]:
        """How many so far; every reason is there."""
        return {reason: self._counts[reason] for reason in Drop}

    def count(self, reason: Drop, source: object, detail: str = "") -> None:
        """Count one. source: who is to be named in the log."""
        self._counts[reason] += 1
        now = self._clock.monotonic()
        last, counted = self._logged.get(reason, (-QUIET, 0))
        if now - last < QUIET:
            return
        self._logged[reason] = now, self._counts[reason]
        log = _log.exception if reason is Drop.FAULT else _log.warning
        log(
            "SIP traffic dropped",
            reason=str(reason),
            source=str(source),
            detail=ascii(detail[:200])[1:-1],
            dropped=self._counts[reason] - counted,
        )
