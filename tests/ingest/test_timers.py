"""Due times come in as events: on time, once, by the monotonic clock, also those of an earlier run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from bridge.engine import Decision, Reason
from bridge.ingest import Committed, Timers
from bridge.model import Event, Kind, Timer
from tests.fake_clock import START, FakeClock
from tests.site import call_event


class Due(list[str]):
    def __call__(self, event: Event) -> Awaitable[None]:
        assert event.kind is Kind.TIMER_DUE
        self.append(f"{event.incident} {event.attributes['name']}")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def commit(**timers: float | None) -> Committed:
    decision = Decision(event=call_event(Kind.CALL_DIALING, START), reason=Reason.OPENED)
    for name, seconds in timers.items():
        timer = None if seconds is None else Timer(incident="i", name=name, due_at=START + seconds)
        decision.timers["i", name] = timer
    return Committed([decision], [], START)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Timers, Due, FakeClock]]:
    clock, due = FakeClock(), Due()
    timers = Timers(due, clock)
    task = asyncio.create_task(timers.run())
    try:
        yield timers, due, clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_is_due_once_in_order() -> None:
    async with running() as (timers, due, clock):
        timers.observe(commit(late=60.0, soon=20.0))
        await clock.advance(19.99)
        assert due == []
        await clock.advance(0.02)
        assert due == ["i soon"]
        await clock.advance(1000)
    assert due == ["i soon", "i late"]


async def test_cleared_and_rearmed_timers() -> None:
    async with running() as (timers, due, clock):
        timers.observe(commit(gone=10.0, moved=10.0))
        timers.observe(commit(gone=None, moved=30.0))
        await clock.advance(29.9)
        assert due == []
        await clock.advance(0.2)
    assert due == ["i moved"]


async def test_a_wall_clock_step_moves_nothing() -> None:
    async with running() as (timers, due, clock):
        timers.observe(commit(timer=20.0))
        clock.step(3600)
        await clock.advance(19.9)
        assert due == []
        clock.step(-7200)
        await clock.advance(0.2)
    assert due == ["i timer"]


async def test_timers_of_an_earlier_run_that_are_overdue_are_due_at_once() -> None:
    async with running() as (timers, due, clock):
        timers.sync([Timer(incident="i", name="old", due_at=START - 100)])
        await clock.advance(0)
    assert due == ["i old"]


async def test_what_was_handed_in_is_not_handed_in_again_while_the_store_still_holds_it() -> None:
    """In a flood the decision takes seconds, and the store is asked twice a second."""
    timer = Timer(incident="i", name="escalate_1", due_at=START + 20.0)
    async with running() as (timers, due, clock):
        timers.observe(commit(escalate_1=20.0))
        await clock.advance(20.1)
        for _ in range(3):
            timers.sync([timer])
            await clock.advance(0.5)
        assert due == ["i escalate_1"]
        timers.observe(decided(timer))
        timers.sync([timer])  # it came back: another node's, or one that could not be decided
        await clock.advance(0.5)
    assert due == ["i escalate_1"] * 2


def decided(timer: Timer) -> Committed:
    event = Event(
        kind=Kind.TIMER_DUE,
        source="timer",
        key="1",
        occurred_at=timer.due_at,
        incident=timer.incident,
        attributes={"name": timer.name, "due_at": repr(timer.due_at)},
    )
    return Committed([Decision(event=event, reason=Reason.ESCALATED)], [], START)
