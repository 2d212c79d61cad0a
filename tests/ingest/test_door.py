"""The one door in: durable before acknowledged, one commit for those that wait together, nothing dropped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import engine
from bridge.engine import Decision, Reason, State
from bridge.errors import StoreError
from bridge.ingest import Timers, deciding
from bridge.ingest import door as door_module
from bridge.model import DeliveryState, Event, IncidentState, Kind, Operation, Tier
from bridge.response import Plan, Rule, Step
from bridge.store import Spool, Store, Transaction
from tests.fake_clock import START
from tests.ingest.conftest import Door, soon
from tests.site import PLAN, POST_03, call_event

Opened = Callable[[], AbstractAsyncContextManager[Door]]


async def test_an_sos_is_one_incident_with_its_deliveries_leased_in_the_same_commit(
    door: Opened, store: Store
) -> None:
    async with door() as d:
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START)))
        [incident] = store.incidents()
        assert (incident.location, incident.state) == (POST_03, IncidentState.OPEN)
        [commit] = d.commits
    leased = [(delivery.driver, delivery.operation, delivery.target) for delivery in commit.leased]
    assert leased[:2] == [
        ("zm", Operation.START_RECORDING, "1"),
        ("zm", Operation.START_RECORDING, "2"),
    ]
    stored = store.deliveries(incident.id)
    assert {delivery.state for delivery in stored} == {DeliveryState.LEASED}
    assert {delivery.leased_by for delivery in stored} == {"a"}


async def test_the_same_fact_twice_is_one_event(door: Opened, store: Store) -> None:
    async with door() as d:
        event = call_event(Kind.CALL_DIALING, START)
        await soon(d.ingest.accept(event))
        await soon(d.ingest.accept(replace(event, via="ari")))
    assert [decision.reason for commit in d.commits for decision in commit.decisions] == [
        Reason.OPENED,
        Reason.DUPLICATE,
    ]
    assert len(store.incidents()) == 1


async def test_events_that_wait_together_share_a_commit(door: Opened) -> None:
    async with door() as d:
        waiting = [
            d.ingest.accept(call_event(Kind.CALL_DIALING, START, key=f"1700000000.{number}"))
            for number in range(100)
        ]
        for durable in waiting:
            await soon(durable)
    assert [len(commit.decisions) for commit in d.commits] == [100]


async def test_a_hangup_shares_the_commit_of_the_sos_behind_it(
    door: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "LINGER", 3600.0)
    async with door() as d:
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START, key="1700000000.1")))
        hangup = d.ingest.accept(call_event(Kind.CALL_ENDED, START, key="1700000000.1"))
        await d.clock.settle()
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START, key="1700000000.2")))
        await soon(hangup)
    kinds = [[decision.event.kind for decision in commit.decisions] for commit in d.commits]
    assert kinds == [[Kind.CALL_DIALING], [Kind.CALL_DIALING, Kind.CALL_ENDED]]


async def test_an_sos_does_not_stand_behind_many_hangups(
    door: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a flood the receipts and hangups of what has been may take their time."""
    monkeypatch.setattr(door_module, "FILL", 3)
    async with door() as d:
        calls = [f"1700000000.{number}" for number in range(8)]
        hangups = [d.ingest.accept(call_event(Kind.CALL_ENDED, START, key=key)) for key in calls[:7]]
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START, key=calls[7])))
        for hangup in hangups:
            await soon(hangup)
    kinds = [[decision.event.kind for decision in commit.decisions] for commit in d.commits]
    ended = Kind.CALL_ENDED
    assert kinds == [[Kind.CALL_DIALING, ended, ended], [ended] * 3, [ended] * 2]


async def test_a_hangup_alone_does_not_linger_long(door: Opened) -> None:
    async with door() as d:
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START)))
        await soon(d.ingest.accept(call_event(Kind.CALL_ENDED, START)))
    assert len(d.commits) == 2


async def test_a_timer_that_claims_a_camera_meets_the_incident_that_holds_it(
    door: Opened, store: Store
) -> None:
    """A timer names its incident, not the place: who holds the camera there takes a second look."""
    other = replace(PLAN.phones[0], id="POST-04", endpoint="1004", extension="1004")
    recall = Rule(step=Step.ESCALATE_1, operation=Operation.RECALL_PRESET, driver="wall")
    async with door() as d:
        d.ingest.plan = replace(PLAN, phones=(*PLAN.phones, other), rules=(recall,))
        timers = Timers(d.ingest.accept, d.clock)
        running = asyncio.create_task(timers.run())
        for number, endpoint in enumerate(("1003", "1004")):
            press = replace(call_event(Kind.CALL_DIALING, START, key=f"17.{number}"), endpoint=endpoint)
            await soon(d.ingest.accept(press))
        for timer in (timer for timer in store.timers() if timer.name == "escalate_1"):
            timers.sync([timer])
            await d.clock.advance(PLAN.times.escalate_1)
            await soon(d.ingest.canary())
        running.cancel()
    assert sorted(hold.held for hold in store.holds()) == [False, True]


