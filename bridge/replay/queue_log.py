"""queue_log -> calls: who waited in which queue, and whether an agent took the call. One pass.

`epoch|uniqueid|queue|agent|event|data...` (Asterisk's queue log documentation). It names no telephone: the
phone is who the queue was told is calling, which an `ENTERQUEUE` line carries. Nor does it tell whether the
PBX had picked up, or what became of a call that left all queues for something else in the dialplan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bridge.replay.calls import ABANDONED, ANSWERED, CallRow, events_of
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import Broken, text_of
from bridge.replay.times import Times
from bridge.replay.trouble import Troubles, read_each

MOST_LIVE: Final = 100_000
FEWEST: Final = 5
"""Columns that every line has."""
_OUTCOMES: Final[Mapping[str, str]] = {
    "ABANDON": ABANDONED,
    "COMPLETEAGENT": ANSWERED,
    "COMPLETECALLER": ANSWERED,
}
"""Events with which a call ends, and what they say of it."""
_TRANSFERS: Final = frozenset({"BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"})
"""Events with which an agent hands the call on: its end is no more the queue's."""
_GOES_ON: Final = frozenset({"EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY"})
"""Events with which a call leaves a queue for what the dialplan has next: perhaps another queue."""

_IN_QUEUE: Final = ("picked_up_at",)
_GONE: Final = ("picked_up_at", "answered_at", "ended_at", "outcome")
"""What the log cannot tell of a call that waits, and of one that left the queue."""


class QueueCalls:
    """A call that went into a queue. dialled: the queue's name, for that is all the log knows."""

    def __init__(
        self, outlet: Outlet, interest: Interest, troubles: Troubles, *, source: str, times: Times
    ) -> None:
        self._outlet = outlet
        self._interest = interest
        self._troubles = troubles
        self._source = source
        self._times = times
        self._live: dict[str, CallRow] = {}

    def feed(self, file: str, first: int, lines: Sequence[bytes]) -> int:
        """Read lines, which have no LF any more; return how many were records. first: number of the first."""
        return read_each(file, first, lines, self._take, self._troubles)

    def end(self) -> None:
        for row in self._live.values():
            self._give(row)
        self._live.clear()

    def _take(self, line: bytes) -> None:
        values = text_of(line.rstrip(b"\r")).split("|")
        if len(values) < FEWEST:
            raise Broken(f"{len(values)} columns, not {FEWEST} or more")
        at = self._times.of(values[0].encode())
        uniqueid, queue, event = values[1], values[2], values[4]
        if event == "ENTERQUEUE":
            self._enters(uniqueid, queue, values[6] if len(values) > FEWEST + 1 else "", at)
        elif (row := self._live.get(uniqueid)) is not None:
            if event == "CONNECT":
                row.answered_at = at
            elif event in _GOES_ON:
                row.unknown = _GONE
            elif event in _TRANSFERS:
                row.outcome, row.unknown = ANSWERED, (*_IN_QUEUE, "ended_at")
                self._give(self._live.pop(uniqueid))
            elif outcome := _OUTCOMES.get(event):
                row.ended_at, row.outcome = at, outcome
                self._give(self._live.pop(uniqueid))

    def _enters(self, uniqueid: str, queue: str, caller: str, at: float) -> None:
        """Begin a call, or let the one that left a queue wait in the next."""
        if row := self._live.get(uniqueid):
            row.unknown = _IN_QUEUE
            return
        if len(self._live) >= MOST_LIVE:
            self._give(self._live.pop(next(iter(self._live))))
        self._live[uniqueid] = CallRow(
            uniqueid, caller, queue, self._interest.is_alarm(queue), at, unknown=_IN_QUEUE
        )

    def _give(self, row: CallRow) -> None:
        if row.alarm or self._interest.of_number(row.phone):
            self._outlet.call(row, events_of(row, self._source, via="queue_log", caller=row.phone))
        else:
            self._outlet.call(row)
