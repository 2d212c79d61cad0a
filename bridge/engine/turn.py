"""One event's turn: the vocabulary in which decisions are written.

Every change goes both into the `Decision` (to be stored) and into the `State` (so that the next event
of the batch sees it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.engine.state import Decision, Reason, State
from bridge.model import Call, Delivery, Event, Fault, Hold, Incident, TimelineEntry, Timer
from bridge.response import Plan


class Turn:
    """What `fold` and `steps` share while they decide one event."""

    def __init__(self, event: Event, state: State, plan: Plan, now: float) -> None:
        self.event = event
        self.state = state
        self.plan = plan
        self.now = now
        self.decision = Decision(event=event, reason=Reason.NOTED)

    def because(self, reason: Reason) -> None:
        self.decision.reason = reason

    def put_incident(self, incident: Incident) -> Incident:
        self.decision.incidents[incident.id] = self.state.incidents[incident.id] = incident
        return incident

    def put_call(self, call: Call) -> Call:
        self.decision.calls[call.id] = self.state.calls[call.id] = call
        return call

    def put_delivery(self, delivery: Delivery) -> None:
        self.decision.deliveries[delivery.id] = self.state.deliveries[delivery.id] = delivery

    def put_hold(self, hold: Hold) -> None:
        key = (hold.resource, hold.incident)
        self.decision.holds[key] = self.state.holds[key] = hold

    def drop_hold(self, hold: Hold) -> None:
        key = (hold.resource, hold.incident)
        self.decision.holds[key] = None
        self.state.holds.pop(key, None)

    def set_timer(self, incident: str, name: str, seconds: float) -> None:
        timer = Timer(incident=incident, name=name, due_at=self.now + seconds)
        self.decision.timers[incident, name] = self.state.timers[incident, name] = timer

    def clear_timers(self, incident: str, names: Iterable[str]) -> None:
        for name in names:
            if self.state.timers.pop((incident, name), None):
                self.decision.timers[incident, name] = None

    def has_timer(self, incident: str, name: str) -> bool:
        return (incident, name) in self.state.timers

    def open_fault(self, subject: str, what: str, text: str, at: float | None = None) -> None:
        """Open a fault, or renew the text of the one that is open."""
        known = self.state.faults.get((subject, what))
        opened_at = known.opened_at if known else (self.now if at is None else at)
        fault = Fault(subject=subject, what=what, text=text, opened_at=opened_at)
        self.decision.faults[subject, what] = self.state.faults[subject, what] = fault

    def clear_fault(self, subject: str, what: str, at: float | None = None) -> bool:
        """Close the fault; False if none was open."""
        known = self.state.faults.pop((subject, what), None)
        if known is None:
            return False
        self.decision.faults[subject, what] = replace(known, cleared_at=self.now if at is None else at)
        return True

    def note(self, incident: str, text: str) -> None:
        """Add a line to the incident's story."""
        self.decision.timeline.append(
            TimelineEntry(
                incident=incident,
                at=self.event.occurred_at,
                event=self.event.id,
                reason=self.decision.reason,
                text=text,
            )
        )
