"""The thread for blocking calls: one at a time, in order, and never the event loop's problem."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from bridge.errors import StoreError
from bridge.store import StoreThread


@pytest.fixture
def thread() -> Iterator[StoreThread]:
    thread = StoreThread("store")
    yield thread
    assert thread.close()


class Gate:
    """A call that hangs until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        if not self.opened.wait(10):
            raise AssertionError("the gate was never opened")
        return "through"


async def test_calls_run_one_after_another_off_the_loop(thread: StoreThread) -> None:
    seen: list[tuple[int, str]] = []
    await asyncio.gather(
        *(thread.run(lambda n=n: seen.append((n, threading.current_thread().name))) for n in range(20))  # type: ignore[misc]  # n is bound
    )
    assert seen == [(n, "store") for n in range(20)]


async def test_results_and_errors_come_back(thread: StoreThread) -> None:
    assert await thread.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 8) == 8


async def test_a_call_that_hangs_is_waited_for_no_longer_than_told(thread: StoreThread) -> None:
    gate = Gate()
    with pytest.raises(StoreError, match=r"the store did not answer within 0\.01 s"):
        await thread.run(gate, timeout=0.01)
    gate.opened.set()
    assert await thread.run(lambda: "next") == "next"


async def test_a_call_given_up_before_its_turn_is_never_made(thread: StoreThread) -> None:
    gate, made = Gate(), threading.Event()
    first = asyncio.create_task(thread.run(gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    with pytest.raises(StoreError):
        await thread.run(made.set, timeout=0.01)
    gate.opened.set()
    assert await first == "through"
    await thread.run(lambda: None)
    assert not made.is_set()


async def test_a_time_out_of_the_call_itself_is_its_own(thread: StoreThread) -> None:
    def fail() -> None:
        raise TimeoutError("of the driver")

    with pytest.raises(TimeoutError, match="of the driver"):
        await thread.run(fail, timeout=10)


async def test_a_call_that_hangs_is_cut() -> None:
    gate, cuts = Gate(), 0

    def cut() -> None:
        nonlocal cuts
        cuts += 1
        gate.opened.set()

    thread = StoreThread("store", cut=cut, cut_after=0.01)
    assert await thread.run(gate) == "through"
    assert cuts == 1
    assert thread.close()


async def test_calls_that_follow_one_another_are_not_cut() -> None:
    def cut() -> None:
        raise AssertionError("nothing hung")

    thread = StoreThread("store", cut=cut, cut_after=0.02)
    for _ in range(20):
        await thread.run(lambda: threading.Event().wait(0.004))
    assert thread.close()


async def test_what_is_queued_still_runs_at_the_end() -> None:
    thread, done = StoreThread("store"), threading.Event()
    waiting = asyncio.create_task(thread.run(done.set))
    await asyncio.sleep(0)
    assert thread.close()
    await waiting
    assert done.is_set()


async def test_closing_does_not_wait_for_ever() -> None:
    thread, gate = StoreThread("store"), Gate()
    hanging = asyncio.create_task(thread.run(gate))
    await asyncio.to_thread(gate.entered.wait, 10)
    assert not thread.close(timeout=0.01)
    gate.opened.set()
    assert await hanging == "through"
    assert thread.close()
