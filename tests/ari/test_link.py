"""A link that is kept up: how long it waits, what it believes of errors, when it says that it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.errors import ConfigError, Permanent, ProtocolError, Retryable
from bridge.protocols.link import KeptLink, LinkState
from tests.ami.test_link import HastyClock
from tests.waiting import until


class Line:
    """A session that ends when it is told to."""

    def __init__(self, heard: float = 7.0) -> None:
        self.why = ""
        self.last_heard = heard
        self.closed = 0
        self.over = asyncio.Event()

    def abandon(self, why: str) -> None:
        self.why = self.why or why
        self.over.set()

    async def close(self) -> None:
        self.closed += 1


class Exchange:
    """Gives out lines, or raises what a test wants, in this order."""

    def __init__(self, *answers: Line | Exception) -> None:
        self.answers = list(answers)
        self.states: list[LinkState] = []

    async def connect(self) -> Line:
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def link(self, clock: HastyClock) -> KeptLink[Line]:
        return KeptLink(self.connect, clock=clock, name="test", on_change=self.states.append)


async def serve(line: Line) -> None:
    await line.over.wait()


Serve = Callable[[Line], Awaitable[None]]


async def run_until(link: KeptLink[Line], condition: Callable[[], object], how: Serve = serve) -> None:
    task = asyncio.create_task(link.run(how))
    try:
        await until(condition)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_pauses_double_up_to_five_seconds() -> None:
    clock, exchange = HastyClock(), Exchange(*(Retryable("away") for _ in range(8)))
    await run_until(exchange.link(clock), lambda: len(clock.slept) == 8)
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert [state.why for state in exchange.states] == ["away"], "the same reason is said once"


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (Retryable("away"), False),
        (ProtocolError("nonsense"), False),
        (Permanent("no such user"), True),
        (ConfigError("no secret"), True),
    ],
)
async def test_why_it_is_down(error: Exception, refused: bool) -> None:
    exchange = Exchange(error)
    link = exchange.link(HastyClock())
    await run_until(link, lambda: exchange.states)
    assert (link.state.up, link.state.why, link.state.refused) == (False, str(error), refused)


async def test_up_and_down_with_the_last_proof_of_life() -> None:
    line = Line(heard=7.0)
    exchange = Exchange(line)
    link = exchange.link(HastyClock())

    def ends() -> bool:
        if link.session is line and not line.why:
            line.last_heard = 9.0
            line.abandon("silent")
        return len(exchange.states) == 2

    await run_until(link, ends)
    up, down = exchange.states
    assert (up.up, down.up, down.why, down.last_heard) == (True, False, "silent", 9.0)
    assert link.session is None
    assert line.closed == 1


async def test_an_error_of_serving_is_the_reason_and_the_next_one_is_tried() -> None:
    first, second = Line(), Line()
    exchange = Exchange(first, second)
    link = exchange.link(HastyClock())

    async def serve_second(line: Line) -> None:
        if line is first:
            raise Retryable("no list of channels")
        await line.over.wait()

    await run_until(link, lambda: link.session is second, serve_second)
    assert exchange.states[1].why == "no list of channels"
    assert first.closed == 1


async def test_any_other_error_ends_it() -> None:
    exchange = Exchange(Line())

    async def broken(_line: Line) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await exchange.link(HastyClock()).run(broken)
