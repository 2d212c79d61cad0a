"""The bridge itself at the simulated systems; the log's calls come in at its door. Called by `reenact`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Protocol

from bridge.app import App
from bridge.cli.demo.stage import Seen
from bridge.cli.replay.reenact.clock import TrainingClock
from bridge.cli.replay.reenact.in_hand import InHand
from bridge.cli.replay.reenact.pace import SILENCE, Pace
from bridge.config import Site
from bridge.ingest import Committed
from bridge.model import Event, Kind
from bridge.replay.rerun import AFTERWARDS

BEFORE: Final = 30.0
"""Seconds that the clock shows before the first call while the bridge starts."""
JUST_BEFORE: Final = 0.2
LOOK_EVERY: Final = 0.02
"""Real seconds between looks at what is under way."""


class Shown(Protocol):
    """Who tells what happens."""

    def begin(self, at: float) -> None:
        """The clock shows this, and the calls begin."""

    def skip(self, seconds: float, at: float) -> None:
        """So much silence was left out; the clock shows `at` now."""

    def take(self, committed: Committed) -> None: ...

    def settle(self, now: float) -> None:
        """Time goes on."""


class Enactment:
    """site: of the training. events: in the order of their times, at least one."""

    def __init__(
        self, site: Site, events: Sequence[Event], clock: TrainingClock, speed: float, shown: Shown
    ) -> None:
        self.seen: Final = Seen()
        self.skipped = 0.0
        """Seconds of silence that were left out."""
        self._app: Final = App(site, clock=clock, on_commit=(self._take,))
        self._events: Final = events
        self._clock: Final = clock
        self._speed: Final = speed
        self._shown: Final = shown
        self._in_hand: Final = InHand()
        times = site.plan().times
        self._silence: Final = max(SILENCE, times.escalate_1, times.escalate_2)
        self._said = 0
        self._happened = time.monotonic()
        """When something last did, in real seconds that never step."""

    @classmethod
    def clock_for(cls, events: Sequence[Event]) -> TrainingClock:
        return TrainingClock(events[0].occurred_at - BEFORE)

    async def run(self, stop: asyncio.Event) -> bool:
        """Play all calls, and what follows of them; return False where `stop` was set before the end."""
        end = asyncio.Event()
        bridge = asyncio.create_task(self._app.run(end), name="the bridge")
        play = asyncio.create_task(self._play(), name="the calls")
        stopping = asyncio.create_task(stop.wait(), name="until stopped")
        try:
            await asyncio.wait({bridge, play, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (play, stopping):
                task.cancel()
            ended = await asyncio.gather(play, stopping, return_exceptions=True)
            end.set()
            await bridge
        if isinstance(ended[0], Exception):
            raise ended[0]
        return not stop.is_set()

    async def say(self, kind: Kind, incident: str, by: str) -> None:
        """Somebody who is trained does something about an incident."""
        self._said += 1
        await self._app.ingest.accept(
            Event(
                kind=kind,
                source="training",
                key=f"{kind}/{incident}/{self._said}",
                occurred_at=self._clock.now(),
                incident=incident,
                attributes={"by": by, "how": "training"},
            )
        )

    # --- the calls ------------------------------------------------------------------------------------

    async def _play(self) -> None:
        await self._app.started.wait()
        self._clock.skip(max(0.0, self._events[0].occurred_at - JUST_BEFORE - self._clock.now()))
        pace = Pace(self._speed, self._clock.now(), time.monotonic(), self._silence)
        self._shown.begin(self._events[0].occurred_at)
        for event in self._events:
            await self._until(event.occurred_at, pace)
            await self._app.ingest.accept(event)
        end = self._events[-1].occurred_at + AFTERWARDS
        while True:
            if not await self._settled():
                self._shown.settle(self._clock.now())
                await asyncio.sleep(LOOK_EVERY)
            elif (due := self._in_hand.next()) <= end:
                await self._until(due, pace)
            else:
                return

    async def _until(self, at: float, pace: Pace) -> None:
        """Return when the clock shows `at`. It is put forward only while nothing is under way."""
        while (now := self._clock.now()) < at:
            self._shown.settle(now)
            wait = at - now
            if await self._settled():
                due = min(at, self._in_hand.next())
                self._leave_out(pace, due)
                ahead = min(due, pace.may_be(time.monotonic())) - self._clock.now()
                if ahead > 0:
                    self._clock.skip(ahead)
                wait = max(0.0, at - self._clock.now()) / self._speed
            await asyncio.sleep(min(LOOK_EVERY, wait))

    def _leave_out(self, pace: Pace, due: float) -> None:
        """Say and skip a silence before what is due next."""
        quiet_for = time.monotonic() - self._happened
        is_open = any(incident.live for incident in self.seen.incidents.values())
        if seconds := pace.silent(self._clock.now(), due, quiet_for=quiet_for, is_open=is_open):
            self._clock.skip(seconds)
            self.skipped += seconds
            now = self._clock.now()
            pace.go_on_from(now, time.monotonic())
            self._shown.skip(seconds, now)

    async def _settled(self) -> bool:
        """Whether nothing is under way, once what nobody has ended for too long is ended."""
        if not await self._quiet():
            return False
        found = self._in_hand.take_stale(self._clock.now())
        stale = [incident for incident in found if self.seen.incidents[incident].live]
        for incident in stale:
            await self.say(Kind.RESOLVED, incident, "the training")
        return not stale

    async def _quiet(self) -> bool:
        """Whether nothing is under way: no event waits, no action is carried out, no timer is due."""
        if self._app.ingest.backlog:
            return False
        await asyncio.sleep(0)  # what was just committed is told a turn later
        return not (self._app.ingest.backlog or self._in_hand.busy(self._clock.now()))

    def _take(self, committed: Committed) -> None:
        if committed.decisions:
            self._happened = time.monotonic()
        self._in_hand.take(committed)
        self.seen.take(committed)
        self._shown.take(committed)
