"""What the engine reads and what it decides. The store loads a `State` and writes `Decision`s."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bridge.model import (
    CALL_KINDS,
    Call,
    Delivery,
    Event,
    Fault,
    Hold,
    Incident,
    Kind,
    TimelineEntry,
    Timer,
)
from bridge.response import Plan, resources_at


class Reason(enum.StrEnum):
    """Why a decision is what it is. Stored with it, counted in the metrics."""

    DUPLICATE = "duplicate"
    """The same fact was already stored; nothing is written."""
    OPENED = "opened"
    JOINED = "joined"
    RAISED = "raised"
    PRESSED_AGAIN = "pressed_again"
    CONNECTED = "connected"
    PICKED_UP = "picked_up"
    HUNG_UP = "hung_up"
    """The call ended; that clears nothing."""
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    ESCALATED = "escalated"
    NO_PICTURE = "no_picture"
    REMINDED = "reminded"
    CAPPED = "capped"
    SETTLED = "settled"
    RETRY = "retry"
    REASSERTED = "reasserted"
    SUSPENDED = "suspended"
    DISPATCHED = "dispatched"
    FAULT_OPENED = "fault_opened"
    FAULT_CLEARED = "fault_cleared"
    NOTED = "noted"
    LATE = "late"
    """It came after the matter was settled; kept for the record."""
    ORPHAN = "orphan"
    """It concerns an incident or call nobody knows; kept for the record."""


@dataclass(slots=True, kw_only=True)
class Decision:
    """What one event changes: new values of rows, never deltas. One decision, one transaction at most."""

    event: Event
    reason: Reason
    incidents: dict[str, Incident] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    timers: dict[tuple[str, str], Timer | None] = field(default_factory=dict)
    """(incident, name) -> the timer, or None where it is cleared."""
    holds: dict[tuple[str, str], Hold | None] = field(default_factory=dict)
    """(resource, incident) -> the hold, or None where it is released."""
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    timeline: list[TimelineEntry] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class State:
    """The part of the world that a batch of events can touch."""

    known: set[str] = field(default_factory=set)
    """Ids of the events already stored, as far as this batch could repeat them."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """All deliveries of the incidents above."""
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict)
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    """Open faults of the subjects that the events name, and of the drivers."""

    def live_incident(self, phone: str, *, exercise: bool) -> Incident | None:
        """The phone's open incident. A real call never joins an exercise, nor the other way round."""
        for incident in self.incidents.values():
            if incident.phone == phone and incident.live and incident.exercise is exercise:
                return incident
        return None

    def calls_with(self, source: str, key: str) -> list[Call]:
        """Return the calls of this key, oldest first."""
        found = [call for call in self.calls.values() if (call.source, call.key) == (source, key)]
        return sorted(found, key=lambda call: call.dialing_at)

    def live_calls(self, incident: str) -> list[Call]:
        return [call for call in self.calls.values() if call.incident == incident and call.live]

    def deliveries_of(self, incident: str) -> list[Delivery]:
        found = [delivery for delivery in self.deliveries.values() if delivery.incident == incident]
        return sorted(found, key=lambda delivery: delivery.order)

    def holds_on(self, resource: str) -> list[Hold]:
        found = [hold for (name, _), hold in self.holds.items() if name == resource]
        return sorted(found, key=lambda hold: (hold.since, hold.incident))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the store must load before a batch can be decided.

    The store adds by itself: the incidents of the calls it finds, everything those incidents own,
    and the incidents that hold the resources named here or held by those incidents.
    """

    event_keys: frozenset[tuple[str, str]]
    """(source, key) of the events, for what is already known."""
    call_keys: frozenset[tuple[str, str]]
    phones: frozenset[str]
    incidents: frozenset[str]
    deliveries: frozenset[str]
    resources: frozenset[str]
    subjects: frozenset[str]
    """Fault subjects."""


def needs_of(events: Iterable[Event], plan: Plan) -> Needs:
    """Return what must be loaded to decide these (identified) events."""
    events = list(events)
    return Needs(
        event_keys=frozenset((event.source, event.key) for event in events),
        call_keys=frozenset(pair for event in events for pair in _call_keys(event)),
        phones=frozenset(event.phone for event in events if event.phone),
        incidents=frozenset(event.incident for event in events if event.incident),
        deliveries=frozenset(
            event.attributes["delivery"] for event in events if event.kind is Kind.DELIVERY_SETTLED
        ),
        resources=frozenset(
            resource
            for location in {event.location for event in events if event.location}
            for resource in resources_at(location, plan)
        ),
        subjects=frozenset(subject_of(event) for event in events)
        | frozenset(f"incident/{event.incident}" for event in events if event.incident)
        | frozenset(f"driver/{rule.driver}" for rule in plan.rules),
    )


def _call_keys(event: Event) -> Iterator[tuple[str, str]]:
    if event.kind in CALL_KINDS:
        yield event.source, event.key
    if call_key := event.attributes.get("call_key"):
        yield event.source, call_key


def subject_of(event: Event) -> str:
    """What a fault event is about: its `subject`, else the phone, else its source."""
    return event.attributes.get("subject") or event.phone or event.source
