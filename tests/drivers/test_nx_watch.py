"""Operators' acknowledgements in the desktop client become events, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.model import Event, Kind, Operation
from bridge.simulator.vms.faults import Fault, Rule
from tests.drivers.case import INCIDENT
from tests.drivers.cases_nx import FIXED, OPERATOR, PTZ, fake_nx
from tests.drivers.nx_site import Site, site_of
from tests.fake_clock import FakeClock

OTHER = "77777777-2222-5333-8444-555566667777"
BOOKMARKS = "/rest/v4/devices/*/bookmarks"


class Ear:
    """Accepts events."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.heard.append(event)


@asynccontextmanager
async def watching(site: Site) -> AsyncIterator[Ear]:
    """Let the driver watch; it has looked once when this begins."""
    ear = Ear()
    task = asyncio.create_task(site.driver.watch(ear))
    await asleep(site)
    yield ear
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class AttendedClock(FakeClock):
    """Tells when somebody falls asleep: requests go through threads, of which the clock knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await super().sleep(seconds)


async def asleep(site: Site) -> None:
    """Return when the watch has looked and sleeps."""
    assert isinstance(site.clock, AttendedClock)
    await asyncio.wait_for(site.clock.asleep.wait(), 30)


async def pass_time(site: Site, seconds: float = 2.0) -> None:
    """Let time pass, and the watch look if it wakes."""
    assert isinstance(site.clock, AttendedClock)
    await site.clock.advance(seconds)
    if site.clock.sleepers == 0:
        site.clock.asleep.clear()
        await asleep(site)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_of(AttendedClock(), recording_rule=False) as made:
        yield made


async def test_an_acknowledgement(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    async with watching(site) as ear:
        await site.clock.advance(1)
        bookmark = site.fake.acknowledge(PTZ, user=OPERATOR)
        await pass_time(site)
        await pass_time(site)
    assert ear.heard == [
        Event(
            kind=Kind.ACKNOWLEDGED,
            source="vms/nx",
            key=bookmark["id"],
            incident=INCIDENT,
            occurred_at=site.clock.now() - 4,
            attributes={"by": "control-1", "how": "nx"},
        )
    ]


async def test_each_act_is_told(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    await site.do(Operation.EVENT_START, FIXED, incident=OTHER)
    async with watching(site) as ear:
        for camera in (PTZ, FIXED, PTZ):
            site.fake.acknowledge(camera, user=OPERATOR)
        await pass_time(site)
    assert sorted(event.incident for event in ear.heard) == [INCIDENT, INCIDENT, OTHER]
    assert len({event.id for event in ear.heard}) == 3


async def test_bookmarks_that_acknowledge_nothing(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    await site.do(Operation.BOOKMARK)
    [event] = site.fake.state.events
    at = int(event["timestamp"])
    for device, start, creator in ((PTZ, at + 1, OPERATOR), (FIXED, at, OPERATOR), (PTZ, at, "")):
        fields = {"name": "look", "startTimeMs": start, "durationMs": 1000}
        site.fake.state.add_bookmark(device, fields, creator=creator, now=site.clock.now())
    async with watching(site) as ear:
        await pass_time(site)
    assert ear.heard == []


async def test_our_own_bookmark_acknowledges_nothing() -> None:
    """It may begin at the event's very millisecond."""
    clock = AttendedClock()
    async with site_of(clock, recording_rule=False, bookmark_before=0) as site:
        await site.do(Operation.EVENT_START)
        await site.do(Operation.BOOKMARK)
        async with watching(site) as ear:
            await pass_time(site)
        assert ear.heard == []


async def test_nothing_is_asked_while_nothing_is_on(site: Site) -> None:
    async with watching(site):
        before = site.asked(BOOKMARKS)
        await pass_time(site)
        assert site.asked(BOOKMARKS) == before == 1  # the look back at the start
        await site.do(Operation.EVENT_START)
        await pass_time(site)
        assert site.asked(BOOKMARKS) == 2
        await site.do(Operation.EVENT_STOP)
        await pass_time(site)
        assert site.asked(BOOKMARKS) == 2


async def test_an_event_is_not_watched_for_ever(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    async with watching(site):
        await pass_time(site, 4 * 3600 + 1)
        before = site.asked(BOOKMARKS)
        await pass_time(site)
        assert site.asked(BOOKMARKS) == before


async def test_after_a_restart_the_bookmarks_tell_what_is_on(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    await site.do(Operation.BOOKMARK)
    async with site_of(site.clock, fake=fake_nx(site.clock), recording_rule=False) as later:
        later.fake.state = site.fake.state
        later.fake.acknowledge(PTZ, user=OPERATOR)
        async with watching(later) as ear:
            pass
    assert [event.incident for event in ear.heard] == [INCIDENT]


async def test_a_user_that_may_not_be_seen(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path="/users"))
    await site.do(Operation.EVENT_START)
    site.fake.acknowledge(PTZ, user=OPERATOR)
    async with watching(site) as ear:
        pass
    assert [event.attributes["by"] for event in ear.heard] == ["operator at nx"]


async def test_a_lost_server_is_asked_again_soon(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    site.fake.acknowledge(PTZ, user=OPERATOR)
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=503, path=BOOKMARKS, times=4))
    async with watching(site) as ear:
        for _ in range(4):
            assert ear.heard == []
            await pass_time(site, 5.0)
    assert len(ear.heard) == 1


async def test_a_wrong_password_does_not_lock_the_account(site: Site) -> None:
    site.fake.users["sosbridge"].password = "changed"
    async with watching(site):
        assert site.asked("login") == 1
        await pass_time(site, 299)
        assert site.asked("login") == 1
        await pass_time(site, 2)
        assert site.asked("login") == 2


async def test_older_servers_tell_nothing() -> None:
    clock = AttendedClock()
    async with site_of(clock, fake=fake_nx(clock, api=3), recording_rule=False) as site:
        await site.do(Operation.EVENT_START)
        async with watching(site) as ear:
            await pass_time(site)
        assert ear.heard == []
        assert site.asked("bookmarks") == 0
