"""Find the lost ones: alarm calls of a log for which the store has no incident. Reads only.

Called by the command line with each call of the log, in any order.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.model import Call
from bridge.replay.calls import ANSWERED, CallRow
from bridge.store import Reader

BATCH: Final = 500
SAME_KEY_WITHIN: Final = 60.0
"""Seconds between what log and store say of one call's beginning; a PBX may use a Uniqueid again later."""
SAME_CALL_WITHIN: Final = 5.0
"""The same, where the log has no Uniqueid and the phone and extension must tell."""
STILL_LIVE: Final = 600.0
"""Seconds for which a call whose end the log does not show may be going on; then its end was not written."""
DAY: Final = 24 * 3600.0


class Due(enum.StrEnum):
    """What a lost call is owed."""

    NEW = "new"
    """It may be live: it is an SOS."""
    MISSED = "missed"
    """Nobody took it, and less than 24 h ago: dispatch has to hear of it, as of a missed one."""
    REVIEW = "review"
    """It was answered, or is older: somebody looks into it in office hours."""


@dataclass(frozen=True, slots=True)
class Lost:
    row: CallRow
    due: Due


@dataclass(slots=True)
class Reconciliation:
    """now: UTC epoch seconds, against which a call is old or not."""

    reader: Reader
    now: float
    checked: int = 0
    lost: list[Lost] = field(default_factory=list)
    before: int = 0
    """Of the lost, those from before the store's first event: no bridge ran yet."""
    _waiting: list[CallRow] = field(default_factory=list)

    def take(self, row: CallRow) -> None:
        """Look for the incident of an alarm call. Raises StoreError, as `end` does."""
        self._waiting.append(row)
        if len(self._waiting) >= BATCH:
            self._look()

    def end(self) -> None:
        self._look()
        self.lost.sort(key=lambda lost: (lost.row.dialing_at, lost.row.id))
        first = next((entry.event.received_at for entry in self.reader.journal(limit=1)), None)
        self.before = sum(first is None or lost.row.dialing_at < first for lost in self.lost)

    def _look(self) -> None:
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self.checked += len(rows)
        times = [row.dialing_at for row in rows]
        known = self.reader.calls_between(min(times) - SAME_KEY_WITHIN, max(times) + SAME_KEY_WITHIN)
        by_key: dict[str, list[Call]] = {}
        by_phone: dict[tuple[str, str], list[Call]] = {}
        for call in known:
            if call.incident:
                by_key.setdefault(call.key, []).append(call)
                by_phone.setdefault((call.endpoint, call.dialled), []).append(call)
        for row in rows:
            same = by_phone.get((row.phone, row.dialled), [])
            is_there = _near(by_key.get(row.id, []), row, SAME_KEY_WITHIN) or (
                not _is_uniqueid(row.id) and _near(same, row, SAME_CALL_WITHIN)
            )
            if not is_there:
                self.lost.append(Lost(row, due_of(row, self.now)))


def due_of(row: CallRow, now: float) -> Due:
    """Return what a call without an incident is owed at this moment."""
    age = now - row.dialing_at
    if row.ended_at is None and age < STILL_LIVE:
        return Due.NEW
    if row.outcome == ANSWERED or row.answered_at is not None or age > DAY:
        return Due.REVIEW
    return Due.MISSED


def _near(calls: Sequence[Call], row: CallRow, seconds: float) -> bool:
    return any(abs(call.dialing_at - row.dialing_at) <= seconds for call in calls)


def _is_uniqueid(id_: str) -> bool:
    """Whether it is the PBX's own; a CDR file without a Uniqueid calls a call after its channel."""
    return "/" not in id_
