"""What the tests of both links share: a door that keeps what comes in, a trigger that runs, what it found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from bridge.model import Accept, Event, Kind
from tests.parts.sip import Sipp
from tests.waiting import until


class Door:
    """Stands for the ingest: keeps what comes in, in order; durable at once unless told otherwise."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.slow = False
        self.error: Exception | None = None

    def __call__(self, event: Event) -> Awaitable[None]:
        self.events.append(event)
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            durable.set_exception(self.error)
        elif self.slow:
            self.waiting.append(durable)
        else:
            durable.set_result(None)
        return durable

    def of(self, *kinds: Kind) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]


class Runs(Protocol):
    async def run(self, accept: Accept) -> None: ...


@asynccontextmanager
async def running(trigger: Runs, door: Door) -> AsyncIterator[None]:
    task = asyncio.create_task(trigger.run(door))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def restored(door: Door, times: int = 1) -> None:
    await until(lambda: len(door.of(Kind.LINK_RESTORED)) >= times)


async def assert_found_in_the_middle(door: Door, caller: Sipp) -> None:
    """The call of 1001 to 9110 was found as it was, marked recovered, and its end is told as it came."""
    found = [event for event in door.events if event.attributes.get("direction") == "out"]
    assert [event.kind for event in found] == [Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED]
    assert {event.attributes["recovered"] for event in found} == {"yes"}
    assert {(event.endpoint, event.caller, event.dialled) for event in found} == {("1001", "1001", "9110")}
    assert found[0].occurred_at == pytest.approx(caller.sent("INVITE")[0].at, abs=1.1)
    key = found[0].key
    await until(lambda: Kind.CALL_ENDED in {event.kind for event in door.events if event.key == key})
    [ended] = [event for event in door.of(Kind.CALL_ENDED) if event.key == key]
    assert (ended.attributes["ended_by"], ended.attributes.get("recovered")) == ("caller", None)
