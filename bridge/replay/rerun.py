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
    IncidentState,
    Kind,
    Operation,
    Timer,
)
from bridge.response import Plan, identify

LAG: Final = 900.0
"""Seconds by which events may come out of order: logs are written as calls end."""
AFTERWARDS: Final = 120.0
"""Seconds for which the clock runs on behind the log's last event."""
QUIET: Final = 3600.0
"""Seconds after the last word of it when an incident is given out as it is, and forgotten.

A log holds nobody's click: an SOS would be open, and remind, to the log's end, and the phone's next one join
it a year later.
"""
ENDLESS: Final = 86400.0
"""The same where a call of it has no end: a PBX that stopped has never written any."""
MOST_CLOSED: Final = 50
"""Closed incidents kept in the state before it is cleaned."""
PROOF: Final = "imagined"


class Rerun:
    """One site's bridge. closed: told of each incident when it is over, or the log tells no more of it, with
    its deliveries.

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
        self._timers: list[tuple[float, int, Timer | str]] = []
        """What is due when. An incident's id: whether the log still tells of it."""
        self._heard: dict[str, float] = {}
        """When the log told last of an incident that lives."""
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
                at, _, due = heapq.heappop(self._timers)
                if isinstance(due, str):
                    self._listen(due, at)
                elif self._state.timers.get((due.incident, due.name)) == due:
                    self._decide(_due(due), at)

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
                    self._set(timer.due_at, timer)
            waiting += self._imagined(decision)
            if current is identified and event.kind is not Kind.TIMER_DUE:
                self._hear(decision)
        for incident in over:
            self._close(incident)

    def _set(self, at: float, due: Timer | str) -> None:
        heapq.heappush(self._timers, (at, next(self._order), due))

    # --- the end of incidents -----------------------------------------------------------------------

    def _hear(self, decision: Decision) -> None:
        """The log tells of these incidents."""
        for incident in {*decision.incidents, *(call.incident for call in decision.calls.values())}:
            if incident and incident not in self._heard:
                self._set(self._now + QUIET, incident)
            if incident:
                self._heard[incident] = self._now

    def _listen(self, id_: str, at: float) -> None:
        """Give the incident out if the log tells no more of it."""
        incident = self._state.incidents.get(id_)
        if incident is None or not incident.live:
            self._heard.pop(id_, None)
        elif self._state.live_calls(id_) and self._heard[id_] + ENDLESS > at:
            self._set(at + QUIET, id_)
        elif self._heard[id_] + QUIET > at:
            self._set(self._heard[id_] + QUIET, id_)
        else:
            self._close(incident)
            self._leave(incident)

    def _leave(self, incident: Incident) -> None:
        """Nothing comes of it any more: nothing is undone, and whoever is next finds nobody before them."""
        del self._heard[incident.id]
        self._state.put_incident(replace(incident, state=IncidentState.CLOSED))
        for name in self._state.timers_of(incident.id):
            self._state.drop_timer(incident.id, name)
        for hold in self._state.holds_of(incident.id):
            self._state.drop_hold(hold)

    def _close(self, incident: Incident) -> None:
        self._closed(incident, self._state.deliveries_of(incident.id))
        self._over += 1
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
