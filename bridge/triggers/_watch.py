"""One run of a link that watches a PBX: what happens in every session from its login to its end.

Used by `ami` and `ari`, which say how their PBX is asked. After the login the session buffers all events;
the snapshot of all channels is asked for and reconciled, and the buffer goes on top. So a call that began in
the gap still opens its incident, marked recovered, and one that ended in it still ends.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from bridge.calls import CallTracker
from bridge.calls.facts import Fact, LiveChannel
from bridge.errors import DeliveryError, SosBridgeError
from bridge.model import Clock
from bridge.protocols.link import KeptSession
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers._past import Past

PACK_VARIABLE: Final = "SOS_PACK_HASH"
"""The dialplan's global variable that tells which pack is loaded."""


class WatchedSession(KeptSession, Protocol):
    """A connection on which the PBX tells of its channels."""

    rejected: int
    """Messages that could not be read."""
    rejection: str
    """Why the first of them."""

    @property
    def backlog(self) -> int: ...

    @property
    def lag(self) -> float: ...

    def waiting(self) -> Sequence[Any]: ...

    def events(self) -> AsyncIterator[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What outlives a session. `tracker` knows the calls, so gaps can be closed.

    pack_hash: hash of the dialplan pack as the site renders it, or None where it is not to be compared.
    past: looks for the calls of a gap in the PBX's own log. resync_interval: seconds.
    """

    tracker: CallTracker
    handover: Handover
    story: LinkStory
    past: Past
    clock: Clock
    pack_hash: Callable[[], str] | None
    resync_interval: float


@dataclass(frozen=True, slots=True)
class Buffered:
    """Channels of which the events that wait to be read will tell, by Uniqueid."""

    begun: frozenset[str]
    ending: frozenset[str]


SessionT = TypeVar("SessionT", bound=WatchedSession)
MessageT = TypeVar("MessageT")


class Watch(ABC, Generic[SessionT, MessageT]):
    """Reads sessions one after the other. A subclass asks its own kind of PBX."""

    def __init__(self, watched: Watched) -> None:
        self._tracker = watched.tracker
        self._handover = watched.handover
        self._story = watched.story
        self._past = watched.past
        self._clock = watched.clock
        self._pack_hash = watched.pack_hash
        self._resync_interval = watched.resync_interval
        self._reloaded = asyncio.Event()
        """The PBX says that it has read its files again."""
        self._missing: set[str] = set()
        """Channels that the latest snapshot did not hold."""

    async def serve(self, session: SessionT) -> None:
        """Reconcile, then read the session to its end. Raises what ends it before (DeliveryError)."""
        self._story.clear("unreadable")
        certain = await self._close_gap(session)
        self._past.gap(self._story.restored(), certain=certain)
        beside = [asyncio.create_task(self._tend(session)), asyncio.create_task(self._past.look())]
        for task in beside:  # an error in it must not wait for the session's end to be seen
            task.add_done_callback(lambda task: _failed(task) and session.abandon("tending failed"))
        try:
            async for message in session.events():
                await self._read(message)
                if session.rejected:
                    self._story.fault("unreadable", f"a message could not be read: {session.rejection}")
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
        for task in beside:
            if not task.cancelled():
                task.result()

    async def close(self) -> None:
        """Let go of what is asked with, besides the sessions."""

    # --- how this kind of PBX is asked --------------------------------------------------------------

    @abstractmethod
    def _fact_of(self, message: MessageT, arrived: float) -> Fact | None:
        """Return the fact an event states, or None. arrived: UTC, where the event has no time."""

    @abstractmethod
    def _buffered(self, waiting: Sequence[MessageT]) -> Buffered: ...

    @abstractmethod
    async def _channels(self, session: SessionT) -> list[LiveChannel] | None:
        """Return the snapshot, or None (and tell the fault) where the user may not ask."""

    @abstractmethod
    async def _devices(self, session: SessionT) -> Iterable[Fact]:
        """Return which devices can be reached."""

    @abstractmethod
    async def _loaded_pack(self, session: SessionT) -> str | None:
        """Return `PACK_VARIABLE`, or None (and tell the fault) where the user may not ask."""

    def _notice(self, message: MessageT) -> None:
        """See in an event what is not about calls."""

    # --- reading ------------------------------------------------------------------------------------

    async def _read(self, message: MessageT) -> None:
        self._notice(message)
        fact = self._fact_of(message, self._clock.now())
        if fact is not None:
            self._feed(fact)
        if self._handover.full:
            await self._handover.room()

    def _feed(self, fact: Fact) -> None:
        for event in self._tracker.feed(fact):
            self._handover.put(event)

    async def _close_gap(self, session: SessionT) -> bool:
        """Take in what lives; False where that could not be asked."""
        rows = await self._channels(session)
        devices = await self._devices(session)
        if rows is not None:
            buffered = self._buffered(session.waiting())
            # What the buffer will tell, it tells better: when it was, and by whom.
            known = [row for row in rows if row.uniqueid not in buffered.begun]
            for event in self._tracker.reconcile(known, self._clock.now(), ending=buffered.ending):
                self._handover.put(event)
        for fact in devices:  # phones that went or came in the gap
            self._feed(fact)
        return rows is not None

    # --- meanwhile ----------------------------------------------------------------------------------

    async def _tend(self, session: SessionT) -> None:
        """Compare the pack and look for stale channels, at once, after a reload and at intervals."""
        while True:
            with suppress(DeliveryError):  # the session's end is the reader's matter
                await self._compare_pack(session)
                await self._drop_stale(session)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._resync_interval):
                    await self._reloaded.wait()
            self._reloaded.clear()

    async def _drop_stale(self, session: SessionT) -> None:
        """End what two snapshots in a row do not hold: one alone may be ahead of the events."""
        rows = await self._channels(session)
        if rows is None:
            return
        missing = self._tracker.missing_from(row.uniqueid for row in rows)
        for event in self._tracker.forget(missing & self._missing, self._clock.now()):
            self._handover.put(event)
        self._missing = missing

    async def _compare_pack(self, session: SessionT) -> None:
        if self._pack_hash is None:
            return
        loaded = await self._loaded_pack(session)
        if loaded is None:
            return
        try:
            expected = self._pack_hash()
        except SosBridgeError as error:
            self._story.fault("pack_drift", f"the dialplan pack cannot be rendered: {error}")
        else:
            self._story.judge_pack(loaded, expected)


def _failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None
