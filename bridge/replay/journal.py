"""The bridge's own journal once more: the same events through the same engine must give the same decisions.

Every event is there, timers and receipts too, and the very moment of each decision, so nothing is imagined.
Events of before schema 0004 have no such moment: they are decided when they were received, some hundredths of
a second early, and their timers part by as much. Called by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.engine import State, fold
from bridge.model import OF_CALLS, Delivery, DeliveryState, Event, Incident
from bridge.response import Plan
from bridge.store import Entry, Reader

MOST: Final = 100
"""Partings that are kept; all are counted."""
PAGE: Final = 1000
UNDECIDABLE: Final = "undecidable"
ASKED: Final = "asked for"
COMPARED: Final = ("tier", "state", "acknowledged_by", "pressed", "close_reason")
"""What of an incident must come out as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """An event that is decided otherwise now. reason: `engine.Reason`, or why there is none."""

    seq: int
    event: Event
    stored: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """Something of an incident that comes out otherwise, in words. '' where there is nothing."""

    incident: str
    what: str
    """A field of the incident, or `delivery <id> <operation> <target>`."""
    stored: str
    now: str


@dataclass(slots=True)
class Comparison:
    """What the second run gave, beside the first."""

    events: int = 0
    incidents: int = 0
    pruned: int = 0
    """The number (`seq`) of the newest event that was pruned; 0: none. What followed from it may part."""
    parted: int = 0
    """Events that are decided otherwise."""
    partings: list[Parting] = field(default_factory=list)
    """The first `MOST` of them."""
    unlike: list[Unlike] = field(default_factory=list)

    @property
    def same(self) -> bool:
        return not self.parted and not self.unlike


def compare(reader: Reader, plan: Plan) -> Comparison:
    """Run the journal again under this plan, and compare. Raises StoreError."""
    found = Comparison(pruned=reader.pruned_events())
    second = _Second(plan, reader)
    for entry in _entries(reader):
        found.events += 1
        reason = second.decide(entry)
        if reason != entry.reason:
            found.parted += 1
            if len(found.partings) < MOST:
                found.partings.append(
                    Parting(seq=entry.seq, event=entry.event, stored=entry.reason, now=reason)
                )
    remaining = dict(second.state.incidents)
    for stored in _incidents(reader):
        found.incidents += 1
        now = remaining.pop(stored.id, None)
        found.unlike += _unlike(stored, now, reader.deliveries(stored.id), second.state)
    found.unlike += [_extra(incident) for incident in remaining.values()]
    return found


class _Second:
    """The second run. Deliveries are leased behind their batch, as the commit of a running bridge does it."""

    def __init__(self, plan: Plan, reader: Reader) -> None:
        self.state = State()
        self._plan = plan
        self._reader = reader
        self._now = 0.0
        """When the batch was decided."""
        self._written: dict[str, Delivery] = {}
        """What the batch made of deliveries."""
        self._leased_by: dict[str, dict[str, str]] = {}
        """Incident -> its deliveries by id -> the node that has them in the store; '' where none had."""

    def decide(self, entry: Entry) -> str:
        """Return the reason of the decision."""
        event = entry.event
        if event.kind in OF_CALLS:
            event = replace(event, occurrence=0)  # counted by the engine
        at = event.received_at if entry.decided_at is None else entry.decided_at
        if at != self._now:
            self._lease()
            self._now = at
        try:
            [decision] = fold([event], self.state, self._plan, self._now)
        except Exception as error:
            return f"{UNDECIDABLE}: {error!r}"
        self._written.update(decision.deliveries)
        if decision.event.id != entry.id:
            return f"{decision.reason}, as another event: its id is {decision.event.id}"
        return decision.reason

    def _lease(self) -> None:
        for delivery in self._written.values():
            waits = delivery.state is DeliveryState.PENDING and delivery.next_attempt_at is None
            if waits and (node := self._leased_by_of(delivery.incident).get(delivery.id)):
                self.state.put_delivery(replace(delivery, state=DeliveryState.LEASED, leased_by=node))
        self._written.clear()

    def _leased_by_of(self, incident: str) -> dict[str, str]:
        if incident not in self._leased_by:
            stored = self._reader.deliveries(incident)
            self._leased_by[incident] = {row.id: row.leased_by for row in stored}
        return self._leased_by[incident]


def _entries(reader: Reader) -> Iterator[Entry]:
    after = 0
    while page := reader.journal(after=after, limit=PAGE):
        yield from page
        after = page[-1].seq


def _incidents(reader: Reader) -> Iterator[Incident]:
    before: Incident | None = None
    while page := reader.incidents(limit=PAGE, before=before):
        yield from page
        before = page[-1]


# --- what came out ----------------------------------------------------------------------------------


def _unlike(
    stored: Incident, now: Incident | None, deliveries: Iterable[Delivery], state: State
) -> Iterator[Unlike]:
    if now is None:
        yield Unlike(incident=stored.id, what="incident", stored=stored.phone, now="")
        return
    for name in COMPARED:
        one, other = str(getattr(stored, name)), str(getattr(now, name))
        if one != other:
            yield Unlike(incident=stored.id, what=name, stored=one, now=other)
    then = {_words(delivery) for delivery in deliveries}
    again = {_words(delivery) for delivery in state.deliveries_of(stored.id)}
    for what in sorted(then ^ again):
        if what in then:
            yield Unlike(incident=stored.id, what=what, stored=ASKED, now="")
        else:
            yield Unlike(incident=stored.id, what=what, stored="", now=ASKED)


def _extra(incident: Incident) -> Unlike:
    return Unlike(incident=incident.id, what="incident", stored="", now=incident.phone)


def _words(delivery: Delivery) -> str:
    return f"delivery {delivery.id} {delivery.operation} {delivery.target}"
