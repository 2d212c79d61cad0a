"""The bridge's own journal once more: the same events through the same engine must give the same decisions.

Every event is there, timers and receipts too, so nothing is imagined. Not stored is the very moment of a
decision, some hundredths of a second behind an event's `received_at`; it shifts a timer by as much, so a due
timer is known by its name and by the setting that comes nearest. Called by the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.engine import Decision, State, fold
from bridge.model import CALL_KINDS, Delivery, DeliveryState, Event, Incident, Kind, Timer
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
    found = Comparison()
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
    """The second run. Deliveries are leased as soon as they are born, as a running bridge has them."""

    def __init__(self, plan: Plan, reader: Reader) -> None:
        self.state = State()
        self._plan = plan
        self._reader = reader
        self._now = 0.0
        self._stored: dict[str, dict[str, Delivery]] = {}
        """Incident -> its deliveries by id, as they are in the store."""
        self._set: dict[tuple[str, str], list[float]] = {}
        """Timer -> when it was to be due, each time that it was set."""

    def decide(self, entry: Entry) -> str:
        """Return the reason of the decision."""
        event = entry.event
        if event.kind in CALL_KINDS:
            event = replace(event, occurrence=0)  # counted by the engine
        self._now = max(self._now, event.received_at)
        try:
            if event.kind is Kind.TIMER_DUE:
                self._find_timer(event)
            [decision] = fold([event], self.state, self._plan, self._now)
        except Exception as error:
            return f"{UNDECIDABLE}: {error!r}"
        self._write(decision)
        if decision.event.id != entry.id:
            return f"{decision.reason}, as another event: its id is {decision.event.id}"
        return decision.reason

    def _write(self, decision: Decision) -> None:
        for timer in decision.timers.values():
            if timer is not None:
                self._set.setdefault((timer.incident, timer.name), []).append(timer.due_at)
        for delivery in decision.deliveries.values():
            if delivery.state is DeliveryState.PENDING and delivery.next_attempt_at is None:
                self._lease(delivery)

    def _lease(self, delivery: Delivery) -> None:
        stored = self._stored_of(delivery.incident).get(delivery.id)
        if stored is None:
            return
        self._now = max(self._now, stored.created_at)
        self.state.put_delivery(
            replace(
                delivery,
                state=DeliveryState.LEASED,
                leased_by=stored.leased_by,
                created_at=stored.created_at,
                deadline=stored.deadline,
            )
        )

    def _find_timer(self, event: Event) -> None:
        """Give the timer that is due its stored time, where the second run has set it and not set it anew."""
        key = (event.incident, event.attributes["name"])
        timer, due_at = self.state.timers.get(key), float(event.attributes["due_at"])
        if timer is None:
            return
        nearest = min(self._set.get(key, ()), key=lambda at: abs(at - due_at), default=timer.due_at)
        if nearest == timer.due_at:
            self.state.put_timer(Timer(incident=timer.incident, name=timer.name, due_at=due_at))

    def _stored_of(self, incident: str) -> dict[str, Delivery]:
        if incident not in self._stored:
            self._stored[incident] = {row.id: row for row in self._reader.deliveries(incident)}
        return self._stored[incident]


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
