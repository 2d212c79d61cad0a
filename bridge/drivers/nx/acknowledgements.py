"""Operators' acknowledgements of our events, found as the bookmarks they leave. Called by the driver.

The server has no list of acknowledgements. `POST /rest/v4/events/acknowledges` "marks event as acknowledged
and creates corresponding bookmark" (vendor's OpenAPI file), and the vendor's desktop client, whose source is
public, gives that bookmark the event's own timestamp as its start, the event's camera, and the operator as
its creator; the operator must write the description anew. So an acknowledgement of ours is a bookmark of
another user at the event's camera that begins at exactly the millisecond that we sent as the event's
timestamp.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from bridge.drivers.nx.words import OURS, trace_of
from bridge.errors import DeliveryError, Permanent
from bridge.model import Accept, Clock, Event, Kind
from bridge.protocols.nx import NxApi
from bridge.protocols.nx_values import Bookmark, plain_id

ASK_EVERY: Final = 2.0
"""Seconds between two questions, while an event of ours is on."""
SLOWEST: Final = 5.0
"""Seconds between two tries at most when the server does not answer."""
REFUSED: Final = 300.0
"""Seconds before the next try when the server refuses us: a wrong password must not lock the account."""
KEPT: Final = 4 * 3600.0
"""Seconds after its beginning for which an event is watched: as long as a recording is forced at most."""
SKEW: Final = 60_000
"""Milliseconds by which the server's clock may be behind ours."""


class Acknowledgements:
    """Knows the events that are on, and asks for the bookmarks that acknowledge them."""

    def __init__(self, api: NxApi, *, name: str, clock: Clock) -> None:
        self._api = api
        self._name = name
        self._clock = clock
        self._events: dict[tuple[str, int], str] = {}
        """(camera, timestamp in milliseconds) -> incident."""
        self._reported: set[str] = set()
        """Ids of bookmarks."""
        self._names: Mapping[str, str] = {}

    def expect(self, camera: str, at: int, incident: str) -> None:
        """An event of ours is on. at: the timestamp that it was given, milliseconds."""
        self._events[plain_id(camera), at] = incident

    def forget(self, camera: str) -> None:
        """No incident has an event at this camera any more."""
        self._events = {key: each for key, each in self._events.items() if key[0] != plain_id(camera)}

    async def watch(self, accept: Accept) -> None:
        """Report every acknowledgement once, until cancelled. What was on before a restart is read back."""
        wait, recovered = ASK_EVERY, False
        while True:
            try:
                if not recovered:
                    await self._recover()
                    recovered = True
                await self._ask(accept)
                wait = ASK_EVERY
            except Permanent:
                wait = REFUSED
            except DeliveryError:
                wait = min(wait * 1.5, SLOWEST)
            await self._clock.sleep(wait)

    async def _recover(self) -> None:
        """Our own bookmarks say which events may still be on."""
        await self._api.session.open()
        if not self._api.modern:
            return
        for bookmark in await self._api.new_bookmarks(self._oldest()):
            trace = trace_of(bookmark)
            if trace is not None and trace.at >= self._oldest():
                self._events.setdefault((bookmark.device, trace.at), trace.incident)

    async def _ask(self, accept: Accept) -> None:
        oldest = self._oldest()
        self._events = {key: each for key, each in self._events.items() if key[1] >= oldest}
        if not self._events or not self._api.modern:
            return
        since = min(at for _, at in self._events) - SKEW
        for bookmark in await self._api.new_bookmarks(since):
            incident = self._events.get((bookmark.device, bookmark.start))
            theirs = bookmark.creator and OURS not in bookmark.tags
            if incident and theirs and bookmark.id not in self._reported:
                await accept(await self._event(bookmark, incident))
                self._reported.add(bookmark.id)

    async def _event(self, bookmark: Bookmark, incident: str) -> Event:
        return Event(
            kind=Kind.ACKNOWLEDGED,
            source=f"vms/{self._name}",
            key=bookmark.id,
            incident=incident,
            occurred_at=bookmark.created / 1000,
            attributes={"by": await self._who(bookmark.creator), "how": self._name},
        )

    async def _who(self, user: str) -> str:
        """The user's name, where the bridge may see it."""
        if user not in self._names:
            with contextlib.suppress(DeliveryError):
                self._names = {each.id: each.name for each in await self._api.users()}
        return self._names.get(user) or f"operator at {self._name}"

    def _oldest(self) -> int:
        return round((self._clock.now() - KEPT) * 1000)
