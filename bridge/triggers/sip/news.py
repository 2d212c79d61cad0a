"""What one run of the trigger has to tell the bridge, as events: calls by the tracker, and what is wrong.

Each fault is said once, and once that it is over. Used by `service`, `switch` and `telephones`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bridge.calls import PROMPT, CallTracker, facts, prompt_subject
from bridge.model import Clock, Event, Kind
from bridge.triggers.sip.legs import Leg

SOURCE: Final = "bridge"
BLIND: Final = "blind"
"""The fault of a time in which calls may be missed (`store.Reader.blind_intervals`)."""
SILENT: Final = "silent"
"""The fault of a telephone from which no sound comes during a call."""
VIA: Final = "sip"
_MOST: Final = 1000
"""Callers whose words about themselves are kept until their call is told."""


class News:
    """subject: what the faults are about (`sip/own`). put: takes the events, in order.

    is_phone: whether an endpoint is a help point: nobody need know that a dispatcher is silent.
    changed: called when what a restart must know is another.
    """

    def __init__(
        self,
        subject: str,
        tracker: CallTracker,
        *,
        source: str,
        clock: Clock,
        put: Callable[[Event], None],
        is_phone: Callable[[str], bool],
        changed: Callable[[], None],
    ) -> None:
        self.changed: Final = changed
        self._subject = subject
        self._tracker = tracker
        self._source = source
        self._clock = clock
        self._put = put
        self._is_phone = is_phone
        self._said: dict[str, str] = {}
        """Kind of fault -> its text, '' once it is known to be fine."""
        self._silent: set[str] = set()
        """Endpoints that were found silent."""
        self._facts: dict[str, Mapping[str, str]] = {}
        """Uniqueid -> what its caller said about itself."""
        self._blind_since: float | None = None

    # --- calls --------------------------------------------------------------------------------------

    def tell(self, fact: facts.Fact) -> None:
        """Tell what a fact means."""
        for event in self._tracker.feed(fact):
            self.put(event)

    def put(self, event: Event) -> None:
        """Hand an event over; the first of a call with what its caller said about itself."""
        said = self._facts.pop(event.key, None) if event.kind is Kind.CALL_DIALING else None
        self._put(event if said is None else replace(event, attributes={**said, **event.attributes}))

    def came(self, uniqueid: str, attributes: Mapping[str, str]) -> None:
        """Note what a caller says about itself: its position, a subject, ... Untrusted text."""
        if attributes:
            self._facts[uniqueid] = attributes
            if len(self._facts) > _MOST:
                del self._facts[next(iter(self._facts))]

    def unproven(self, account: str, reason: str, remote: str) -> None:
        """Somebody cried for help who could not prove who he is: that has to be seen to."""
        fact = facts.Refused(at=self._clock.now(), account=account, what=reason, remote=remote)
        text = f"{account} called without proof of who it is ({reason}), from {remote}; the SOS was taken"
        for event in self._tracker.feed(fact):
            own = event.endpoint == account  # rather than of too many at a time
            self.put(replace(event, attributes={**event.attributes, "text": text}) if own else event)

    def recorded(self, said: facts.Said, file: str, *, again: bool) -> None:
        """A call is recorded from now on; again: in a further file, as the media were lost meanwhile."""
        events = self._tracker.feed(replace(said, at=self._clock.now()))
        if again:
            text = f"the call is recorded again, after a gap: {file}"
            events = [
                replace(event, key=f"{event.key}/{file}", attributes={**event.attributes, "text": text})
                for event in events
            ]
        for event in events:
            self.put(event)

    def silent(self, leg: Leg, seconds: float) -> None:
        """A telephone is in a call and sends no sound: a shown fault, no hangup."""
        if leg.incoming or self._is_phone(leg.endpoint):
            self._silent.add(leg.endpoint)
            self._of_phone(Kind.FAULT, leg, f"no sound for {seconds:g} s during a call")

    def heard(self, leg: Leg) -> None:
        """It is heard, again or for the first time."""
        if leg.endpoint in self._silent:
            self._silent.discard(leg.endpoint)
            self._of_phone(Kind.FAULT_CLEARED, leg, "")

    def _of_phone(self, kind: Kind, leg: Leg, text: str) -> None:
        now = self._clock.now()
        self._put(
            Event(
                kind=kind,
                source=self._source,
                key=f"{leg.id}/{SILENT}/{now:.3f}",
                occurred_at=now,
                endpoint=leg.endpoint,
                via=VIA,
                attributes={"what": SILENT, "text": text} if text else {"what": SILENT},
            )
        )

    # --- the trigger itself -------------------------------------------------------------------------

    def down(self, why: str) -> None:
        """Calls may be missed from now on."""
        if self._blind_since is None:
            self._blind_since = self._clock.now()
            self._of_link(Kind.LINK_LOST, "link", what=BLIND, text=why)

    def up(self) -> None:
        """Nothing is missed from now on."""
        if self._blind_since is not None:
            since, self._blind_since = self._blind_since, None
            until = f"{self._clock.now():.3f}"
            self._of_link(Kind.LINK_RESTORED, "link", what=BLIND, since=f"{since:.3f}", until=until)

    def fault(self, what: str, text: str) -> None:
        """Something is wrong; said again only with another text."""
        if self._said.get(what) != text:
            self._said[what] = text
            self._of_link(Kind.FAULT, what, what=what, text=text)

    def clear(self, what: str) -> None:
        """That is right. Said once without a fault before it, for one that an earlier run left open."""
        if self._said.get(what) != "":
            self._said[what] = ""
            self._of_link(Kind.FAULT_CLEARED, what, what=what)

    def judged(self, what: str, text: str) -> None:
        """Something is wrong, or right where `text` is ''."""
        if text:
            self.fault(what, text)
        else:
            self.clear(what)

    def prompt(self, file: str, there: bool) -> None:
        """An announcement was to be said: whether its file is there. file: as `prompt_subject` takes it."""
        subject = prompt_subject(file)
        text = "" if there else f"{file}.wav is not in the folder of sounds: sosbridge prompts build"
        if self._said.get(subject) != text:
            self._said[subject] = text
            if there:
                self._of_link(Kind.FAULT_CLEARED, subject, subject=subject, what=PROMPT)
            else:
                self._of_link(Kind.FAULT, subject, subject=subject, what=PROMPT, text=text)

    def _of_link(self, kind: Kind, topic: str, **attributes: str) -> None:
        now = self._clock.now()
        self._put(
            Event(
                kind=kind,
                source=SOURCE,
                key=f"{self._subject}/{topic}/{now:.3f}",
                occurred_at=now,
                via=VIA,
                attributes={"subject": self._subject, **attributes},
            )
        )
