"""What the PBX's own log tells of a gap, for the trigger that watches it. Made by `wiring`.

Here meet the log's mapping (`replay`), the store, and what the trigger has to know of neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import SosBridgeError
from bridge.model import Clock
from bridge.replay import MARGIN, CallRow, Lost, Tail, events_for, tail_of
from bridge.response import Plan
from bridge.triggers._past import Found

BELIEVED_AFTER: Final = 1.0
"""Seconds from reading that a call has no end to believing that it is none of those that live: its own events
come at once."""

LookUp = Callable[[Sequence[CallRow], dict[str, str]], Awaitable[list[Lost]]]
"""Returns which of these calls, all of them over, have no incident. The mapping: id -> caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxLog:
    """See `triggers._past.PastCalls`. source: the PBX's name in events.

    unwatched_since: when an earlier run last lived, or the generation before this one ended; UTC.
    """

    file: Path
    source: str
    plan: Callable[[], Plan]
    look_up: LookUp
    unwatched_since: float
    clock: Clock

    async def __call__(
        self, since: float | None, until: float, *, live: Callable[[], Collection[str]] | None
    ) -> Found:
        begin = self.unwatched_since if since is None else since
        plan = self.plan()
        try:
            tail = await asyncio.to_thread(
                tail_of, self.file, begin, plan, source=self.source, timezone=plan.timezone
            )
            rows = await self._over(tail, begin, until, live)
            lost = await self.look_up(rows, tail.callers) if rows else []
        except SosBridgeError as error:
            return Found(readable=False, trouble=str(error))
        events = [
            event for each in lost if not each.before for event in events_for(each, self.source, via="cel")
        ]
        return Found(events=events, settled=tail.newest > until, trouble=tail.trouble)

    async def _over(
        self, tail: Tail, begin: float, until: float, live: Callable[[], Collection[str]] | None
    ) -> list[CallRow]:
        """Those of the gap that are over. What goes on behind it is seen live."""
        began = (row for row in tail.rows if begin - MARGIN <= row.dialing_at <= until)
        rows = [row for row in began if (row.ended_at or 0.0) <= until]
        open_ = [row for row in rows if row.ended_at is None]
        if not open_:
            return rows
        await self.clock.sleep(BELIEVED_AFTER)
        alive = set(live()) if live else {row.id for row in open_}
        return [row for row in rows if row.ended_at is not None or row.id not in alive]
