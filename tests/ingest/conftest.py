"""A real SQLite store and a door in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bridge.ingest import Committed, Ingest
from bridge.store import Database, Spool, Store, StoreThread
from bridge.store.migrate import upgrade
from tests.fake_clock import FakeClock
from tests.site import PLAN


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/site.db"
    with closing(Database(url)) as database:
        upgrade(database)
    with Store(url) as opened:
        yield opened


class Door:
    """An ingest with its parts in reach."""

    def __init__(self, store: Store, spool: Spool) -> None:
        self.clock = FakeClock()
        self.commits: list[Committed] = []
        self.thread = StoreThread("store")
        self.spool_thread = StoreThread("spool")
        self.ingest = Ingest(
            store,
            self.thread,
            PLAN,
            self.clock,
            node="a",
            spool=spool,
            spool_thread=self.spool_thread,
            observers=(self.commits.append,),
        )


@pytest.fixture
def door(store: Store, tmp_path: Path) -> Callable[[], object]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Door]:
        with Spool(tmp_path / "spool.jsonl") as spool:
            door = Door(store, spool)
            running = asyncio.create_task(door.ingest.run())
            try:
                yield door
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                assert door.thread.close()
                assert door.spool_thread.close()

    return opened


async def soon(waiting: Awaitable[object]) -> None:
    """Await what real threads bring about; a hang fails the test."""
    async with asyncio.timeout(10):
        await waiting
