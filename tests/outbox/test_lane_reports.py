"""What a lane says of an attempt besides how it ended: a missing camera, somebody else's wish."""

from __future__ import annotations

from dataclasses import replace

from bridge.errors import CameraMissing, Retryable
from bridge.model import DeliveryState, Kind, Receipt
from tests.outbox.test_lane import SOS, VERIFIED, ScriptedDriver, running


async def test_a_missing_camera_is_reported_as_such_and_tried_again() -> None:
    driver = ScriptedDriver(CameraMissing("no signal"), Retryable("busy"), VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(replace(SOS, params={"camera": "PTZ-01"}))
        await clock.advance(60)
    assert told.states == ["retry", "retry", "verified"]
    assert [event.attributes.get("missing") for event in told] == ["yes", None, None]
    assert {event.attributes["camera"] for event in told} == {"PTZ-01"}


async def test_a_camera_that_stays_missing_until_the_deadline_is_reported_with_the_end() -> None:
    async with running(ScriptedDriver(CameraMissing("no signal"))) as (lane, told, clock):
        lane.put(replace(SOS, deadline=100.1))
        await clock.advance(10)
    assert [(event.attributes["state"], event.attributes["missing"]) for event in told] == [
        ("expired", "yes")
    ]


async def test_a_missing_camera_says_nothing_against_its_system() -> None:
    driver = ScriptedDriver(*[CameraMissing("no signal")] * 5, VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(60)
        assert not lane.breaker.is_open
    assert {event.kind for event in told} == {Kind.DELIVERY_SETTLED}


async def test_a_wish_that_somebody_elses_stands_against_settles_as_superseded() -> None:
    moved = Receipt(outcome=DeliveryState.SUPERSEDED, proof="an operator has moved it")
    async with running(ScriptedDriver(moved)) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(0)
        assert lane.in_hand == {SOS.id}
        lane.withdraw(SOS.id)
        lane.stored(SOS.id)
        assert lane.in_hand == set()
    assert [(event.attributes["state"], event.attributes["proof"]) for event in told] == [
        ("superseded", "an operator has moved it")
    ]
