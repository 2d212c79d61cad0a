"""The timers of the sans-IO machines, on the loop's monotonic time.

    timers = Timers(fired=lambda name, timer: run(layer.fire(name, timer)))
    timers.set(name, Timer.A, 0.5)      # SetTimer
    timers.stop(name, Timer.A)          # StopTimer
    timers.forget(name)                 # Ended

Called by whoever carries out the effects of transactions, dialogs and registrations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Label = TypeVar("Label", bound=Hashable)


class Timers(Generic[Owner, Label]):
    """Timers by owner and label; an owner has one of each label. Used within one running loop."""

    def __init__(self, fired: Callable[[Owner, Label], None]) -> None:
        self._fired = fired
        self._running: dict[Owner, dict[Label, asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._running.values()))

    def set(self, owner: Owner, label: Label, after: float) -> None:
        """Let a timer fire after so many seconds, never within this call. It replaces one of that label."""
        self.stop(owner, label)
        loop = asyncio.get_running_loop()
        handle = loop.call_later(max(after, 0.0), self._fire, owner, label)
        self._running.setdefault(owner, {})[label] = handle

    def stop(self, owner: Owner, label: Label) -> None:
        """Stop a timer; nothing happens if it does not run."""
        running = self._running.get(owner)
        handle = running.pop(label, None) if running else None
        if handle is not None:
            handle.cancel()
        if running is not None and not running:
            del self._running[owner]

    def forget(self, owner: Owner) -> None:
        """Stop all timers of an owner."""
        for handle in self._running.pop(owner, {}).values():
            handle.cancel()

    def clear(self) -> None:
        """Stop all timers."""
        for owner in list(self._running):
            self.forget(owner)

    def _fire(self, owner: Owner, label: Label) -> None:
        self.stop(owner, label)
        self._fired(owner, label)
