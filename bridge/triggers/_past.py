"""The alarm calls of a gap, looked for in the log that the PBX itself has written. Used by `ami`.

A snapshot after the gap shows what lives. What began and ended while nobody watched, only the PBX's log can
tell. It is written late, may lie on a file server that is away, or have been rotated meanwhile: so it is
asked for again until it shows the gap, and a log that cannot be read is a fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.model import Clock, Event
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory

FAULT: Final = "cel"
"""`Fault.what` of a log that cannot be read."""
WRITTEN_WITHIN: Final = 10.0
"""Seconds after the gap by which its rows must have been written. A PBX in use writes others soon."""
AGAIN: Final = 1.0
"""Seconds between two looks, and between reading the log and believing that a call in it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a log tells of a gap.

    events: of calls without an incident, oldest first. settled: the log goes on behind the gap. trouble: what
    is wrong with the log, for a person. readable: False where another look may find more.
    """

    events: Sequence[Event] = ()
    settled: bool = True
    trouble: str = ""
    readable: bool = True


class PastCalls(Protocol):
    """Reads the log; made by the app, which knows logs and store."""

    def __call__(
        self, since: float | None, until: float, *, live: Callable[[], Collection[str]] | None
    ) -> Awaitable[Found]:
        """Return the alarm calls that began after `since` and are over, and that have no incident.

        since: None for when this link was last watched before this run. live: the channels that live, by
        Uniqueid; None where nobody knows, and only calls count whose end is in the log.
        """


class Past:
    """Outlives the sessions of a link, so that a gap stays to be looked at. calls: None looks at nothing."""

    def __init__(
        self,
        calls: PastCalls | None,
        story: LinkStory,
        handover: Handover,
        clock: Clock,
        *,
        channels: Callable[[], Collection[str]],
        retry_every: float,
    ) -> None:
        """channels: those that live now, by Uniqueid. retry_every: seconds, while the log cannot be read."""
        self._calls = calls
        self._story = story
        self._handover = handover
        self._clock = clock
        self._channels = channels
        self._retry_every = retry_every
        self._pending = False
        self._first = True
        self._since: float | None = None
        self._until = 0.0
        self._certain = False

    def gap(self, since: float | None, *, certain: bool) -> None:
        """Nobody watched from `since` until now. certain: a snapshot has shown what lives."""
        if not self._pending:
            self._since = None if self._first else since
            if since is None and not self._first:
                return
        self._first, self._pending = False, True
        self._until, self._certain = self._clock.now(), certain

    async def look(self) -> None:
        """Look at the gap until the log shows it. Ends without one."""
        end = self._clock.monotonic() + WRITTEN_WITHIN
        while self._calls is not None and self._pending:
            await self._clock.sleep(AGAIN)
            live = self._channels if self._certain else None
            found = await self._calls(self._since, self._until, live=live)
            if not found.readable:
                self._story.fault(FAULT, found.trouble)
                await self._clock.sleep(self._retry_every)
                continue
            if not found.settled and self._clock.monotonic() < end:
                continue
            if found.trouble:
                self._story.fault(FAULT, found.trouble)
            else:
                self._story.clear(FAULT)
            self._pending = False
            for event in found.events:
                self._handover.put(event)
