"""Timers by owner and label."""

from __future__ import annotations

import asyncio

import pytest

from bridge.protocols.sip_endpoint import Timers
from tests.sip_endpoint.conftest import until


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
