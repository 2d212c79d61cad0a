"""How long people and pictures took: from an incident's opening to connect, acknowledge, first picture.

Called by `metrics` with each decision in commit order. Pure, but for what it remembers of the incidents
that are open.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bridge.engine import Decision, Reason
from bridge.model import Delivery, Incident, IncidentState, Kind, Operation, Tier

MOST_WATCHED: Final = 10_000
"""Open incidents that are timed; of more, the oldest are given up."""


class Reaction(enum.StrEnum):
    CONNECT = "connect"
    """A person was on the line."""
    ACKNOWLEDGE = "acknowledge"
    PICTURE = "picture"
    """The first receipt of a display action."""


@dataclass(frozen=True, slots=True)
class Took:
    reaction: Reaction
    tier: Tier
    seconds: float


@dataclass(slots=True)
class _Watch:
    """An incident that calls for attention since `since`, and what has not come yet."""

    since: float
    missing: set[Reaction] = field(default_factory=lambda: set(Reaction))

    @property
    def answered(self) -> bool:
        return not {Reaction.CONNECT, Reaction.ACKNOWLEDGE} <= self.missing


class Reactions:
    """Times each reaction once per call for help.

    Raised to an SOS, or pressed again after somebody had it, an incident is timed anew. Exercises and
    incidents found after a blind interval are not timed, and those opened before this process started not
    until they are pressed again.
    """

    def __init__(self) -> None:
        self._watches: dict[str, _Watch] = {}

    def follow(self, decision: Decision) -> Iterator[Took]:
        """Yield what this decision ended the waiting for."""
        for incident in decision.incidents.values():
            self._begin(incident, decision)
            yield from self._people(incident, decision)
        for delivery in decision.deliveries.values():
            yield from self._picture(delivery)
        for incident in decision.incidents.values():
            if incident.state in (IncidentState.CLEARING, IncidentState.CLOSED):
                self._watches.pop(incident.id, None)

    def _begin(self, incident: Incident, decision: Decision) -> None:
        if incident.exercise or incident.recovered:
            return
        if opened(incident, decision):
            self._watch(incident.id, incident.opened_at)
        elif told(incident, decision, Reason.RAISED) or self._pressed_anew(incident, decision):
            self._watch(incident.id, decision.event.occurred_at)

    def _pressed_anew(self, incident: Incident, decision: Decision) -> bool:
        """Whether the phone asks again after somebody had it; another press before that changes nothing."""
        watch = self._watches.get(incident.id)
        return told(incident, decision, Reason.PRESSED_AGAIN) and (watch is None or watch.answered)

    def _watch(self, incident: str, since: float) -> None:
        self._watches.pop(incident, None)
        if len(self._watches) >= MOST_WATCHED:
            del self._watches[next(iter(self._watches))]
        self._watches[incident] = _Watch(since)

    def _people(self, incident: Incident, decision: Decision) -> Iterator[Took]:
        event = decision.event
        if event.kind is Kind.CALL_CONNECTED and incident.connected_at == event.occurred_at:
            yield from self._end(incident.id, Reaction.CONNECT, incident.tier, event.occurred_at)
        if event.kind is Kind.ACKNOWLEDGED and incident.acknowledged_at == event.occurred_at:
            yield from self._end(incident.id, Reaction.ACKNOWLEDGE, incident.tier, event.occurred_at)

    def _picture(self, delivery: Delivery) -> Iterator[Took]:
        if delivery.operation is Operation.SHOW and delivery.state.done and delivery.settled_at is not None:
            yield from self._end(delivery.incident, Reaction.PICTURE, delivery.tier, delivery.settled_at)

    def _end(self, incident: str, reaction: Reaction, tier: Tier, at: float) -> Iterator[Took]:
        watch = self._watches.get(incident)
        if watch is not None and reaction in watch.missing:
            watch.missing.discard(reaction)
            yield Took(reaction, tier, max(0.0, at - watch.since))


def opened(incident: Incident, decision: Decision) -> bool:
    """Whether this decision opened the incident.

    The decision's own reason may be another: a call first seen when a person answers it opens and connects.
    """
    return incident.opened_at == decision.event.occurred_at and told(incident, decision, Reason.OPENED)


def told(incident: Incident, decision: Decision, reason: Reason) -> bool:
    """Whether the incident's story got a line for this reason."""
    return any(entry.incident == incident.id and entry.reason == reason for entry in decision.timeline)
