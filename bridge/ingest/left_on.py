"""At the start: "stop" goes out for incidents that no longer live. Called by the app, once.

A stop is tried for hours. Where the bridge, or the video system, was away for longer, or refused it,
something is still on that nobody needs: a forced recording, a picture on a wall, an event in the VMS.
"""

from __future__ import annotations

import asyncio
from typing import Final

from bridge.model import Accept, Clock, Event, Kind
from bridge.store import Reader, StoreThread

LOOK_BACK: Final = 7 * 24 * 3600.0
"""Seconds since an incident was closed for which it is asked about. What is older, people have seen."""


async def stop_what_is_left_on(reader: Reader, thread: StoreThread, accept: Accept, clock: Clock) -> int:
    """Hand in a `left_on` event for each incident that may have left something on; return how many.

    thread: asks the reader. It returns when the events are durable; the engine decides what is stopped.
    Raises StoreError.
    """
    now = clock.now()
    incidents = await thread.run(lambda: reader.left_on(now - LOOK_BACK, now))
    await asyncio.gather(*(accept(_event(incident, now)) for incident in sorted(incidents)))
    return len(incidents)


def _event(incident: str, now: float) -> Event:
    return Event(
        kind=Kind.LEFT_ON,
        source="bridge",
        key=f"left-on/{incident}/{now!r}",
        occurred_at=now,
        incident=incident,
    )
