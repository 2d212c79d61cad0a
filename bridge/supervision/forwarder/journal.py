"""The store as a forwarder sees it, without blocking and without failing. Called by `carrying`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import structlog

from bridge.errors import StoreError
from bridge.model import Clock
from bridge.store import StoreThread
from bridge.store.forwarding import Change, Cursor, Forwarding

log = structlog.get_logger(__name__)

T = TypeVar("T")

AGAIN_AFTER: Final = 1.0
"""Seconds between attempts while the store is away. Ingest says that it is."""


class Journal:
    """A store that is away is waited for: what is to be told is in there.

    write: the store's own thread, on which transactions follow one another.
    look: another, for what only reads.
    """

    def __init__(self, place: Forwarding, clock: Clock, *, write: StoreThread, look: StoreThread) -> None:
        self._place = place
        self._clock = clock
        self._write = write
        self._look = look

    async def take(self, *, from_beginning: bool) -> Cursor | None:
        """As `Forwarding.take`."""
        now = self._clock.now()
        return await self._ask(self._write, partial(self._place.take, now, from_beginning=from_beginning))

    async def keep(self, cursor: Cursor) -> bool:
        """As `Forwarding.keep`."""
        return await self._ask(self._write, partial(self._place.keep, cursor))

    async def after(self, cursor: Cursor, limit: int) -> list[Change]:
        """As `Forwarding.after`."""
        return await self._ask(self._look, partial(self._place.after, cursor, limit))

    async def waiting(self, cursor: Cursor) -> int:
        """As `Forwarding.waiting`."""
        return await self._ask(self._look, partial(self._place.waiting, cursor))

    async def release(self, cursor: Cursor) -> None:
        """Write how far it is and let another node take over. Once: a store that is away is left alone."""
        try:
            if await self._write.run(partial(self._place.keep, cursor)):
                await self._write.run(self._place.release)
        except StoreError as error:
            log.warning("how far a forwarder is could not be written", why=str(error))

    async def _ask(self, thread: StoreThread, call: Callable[[], T]) -> T:
        while True:
            try:
                return await thread.run(call)
            except StoreError:
                await self._clock.sleep(AGAIN_AFTER)
