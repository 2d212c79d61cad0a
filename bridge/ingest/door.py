"""Events in, one commit, decisions out. Called by triggers, outbox, timers, CLI and web through `accept`.

Events that wait together share a transaction. An event is acknowledged to its source when it is
durable: committed, or, where the store takes longer than `PATIENCE`, in the spool.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog

from bridge.errors import StoreError
from bridge.ingest.deciding import Committed, Decider
from bridge.model import Clock, Event, Kind
from bridge.response import Plan, identify
from bridge.store import Spool, Store, StoreThread

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.5
"""Seconds an event waits for the store before the spool has it (semantics.md, "Store")."""
BATCH: Final = 500
"""Events in one transaction at most."""
FILL: Final = 100
"""Up to this many, a batch takes of what can wait. An SOS may come while it is decided, and stands behind it
for as long: about 0.1 s."""
RETRY_EVERY: Final = 1.0
"""Seconds between attempts while the store fails."""
LINGER: Final = 0.02
"""Seconds for which what nobody waits for is kept back, so that it shares a commit. A receipt or a hangup
with a commit of its own is one more that the next SOS has to stand behind."""
UNHURRIED: Final = frozenset(
    {
        Kind.CALL_ANSWERED,
        Kind.CALL_CONNECTED,
        Kind.CALL_ENDED,
        Kind.CALL_FAILED,
        Kind.MISSED,
        Kind.DELIVERY_SETTLED,
        Kind.TIMER_DUE,
    }
)
"""What may linger. Anything else goes before it, is committed at once, and takes some of it along.

