"""Takes out each night what is older than the site keeps it, and logs where the evidence ends. Run by `app`.

SOS first: what is to go is looked for on a thread that nobody waits for, and what goes does so a few rows at
a time, with rests in which everything else is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bridge.model import Clock
from bridge.store import Keep, Store, StoreThread

log = structlog.get_logger(__name__)

HOUR: Final = 3
"""Of the site's day; most sites change shifts at other hours."""
FORWARD: Final = 24 * 3600.0
"""Seconds by which the clock may have been set forward; a clock that is set right moves by less."""
REST: Final = 0.2
"""Seconds between two transactions."""


class Retention:
    """keep: returns what the configuration in use says. zone: returns the site's timezone.

    write: the thread that decides. look: one that may be busy for as long as it takes.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        node: str,
        write: StoreThread,
        look: StoreThread,
        keep: Callable[[], Keep],
        zone: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._write = write
        self._look = look
        self._keep = keep
        self._zone = zone

    async def run(self) -> None:
        """Prune at each night's hour, until cancelled. Raises StoreError: the next night tries again.

        Never by a clock that was set forward since: years of evidence would be too old at once.
        """
        began = self._clock.now() - self._clock.monotonic()
        while True:
            await self._clock.sleep(until_night(self._clock.now(), self._zone()))
            ahead = self._clock.now() - self._clock.monotonic() - began
            if ahead < FORWARD:
                await self.prune()
            else:
                log.warning("nothing is pruned: the clock was set forward", hours=round(ahead / 3600, 1))

    async def prune(self) -> None:
        """Take out what is due, and tell of it. Raises StoreError."""
        keep, now = self._keep(), self._clock.now()
        by = f"node/{self._node}"
        pruning = self._store.pruning(keep.cuts(now), by=by, now=now, forwarders=keep.forwarders)
        while batches := await self._look.run(pruning.find):
            for batch in batches:
                await self._write.run(partial(pruning.take, batch))
                await self._clock.sleep(REST)
        if pruning.taken:
            log.info("pruned", **{name: count for name, count in pruning.taken.items() if count})
        for head in await self._look.run(self._store.heads):
            # Kept elsewhere, as the log may be, it proves what is stored now (`db verify --expect`).
            log.info("evidence", chain=head.name, seq=head.seq, hash=head.hash)


def until_night(now: float, zone: str) -> float:
    """Return the seconds from `now` (UTC epoch seconds) to the next `HOUR` in this timezone, never 0."""
    here = datetime.fromtimestamp(now, ZoneInfo(zone))
    night = here.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if night <= here:
        night += timedelta(days=1)
    return max(1.0, night.astimezone(UTC).timestamp() - now)
