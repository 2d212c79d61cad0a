"""One run of the trigger: what happens in every session from its handshake to its end.

From the handshake on the session buffers all events; the lists of channels and bridges are asked for and
reconciled, and the buffer goes on top. So a call that began in the gap still opens its incident, marked
recovered, and one that ended in it still ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final

from bridge.calls import CallTracker
from bridge.calls.facts import Fact, LiveChannel
from bridge.errors import DeliveryError, ProtocolError, SosBridgeError
from bridge.model import Clock
from bridge.protocols.ari import Message, Rest, Session
from bridge.protocols.ari.events import text_at
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers.ari.mapping import LINKEDID, channels_of, devices_of, fact_of

PACK_VARIABLE: Final = "SOS_PACK_HASH"
NO_LINKEDID: Final = (
    f"ari.conf's `channelvars` does not name {LINKEDID}: which channels belong to one call is not told, so"
    " who hung up and whether it rang is often unknown"
)


class Watch:
    """Reads sessions one after the other; `tracker` outlives them, so gaps can be closed.

    pack_hash: hash of the dialplan pack as the site renders it, or None where it is not to be compared.
    resync_interval: seconds.
    """

    def __init__(
        self,
        rest: Rest,
        tracker: CallTracker,
        handover: Handover,
        story: LinkStory,
        clock: Clock,
        *,
        pack_hash: Callable[[], str] | None,
        resync_interval: float,
    ) -> None:
        self._rest = rest
        self._tracker = tracker
        self._handover = handover
        self._story = story
        self._clock = clock
        self._pack_hash = pack_hash
        self._resync_interval = resync_interval
        self._missing: set[str] = set()
        """Channels that the latest snapshot did not hold."""

    async def serve(self, session: Session) -> None:
        """Reconcile, then read the session to its end. Raises what ends it before, as `Rest.get`."""
        self._story.clear("unreadable")
        await self._close_gap(session)
        self._story.restored()
        tending = asyncio.create_task(self._tend())
        # An error in it must not wait for the session's end to be seen.
        tending.add_done_callback(
            lambda task: None if task.cancelled() else session.abandon("tending failed")
        )
        try:
            async for message in session.events():
                await self._read(message)
                if session.rejected:
                    self._story.fault("unreadable", f"an event could not be read: {session.rejection}")
        finally:
            tending.cancel()
            await asyncio.wait({tending})
        if not tending.cancelled():
            tending.result()

    async def _read(self, message: Message) -> None:
        if message.type == "ChannelCreated":
            self._judge_channelvars(message.body.get("channel"))
        fact = fact_of(message, self._clock.now())
        if fact is not None:
            self._feed(fact)
        if self._handover.full:
            await self._handover.room()

    def _feed(self, fact: Fact) -> None:
        for event in self._tracker.feed(fact):
            self._handover.put(event)

    # --- after a handshake --------------------------------------------------------------------------

    async def _close_gap(self, session: Session) -> None:
        rows = await self._snapshot()
        endpoints = await self._list("/endpoints")
        now = self._clock.now()
        waiting = session.waiting()
        begun, ending = _ids(waiting, "ChannelCreated"), _ids(waiting, "ChannelDestroyed")
        # What the buffer will tell, it tells better: when it was, and by whom.
        known = [row for row in rows if row.uniqueid not in begun]
        for event in self._tracker.reconcile(known, now, ending=ending):
            self._handover.put(event)
        for fact in devices_of(endpoints, now):  # phones that went or came in the gap
            self._feed(fact)

    async def _snapshot(self) -> list[LiveChannel]:
        rows = await self._list("/channels")
        for row in rows:
            self._judge_channelvars(row)
        return channels_of(rows, await self._list("/bridges"))

    async def _list(self, path: str) -> list[Any]:
        answer = await self._rest.get(path)
        if not isinstance(answer, list):
            raise ProtocolError(f"ARI's {path} is no list")
        return answer

    def _judge_channelvars(self, channel: object) -> None:
        if text_at(channel, "channelvars", LINKEDID):
            self._story.clear("channelvars")
        else:
            self._story.fault("channelvars", NO_LINKEDID)

    # --- meanwhile ----------------------------------------------------------------------------------

    async def _tend(self) -> None:
        """Compare the pack and look for stale channels, at once and at intervals."""
        while True:
            with suppress(DeliveryError):  # a link that fails is the session's matter
                await self._compare_pack()
                await self._drop_stale()
            await self._clock.sleep(self._resync_interval)

    async def _drop_stale(self) -> None:
        """End what two snapshots in a row do not hold: one alone may be ahead of the events."""
        missing = self._tracker.missing_from([row.uniqueid for row in await self._snapshot()])
        for event in self._tracker.forget(missing & self._missing, self._clock.now()):
            self._handover.put(event)
        self._missing = missing

    async def _compare_pack(self) -> None:
        if self._pack_hash is None:
            return
        answer = await self._rest.get("/asterisk/variable", variable=PACK_VARIABLE)
        try:
            expected = self._pack_hash()
        except SosBridgeError as error:
            self._story.fault("pack_drift", f"the dialplan pack cannot be rendered: {error}")
            return
        self._story.judge_pack(text_at(answer, "value"), expected)


def _ids(messages: Collection[Message], kind: str) -> set[str]:
    return {message.text("channel", "id") for message in messages if message.type == kind}
