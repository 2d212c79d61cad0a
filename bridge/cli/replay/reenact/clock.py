"""The training's clock: it shows the log's time, and waiting can be skipped. Made by `reenact`.

While anything is under way it runs as fast as a real clock, for the drivers' sockets and the simulated
systems take real time. So one clock serves everything, and none is scaled: a driver's time-out never
becomes a tenth of itself, and what the bridge stores is the log's own time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final


class TrainingClock:
    """A `model.Clock`. start: UTC epoch seconds that it shows at first. real: seconds that never step."""

    def __init__(self, start: float, *, real: Callable[[], float] = time.monotonic) -> None:
        self._start: Final = start
        self._real: Final = real
        self._began: Final = real()
        self._skipped = 0.0
        self._skip = asyncio.Event()

    def now(self) -> float:
        """By the log's time, UTC epoch seconds."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Seconds since the start, those that were skipped among them."""
        return self._real() - self._began + self._skipped

    def skip(self, seconds: float) -> None:
        """Go forward at once; whoever sleeps until then wakes."""
        self._skipped += seconds
        skipped, self._skip = self._skip, asyncio.Event()
        skipped.set()

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has gone on by `seconds`, by itself or by a skip."""
        end = self.monotonic() + seconds
        await asyncio.sleep(0)
        while (left := end - self.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._skip.wait()
