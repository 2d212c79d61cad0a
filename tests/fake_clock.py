"""A clock that stands still until the test moves it (`model.Clock`)."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

START = 1_767_225_600.0
"""2026-01-01 00:00:00 UTC: a round wall-clock time to begin with."""


class FakeClock:
    """Sleepers wake only by `await clock.advance(seconds)`, in the order of their due times.

    Works inside one event loop. Work handed to threads is not waited for by `advance`.
    """

    def __init__(self, start: float = START) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        """UTC epoch seconds."""
        return self._wall

    def monotonic(self) -> float:
        """Seconds since this clock was made; `step` does not touch them."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by `seconds`; at once (after a turn of the loop) for 0."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move both clocks on, waking every sleeper at its own time, including those that sleep anew."""
        await self.settle()
        target = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # its task was cancelled
                continue
            self._move_to(due)
            woken.set_result(None)
            await self.settle()
        self._move_to(target)
        await self.settle()

    def step(self, seconds: float) -> None:
        """Set the wall clock on (or back) as an administrator or NTP does; nobody wakes."""
        self._wall += seconds

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    @staticmethod
    async def settle() -> None:
        """Let every task of the loop run until it waits for something."""
        for _ in range(20):
            await asyncio.sleep(0)

    def _move_to(self, monotonic: float) -> None:
        self._wall += monotonic - self._monotonic
        self._monotonic = monotonic
