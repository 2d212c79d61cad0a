"""Time in the tests of links: the machine's own."""

from __future__ import annotations

import asyncio
import time


class RunningClock:
    """The machine's own time, for tests that talk over real sockets with waiting times of milliseconds."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
