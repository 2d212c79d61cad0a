"""What the engine reads and what it decides. The store loads a `State` and writes `Decision`s."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from bridge.engine.index import Index
from bridge.model import Call, Delivery, Event, Fault, Hold, Incident, TimelineEntry, Timer


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
    SWAPPED = "swapped"
    STOPPED_AGAIN = "stopped_again"
    """What a closed incident left on is switched off once more."""
    FILED = "filed"
    """A call of the past got its incident, which is closed."""
    REVIEWED = "reviewed"
    """A named person has looked into such an incident."""
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
    """The part of the world that a batch of events can touch.

    The store fills the mappings; from the first question on they change through `put_` and `drop_` only.
    """

    known: set[str] = field(default_factory=set)
    """Ids of the events already stored, as far as this batch could repeat them."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """Of the incidents that the events name, or that may win or lose a resource by them: all. Of others on
    the same resources: what is not settled there."""
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict)
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)
    """Open faults of the subjects that events name, of the drivers, and of the cameras at the places."""
    _index: Index | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def index(self) -> Index:
        if self._index is None:
            self._index = Index.over(self.incidents, self.calls, self.deliveries, self.timers, self.holds)
        return self._index

    # --- questions ----------------------------------------------------------------------------------

    def live_incident(self, phone: str, *, exercise: bool) -> Incident | None:
        """The phone's open incident. A real call never joins an exercise, nor the other way round."""
        for incident in self.index.live.of((phone, exercise)):
            return self.incidents[incident]
        return None

    def calls_with(self, source: str, key: str) -> list[Call]:
        """Return the calls of this key, oldest first."""
        found = [self.calls[call] for call in self.index.calls_with.of((source, key))]
        return sorted(found, key=lambda call: (call.dialing_at, call.occurrence))

    def calls_of(self, incident: str) -> list[Call]:
        """Return the incident's calls, oldest first."""
        found = [self.calls[call] for call in self.index.calls_of.of(incident)]
        return sorted(found, key=lambda call: (call.dialing_at, call.id))

    def live_calls(self, incident: str) -> list[Call]:
        return [call for call in self.calls_of(incident) if call.live]

    def deliveries_of(self, incident: str) -> list[Delivery]:
        """Return the incident's deliveries in the order in which they were asked for."""
        return [self.deliveries[delivery] for delivery in self.index.deliveries_of.of(incident)]

    def unsettled_on(self, resource: str) -> list[Delivery]:
        """Return what anybody's deliveries may still do to this resource."""
        return [self.deliveries[delivery] for delivery in self.index.unsettled_on.of(resource)]

    def holds_on(self, resource: str) -> list[Hold]:
        """Return who holds, or waits for, the resource: first come first."""
        found = [self.holds[key] for key in self.index.holds_on.of(resource)]
        return sorted(found, key=lambda hold: (hold.since, hold.incident))

    def holds_of(self, incident: str) -> list[Hold]:
        return [self.holds[key] for key in self.index.holds_of.of(incident)]

    def timers_of(self, incident: str) -> list[str]:
        """Return the names of the incident's timers."""
        return list(self.index.timers_of.of(incident))

    # --- changes ------------------------------------------------------------------------------------

    def put_incident(self, incident: Incident) -> None:
        index = self.index
        self.incidents[incident.id] = incident
        index.incident(incident)

    def put_call(self, call: Call) -> None:
        index = self.index
        self.calls[call.id] = call
        index.call(call)

    def put_delivery(self, delivery: Delivery) -> None:
        index = self.index
        self.deliveries[delivery.id] = delivery
        index.delivery(delivery)

    def put_hold(self, hold: Hold) -> None:
        index = self.index
        self.holds[hold.resource, hold.incident] = hold
        index.hold(hold)

    def drop_hold(self, hold: Hold) -> None:
        index = self.index
        self.holds.pop((hold.resource, hold.incident), None)
        index.no_hold(hold)

    def put_timer(self, timer: Timer) -> None:
        index = self.index
        self.timers[timer.incident, timer.name] = timer
        index.timers_of.add(timer.incident, timer.name)

    def drop_timer(self, incident: str, name: str) -> None:
        index = self.index
        self.timers.pop((incident, name), None)
        index.timers_of.remove(incident, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the store must load before a batch can be decided.

    The store adds by itself: the incidents of the calls and deliveries it finds; the resources that these
    incidents hold; and what others do with any of the resources:

    - those who wait for one, or could lose it (routine traffic and exercises), are loaded as if named;
    - of a real emergency that holds one, only itself and the hold: with 400 SOS on one screen, one more must
      not load all they ever did;
    - of anybody, the unsettled deliveries on the resources, and who owns them (the stop of a closed incident
      must not switch off what a new one needs).

    Of an incident that is named, everything it owns is loaded: calls, deliveries, timers, holds, and the
    open faults of `incident/<id>`.
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
