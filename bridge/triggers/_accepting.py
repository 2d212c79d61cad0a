"""Handing events to the bridge in order without waiting for each commit. Used by the triggers.

Its name begins with `_` because every other module of this package is a type of trigger.
"""

from __future__ import annotations

import asyncio
from typing import Final

from bridge.model import Accept, Event

MAX_IN_FLIGHT: Final = 2000
"""Events handed over and not durable yet, before reading on waits."""


class Handover:
    """Events go in by `put`, at once and in order; `failed` tells when one could not be kept."""

    def __init__(self, accept: Accept, limit: int = MAX_IN_FLIGHT) -> None:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the exception of the first event that did not become durable; else stays pending."""
        self.handed_over = 0
        self._accept = accept
        self._limit = limit
        self._in_flight: set[asyncio.Future[None]] = set()
        self._settled = asyncio.Event()

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= self._limit

    def put(self, event: Event) -> None:
        """Hand `event` over now; it may become durable later."""
        self.handed_over += 1
        durable = asyncio.ensure_future(self._accept(event))
        if durable.done() and not durable.cancelled() and durable.exception() is None:
            return
        self._in_flight.add(durable)
        durable.add_done_callback(self._settle)

    async def room(self) -> None:
        """Return as soon as fewer than the limit are in flight."""
        while self.full:
            self._settled.clear()
            await self._settled.wait()

    def _settle(self, durable: asyncio.Future[None]) -> None:
        self._in_flight.discard(durable)
        self._settled.set()
        if durable.cancelled() or self.failed.done():
            return
        error = durable.exception()
        if error is not None:
            self.failed.set_exception(error)
            self.failed.exception()  # whoever awaits `failed` gets it; if nobody does any more, no noise
