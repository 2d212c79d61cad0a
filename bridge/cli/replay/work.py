"""Puts a log's calls through one or two sites' engines, and hands on what comes of it. See `replay`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bridge.engine import Decision
from bridge.model import Delivery, Event, Incident, TimelineEntry
from bridge.replay import PROOF, CallBook, CallRow, Difference, Interest, Reconciliation, Rerun, Summary
from bridge.response import Plan


class Shown(Protocol):
    """Who shows the rows as they come. found: whether `--timeline` names an incident of the logs."""

    found: bool

    def call(self, row: CallRow) -> None: ...

    def incident(
        self, incident: Incident, deliveries: list[Delivery], calls: set[str], story: list[TimelineEntry]
    ) -> None:
        """calls: the keys of its calls."""


class Work:
    """An outlet for the readers. other: the plan of `--against`. lost: looks for alarm calls in the store."""

    def __init__(
        self, plan: Plan, other: Plan | None, shown: Shown, lost: Reconciliation | None = None
    ) -> None:
        self.interest = Interest([plan, *([other] if other else [])])
        self.summary = Summary()
        self.there = Summary()
        """What the other site would have done; its times are those of `summary`."""
        self.difference = Difference() if other else None
        self._shown = shown
        self._plan = plan
        self._lost = lost
        self._callers: dict[str, str] = {}
        """Numbers of those who make the alarm calls that are being read, by the calls' ids."""
        self._book = CallBook(plan.is_alarm)
        self._stories: dict[str, list[TimelineEntry]] = {}
        self._calls: dict[str, set[str]] = {}
        self._reruns = [Rerun(plan, closed=self._closed, decided=self._decided)]
        if other and self.difference:
            self._reruns.append(Rerun(other, closed=self._closed_there))

    def event(self, event: Event) -> None:
        if self.interest.of_event(event):
            self._take(event)
        if row := self._book.feed(event):
            self.call(row)

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        for event in events:
            self._take(event)
        if row.alarm:  # of either site
            row.alarm = self._plan.is_alarm(row.dialled)
        self.summary.add_call(row)
        self._shown.call(row)
        if self._lost is not None and row.alarm:
            self._lost.take(row, self._callers.pop(row.id, ""))

    def _take(self, event: Event) -> None:
        if self._lost is not None and event.caller and self._plan.is_alarm(event.dialled):
            self._callers[event.key] = event.caller
        for rerun in self._reruns:
            rerun.take(event)

    def end(self) -> None:
        """Everything is read."""
        for row in self._book.live():
            self.call(row)
        for rerun in self._reruns:
            rerun.end()
        if self.difference:
            self.difference.end()
        if self._lost is not None:
            self._lost.end()
        self.there.first, self.there.last = self.summary.first, self.summary.last

    def _decided(self, event: Event, decision: Decision) -> None:
        """Keep the story, without the receipts: no system has given any."""
        if event.attributes.get("proof") != PROOF:
            for entry in decision.timeline:
                self._stories.setdefault(entry.incident, []).append(entry)
        for call in decision.calls.values():
            self._calls.setdefault(call.incident, set()).add(call.key)

    def _closed(self, incident: Incident, deliveries: list[Delivery]) -> None:
        self.summary.add_incident(incident, deliveries)
        calls, story = self._calls.pop(incident.id, set()), self._stories.pop(incident.id, [])
        self._shown.incident(incident, deliveries, calls, story)
        if self.difference:
            self.difference.now(incident, deliveries)

    def _closed_there(self, incident: Incident, deliveries: list[Delivery]) -> None:
        self.there.add_incident(incident, deliveries)
        if self.difference:
            self.difference.then(incident, deliveries)
