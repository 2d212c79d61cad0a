"""One event's turn: the vocabulary in which decisions are written.

Every change goes both into the `Decision` (to be stored) and into the `State` (so that the next event
of the batch sees it).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bridge.engine.state import Decision, Reason, State
from bridge.model import Call, Delivery, DeliveryState, Event, Fault, Hold, Incident, TimelineEntry, Timer
from bridge.response import Plan, name_of


class Turn:
    """What `fold` and `steps` share while they decide one event."""

    def __init__(self, event: Event, call: Call | None, state: State, plan: Plan, now: float) -> None:
        self.event = event
        self.event_id = event.id
        self.state = state
        self.plan = plan
        self.now = now
        self.call = call
        """The known call that the event is about."""
        self.decision = Decision(event=event, reason=Reason.NOTED)

    def because(self, reason: Reason) -> None:
        self.decision.reason = reason

    def put_incident(self, incident: Incident) -> Incident:
        self.state.put_incident(incident)
        self.decision.incidents[incident.id] = incident
        return incident

    def put_call(self, call: Call) -> Call:
        self.state.put_call(call)
        self.decision.calls[call.id] = call
        return call

    def put_delivery(self, delivery: Delivery) -> None:
        self.state.put_delivery(delivery)
        self.decision.deliveries[delivery.id] = delivery

    def supersede(self, delivery: Delivery, why: str) -> None:
        """Take back a delivery that is not settled; an attempt under way is its last."""
        self.put_delivery(
            replace(
                delivery,
                state=DeliveryState.SUPERSEDED,
                settled_at=self.now,
                proof=why,
                next_attempt_at=None,
            )
        )

    def put_hold(self, hold: Hold) -> None:
        self.state.put_hold(hold)
        self.decision.holds[hold.resource, hold.incident] = hold

    def drop_hold(self, hold: Hold) -> None:
        self.state.drop_hold(hold)
        self.decision.holds[hold.resource, hold.incident] = None

    def set_timer(self, incident: str, name: str, seconds: float) -> None:
        """Set the timer, or set it anew. The past is now."""
        timer = Timer(incident=incident, name=name, due_at=self.now + max(0.0, seconds))
        self.state.put_timer(timer)
        self.decision.timers[incident, name] = timer

    def clear_timers(self, incident: str, names: Collection[str]) -> None:
        for name in self.state.timers_of(incident):
            if name in names:
                self.state.drop_timer(incident, name)
                self.decision.timers[incident, name] = None

    def has_timer(self, incident: str, *names: str) -> bool:
        """Whether any of the timers is set."""
        return any((incident, name) in self.state.timers for name in names)

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

    def name_of(self, resource: str) -> str:
        """Return what a story calls the resource."""
        return name_of(resource, self.plan)

    def note(self, incident: str, text: str) -> None:
        """Add a line to the incident's story."""
        self.decision.timeline.append(
            TimelineEntry(
                incident=incident,
                at=self.event.occurred_at,
                event=self.event_id,
                reason=self.decision.reason,
                text=text,
            )
        )
