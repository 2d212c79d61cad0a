"""The figures of a replay, in constant memory: calls, waiting times, actions, load of the operators. Pure.

Load is measured as EEMUA 191 does: one alarm in ten minutes is what an operator can live with, ten in the ten
minutes after an upset are manageable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bridge.model import Delivery, Incident, Operation
from bridge.replay.calls import CallRow

WINDOW: Final = 600.0
STEADY: Final = 1.0
"""Pop-ups in a window that an operator can live with (EEMUA 191)."""
UPSET: Final = 10
"""Pop-ups in a window that are just manageable after an upset."""


@dataclass(slots=True)
class Load:
    """Pop-ups on one console."""

    popups: int = 0
    worst: int = 0
    """In any one window of the clock."""
    worst_at: float = 0.0
    _window: float = -1.0
    _in_window: int = 0

    def add(self, at: float) -> None:
        window = at // WINDOW
        if window != self._window:
            self._window, self._in_window = window, 0
        self._in_window += 1
        self.popups += 1
        if self._in_window > self.worst:
            self.worst, self.worst_at = self._in_window, window * WINDOW


@dataclass(slots=True)
class Summary:
    calls: int = 0
    alarms: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of all calls: `answered`, `abandoned`, `unanswered`, `unknown`, `live`."""
    alarm_outcomes: Counter[str] = field(default_factory=Counter)
    longest_wait: float | None = None
    """Seconds until a person took an alarm call."""
    longest_wait_of: str = ""
    incidents: Counter[str] = field(default_factory=Counter)
    """By tier."""
    actions: Counter[str] = field(default_factory=Counter)
    """Would-be actions by operation."""
    load: dict[str, Load] = field(default_factory=dict)
    """By console."""
    first: float | None = None
    last: float | None = None

    def add_call(self, row: CallRow) -> None:
        outcome = row.outcome or ("unknown" if "outcome" in row.unknown else "live")
        self.calls += 1
        self.outcomes[outcome] += 1
        self._saw(row.dialing_at)
        self._saw(row.ended_at or row.dialing_at)
        if not row.alarm:
            return
        self.alarms += 1
        self.alarm_outcomes[outcome] += 1
        if row.answered_at is not None:
            wait = row.answered_at - row.dialing_at
            if self.longest_wait is None or wait > self.longest_wait:
                self.longest_wait, self.longest_wait_of = wait, row.id

    def add_incident(self, incident: Incident, deliveries: Iterable[Delivery]) -> None:
        self.incidents[incident.tier] += 1
        for delivery in deliveries:
            self.actions[delivery.operation] += 1
            if delivery.operation is Operation.POPUP:
                console = delivery.params.get("console") or delivery.target
                self.load.setdefault(console, Load()).add(delivery.created_at)

    @property
    def hours(self) -> float:
        if self.first is None or self.last is None:
            return 0.0
        return max(0.0, self.last - self.first) / 3600

    def per_hour(self, console: str) -> float:
        """Return the console's pop-ups an hour, on average over the log (of an hour at least)."""
        return self.load[console].popups / max(1.0, self.hours) if console in self.load else 0.0

    @property
    def dispatch_calls(self) -> int:
        """How often the dispatch groups would have been called."""
        return self.actions[Operation.NOTIFY]

    def in_windows(self, load: Load) -> float:
        """Return the console's pop-ups per window, on average over the log."""
        windows = max(1.0, self.hours * 3600 / WINDOW)
        return load.popups / windows

    def _saw(self, at: float) -> None:
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)
