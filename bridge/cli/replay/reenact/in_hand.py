"""What the bridge is about, and what comes next, as its commits tell it. Called by the enactment."""

from __future__ import annotations

import math
from typing import Final

from bridge.engine import Decision
from bridge.ingest import Committed
from bridge.model import CALL_KINDS, Delivery, IncidentState, Kind

STALE: Final = 3600.0
"""Seconds after its last call when an exercise that nobody has ended is over: else the phone's next call,
days later perhaps, would join it."""
_OVER: Final = (IncidentState.CLEARING, IncidentState.CLOSED)


class InHand:
    """The deliveries that are not settled, the timers that are set, the incidents that nobody has ended."""

    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}
        self._timers: dict[tuple[str, str], float] = {}
        self._heard: dict[str, float] = {}
        """Incident -> when its calls last said something."""

    def take(self, committed: Committed) -> None:
        for decision in committed.decisions:
            event = decision.event
            if event.kind is Kind.TIMER_DUE:
                fired = event.incident, event.attributes["name"]
                if repr(self._timers.get(fired)) == event.attributes["due_at"]:
                    del self._timers[fired]
            for key, timer in decision.timers.items():
                if timer is None:
                    self._timers.pop(key, None)
                else:
                    self._timers[key] = timer.due_at
            for delivery in decision.deliveries.values():
                if delivery.state.settled:
                    self._deliveries.pop(delivery.id, None)
                else:
                    self._deliveries[delivery.id] = delivery
            self._hear(decision)

    def _hear(self, decision: Decision) -> None:
        if decision.event.kind in CALL_KINDS:
            for call in decision.calls.values():
                if call.incident:
                    self._heard[call.incident] = decision.event.occurred_at
        for incident in decision.incidents.values():
            if incident.state in _OVER:
                self._heard.pop(incident.id, None)

    def take_stale(self, now: float) -> list[str]:
        """Return, once, the incidents of which the log has told nothing for `STALE`."""
        stale = [incident for incident, heard in self._heard.items() if heard + STALE <= now]
        for incident in stale:
            del self._heard[incident]
        return stale

    def busy(self, now: float) -> bool:
        """Whether an action is under way, or a timer is due that is not decided yet."""
        acts = any(each.next_attempt_at is None or each.next_attempt_at <= now for each in self._waiting())
        return acts or any(due <= now for due in self._timers.values())

    def next(self) -> float:
        """When the next timer is due, attempt is made or incident is stale; infinite where there is none."""
        attempts = (each.next_attempt_at for each in self._waiting() if each.next_attempt_at is not None)
        stale = (heard + STALE for heard in self._heard.values())
        return min((*attempts, *self._timers.values(), *stale), default=math.inf)

    def _waiting(self) -> list[Delivery]:
        return list(self._deliveries.values())
