"""Timers by owner and label."""

from __future__ import annotations

import asyncio

import pytest

from bridge.protocols.sip_endpoint import Timers
from tests.waiting import until


@pytest.fixture
def fired() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def timers(fired: list[tuple[str, str]]) -> Timers[str, str]:
    return Timers(lambda owner, label: fired.append((owner, label)))


async def test_in_order_and_once(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    timers.set("t", "B", 0.02)
    timers.set("t", "A", 0.0)
    assert fired == []
    await until(lambda: len(fired) == 2)
    assert fired == [("t", "A"), ("t", "B")]
    assert len(timers) == 0


async def test_one_replaces_another(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    timers.set("t", "A", 0.0)
    timers.set("t", "A", 0.02)
    assert len(timers) == 1
    await until(lambda: bool(fired))
    await asyncio.sleep(0.03)
    assert fired == [("t", "A")]


async def test_stopped_and_forgotten(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    for owner in ("t", "u", "v"):
        timers.set(owner, "A", 0.0)
        timers.set(owner, "B", 0.0)
    timers.stop("t", "A")
    timers.stop("t", "A")
    timers.stop("nobody", "A")
    timers.forget("u")
    await until(lambda: len(fired) == 3)
    assert fired == [("t", "B"), ("v", "A"), ("v", "B")]


async def test_clear(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    timers.set("t", "A", 0.0)
    timers.clear()
    await asyncio.sleep(0.01)
    assert fired == []


async def test_set_again_from_within(fired: list[tuple[str, str]]) -> None:
    def again(owner: str, label: str) -> None:
        fired.append((owner, label))
        if len(fired) < 3:
            restless.set(owner, label, 0.0)

    restless: Timers[str, str] = Timers(again)
    restless.set("t", "A", 0.0)
    await until(lambda: len(fired) == 3)
    assert len(restless) == 0


async def test_an_error_of_one_does_not_stop_the_others(fired: list[tuple[str, str]]) -> None:
    def fail(owner: str, label: str) -> None:
        fired.append((owner, label))
        if label == "A":
            raise ValueError(label)

    told: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    brittle: Timers[str, str] = Timers(fail)
    for label in "ABC":
        brittle.set("t", label, 0.0)
    await until(lambda: len(fired) == 3)
    assert [label for _, label in fired] == ["A", "B", "C"]
    assert [str(error) for error in told] == ["A"]


async def test_one_that_fires_stops_another(fired: list[tuple[str, str]]) -> None:
    def stop_b(owner: str, label: str) -> None:
        fired.append((owner, label))
        chained.stop(owner, "B")

    chained: Timers[str, str] = Timers(stop_b)
    for label in "ABC":
        chained.set("t", label, 0.0)
    await until(lambda: len(fired) == 2)
    assert [label for _, label in fired] == ["A", "C"]


async def test_an_earlier_one_is_not_late(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    timers.set("t", "late", 60.0)
    timers.set("t", "soon", 0.01)
    await until(lambda: bool(fired))
    assert fired == [("t", "soon")]
    timers.clear()


async def test_stopped_timers_are_not_kept(timers: Timers[str, str], fired: list[tuple[str, str]]) -> None:
    """A call answered at once stops most of its timers: what is left must not grow with the calls."""
    timers.set("t", "A", 0.05)
    for number in range(10_000):
        timers.set(f"c{number}", "A", 60.0)
        timers.stop(f"c{number}", "A")
    assert len(timers) == 1
    assert len(timers._heap) < 500  # the promise is about memory
    await until(lambda: bool(fired))
    assert fired == [("t", "A")]
