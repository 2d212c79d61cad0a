"""Each night, in the site's own time: what is old goes, and the log tells where the evidence ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from bridge.model import IncidentState
from bridge.store import DAY, Database, Keep, Lease, Store, StoreThread
from bridge.store.migrate import upgrade
from bridge.supervision.retention import Retention, until_night
from tests.fake_clock import START, FakeClock
from tests.store.rows import decision, event, incident
from tests.waiting import until

HOURS = 3600.0


@pytest.mark.parametrize(
    ("now", "zone", "hours"),
    [
        ("2026-01-15T02:00", "UTC", 1.0),
        ("2026-01-15T03:00", "UTC", 24.0),
        ("2026-01-15T01:30", "Europe/Berlin", 0.5),
        ("2026-03-28T22:00", "Europe/Berlin", 3.0),  # that night 02:00 is 03:00
        ("2026-10-24T22:00", "Europe/Berlin", 4.0),  # that night has two hours at 02:00
    ],
)
def test_the_next_night(now: str, zone: str, hours: float) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    assert until_night(at, zone) == pytest.approx(hours * HOURS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/site.db"
    with Database(url) as database:
        upgrade(database)
    with Store(url) as opened:
        yield opened


@pytest.fixture
async def clock(store: Store) -> AsyncIterator[FakeClock]:
    """The retention of a site in UTC works by this clock."""
    clock = FakeClock()
    write, look = StoreThread("store"), StoreThread("looking")
    retention = Retention(
        store,
        clock,
        node="a",
        write=write,
        look=look,
        keep=lambda: Keep(emergency=100, routine=10, faults=100, forwarders=()),
        zone=lambda: "UTC",
    )
    task = asyncio.create_task(retention.run())
    yield clock
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert write.close()
    assert look.close()


def happened(store: Store, name: str, at: float) -> None:
    ended = incident(name, state=IncidentState.CLOSED, opened_at=at, closed_at=at + 60)
    with store.transaction() as transaction:
        transaction.write(
            [decision(ended, caused_by=event(key=name, incident=name, received_at=at))],
            Lease(node="a", now=at),
        )


async def test_a_clock_that_was_set_forward_prunes_nothing(store: Store, clock: FakeClock) -> None:
    happened(store, "i", START - DAY)
    await clock.advance(HOURS)
    clock.step(400 * DAY)
    with structlog.testing.capture_logs() as logs:
        await clock.advance(24 * HOURS)
    assert [line["event"] for line in logs] == ["nothing is pruned: the clock was set forward"]
    assert len(store.incidents()) == 1


async def test_what_is_old_goes_at_night(store: Store, clock: FakeClock) -> None:
    happened(store, "old", START - 101 * DAY)
    happened(store, "older tomorrow", START - 99.5 * DAY)
    happened(store, "young", START - 50 * DAY)

    async def pass_until(left: set[str]) -> None:
        async def passed() -> bool:
            await clock.advance(0.5)  # the rests between transactions
            return {each.id for each in store.incidents()} == left and len(store.journal()) == len(left)

        await until(passed)

    await clock.advance(2.9 * HOURS)
    assert len(store.incidents()) == 3
    with structlog.testing.capture_logs() as logs:
        await clock.advance(0.2 * HOURS)
        await pass_until({"older tomorrow", "young"})

        async def told() -> bool:
            await clock.advance(0.5)
            return [line["event"] for line in logs].count("evidence") == 2

        await until(told)
    assert {"event": "pruned", "log_level": "info", "incidents": 1, "events": 1} in logs
    ends = {line["chain"]: line["hash"] for line in logs if line["event"] == "evidence"}
    assert ends == {head.name: head.hash for head in store.heads()}
    await clock.advance(24 * HOURS)
    await pass_until({"young"})
