"""What a lane does with each answer of a driver, on a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge.errors import Permanent, Retryable, Uncertain, Unreachable, Unsent
from bridge.model import (
    Capability,
    Delivery,
    DeliveryState,
    Event,
    Finding,
    Kind,
    Operation,
    Receipt,
    Tier,
)
from bridge.outbox import Down, Lane, Outbox
from tests.fake_clock import FakeClock
from tests.outbox.test_queue import BASE

VERIFIED = Receipt(outcome=DeliveryState.VERIFIED, proof="status 2", reference="event:17")
Answer = Receipt | Exception | Callable[[], Awaitable[Receipt]]


class ScriptedDriver:
    """Gives the answers of its script in order; one ask too many is an error."""

    def __init__(self, *script: Answer) -> None:
        self.capabilities = {
            Operation.BOOKMARK: Capability.REPEATABLE,
            Operation.HOME: Capability.IMPOSSIBLE,
        }
        self.script = list(script)
        self.asked: list[Delivery] = []

    async def perform(self, delivery: Delivery) -> Receipt:
        self.asked.append(delivery)
        assert self.script, f"unexpected: {delivery}"
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Receipt) else await answer()

    async def check(self) -> list[Finding]:
        return []

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        return None

    async def close(self) -> None:
        assert not self.script, f"never asked: {self.script}"


class Told(list[Event]):
    """Collects what the lane hands in."""

    def __call__(self, event: Event) -> Awaitable[None]:
        self.append(event)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    @property
    def states(self) -> list[str]:
        return [e.attributes["state"] for e in self if e.kind is Kind.DELIVERY_SETTLED]


@asynccontextmanager
async def running(driver: ScriptedDriver) -> AsyncIterator[tuple[Lane, Told, FakeClock]]:
    clock, told = FakeClock(100.0), Told()
    lane = Lane("zm", driver, told, clock)
    task = asyncio.create_task(lane.run())
    try:
        yield lane, told, clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await driver.close()


SOS = replace(BASE, tier=Tier.EMERGENCY)


async def test_a_receipt_settles_with_its_proof() -> None:
    async with running(ScriptedDriver(VERIFIED)) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(0)
    [event] = told
    assert event.kind is Kind.DELIVERY_SETTLED
    assert event.attributes == {
        "delivery": "a",
        "state": "verified",
        "attempts": "1",
        "proof": "status 2",
        "reference": "event:17",
        "started_at": "100.0",
    }


async def test_a_leased_delivery_put_twice_is_performed_once() -> None:
    async with running(ScriptedDriver(VERIFIED)) as (lane, told, clock):
        lane.put(SOS)
        lane.put(SOS)
        await clock.advance(0)
    assert told.states == ["verified"]


async def test_a_delivery_starts_with_the_next_turn_of_the_loop() -> None:
    async with running(ScriptedDriver(VERIFIED)) as (lane, told, clock):
        await clock.advance(0)
        lane.put(SOS)
        await asyncio.sleep(0)
        assert told.states == ["verified"]


async def test_a_delivery_that_comes_too_late_is_never_asked_for() -> None:
    async with running(ScriptedDriver()) as (lane, told, clock):
        await clock.advance(0)
        lane.put(replace(SOS, deadline=99.0))
        await clock.advance(0)
    assert told.states == ["expired"]


async def test_nothing_starts_before_the_lane_runs_nor_after_it_ended() -> None:
    driver, told = ScriptedDriver(), Told()
    lane = Lane("zm", driver, told, FakeClock())
    lane.put(SOS)
    task = asyncio.create_task(lane.run())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lane.put(replace(SOS, id="b"))
    await asyncio.sleep(0)
    assert lane.backlog == 2


@pytest.mark.parametrize(
    ("answer", "state", "doubtful"),
    [
        (Permanent("no such camera"), "failed", False),
        (RuntimeError("defect"), "uncertain", False),
    ],
)
async def test_what_is_never_tried_again(answer: Exception, state: str, doubtful: bool) -> None:
    async with running(ScriptedDriver(answer)) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(1000)
    assert told.states == [state]


async def test_an_impossible_operation_fails_without_being_asked() -> None:
    async with running(ScriptedDriver()) as (lane, told, clock):
        lane.put(replace(SOS, operation=Operation.HOME))
        await clock.advance(0)
    assert told.states == ["failed"]
    assert told[0].attributes["proof"] == "zm cannot home"


async def test_a_retry_waits_longer_each_time() -> None:
    driver = ScriptedDriver(Retryable("busy"), Retryable("busy"), Retryable("busy"), VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(0)
        assert len(driver.asked) == 1
        tick = 1 / 1024
        for pause in (0.25, 0.5, 1.0):
            before = len(driver.asked)
            await clock.advance(pause - tick)
            assert len(driver.asked) == before
            await clock.advance(tick)
            assert len(driver.asked) == before + 1
    assert told.states == ["retry", "retry", "retry", "verified"]


async def test_retry_after_is_honoured_but_not_believed_for_ever() -> None:
    driver = ScriptedDriver(Retryable("wait", retry_after=1e9), VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(29.9)
        assert told.states == ["retry"]
        await clock.advance(0.2)
    assert told.states == ["retry", "verified"]


async def test_an_unanswered_request_is_repeated_as_doubtful_and_never_counted_as_done() -> None:
    driver = ScriptedDriver(Uncertain("no answer"), VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(1)
    assert [delivery.doubtful for delivery in driver.asked] == [False, True]
    assert told.states == ["retry", "verified"]


@pytest.mark.parametrize(("error", "state"), [(Retryable("down"), "expired"), (Uncertain("?"), "uncertain")])
async def test_the_deadline_ends_it_visibly(error: Exception, state: str) -> None:
    async with running(ScriptedDriver(error)) as (lane, told, clock):
        lane.put(replace(SOS, deadline=100.2))
        await clock.advance(10)
    assert told.states == [state]


async def test_the_deadline_passes_while_it_waits() -> None:
    driver = ScriptedDriver(Retryable("down"))
    async with running(driver) as (lane, told, clock):
        lane.put(replace(SOS, deadline=100.3))
        await clock.advance(0)
        lane.breaker.failures = 99
        lane.breaker.silent(clock.monotonic())
        await clock.advance(1)
    assert told.states == ["retry", "expired"]


async def test_the_breaker_opens_says_so_and_closes_on_the_first_answer() -> None:
    driver = ScriptedDriver(*[Unreachable("refused")] * 4, VERIFIED)
    async with running(driver) as (lane, told, clock):
        seen = [lane.down]
        lane.put(SOS)
        await clock.advance(1)
        seen.append(lane.down)
        await clock.advance(60)
        seen.append(lane.down)
    assert seen == [None, Down(since=100.75, why="refused"), None]
    links = [
        (event.kind, event.attributes["subject"]) for event in told if event.kind is not Kind.DELIVERY_SETTLED
    ]
    assert links == [(Kind.LINK_LOST, "driver/zm"), (Kind.LINK_RESTORED, "driver/zm")]
    assert told.states[-1] == "verified"


async def test_an_open_breaker_lets_one_probe_through() -> None:
    gate = asyncio.Event()

    async def hang() -> Receipt:
        await gate.wait()
        return VERIFIED

    driver = ScriptedDriver(*[Unreachable("refused")] * 3, hang)
    async with running(driver) as (lane, _, clock):
        for number in range(3):
            lane.put(replace(SOS, id=f"d{number}", target=f"{number}"))
        await clock.advance(30)
        assert len(driver.asked) == 4  # three failures, then a probe that hangs: nobody else is sent after it
        driver.script += [VERIFIED, VERIFIED]
        gate.set()
        await clock.advance(0)
        assert len(driver.asked) == 6


async def test_hung_routine_traffic_leaves_a_place_for_an_sos() -> None:
    async def hang() -> Receipt:
        await asyncio.Event().wait()
        raise AssertionError

    driver = ScriptedDriver(hang, VERIFIED)
    async with running(driver) as (lane, told, clock):
        lane.put(replace(BASE, id="r1", target="1"))
        lane.put(replace(BASE, id="r2", target="2"))
        await clock.advance(0)
        assert [delivery.id for delivery in driver.asked] == ["r1"]
        lane.put(replace(SOS, id="sos", target="3"))
        await clock.advance(0)
        assert told.states == ["verified"]
        lane.withdraw("r2")


async def test_what_waits_for_one_camera_keeps_no_other_waiting() -> None:
    """Cameras that travel and recordings that begin read back for seconds; a pop-up is behind them."""
    arrived = asyncio.Event()

    async def travels() -> Receipt:
        await arrived.wait()
        return VERIFIED

    driver = ScriptedDriver(*[travels] * 4, VERIFIED)
    async with running(driver) as (lane, told, clock):
        for number in range(5):
            lane.put(replace(SOS, id=f"d{number}", target=f"{number}", order=number))
        await clock.advance(0)
        assert told.states == ["verified"]
        arrived.set()
        await clock.advance(0)
    assert told.states == ["verified"] * 5


async def test_what_never_left_says_nothing_about_the_other_side() -> None:
    """Two hung requests hold both connections; that others found none must not close the breaker."""
    errors = [Unreachable("silent"), Unreachable("silent"), Unsent("busy"), Unreachable("silent")]
    driver = ScriptedDriver(*errors)
    async with running(driver) as (lane, told, clock):
        for number in range(4):
            lane.put(replace(SOS, id=f"d{number}", target=f"{number}"))
        await clock.advance(0)
        assert lane.down is not None
        assert told.states == ["retry"] * 4
        for number in range(4):
            lane.withdraw(f"d{number}")


async def test_a_delivery_superseded_under_way_is_not_tried_again() -> None:
    gate = asyncio.Event()

    async def late() -> Receipt:
        await gate.wait()
        raise Retryable("busy")

    async with running(ScriptedDriver(late)) as (lane, told, clock):
        lane.put(SOS)
        await clock.advance(0)
        lane.withdraw(SOS.id)
        gate.set()
        await clock.advance(60)
    assert told.states == ["expired"]


async def test_a_lane_that_is_woken_shows_that_it_takes_up_work() -> None:
    async with running(ScriptedDriver()) as (lane, told, clock):
        await clock.advance(20)
        assert lane.silent_for == 20
        lane.wake()
        await clock.advance(1)
        assert lane.silent_for == 1
    assert told == []


async def test_a_lane_that_does_not_run_is_silent_however_often_it_is_woken() -> None:
    clock = FakeClock(100.0)
    outbox = Outbox({"zm": ScriptedDriver(), "wall": ScriptedDriver()}, Told(), clock)
    running_lane = asyncio.create_task(outbox.lanes["wall"].run())
    for _ in range(3):
        outbox.wake()
        await clock.advance(5)
    assert (outbox.silent_for, outbox.lanes["wall"].silent_for) == (15, 5)
    running_lane.cancel()
    await asyncio.gather(running_lane, return_exceptions=True)


async def test_an_outbox_without_drivers_waits_and_is_never_silent() -> None:
    clock = FakeClock(100.0)
    outbox = Outbox({}, Told(), clock)
    task = asyncio.create_task(outbox.run())
    await clock.advance(60)
    assert not task.done()
    assert outbox.silent_for == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
