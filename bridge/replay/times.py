"""A log's own way of writing times -> UTC epoch seconds, daylight saving included. Pure."""

from __future__ import annotations

import math
import zoneinfo
from datetime import UTC, datetime
from typing import Final

NEAR: Final = 900.0
"""Seconds: timezones differ by more than that, and calls last for less, mostly."""
_LATEST: Final = 4102444800.0
"""The year 2100: later than any call."""


class Times:
    """timezone: of the times without one in the log.

    in_utc: how many times were UTC, though the log's others are not said to be.
    ambiguous: how many minutes of the log belong to an hour that came twice; the first of both is taken.
    """

    def __init__(self, timezone: str) -> None:
        """Raises zoneinfo.ZoneInfoNotFoundError or ValueError for what is no timezone."""
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._minutes: dict[str, float] = {}
        """Start of a local minute -> UTC; the latest only. A log has many lines a minute."""
        self.ambiguous = 0
        self.in_utc = 0

    def of(self, value: bytes, born: float | None = None) -> float:
        """Return the time. Takes epoch seconds and `2026-10-25 02:30:00[.5]`. Raises ValueError.

        born: a second close to it, by which an hour that came twice is told, and a log that is in UTC.
        """
        try:
            at = float(value)
        except ValueError:
            at = self._local(value.decode("ascii", "replace"))
            if born is not None and abs(at - born) >= NEAR:
                at = self._corrected(value.decode("ascii", "replace"), at, born)
        if not (math.isfinite(at) and 0 < at < _LATEST):
            raise ValueError("no time")
        return at

    def _corrected(self, text: str, at: float, born: float) -> float:
        """Return what else the text may mean, where that is the time and `at` is not."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return at
        if moment.tzinfo is not None:
            return at
        second = moment.replace(tzinfo=self._zone, fold=1).timestamp()
        if abs(second - born) < NEAR:
            return second
        universal = moment.replace(tzinfo=UTC).timestamp()
        if abs(universal - born) < NEAR:
            self.in_utc += 1
            return universal
        return at

    def _local(self, text: str) -> float:
        minute, seconds = text[:16], text[17:]
        start = self._minutes.get(minute)
        if start is None:
            start = self._start_of(minute, text)
        try:
            return start + float(seconds)
        except ValueError:
            return self._start_of(text, text)

    def _start_of(self, minute: str, text: str) -> float:
        try:
            moment = datetime.fromisoformat(minute)
        except ValueError:
            raise ValueError(f"no time: {text[:40]!r}") from None
        if moment.tzinfo is not None:
            return moment.timestamp()
        moment = moment.replace(tzinfo=self._zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            self.ambiguous += 1
        start = moment.timestamp()
        if len(self._minutes) > 1000:
            self._minutes.clear()
        self._minutes[minute] = start
        return start
