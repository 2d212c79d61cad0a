"""Proves to the PBX that the bridge lives, so that its dialplan may give the console time to answer.

A beat is the shortest call there is, by AMI or ARI (`dispatch.ways.BEAT`): into the pack's `sos-heartbeat`,
where the PBX notes its own time. To set a global variable would do without a call, but neither AMI's Setvar
nor ARI's can note the PBX's time, and the right to AMI's is the right to hang up every call. Beats stop as
soon as `healthy` says so: dispatch then rings at once. Run by `app`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from bridge.drivers.dispatch.way import Way
from bridge.drivers.dispatch.ways import BEAT, NOTED_WITHIN
from bridge.errors import DeliveryError, ProtocolError
from bridge.model import Clock


class Heartbeat:
    """One PBX's heartbeat. way: its own connection (`way_of_beats`); the heartbeat has its name.

    healthy: whether the SOS path works right now (its canary came through, the PBX is watched).
    every: seconds between beats; the dialplan waits `heartbeat_stale` seconds for the next.
    """

    def __init__(self, way: Way, clock: Clock, *, every: float, healthy: Callable[[], bool]) -> None:
        self.name = way.name
        self.noted_at: float | None = None
        """UTC time of the last beat that the PBX noted."""
        self.why = "no beat yet"
        """Why the last beat was not noted; '' when it was."""
        self._clock = clock
        self._every = every
        self._healthy = healthy
        self._way = way
        self._beats = 0

    async def run(self) -> None:
        """Beat until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._way.run())
            tasks.create_task(self._beat_for_ever())

    async def _beat_for_ever(self) -> None:
        while True:
            await self._beat()
            # Until the login is through there is nothing to wait for that would take a whole interval.
            await self._clock.sleep(self._every if self._way.state.up else min(self._every, 0.25))

    async def _beat(self) -> None:
        if not self._healthy():
            self.why = "held back: the SOS path does not work"
            return
        self._beats += 1
        try:
            call = await self._way.start(replace(BEAT, id=f"beat-{self._beats}"))
            await call.outcome(timeout=NOTED_WITHIN)
        except (DeliveryError, ProtocolError) as error:
            self.why = str(error)
            return
        self.noted_at, self.why = self._clock.now(), ""
