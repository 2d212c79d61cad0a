"""A log's own way of writing times -> UTC epoch seconds, daylight saving included. Pure."""

from __future__ import annotations

import math
import re
import zoneinfo
from datetime import UTC, datetime
from typing import Final

NEAR: Final = 900.0
"""Seconds: timezones differ by more than that, and calls last for less, mostly."""
_LATEST: Final = 4102444800.0
"""The year 2100: later than any call."""
_BORN: Final = re.compile(r"(\d{9,10})\.\d+$")


class Times:
    """timezone: of the times without one in the log.

    in_utc: how many times were UTC, though the log's others are not said to be.
    """

    def __init__(self, timezone: str) -> None:
        """Raises zoneinfo.ZoneInfoNotFoundError or ValueError for what is no timezone."""
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._minutes: dict[str, float] = {}
        """Start of a local minute -> UTC; the latest only. A log has many lines a minute."""
        self._twice: set[str] = set()
        """Minutes of an hour that came twice."""
        self._untold: set[str] = set()
        """Those of which nothing tells which of both it was."""
        self.in_utc = 0

    @property
    def ambiguous(self) -> int:
        """How many minutes of the log may be of either hour; the first of both is taken."""
        return len(self._untold)

    def of(self, value: bytes, born: float | None = None) -> float:
        """Return the time. Takes epoch seconds and `2026-10-25 02:30:00[.5]`. Raises ValueError.

        born: a second before it, mostly close, by which an hour that came twice is told, and a log that is
        in UTC.
        """
        try:
            at = float(value)
        except ValueError:
            text = value.decode("ascii", "replace")
            at = self._local(text)
            if born is not None and abs(at - born) >= NEAR:
                at = self._corrected(text, at, born)
            if text[:16] in self._twice and (born is None or abs(at - born) >= NEAR):
                self._untold.add(text[:16])
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
        # Of a call that lasts long: nothing happens before it began.
        early = at < born
        if abs(second - born) < NEAR or (early and second >= born):
            return second
        universal = moment.replace(tzinfo=UTC).timestamp()
        if abs(universal - born) < NEAR or ((early or self.in_utc) and universal >= born):
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
            self._twice.add(minute)
        start = moment.timestamp()
        if len(self._minutes) > 1000:
            self._minutes.clear()
        self._minutes[minute] = start
        return start


def second_of(uniqueid: str) -> float | None:
    """Return when the channel was made, which a Uniqueid begins with."""
    found = _BORN.search(uniqueid)
    return float(found[1]) if found else None
