"""A display that cannot be asked is a to-do from the first start on, and again when its proof is too old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bridge.engine import UNPROVEN, fold, needs_of
from bridge.model import Event, Fault, Kind
from bridge.response import Plan
from bridge.store import Database, Store, StoreThread
from bridge.store.migrate import upgrade
from bridge.supervision.proofs import Proofs, look_up, text_of
from tests.fake_clock import FakeClock

HOUR: Final = 3600.0
PLAN: Final = Plan(site="Plant", unread=frozenset({"wall"}))
TEXT: Final = (
    "nobody has confirmed within 26 h that what wall shows is really seen: "
    "run `sosbridge drill --phone ... --confirm`"
)


class Place:
    """A database, and processes that come and go beside it."""

    def __init__(self, store: Store, thread: StoreThread) -> None:
        self.store = store
        self.clock = FakeClock()
        self.events: list[Event] = []
        self._thread = thread

    def accept(self, event: Event) -> Awaitable[None]:
        """Decide and store it at once."""
        self.events.append(event)
        with self.store.transaction() as transaction:
            state = transaction.load(needs_of([event], PLAN))
            transaction.write(fold([event], state, PLAN, self.clock.now()))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def process(self) -> Proofs:
        """One that has just started: it knows nothing but the store."""
        return Proofs(self.store, self._thread, self.accept, self.clock)

    async def say(self, kind: Kind, subject: str = "driver/wall") -> None:
        """A person at the command line says so; a second passes."""
        now = self.clock.now()
        attributes = {"subject": subject, "what": UNPROVEN, "by": "A. Weber"}
        await self.accept(
            Event(kind=kind, source="cli", key=repr(now), occurred_at=now, attributes=attributes)
        )
        self.clock.step(1.0)

    async def prove(self) -> None:
        """As `sosbridge drill --confirm` does when the person has said yes."""
        await self.say(Kind.FAULT)
        await self.say(Kind.FAULT_CLEARED)

    def open(self) -> list[Fault]:
        return self.store.faults(what=UNPROVEN)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    url = f"sqlite:///{tmp_path}/site.db"
    with Database(url) as database:
        upgrade(database)
    thread = StoreThread("reading")
    with Store(url) as store:
        yield Place(store, thread)
        thread.close()


async def test_before_anybody_has_proven_anything_it_is_open(place: Place) -> None:
    await place.process().remind(PLAN)
    [fault] = place.open()
    assert (fault.subject, fault.what, fault.text) == ("driver/wall", "proof", TEXT)


async def test_it_is_told_once_however_often_anybody_starts_or_looks(place: Place) -> None:
    for _ in range(3):
        process = place.process()
        await process.remind(PLAN)
        await process.look(PLAN)
        place.clock.step(HOUR)
    assert len(place.events) == 1


async def test_two_nodes_that_look_at_the_same_time_say_the_same(place: Place) -> None:
    await asyncio.gather(place.process().remind(PLAN), place.process().remind(PLAN))
    assert len({event.id for event in place.events}) == 1
    assert len(place.store.faults(what=UNPROVEN, open_only=False)) == 1


async def test_a_proof_lasts_26_hours_across_restarts(place: Place) -> None:
    await place.process().remind(PLAN)
    await place.prove()
    proven = place.clock.now() - 1.0
    place.clock.step(26 * HOUR - 2.0)
    await place.process().remind(PLAN)
    await place.process().look(PLAN)
    assert place.open() == []
    place.clock.step(proven + 26 * HOUR - place.clock.now())
    await place.process().remind(PLAN)
    [fault] = place.open()
    assert fault.opened_at == place.clock.now()


async def test_a_proof_in_time_begins_the_26_hours_anew(place: Place) -> None:
    process = place.process()
    await process.remind(PLAN)
    for _ in range(4):
        await place.prove()
        place.clock.step(24 * HOUR)
        await process.look(PLAN)
        assert place.open() == []


async def test_who_does_not_see_it_ends_an_earlier_proof(place: Place) -> None:
    await place.prove()
    await place.say(Kind.FAULT)
    await place.process().look(PLAN)
    assert [fault.subject for fault in place.open()] == ["driver/wall"]
    assert look_up(place.store, PLAN, place.clock.now()).unproven == {"driver/wall"}


async def test_how_long_a_proof_lasts_is_a_setting(place: Place) -> None:
    await place.prove()
    place.clock.step(2 * HOUR)
    shorter = replace(PLAN, times=replace(PLAN.times, picture_proof=HOUR))
    await place.process().look(shorter)
    [fault] = place.open()
    assert fault.text == text_of(shorter, "driver/wall")
    assert "within 1 h" in fault.text


async def test_a_proof_by_a_clock_that_was_far_ahead_is_none(place: Place) -> None:
    place.clock.step(400 * 24 * HOUR)
    await place.prove()
    place.clock.step(-400 * 24 * HOUR)
    await place.process().remind(PLAN)
    assert [fault.subject for fault in place.open()] == ["driver/wall"]
    await place.prove()
    await place.process().look(PLAN)
    assert place.open() == []


async def test_a_driver_that_shows_nothing_any_more_needs_no_proof_and_has_none(place: Place) -> None:
    without = replace(PLAN, unread=frozenset())
    process = place.process()
    await process.remind(PLAN)
    place.clock.step(HOUR)
    await process.remind(without)  # of a configuration that may yet be refused
    assert len(place.open()) == 1
    await process.look(without)
    assert place.open() == []
    await process.look(without)
    assert [event.kind for event in place.events] == [Kind.FAULT, Kind.FAULT_CLEARED]
    place.clock.step(HOUR)
    await process.remind(PLAN)
    assert len(place.open()) == 1


async def test_a_driver_that_is_asked_is_left_alone(place: Place) -> None:
    await place.say(Kind.FAULT, "driver/wall")
    both = replace(PLAN, unread=frozenset({"wall", "other"}))
    await place.process().look(both)
    assert {fault.subject for fault in place.open()} == {"driver/wall", "driver/other"}
    assert place.events[-1].attributes["subject"] == "driver/other"
