"""A link's own story as events: lost, restored, and what is wrong with it. Used by `ami` and `ari`.

Every blind interval is stored from the last proof of life to the moment the snapshot had closed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.model import Clock, Event, Kind
from bridge.protocols.link import LinkState

SOURCE: Final = "bridge"
BLIND: Final = "blind"
"""The fault of a time in which calls may be missed (`store.Reader.blind_intervals`)."""


class LinkStory:
    """Turns the link's states and faults into events, each said once. One link, one instance.

    subject: what the faults are about (`ami/pbx1`). put: takes the events, in order. via: how they came.
    """

    def __init__(self, subject: str, clock: Clock, put: Callable[[Event], None], *, via: str) -> None:
        self._subject = subject
        self._clock = clock
        self._put = put
        self._via = via
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

    def restored(self) -> float | None:
        """The state is reconciled: from here on nothing is missed. Return since when nobody watched."""
        since, now = self._blind_since, self._clock.now()
        blind = {} if since is None else {"since": f"{since:.3f}"}
        self.clear("login")
        self._tell(Kind.LINK_RESTORED, "link", now, what=BLIND, until=f"{now:.3f}", **blind)
        self._blind_since = None
        return since

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

    def judge_pack(self, loaded: str, expected: str) -> None:
        """Say whether the PBX runs this site's dialplan pack. Both are hashes; '' where none is loaded."""
        if loaded == expected:
            self.clear("pack_drift")
        elif not loaded:
            self.fault("pack_drift", "the PBX has no dialplan pack loaded: `sosbridge asterisk render`")
        else:
            text = f"the PBX has another dialplan pack loaded ({loaded}) than this site's ({expected})"
            self.fault("pack_drift", f"{text}: render it and run `dialplan reload`")

    def _tell(self, kind: Kind, topic: str, at: float, **attributes: str) -> None:
        self._put(
            Event(
                kind=kind,
                source=SOURCE,
                key=f"{self._subject}/{topic}/{at:.3f}",
                occurred_at=at,
                via=self._via,
                attributes={"subject": self._subject, **attributes},
            )
        )
