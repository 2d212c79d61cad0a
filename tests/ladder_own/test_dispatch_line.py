"""What an SOS that somebody has already must not do when the PBX comes back: ring there."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from bridge.drivers.dispatch.line import Line
from bridge.drivers.dispatch.request import Call
from bridge.drivers.dispatch.way import Started
from bridge.errors import Unreachable
from bridge.protocols.link import LinkState
from tests.fake_clock import FakeClock


class LosableWay:
    """A connection to the PBX."""

    name = "dispatch"
    username = "sos-originate"
    setting: ClassVar[str] = "originate"
    exclusive: ClassVar[bool] = False

    def __init__(self) -> None:
        self.state = LinkState(up=True, since=0.0)

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def start(self, call: Call) -> Started:
        raise NotImplementedError(call)


async def test_a_call_does_not_wait_for_a_link_that_was_lost(clock: FakeClock) -> None:
    way = LosableWay()
    line = Line("dispatch", lambda _heard: way, clock)
    await line.open()
    way.state = LinkState(up=False, since=1.0, why="the PBX closed the connection")
    waiting = asyncio.create_task(line.open())
    try:
        for _ in range(10):  # the clock stands still
            await asyncio.sleep(0)
        assert waiting.done()
        assert isinstance(waiting.exception(), Unreachable)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await line.close()