async def test_what_concerns_no_phone_of_the_site_never_reaches_the_store(door: Opened) -> None:
    async with door() as d:
        stranger = replace(call_event(Kind.CALL_DIALING, START), endpoint="trunk", dialled="5551234")
        await soon(d.ingest.accept(stranger))
    assert d.commits == []


async def test_an_unknown_phone_on_the_alarm_extension_is_an_sos(door: Opened, store: Store) -> None:
    async with door() as d:
        stranger = replace(call_event(Kind.CALL_DIALING, START), endpoint="1999", caller="")
        await soon(d.ingest.accept(stranger))
    [incident] = store.incidents()
    assert (incident.phone, incident.location) == ("unknown/1999", "")
    assert [fault.what for fault in store.faults()] == ["unknown_phone"]


@pytest.mark.parametrize("endpoint", ["1003", "x" * 100_000])
async def test_a_huge_caller_name_and_no_time_at_all_lose_no_sos(
    door: Opened, store: Store, endpoint: str
) -> None:
    huge = "x" * 100_000
    async with door() as d:
        press = replace(
            call_event(Kind.CALL_DIALING, float("nan"), key=huge),
            endpoint=endpoint,
            caller=huge,
            attributes={"name": huge},
        )
        await soon(d.ingest.accept(press))
        received = d.clock.now()
    [incident] = store.incidents()
    assert (incident.tier, incident.opened_at) == (Tier.EMERGENCY, received)


async def test_an_event_that_cannot_be_decided_is_a_fault_and_its_neighbours_are_not_lost(
    door: Opened, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fold(events: Sequence[Event], state: State, plan: Plan, now: float) -> list[Decision]:
        if any(event.key == "poison" for event in events):
            raise ZeroDivisionError
        return engine.fold(events, state, plan, now)

    monkeypatch.setattr(deciding, "fold", fold)
    async with door() as d:
        waiting = [
            d.ingest.accept(call_event(Kind.CALL_DIALING, START, key=key))
            for key in ("1700000000.1", "poison", "1700000000.2")
        ]
        for durable in waiting:
            await soon(durable)
    [incident] = store.incidents()
    assert incident.pressed == 2
    [fault] = store.faults()
    assert (fault.subject, fault.what) == ("engine", "undecidable/call_dialing")
    assert "poison" in fault.text


async def test_a_slow_store_is_waited_for_half_a_second_then_the_spool_has_it(
    door: Opened, store: Store
) -> None:
    free = threading.Event()
    async with door() as d:
        hung = asyncio.create_task(d.thread.run(free.wait))
        await d.clock.settle()
        durable = d.ingest.accept(call_event(Kind.CALL_DIALING, START))
        await d.clock.advance(0.45)
        assert d.ingest.degraded_since is None
        await d.clock.advance(0.2)
        await soon(durable)
        assert (d.ingest.degraded_since or 0.0) > START
        assert store.incidents() == []
        free.set()
        await hung
        await soon(d.ingest.canary())
        await soon(d.ingest.canary())
        assert d.ingest.degraded_since is None
        assert len(store.incidents()) == 1
        assert len(d.ingest._spool or ()) == 0


async def test_a_failing_store_is_tried_again_until_it_is_back(
    door: Opened, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = store.transaction
    fails = 3

    def transaction() -> AbstractContextManager[Transaction]:
        nonlocal fails
        if fails:
            fails -= 1
            raise StoreError("the disk is full")
        return honest()

    monkeypatch.setattr(store, "transaction", transaction)
    async with door() as d:
        durable = asyncio.ensure_future(d.ingest.accept(call_event(Kind.CALL_DIALING, START)))
        while not store.incidents():
            await d.clock.advance(0.5)
            await asyncio.sleep(0.001)
        await soon(durable)
    assert fails == 0


async def test_what_an_earlier_run_spooled_comes_in_at_the_start_once(
    door: Opened, store: Store, tmp_path: Path
) -> None:
    with Spool(tmp_path / "spool.jsonl") as spool:
        event = replace(call_event(Kind.CALL_DIALING, START), phone=POST_03, location=POST_03)
        spool.append(event, event)
    async with door() as d:
        assert await d.ingest.drain_spool() == 2
        assert await d.ingest.drain_spool() == 0
    [incident] = store.incidents()
    assert incident.pressed == 1


async def test_a_reload_decides_later_events_by_the_new_plan(door: Opened, store: Store) -> None:
    async with door() as d:
        d.ingest.plan = replace(PLAN, alarm_extensions=("112",))
        await soon(d.ingest.accept(call_event(Kind.CALL_DIALING, START)))
    [incident] = store.incidents()
    assert incident.tier == "routine"
