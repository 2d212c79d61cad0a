"""Find the lost ones: alarm calls of a log for which the store has no incident. Reads only.

Called by the command line with each call of the log, in any order, and by the app with those of a gap. What
becomes of a lost call is said by `events_for`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.model import Call, Event, Kind
from bridge.replay.calls import ABANDONED, ANSWERED, CallRow, events_of
from bridge.store import Reader

BATCH: Final = 500
SAME_KEY_WITHIN: Final = 60.0
"""Seconds between what log and store say of one call's beginning; a PBX may use a Uniqueid again later."""
SAME_CALL_WITHIN: Final = 5.0
"""The same, where the log or the store has no Uniqueid and the phone and extension must tell."""
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
    caller: str = ""
    """Its number, by which phones behind a gateway are told apart."""
    before: bool = False
    """It came before the store's first event: no bridge ran yet, and nobody is rung for it."""


@dataclass(slots=True)
class Reconciliation:
    """now: UTC epoch seconds, against which a call is old or not.

    over: every call of the log is known to be over, whether or not the log shows its end.
    """

    reader: Reader
    now: float
    over: bool = False
    checked: int = 0
    lost: list[Lost] = field(default_factory=list)
    _waiting: list[tuple[CallRow, str]] = field(default_factory=list)

    @property
    def before(self) -> int:
        """How many of the lost are from before the store's first event."""
        return sum(lost.before for lost in self.lost)

    def take(self, row: CallRow, caller: str = "") -> None:
        """Look for the incident of an alarm call. Raises StoreError, as `end` does.

        caller: its number, for the row says only by which endpoint it came.
        """
        self._waiting.append((row, caller))
        if len(self._waiting) >= BATCH:
            self._look()

    def end(self) -> None:
        self._look()
        self.lost.sort(key=lambda lost: (lost.row.dialing_at, lost.row.id))
        first = next((entry.event.received_at for entry in self.reader.journal(limit=1)), None)
        self.lost = [replace(lost, before=first is None or lost.row.dialing_at < first) for lost in self.lost]

    def _look(self) -> None:
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self.checked += len(rows)
        times = [row.dialing_at for row, _ in rows]
        known = self.reader.calls_between(min(times) - SAME_KEY_WITHIN, max(times) + SAME_KEY_WITHIN)
        by_key: dict[str, list[Call]] = {}
        by_phone: dict[tuple[str, str], list[Call]] = {}
        for call in known:
            if call.incident:
                by_key.setdefault(call.key, []).append(call)
                by_phone.setdefault((call.endpoint, call.dialled), []).append(call)
        for row, caller in rows:
            same = [
                call
                for call in by_phone.get((row.phone, row.dialled), [])
                if not (_is_uniqueid(row.id) and _is_uniqueid(call.key))
            ]
            if _near(by_key.get(row.id, []), row, SAME_KEY_WITHIN) or _near(same, row, SAME_CALL_WITHIN):
                continue
            self.lost.append(Lost(row, due_of(row, self.now, over=self.over), caller))


def due_of(row: CallRow, now: float, *, over: bool = False) -> Due:
    """Return what a call without an incident is owed at this moment. over: it does not live any more."""
    age = now - row.dialing_at
    if row.ended_at is None and age < STILL_LIVE and not over:
        return Due.NEW
    if row.outcome == ANSWERED or row.answered_at is not None or age > DAY:
        return Due.REVIEW
    return Due.MISSED


def owed_to(lost: Lost) -> Due:
    """Return what filing the call asks for: for what came before the bridge nobody is rung."""
    return Due.REVIEW if lost.before and lost.due is Due.MISSED else lost.due


def events_for(lost: Lost, source: str, *, via: str, by: str = "") -> Iterator[Event]:
    """Yield what the door has to hear, so that the call gets the incident it should have had.

    source: the PBX's name in live events. A call that may live is told as if it were seen now; one that is
    over is never. by: who files it.
    """
    row, owed = lost.row, owed_to(lost)
    if owed is Due.NEW:
        for event in events_of(row, source, via=via, caller=lost.caller):
            yield replace(event, attributes={**event.attributes, "recovered": "yes"})
        return
    times = {"answered_at": row.picked_up_at, "connected_at": row.answered_at, "ended_at": row.ended_at}
    said = {
        "owed": owed.value,
        "recovered": "yes",
        "outcome": row.outcome or "",
        "ended_by": "caller" if row.outcome == ABANDONED else "",
        "by": by,
        **{name: repr(at) for name, at in times.items() if at is not None},
    }
    yield Event(
        kind=Kind.MISSED,
        source=source,
        key=row.id,
        occurred_at=row.dialing_at,
        endpoint=row.phone,
        caller=lost.caller,
        dialled=row.dialled,
        attributes={name: text for name, text in said.items() if text},
        via=via,
    )


def _near(calls: Sequence[Call], row: CallRow, seconds: float) -> bool:
    return any(abs(call.dialing_at - row.dialing_at) <= seconds for call in calls)


def _is_uniqueid(id_: str) -> bool:
    """Whether it is the PBX's own; a CDR file without a Uniqueid calls a call after its channel."""
    return "/" not in id_
