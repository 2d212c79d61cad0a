"""Due times -> `timer_due` events. Runs on monotonic time; the rows in the store serve recovery."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable

from bridge.ingest.deciding import Committed
from bridge.model import Accept, Clock, Event, Kind, Timer


class Timers:
    """Keeps the live timers of all incidents and hands each in when it is due.

    A timer that the store holds but this process has not seen set (set by the command line, another
    node or an earlier run) comes in by `sync`.
    """

    def __init__(self, accept: Accept, clock: Clock) -> None:
        self._accept = accept
        self._clock = clock
        self._set: dict[tuple[str, str], float] = {}
        """(incident, name) -> due, UTC epoch seconds."""
        self._heap: list[tuple[float, str, str, float]] = []
        """(due by the monotonic clock, incident, name, due by the wall clock); stale entries are skipped."""
        self._fired: set[tuple[str, str, float]] = set()
        """(incident, name, due) of what was handed in and is not decided yet: the store holds it still."""
        self._changed = asyncio.Event()

    def observe(self, committed: Committed) -> None:
        """Follow the timers that a commit set or cleared."""
        for decision in committed.decisions:
            if decision.event.kind is Kind.TIMER_DUE:
                self._fired.discard(_fired_by(decision.event))
            for key, timer in decision.timers.items():
                if timer is None:
                    self._set.pop(key, None)
                else:
                    self._arm(timer)
        self._changed.set()

    def sync(self, timers: Iterable[Timer]) -> None:
        """Take in timers that the store holds. One too many does no harm: the engine knows it is late."""
        for timer in timers:
            known = self._set.get((timer.incident, timer.name)) == timer.due_at
            if not known and (timer.incident, timer.name, timer.due_at) not in self._fired:
                self._arm(timer)
        self._changed.set()

    def _arm(self, timer: Timer) -> None:
        self._set[timer.incident, timer.name] = timer.due_at
        wait = max(0.0, timer.due_at - self._clock.now())
        entry = (self._clock.monotonic() + wait, timer.incident, timer.name, timer.due_at)
        heapq.heappush(self._heap, entry)

    async def run(self) -> None:
        """Hand in due timers until cancelled."""
        while True:
            self._changed.clear()
            wait = self._fire_due()
            ends: list[asyncio.Task[object]] = [asyncio.create_task(self._changed.wait())]
            if wait is not None:
                ends.append(asyncio.create_task(self._clock.sleep(wait)))
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()

    def _fire_due(self) -> float | None:
        """Hand in what is due; return the seconds until the next, or None if there is none."""
        while self._heap:
            due, incident, name, due_at = self._heap[0]
            if self._set.get((incident, name)) != due_at:
                heapq.heappop(self._heap)
                continue
            wait = due - self._clock.monotonic()
            if wait > 0:
                return wait
            heapq.heappop(self._heap)
            del self._set[incident, name]
            self._fired.add((incident, name, due_at))
            self._accept(_due_event(incident, name, due_at))
        return None


def _fired_by(event: Event) -> tuple[str, str, float]:
    return event.incident, event.attributes["name"], float(event.attributes["due_at"])


def _due_event(incident: str, name: str, due_at: float) -> Event:
    return Event(
        kind=Kind.TIMER_DUE,
        source="timer",
        key=f"{incident}/{name}/{due_at!r}",
        occurred_at=due_at,
        incident=incident,
        attributes={"name": name, "due_at": repr(due_at)},
    )
