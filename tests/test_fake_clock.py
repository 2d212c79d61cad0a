"""The clock of the tests."""

from __future__ import annotations

import asyncio

from tests.fake_clock import START, FakeClock


async def test_it_stands_still_until_it_is_moved(clock: FakeClock) -> None:
    woken = asyncio.create_task(clock.sleep(5))
    await clock.advance(4.9)
    assert not woken.done()
    await clock.advance(0.1)
    assert woken.done()
    assert (clock.now(), clock.monotonic()) == (START + 5, 5)


async def test_sleepers_wake_in_order_each_at_its_own_time(clock: FakeClock) -> None:
    seen: list[tuple[str, float]] = []

    async def ticks(name: str, seconds: float) -> None:
        for _ in range(3):
            await clock.sleep(seconds)
            seen.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(ticks("slow", 3))
        group.create_task(ticks("fast", 2))
        await clock.advance(10)
    assert seen == [("fast", 2), ("slow", 3), ("fast", 4), ("slow", 6), ("fast", 6), ("slow", 9)]
    assert clock.sleepers == 0


async def test_a_cancelled_sleeper_is_passed_over(clock: FakeClock) -> None:
    gone = asyncio.create_task(clock.sleep(1))
    stays = asyncio.create_task(clock.sleep(2))
    await clock.settle()
    gone.cancel()
    await clock.settle()
    assert clock.sleepers == 1
    await clock.advance(2)
    assert stays.done()


async def test_a_step_moves_the_wall_clock_only(clock: FakeClock) -> None:
    asleep = asyncio.create_task(clock.sleep(10))
    await clock.settle()
    clock.step(-3600)
    assert (clock.now(), clock.monotonic()) == (START - 3600, 0)
    await clock.settle()
    assert not asleep.done()
    await clock.advance(10)
    assert asleep.done()
    assert clock.now() == START - 3590
