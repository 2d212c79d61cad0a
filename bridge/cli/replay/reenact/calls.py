"""The calls of a log that a training plays again, all or those of one incident. Called by the command.

Calls only: who acknowledged that day, and whom the dialplan rang, does not come again. It is what is trained.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.cli.replay.lines import is_of
from bridge.engine import Decision
from bridge.model import CALL_KINDS, Delivery, Event, Incident
from bridge.replay import CallRow, Interest, Rerun
from bridge.response import Plan


class LogCalls:
    """An outlet for the readers: keeps what the site's phones and alarm extensions did."""

    def __init__(self, plan: Plan) -> None:
        self.interest = Interest([plan])
        self._plan = plan
        self._events: list[Event] = []

    def event(self, event: Event) -> None:
        if event.kind in CALL_KINDS and self.interest.of_event(event):
            self._events.append(event)

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        del row  # its events say the same
        for event in events:
            self.event(event)

    def to_play(self, timeline: str | None) -> list[Event]:
        """Return the events in the order of their times, each marked as an exercise.

        timeline: only the calls of this incident, by its id, or by the id of one of its calls.
        """
        chosen = self._events if timeline is None else self._of_incident(timeline)
        marked = [replace(event, attributes={**event.attributes, "exercise": "yes"}) for event in chosen]
        return sorted(marked, key=lambda event: event.occurred_at)

    def _of_incident(self, named: str) -> list[Event]:
        calls: dict[str, set[str]] = {}
        wanted: set[str] = set()

        def decided(event: Event, decision: Decision) -> None:
            del event
            for call in decision.calls.values():
                calls.setdefault(call.incident, set()).add(call.key)

        def closed(incident: Incident, deliveries: list[Delivery]) -> None:
            del deliveries
            own = calls.get(incident.id, set())
            if is_of(named, incident, own):
                wanted.update(own)

        rerun = Rerun(self._plan, closed=closed, decided=decided)
        for event in self._events:
            rerun.take(event)
        rerun.end()
        return [event for event in self._events if event.key in wanted]
