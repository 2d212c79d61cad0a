"""One run of the trigger: what happens in every session from its login to its end.

Right after the login the session buffers all events; the snapshot of all channels is asked for and
reconciled, and the buffer goes on top. So a call that began in the gap still opens its incident, marked
recovered, and one that ended in it still ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from bridge.calls import CallTracker
from bridge.errors import DeliveryError, SosBridgeError
from bridge.model import Clock
from bridge.protocols.ami import Message
from bridge.protocols.ami_link import Refused, Session
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers.ami.mapping import channel_of, fact_of

PACK_VARIABLE: Final = "SOS_PACK_HASH"
RIGHTS: Final = "the account needs `write = reporting` in manager.conf"


class Watch:
    """Reads sessions one after the other; `tracker` outlives them, so gaps can be closed.

    pack_hash: hash of the dialplan pack as the site renders it, or None where it is not to be compared.
    resync_interval: seconds.
    """

    def __init__(
        self,
        tracker: CallTracker,
        handover: Handover,
        story: LinkStory,
        clock: Clock,
        *,
        pack_hash: Callable[[], str] | None,
        resync_interval: float,
    ) -> None:
        self._tracker = tracker
        self._handover = handover
        self._story = story
        self._clock = clock
        self._pack_hash = pack_hash
        self._resync_interval = resync_interval
        self._reloaded = asyncio.Event()
        self._missing: set[str] = set()
        """Channels that the latest snapshot did not hold."""
        self._unreadable = False
        """Said of this session."""

    async def serve(self, session: Session) -> None:
        """Reconcile, then read the session to its end. Raises what ends it before, as `Session.action`."""
        await self._close_gap(session)
        self._story.restored()
        tending = asyncio.create_task(self._tend(session))
        # An error in it must not wait for the session's end to be seen.
        tending.add_done_callback(
            lambda task: None if task.cancelled() else session.abandon("tending failed")
        )
        try:
            async for message in session.events():
                await self._read(message)
                if session.rejected and not self._unreadable:
                    self._unreadable = True
                    self._story.fault("unreadable", f"a message could not be read: {session.rejection}")
        finally:
            tending.cancel()
            await asyncio.wait({tending})
        if not tending.cancelled():
            tending.result()

    async def _read(self, message: Message) -> None:
        if message.event == "Reload":
            self._reloaded.set()
        self._feed(message, self._clock.now())
        if self._handover.full:
            await self._handover.room()

    def _feed(self, message: Message, arrived: float) -> None:
        fact = fact_of(message, arrived)
        if fact is not None:
            for event in self._tracker.feed(fact):
                self._handover.put(event)

    # --- after a login ------------------------------------------------------------------------------

    async def _close_gap(self, session: Session) -> None:
        self._story.clear("unreadable")
        self._unreadable = False
        rows = await self._snapshot(session)
        now = self._clock.now()
        if rows is not None:
            waiting = session.waiting()
            begun, ending = _uniqueids(waiting, "Newchannel"), _uniqueids(waiting, "Hangup")
            # What the buffer will tell, it tells better: when it was, and by whom.
            known = [channel_of(row) for row in rows if row.get("Uniqueid") not in begun]
            for event in self._tracker.reconcile(known, now, ending=ending):
                self._handover.put(event)
        with suppress(Refused):  # only a comfort: phones that went or came in the gap
            for row in (await session.action("DeviceStateList"))[1:]:
                self._feed(row, now)

    async def _snapshot(self, session: Session) -> list[Message] | None:
        """Return a row for each channel, or None (and a fault) where the account may not ask."""
        try:
            answer = await session.action("CoreShowChannels")
        except Refused as error:
            self._story.fault("rights", f"calls of a gap cannot be recovered ({error.text}): {RIGHTS}")
            return None
        self._story.clear("rights")
        return [message for message in answer if message.event == "CoreShowChannel"]

    # --- meanwhile ----------------------------------------------------------------------------------

    async def _tend(self, session: Session) -> None:
        """Compare the pack and look for stale channels, at once, after a reload and at intervals."""
        while True:
            with suppress(DeliveryError):  # the session's end is the reader's matter
                await self._compare_pack(session)
                await self._drop_stale(session)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._resync_interval):
                    await self._reloaded.wait()
            self._reloaded.clear()

    async def _drop_stale(self, session: Session) -> None:
        """End what two snapshots in a row do not hold: one alone may be ahead of the events."""
        rows = await self._snapshot(session)
        if rows is None:
            return
        missing = self._tracker.missing_from(row.get("Uniqueid") for row in rows)
        for event in self._tracker.forget(missing & self._missing, self._clock.now()):
            self._handover.put(event)
        self._missing = missing

    async def _compare_pack(self, session: Session) -> None:
        if self._pack_hash is None:
            return
        try:
            [answer] = await session.action("Getvar", {"Variable": PACK_VARIABLE})
            expected = self._pack_hash()
        except Refused as error:
            self._story.fault(
                "pack_drift", f"the loaded dialplan pack cannot be read ({error.text}): {RIGHTS}"
            )
        except SosBridgeError as error:
            if isinstance(error, DeliveryError):
                raise
            self._story.fault("pack_drift", f"the dialplan pack cannot be rendered: {error}")
        else:
            self._story.judge_pack(answer.get("Value"), expected)


def _uniqueids(messages: Collection[Message], event: str) -> set[str]:
    return {message.get("Uniqueid") for message in messages if message.event == event}
