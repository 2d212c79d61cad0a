"""The timers of the sans-IO machines, on the loop's monotonic time.

    timers = Timers(fired=lambda name, timer: run(layer.fire(name, timer)))
    timers.set(name, Timer.A, 0.5)      # SetTimer
    timers.stop(name, Timer.A)          # StopTimer
    timers.forget(name)                 # Ended

Called by whoever carries out the effects of transactions, dialogs and registrations. A call leaves three
timers behind that run for half a minute, so there are tens of thousands of them: all share one timer of the
loop, whose own cost several times as much, in time and in objects for the garbage collector to walk through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Label = TypeVar("Label", bound=Hashable)

_FEW: Final = 128
"""Stopped timers that are not worth being cleared away."""


class Timers(Generic[Owner, Label]):
    """Timers by owner and label; an owner has one of each label. Used within one running loop."""

    def __init__(self, fired: Callable[[Owner, Label], None]) -> None:
        self._fired = fired
        self._running: dict[Owner, dict[Label, int]] = {}
        """The number of each timer that runs; one of the heap with another number was stopped."""
        self._heap: list[tuple[float, int, Owner, Label]] = []
        self._numbers = count()
        self._stopped = 0
        self._wake: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self._running.values()))

    def set(self, owner: Owner, label: Label, after: float) -> None:
        """Let a timer fire after so many seconds, never within this call. It replaces one of that label."""
        number = next(self._numbers)
        labels = self._running.get(owner)
        if labels is None:
            self._running[owner] = {label: number}
        else:
            self._stopped += label in labels
            labels[label] = number
        due = asyncio.get_running_loop().time() + after
        heappush(self._heap, (due, number, owner, label))
        if self._wake is None or due < self._wake.when():
            self._arm()

    def stop(self, owner: Owner, label: Label) -> None:
        """Stop a timer; nothing happens if it does not run."""
        labels = self._running.get(owner)
        if labels is None or labels.pop(label, None) is None:
            return
        if not labels:
            del self._running[owner]
        self._stopped += 1
        self._clear_away()

    def forget(self, owner: Owner) -> None:
        """Stop all timers of an owner."""
        self._stopped += len(self._running.pop(owner, ()))
        self._clear_away()

    def clear(self) -> None:
        """Stop all timers."""
        self._running.clear()
        self._heap.clear()
        self._stopped = 0
        self._arm()

    def _runs(self, entry: tuple[float, int, Owner, Label]) -> bool:
        _, number, owner, label = entry
        labels = self._running.get(owner)
        return labels is not None and labels.get(label) == number

    def _clear_away(self) -> None:
        """Take stopped timers out of the heap when they are the greater part of it."""
        if self._stopped > _FEW and self._stopped * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if self._runs(entry)]
            heapify(self._heap)
            self._stopped = 0

    def _arm(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._heap:
            self._wake = asyncio.get_running_loop().call_at(self._heap[0][0], self._fire_due)

    def _fire_due(self) -> None:
        self._wake = None
        now = asyncio.get_running_loop().time()
        try:
            while self._heap and self._heap[0][0] <= now:
                entry = heappop(self._heap)
                if self._runs(entry):
                    self._fire(entry[2], entry[3])
                else:
                    self._stopped -= 1
        finally:  # an error of one timer is for the loop to tell, and must not stop the others
            self._arm()

    def _fire(self, owner: Owner, label: Label) -> None:
        labels = self._running[owner]
        del labels[label]
        if not labels:
            del self._running[owner]
        self._fired(owner, label)
