"""What the store promises the engine, in memory: `Needs` answered, decisions written.

Every event is decided twice, on what the store would load and on everything there is. The two must agree:
that is the proof that `Needs` asks for enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.engine import Decision, Needs, Reason, State, fold, further_needs, needs_of
from bridge.model import Delivery, Event, Hold, Incident, Tier, TimelineEntry
from bridge.response import Plan

K = TypeVar("K")
V = TypeVar("V")


@dataclass(kw_only=True)
class Database:
    """One site's rows; closed incidents stay."""

    plan: Plan
    rows: State = field(default_factory=State)
    events: dict[str, Event] = field(default_factory=dict)
    timeline: list[TimelineEntry] = field(default_factory=list)
    asked: list[Delivery] = field(default_factory=list)
    """Every delivery as it was born, in the order in which they were decided."""

    def transact(self, events: Sequence[Event], now: float) -> list[Decision]:
        """Decide and write a batch, as ingest does."""
        decisions = fold(events, self._loaded_for(events), self.plan, now)
        assert fold(events, self.copy(), self.plan, now) == decisions, "Needs asks for too little"
        for decision in decisions:
            self._write(decision)
        return decisions

    def copy(self) -> State:
        """Everything there is, as a state of its own."""
        rows = self.rows
        return State(
            known=set(rows.known),
            incidents=dict(rows.incidents),
            calls=dict(rows.calls),
            deliveries=dict(rows.deliveries),
            timers=dict(rows.timers),
            holds=dict(rows.holds),
            faults=dict(rows.faults),
        )

    def _loaded_for(self, events: Sequence[Event]) -> State:
        needs = needs_of(events, self.plan)
        state = self.load(needs)
        more = further_needs(needs, events, state, self.plan)
        return state if more is None else self.load(more)

    def load(self, needs: Needs) -> State:
        """Answer `Needs` by its docstring, and by nothing else. In no order that anybody may count on."""
        rows = self.rows
        calls = {row.id: row for row in rows.calls.values() if (row.source, row.key) in needs.call_keys}
        named = {
            *needs.incidents,
            *(call.incident for call in calls.values()),
            *(rows.deliveries[row].incident for row in needs.deliveries if row in rows.deliveries),
            *(row.id for row in rows.incidents.values() if row.live and row.phone in needs.phones),
        }
        resources = needs.resources | {row.resource for row in rows.holds.values() if row.incident in named}
        holders = [row for row in rows.holds.values() if row.resource in resources]
        whole = named | {row.incident for row in holders if not _is_firm(row, rows.incidents[row.incident])}
        acting = {
            key: row
            for key, row in rows.deliveries.items()
            if row.resource in resources and not row.state.settled
        }
        everyone = {
            *whole,
            *(row.incident for row in holders),
            *(row.incident for row in acting.values()),
        }
        subjects = needs.subjects | {f"incident/{incident}" for incident in whole}
        calls |= {row.id: row for row in rows.calls.values() if row.incident in whole}
        return State(
            known={row.id for row in self.events.values() if (row.source, row.key) in needs.event_keys},
            incidents=_shuffled({row: rows.incidents[row] for row in everyone if row in rows.incidents}),
            calls=_shuffled(calls),
            deliveries=_shuffled(
                acting | {key: row for key, row in rows.deliveries.items() if row.incident in whole}
            ),
            timers=_shuffled({key: row for key, row in rows.timers.items() if row.incident in whole}),
            holds=_shuffled(
                {
                    key: row
                    for key, row in rows.holds.items()
                    if row.incident in whole or row.resource in resources
                }
            ),
            faults={key: row for key, row in rows.faults.items() if row.subject in subjects},
        )

    def _write(self, decision: Decision) -> None:
        if decision.reason is Reason.DUPLICATE:
            assert decision == Decision(event=decision.event, reason=Reason.DUPLICATE)
            return
        rows = self.rows
        assert decision.event.id not in self.events
        self.events[decision.event.id] = decision.event
        rows.known.add(decision.event.id)
        rows.incidents.update(decision.incidents)
        rows.calls.update(decision.calls)
        for delivery in decision.deliveries.values():
            if delivery.id not in rows.deliveries:
                self.asked.append(delivery)
        rows.deliveries.update(decision.deliveries)
        for timer_key, timer in decision.timers.items():
            if timer is None:
                rows.timers.pop(timer_key, None)
            else:
                rows.timers[timer_key] = timer
        for hold_key, hold in decision.holds.items():
            if hold is None:
                rows.holds.pop(hold_key, None)
            else:
                rows.holds[hold_key] = hold
        for fault_key, fault in decision.faults.items():
            if fault.cleared_at is None:
                rows.faults[fault_key] = fault
            else:
                rows.faults.pop(fault_key, None)
        self.timeline += decision.timeline


def _is_firm(hold: Hold, incident: Incident) -> bool:
    """A real emergency that has it: no event of others changes anything there."""
    return hold.held and hold.tier is Tier.EMERGENCY and not incident.exercise


def _shuffled(rows: Mapping[K, V]) -> dict[K, V]:
    return dict(reversed(list(rows.items())))
