"""Keeps one kind of line from drowning the others. Pure; called by `sink` for lines of no incident."""

from __future__ import annotations

from collections import Counter
from typing import Final

BURST: Final = 20
"""Lines of one kind within a window."""
WINDOW: Final = 10.0
"""Seconds."""
MOST_KINDS: Final = 200
"""Kinds within a window; what comes after shares one, so that made-up text cannot get round the limit."""
ANYTHING_ELSE: Final = "lines of many kinds"


class NoiseLimit:
    """Admits `BURST` lines of a kind in each window and counts the rest."""

    def __init__(self, burst: int = BURST, window: float = WINDOW, most_kinds: int = MOST_KINDS) -> None:
        self._burst = burst
        self._window = window
        self._most_kinds = most_kinds
        self._since = 0.0
        self._seen: Counter[str] = Counter()

    def admit(self, kind: str) -> bool:
        """Whether a line of this kind may be written now."""
        if kind not in self._seen and len(self._seen) >= self._most_kinds:
            kind = ANYTHING_ELSE
        self._seen[kind] += 1
        return self._seen[kind] <= self._burst

    def turn(self, now: float) -> list[tuple[str, int]]:
        """Begin a new window if the old one is over; return the kinds it suppressed lines of, and how many.

        now: monotonic seconds. Call it before `admit`, and once at the end with infinity.
        """
        if now - self._since < self._window:
            return []
        suppressed = [(kind, seen - self._burst) for kind, seen in self._seen.items() if seen > self._burst]
        self._since = now
        self._seen.clear()
        return suppressed
