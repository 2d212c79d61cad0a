"""Keeps the parts of the bridge running: what ends or fails is started again, soon and visibly.

Called by `app`, which owns the tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bridge.errors import SosBridgeError
from bridge.model import Clock

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
"""Seconds: no part of the SOS path stays away longer than this by our own doing."""
HEALTHY_AFTER: Final = 30.0
"""Seconds of running after which the next failure counts as the first again."""


async def keep_running(name: str, run: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run `run()` until cancelled, again after each end, with a pause of 0.2 s doubling up to 5 s."""
    pause = FIRST_PAUSE
    while True:
        started = clock.monotonic()
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except SosBridgeError as error:
            log.warning("stopped", part=name, why=str(error), again_in=pause)
        except Exception:
            log.exception("failed", part=name, again_in=pause)
        else:
            log.warning("ended", part=name, again_in=pause)
        if clock.monotonic() - started >= HEALTHY_AFTER:
            pause = FIRST_PAUSE
        await clock.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)


async def every(seconds: float, do: Callable[[], Awaitable[object]], clock: Clock) -> None:
    """Await `do()` every `seconds`, counted from the end of one to the start of the next, until cancelled."""
    while True:
        await do()
        await clock.sleep(seconds)
