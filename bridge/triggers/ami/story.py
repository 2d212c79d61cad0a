"""The link's own story as events: lost, restored, and what is wrong with it. Used by the trigger.

Every blind interval is stored from the last proof of life to the moment the snapshot had closed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.model import Clock, Event, Kind
from bridge.protocols.ami_link import LinkState

SOURCE: Final = "bridge"
BLIND: Final = "blind"
"""The fault of a time in which calls may be missed (`store.Reader.blind_intervals`)."""


class LinkStory:
    """Turns the link's states and faults into events, each said once. One link, one instance.

    subject: what the faults are about (`ami/pbx1`). put: takes the events, in order.
    """

    def __init__(self, subject: str, clock: Clock, put: Callable[[Event], None]) -> None:
        self._subject = subject
        self._clock = clock
        self._put = put
        self._blind_since: float | None = None
        self._said: dict[str, str] = {}
        """Kind of fault -> its text, '' once it is known to be fine."""

    def changed(self, state: LinkState) -> None:
        """The link went up or down, or is down for another reason."""
        if state.up:
            return
        if self._blind_since is None:
            self._blind_since = self._clock.now() if state.last_heard is None else state.last_heard
            self._tell(Kind.LINK_LOST, "link", self._blind_since, what=BLIND, text=state.why)
        if state.refused:
            self.fault("login", state.why)

    def interrupted(self, at: float) -> None:
        """Watching stops, though the link may be up: the interval is told when it is over."""
        if self._blind_since is None:
            self._blind_since = at

    def restored(self) -> None:
        """The state is reconciled: from here on nothing is missed."""
        now = self._clock.now()
        blind = {} if self._blind_since is None else {"since": f"{self._blind_since:.3f}"}
        self.clear("login")
        self._tell(Kind.LINK_RESTORED, "link", now, what=BLIND, until=f"{now:.3f}", **blind)
        self._blind_since = None

    def fault(self, what: str, text: str) -> None:
        """Something is wrong; said again only with another text."""
        if self._said.get(what) != text:
            self._said[what] = text
            self._tell(Kind.FAULT, what, self._clock.now(), what=what, text=text)

    def clear(self, what: str) -> None:
        """That is right. Said once without a fault before it, for one that an earlier run left open."""
        if self._said.get(what) != "":
            self._said[what] = ""
            self._tell(Kind.FAULT_CLEARED, what, self._clock.now(), what=what)

    def _tell(self, kind: Kind, topic: str, at: float, **attributes: str) -> None:
        self._put(
            Event(
                kind=kind,
                source=SOURCE,
                key=f"{self._subject}/{topic}/{at:.3f}",
                occurred_at=at,
                via="ami",
                attributes={"subject": self._subject, **attributes},
            )
        )