So a call's hangup may be decided after a later call's start, as it may reach us; never before its own.
"""


@dataclass(slots=True, eq=False)
class _Waiting:
    """An event on its way to the store; `event` is None for a canary."""

    event: Event | None
    since: float
    durable: asyncio.Future[None]
    spooled: bool = False


class Ingest:
    """Accepts events and writes what they mean.

    plan: swapped whole at a reload; an event is decided by the plan it is committed under.
    node: leases what is born here; None (the command line) leaves deliveries to a running node.
    observers: told of each commit, in order, in the event loop; they must not block.
    """

    def __init__(
        self,
        store: Store,
        thread: StoreThread,
        plan: Plan,
        clock: Clock,
        *,
        node: str | None,
        spool: Spool | None = None,
        spool_thread: StoreThread | None = None,
        observers: Sequence[Callable[[Committed], None]] = (),
    ) -> None:
        self.plan = plan
        self.degraded_since: float | None = None
        self._canary_at: float | None = None
        self._decider = Decider(store, clock, node=node)
        self._thread = thread
        self._clock = clock
        self._spool = spool
        self._spool_thread = spool_thread or thread
        self._drained = spool is None or not len(spool)
        self._observers = observers
        self._hurried: deque[_Waiting] = deque()
        self._unhurried: deque[_Waiting] = deque()
        self._batch: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        """Set while something waits that must not linger."""

    # --- the door -----------------------------------------------------------------------------------

    def accept(self, event: Event) -> Awaitable[None]:
        """Queue `event` at once, in call order; the awaitable ends when it is durable.

        An event that concerns no phone or alarm of this site is done at once. Raises nothing: a store
        that is away is waited for.
        """
        identified = identify(replace(event, received_at=self._clock.now()), self.plan)
        if identified is None:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return self._enqueue(identified)

    def canary(self) -> Awaitable[None]:
        """Go the whole way of an event, commit included, leaving only this node's sign of life."""
        return self._enqueue(None)

    def _enqueue(self, event: Event | None) -> asyncio.Future[None]:
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(event, self._clock.monotonic(), durable)
        if event is not None and event.kind in UNHURRIED:
            self._unhurried.append(waiting)
        else:
            self._hurried.append(waiting)
            self._hurry.set()
        self._arrived.set()
        return durable

    @property
    def canary_age(self) -> float | None:
        """Seconds since a canary last came through; None before the first."""
        return None if self._canary_at is None else self._clock.monotonic() - self._canary_at

    @property
    def backlog(self) -> int:
        """Events that are not committed yet."""
        return len(self._hurried) + len(self._unhurried) + len(self._batch)

    # --- the way to the store -----------------------------------------------------------------------

    async def run(self) -> None:
        """Commit what waits, batch after batch, until cancelled."""
        patience = asyncio.create_task(self._watch_patience())
        try:
            while True:
                await self._arrived.wait()
                await self._linger()
                self._batch = self._take_batch()
                if self._batch:
                    await self._settle(self._batch)
                    self._batch = []
                    await self._forget_spooled()
        finally:
            patience.cancel()

    def _take_batch(self) -> list[_Waiting]:
        batch = _taken(self._hurried, BATCH)
        if not self._hurried:
            self._hurry.clear()
            batch += _taken(self._unhurried, FILL - len(batch))
            if not self._unhurried:
                self._arrived.clear()
        return batch

    async def _linger(self) -> None:
        """Return once something hurries, or after LINGER."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._hurry.wait()

    async def drain_spool(self) -> int:
        """Take in what an earlier run had to leave in the spool; returns how many events."""
        count = 0
        while self._spool is not None and (entries := self._spool.drain()):
            for durable in [self._enqueue(entry.event) for entry in entries]:
                await durable
            await self._spool_thread.run(partial(self._spool.done, entries[-1].mark))
            count += len(entries)
        self._drained = True
        return count

    async def _settle(self, batch: list[_Waiting]) -> None:
        """Commit the batch; while the store fails, try again: nothing that came in is ever dropped."""
        events = [waiting.event for waiting in batch if waiting.event is not None]
        while True:
            try:
                committed = await self._thread.run(lambda: self._decider.commit(events, self.plan))
            except StoreError as error:
                self._degrade(str(error))
                await self._clock.sleep(RETRY_EVERY)
            else:
                break
        if self.degraded_since is not None:
            log.warning("store is back", degraded_since=self.degraded_since)
            self.degraded_since = None
        for waiting in batch:
            if not waiting.durable.done():
                waiting.durable.set_result(None)
        if any(waiting.event is None for waiting in batch):
            self._canary_at = self._clock.monotonic()
        for observer in self._observers:
            observer(committed)

    # --- when the store is slow or away --------------------------------------------------------------

    async def _watch_patience(self) -> None:
        while True:
            await self._clock.sleep(PATIENCE / 5)
            late = self._clock.monotonic() - PATIENCE
            overdue = [
                waiting
                for waiting in (*self._batch, *self._hurried, *self._unhurried)
                if waiting.since <= late and waiting.event is not None and not waiting.durable.done()
            ]
            if overdue:
                await self._spool_all(overdue)

    async def _spool_all(self, overdue: Sequence[_Waiting]) -> None:
        if self._spool is None:
            return
        self._degrade(f"the store has not answered for {PATIENCE:g} s")
        try:
            events = [waiting.event for waiting in overdue if waiting.event is not None]
            await self._spool_thread.run(partial(self._spool.append, *events))
        except StoreError as error:
            log.critical("events are in memory only: the spool cannot be written", error=str(error))
            return
        for waiting in overdue:
            waiting.spooled = True
            if not waiting.durable.done():
                waiting.durable.set_result(None)

    def _degrade(self, why: str) -> None:
        if self.degraded_since is None:
            self.degraded_since = self._clock.now()
            log.error("store degraded", why=why)

    async def _forget_spooled(self) -> None:
        """Empty the spool once everything it holds is committed."""
        if self._spool is None or not len(self._spool) or not self._drained:
            return
        if any(waiting.spooled for waiting in (*self._hurried, *self._unhurried)):
            return
        try:
            await self._spool_thread.run(partial(self._spool.done, self._spool.size))
        except StoreError as error:  # they are read again at the next start, and known by their ids
            log.warning("the spool could not be emptied", error=str(error))


def _taken(queue: deque[_Waiting], most: int) -> list[_Waiting]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]
