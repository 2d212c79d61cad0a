"""What the outbox asks of the drivers every few seconds: whether what is held on is still on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.model import Hold, Kind, Operation, Tier
from bridge.outbox import Outbox
from tests.fake_clock import START, FakeClock
from tests.outbox.test_lane import SOS, ScriptedDriver, Told

HOLD = Hold(resource="start_recording/zm/1", incident="i1", tier=Tier.EMERGENCY, since=1.0)


class AskedDriver(ScriptedDriver):
    """Answers every question with `on`, and notes what was asked."""

    def __init__(self, on: bool | Exception | None) -> None:
        super().__init__()
        self.on = on
        self.questions: list[tuple[Operation, str]] = []

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        self.questions.append((operation, target))
        if isinstance(self.on, Exception):
            raise self.on
        return self.on


async def test_what_is_off_is_reported_by_the_incident_that_had_it_first() -> None:
    driver, told = AskedDriver(on=False), Told()
    outbox = Outbox({"zm": driver}, told, FakeClock())
    await outbox.recheck([replace(HOLD, incident="later", since=2.0), HOLD])
    assert driver.questions == [(Operation.START_RECORDING, "1")]
    [event] = told
    assert (event.kind, event.incident, event.attributes) == (
        Kind.HOLD_LOST,
        "i1",
        {"resource": HOLD.resource},
    )
    assert event.occurred_at == START


@pytest.mark.parametrize("on", [True, None, RuntimeError("defect")])
async def test_what_is_on_or_cannot_be_asked_is_not_reported(on: bool | Exception | None) -> None:
    driver, told = AskedDriver(on), Told()
    await Outbox({"zm": driver}, told, FakeClock()).recheck([HOLD])
    assert len(driver.questions) == 1
    assert told == []


@pytest.mark.parametrize(
    "hold",
    [
        replace(HOLD, held=False),
        replace(HOLD, resource="start_recording/elsewhere/1"),
        replace(HOLD, resource="ptz/PTZ-01"),
    ],
)
async def test_what_is_not_asked(hold: Hold) -> None:
    driver = AskedDriver(on=False)
    await Outbox({"zm": driver}, Told(), FakeClock()).recheck([hold])
    assert driver.questions == []


async def test_a_target_that_is_being_changed_is_left_alone() -> None:
    driver = AskedDriver(on=False)
    outbox = Outbox({"zm": driver}, Told(), FakeClock())
    outbox.take([replace(SOS, target="1")])
    await outbox.recheck([HOLD])
    assert driver.questions == []


async def test_thousands_of_questions_leave_turns_to_others() -> None:
    """They once ran in a row: with 3,000 recordings on, the next SOS waited until all were asked."""
    driver = AskedDriver(on=True)
    outbox = Outbox({"zm": driver}, Told(), FakeClock())
    holds = [replace(HOLD, resource=f"start_recording/zm/{number}") for number in range(100)]
    asking = asyncio.create_task(outbox.recheck(holds))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(driver.questions) == 100
    assert turns >= 100
