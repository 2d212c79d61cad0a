"""The circuit breaker of one lane: how long to leave a system alone that does not answer. Pure."""

from __future__ import annotations

from typing import Final

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0
"""Seconds: an SOS must not wait longer than this for a system that came back."""
TRIPS_AFTER: Final = 3
"""Failures in a row without any answer."""


def backoff(failures: int) -> float:
    """Seconds to wait after this many failures in a row: 0.25, 0.5, 1, 2, 4, 5, 5, ..."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** max(0, min(failures, 16) - 1)))


class Breaker:
    """Open after `TRIPS_AFTER` failures in a row; then one probe a pause, until one gets an answer."""

    def __init__(self) -> None:
        self.failures = 0
        self._closed_until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self.failures >= TRIPS_AFTER

    def may_try(self, now: float) -> bool:
        """Whether an attempt may start now (monotonic seconds)."""
        return not self.is_open or (not self._probing and now >= self._closed_until)

    def wait(self, now: float) -> float:
        """Seconds until the next probe may start; 0 if one may start now."""
        return max(0.0, self._closed_until - now) if self.is_open else 0.0

    def started(self) -> None:
        self._probing = self.is_open

    def answered(self) -> bool:
        """Note that the system answered, whatever it said. True if that closed the breaker."""
        was_open = self.is_open
        self.failures, self._probing = 0, False
        return was_open

    def silent(self, now: float) -> bool:
        """Note that the system did not answer. True if that opened the breaker."""
        was_open = self.is_open
        self.failures += 1
        self._probing = False
        self._closed_until = now + backoff(self.failures - TRIPS_AFTER + 1)
        return self.is_open and not was_open

    def gave_up(self) -> None:
        """Note that an attempt ended without saying anything about the system."""
        self._probing = False
