"""The machine's clock, made by `app` and the commands only; and what times tell: steps of it, downtime."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bridge.model import Accept, Clock, Event, Kind

STEP: Final = 1.0
"""Seconds of difference that count as a step; NTP slews less than this between two looks."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def downtime(node: str, since: float, until: float) -> tuple[Event, Event]:
    """Return the beginning and the end of a time in which this node did not run: a blind interval.

    since: its last sign of life.
    """
    subject = f"node/{node}"
    attributes = {"subject": subject, "what": "blind", "text": "the bridge was not running"}

    def event(kind: Kind, at: float) -> Event:
        return Event(
            kind=kind, source="bridge", key=f"{subject}/{since!r}", occurred_at=at, attributes=attributes
        )

    return event(Kind.LINK_LOST, since), event(Kind.LINK_RESTORED, until)


class ClockWatch:
    """A step of the wall clock is an event; timers do not follow it. Call `look` every few seconds."""

    def __init__(self, accept: Accept, clock: Clock, *, node: str) -> None:
        self._accept = accept
        self._clock = clock
        self._node = node
        self._offset = clock.now() - clock.monotonic()

    async def look(self) -> None:
        """Report a step of the wall clock since the last look."""
        offset = self._clock.now() - self._clock.monotonic()
        step = offset - self._offset
        if abs(step) < STEP:
            return
        self._offset = offset
        now = self._clock.now()
        await self._accept(
            Event(
                kind=Kind.CLOCK_STEPPED,
                source="bridge",
                key=f"{self._node}/{now!r}",
                occurred_at=now,
                attributes={
                    "subject": f"node/{self._node}",
                    "text": f"the wall clock stepped by {step:+.1f} s",
                },
            )
        )
