"""Proves to the PBX that the bridge lives, so that its dialplan may give the console time to answer.

A beat is the shortest call there is: an AMI Originate into the pack's `sos-heartbeat`, where the PBX notes
its own time. AMI's Setvar would do without a call, but it cannot note the PBX's time, and the right to it is
the right to hang up every call. Beats stop as soon as `healthy` says so: dispatch then rings at once.
Run by `app`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bridge.errors import DeliveryError, ProtocolError
from bridge.model import Clock
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_link import Link

BEAT: Final = (
    ("Channel", "Local/beat@sos-heartbeat/n"),
    ("Context", "sos-heartbeat"),
    ("Exten", "noted"),
    ("Priority", "1"),
    ("Timeout", "2000"),
)
NOTED_WITHIN: Final = 2.0
"""Seconds until the PBX must have said that it noted a beat."""


class Heartbeat:
    """One PBX's heartbeat.

    healthy: whether the SOS path works right now (its canary came through, the PBX is watched).
    every: seconds between beats; the dialplan waits `heartbeat_stale` seconds for the next.
    """

    def __init__(
        self, account: Account, clock: Clock, *, every: float, healthy: Callable[[], bool], name: str
    ) -> None:
        self.name = f"heartbeat/{name}"
        self.noted_at: float | None = None
        """UTC time of the last beat that the PBX noted."""
        self.why = "no beat yet"
        """Why the last beat was not noted; '' when it was."""
        self._clock = clock
        self._every = every
        self._healthy = healthy
        self._link = Link(account, clock=clock, name=self.name)
        self._beats = 0

    async def run(self) -> None:
        """Beat until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            tasks.create_task(self._beat_for_ever())

    async def _beat_for_ever(self) -> None:
        while True:
            await self._beat()
            # Until the login is through there is nothing to wait for that would take a whole interval.
            await self._clock.sleep(self._every if self._link.state.up else min(self._every, 0.25))

    async def _beat(self) -> None:
        if not self._healthy():
            self.why = "held back: the SOS path does not work"
            return
        self._beats += 1
        try:
            call = await self._link.originate(BEAT, action_id=f"beat-{self._beats}")
            await call.outcome(timeout=NOTED_WITHIN)
        except (DeliveryError, ProtocolError) as error:
            self.why = str(error)
            return
        self.noted_at, self.why = self._clock.now(), ""
