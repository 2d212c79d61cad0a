"""The live engine on a log: events in their order, timers by the log's clock, actions that succeed.

Nothing leaves this module: a delivery is settled the moment it is born, as its system would settle it at
best. So the result shows what the bridge would have asked for, not how a broken VMS would have answered.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Final

from bridge.engine import Decision, State, fold
from bridge.model import (
    Delivery,
    DeliveryState,
    Event,
    Incident,
    Kind,
    Operation,
    Timer,
)
from bridge.response import Plan, identify

LAG: Final = 900.0
"""Seconds by which events may come out of order: logs are written as calls end."""
AFTERWARDS: Final = 120.0
"""Seconds for which the clock runs on behind the log's last event."""
MOST_CLOSED: Final = 500
"""Closed incidents kept in the state before it is cleaned."""
PROOF: Final = "imagined"


class Rerun:
    """One site's bridge. closed: told of each incident when it is over, with its deliveries.

    decided: told of each event and its decision, for a journal's comparison.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        closed: Callable[[Incident, list[Delivery]], None],
        decided: Callable[[Event, Decision], None] = lambda _event, _decision: None,
        lag: float = LAG,
    ) -> None:
        self._plan = plan
        self._closed = closed
        self._decided = decided
        self._lag = lag
        self._state = State()
        self._order = count()
        self._events: list[tuple[float, int, Event]] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._now = 0.0
        self._newest = 0.0
        self._over = 0

    def take(self, event: Event) -> None:
        """Take an event of the log. It is decided once nothing earlier can follow any more."""
        heapq.heappush(self._events, (event.occurred_at, next(self._order), event))
        self._newest = max(self._newest, event.occurred_at)
        self._until(self._newest - self._lag)

    def end(self) -> None:
        """The log is over."""
        self._until(self._newest)
        self._until(self._newest + AFTERWARDS)
        for incident in [each for each in self._state.incidents.values() if each.live]:
            self._closed(incident, self._state.deliveries_of(incident.id))

    # --- time ---------------------------------------------------------------------------------------

    def _until(self, moment: float) -> None:
        while True:
            event_at = self._events[0][0] if self._events else moment + 1
            timer_at = self._timers[0][0] if self._timers else moment + 1
            if min(event_at, timer_at) > moment:
                return
            if event_at <= timer_at:
                at, _, event = heapq.heappop(self._events)
                self._decide(event, at)
            else:
                at, _, timer = heapq.heappop(self._timers)
                if self._state.timers.get((timer.incident, timer.name)) == timer:
                    self._decide(_due(timer), at)

    def _decide(self, event: Event, at: float) -> None:
        self._now = max(self._now, at)
        identified = identify(replace(event, received_at=self._now), self._plan)
        if identified is None:
            return
        waiting, over = [identified], []
        while waiting:
            current = waiting.pop(0)
            [decision] = fold([current], self._state, self._plan, self._now)
            self._decided(current, decision)
            over += [each for each in decision.incidents.values() if not each.live]
            for timer in decision.timers.values():
                if timer is not None:
                    heapq.heappush(self._timers, (timer.due_at, next(self._order), timer))
            waiting += self._imagined(decision)
        for incident in over:
            self._closed(incident, self._state.deliveries_of(incident.id))
        self._over += len(over)
        if self._over > MOST_CLOSED:
            self._forget_closed()

    def _forget_closed(self) -> None:
        """Keep what lives: a log of years has thousands of incidents."""
        old, self._over = self._state, 0
        live = {incident.id for incident in old.incidents.values() if incident.live}
        self._state = State(
            incidents={id_: old.incidents[id_] for id_ in live},
            calls={id_: call for id_, call in old.calls.items() if call.live or call.incident in live},
            deliveries={id_: each for id_, each in old.deliveries.items() if each.incident in live},
            timers={key: timer for key, timer in old.timers.items() if timer.incident in live},
            holds={key: hold for key, hold in old.holds.items() if hold.incident in live},
            faults=old.faults,
        )

    def _imagined(self, decision: Decision) -> Iterator[Event]:
        for delivery in decision.deliveries.values():
            if not delivery.state.settled:
                yield self._settled(delivery)

    def _settled(self, delivery: Delivery) -> Event:
        unread = delivery.driver in self._plan.unread or delivery.operation is Operation.NOTIFY
        state = DeliveryState.ACCEPTED if unread else DeliveryState.VERIFIED
        return Event(
            kind=Kind.DELIVERY_SETTLED,
            source="outbox",
            key=f"{delivery.id}/1/{state}",
            occurred_at=self._now,
            received_at=self._now,
            incident=delivery.incident,
            attributes={
                "delivery": delivery.id,
                "state": state,
                "attempts": "1",
                "proof": PROOF,
                **({"camera": camera} if (camera := delivery.params.get("camera", "")) else {}),
            },
        )


def _due(timer: Timer) -> Event:
    return Event(
        kind=Kind.TIMER_DUE,
        source="timer",
        key=f"{timer.incident}/{timer.name}/{timer.due_at!r}",
        occurred_at=timer.due_at,
        incident=timer.incident,
        attributes={"name": timer.name, "due_at": repr(timer.due_at)},
    )
