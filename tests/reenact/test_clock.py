"""The training's clock and pace: real while something is under way, put forward where people only wait."""

from __future__ import annotations

import asyncio
import math

import pytest

from bridge.cli.replay.reenact.clock import TrainingClock
from bridge.cli.replay.reenact.pace import MOST, Pace
from tests.fake_clock import START
from tests.waiting import PATIENCE

HOUR = 3600.0


class Real:
    """Seconds that never step, as the test says."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def test_it_begins_with_the_logs_time_and_runs_like_a_real_clock() -> None:
    real = Real()
    clock = TrainingClock(START, real=real)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    real.seconds += 2.5
    assert (clock.now(), clock.monotonic()) == (START + 2.5, 2.5)


def test_a_skip_is_no_step_of_the_wall_clock() -> None:
    """Wall and monotonic time go on together, so nobody takes it for a clock that was set."""
    clock = TrainingClock(START, real=Real())
    before = clock.now() - clock.monotonic()
    clock.skip(HOUR)
    assert clock.now() == START + HOUR
    assert clock.now() - clock.monotonic() == before


async def test_a_skip_wakes_whoever_sleeps_until_then_and_nobody_else() -> None:
    clock = TrainingClock(START)
    short = asyncio.create_task(clock.sleep(HOUR))
    long = asyncio.create_task(clock.sleep(3 * HOUR))
    await asyncio.sleep(0)
    clock.skip(HOUR)
    async with asyncio.timeout(PATIENCE):
        await short
    assert not long.done()
    clock.skip(2 * HOUR)
    async with asyncio.timeout(PATIENCE):
        await long


async def test_sleep_ends_without_a_skip_too() -> None:
    clock = TrainingClock(START)
    async with asyncio.timeout(PATIENCE):
        await clock.sleep(0)
        await clock.sleep(0.01)
    assert clock.monotonic() >= 0.01


@pytest.mark.parametrize(
    ("speed", "after", "shows"), [(1.0, 4.0, 4.0), (10.0, 4.0, 40.0), (10.0, 0.0, 0.0), (MOST, 0.0, math.inf)]
)
def test_how_far_the_clock_may_be(speed: float, after: float, shows: float) -> None:
    assert Pace(speed, START, 50.0).may_be(50.0 + after) == (START + shows if shows != math.inf else math.inf)


def test_after_a_skip_the_speed_counts_anew() -> None:
    pace = Pace(10.0, START, 50.0)
    pace.go_on_from(START + HOUR, 51.0)
    assert pace.may_be(52.0) == START + HOUR + 10.0


@pytest.mark.parametrize(
    ("speed", "until", "left_out"),
    [
        (1.0, 60.0, 0.0),  # a time in which somebody may be expected to acknowledge
        (1.0, 61.0, 58.0),
        (1.0, 7200.0, 7197.0),  # three seconds are left of it
        (10.0, 61.0, 31.0),
        (10.0, 7200.0, 7170.0),  # and at ten times the speed three seconds again
        (MOST, 7200.0, 0.0),  # nobody waits anyhow
    ],
)
def test_what_is_left_out_of_a_silence(speed: float, until: float, left_out: float) -> None:
    pace = Pace(speed, START, 0.0)
    assert pace.silent(START, START + until, quiet_for=3.0, is_open=False) == left_out


@pytest.mark.parametrize(
    ("quiet_for", "is_open", "is_left_out"),
    [(2.9, False, False), (3.0, False, True), (14.9, True, False), (15.0, True, True)],
)
def test_a_silence_has_to_last_before_it_is_one(quiet_for: float, is_open: bool, is_left_out: bool) -> None:
    """Who is about to acknowledge or to resolve gets the time for it."""
    found = Pace(1.0, START, 0.0).silent(START, START + HOUR, quiet_for=quiet_for, is_open=is_open)
    assert bool(found) is is_left_out


def test_a_site_that_escalates_late_has_longer_silences() -> None:
    pace = Pace(1.0, START, 0.0, silence=300.0)
    assert pace.silent(START, START + 300.0, quiet_for=60.0, is_open=True) == 0.0
