"""CEL lines in, calls and events out. One pass; what it holds are the calls that live.

A call that may matter to a site goes through the tracker row by row, as live, and so do calls that meet in
one bridge (a transfer, a pickup, a conference). Any other is put together when its last channel is gone, see
`cel_shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from bridge.calls import CallTracker
from bridge.calls.channels import endpoint_of, is_device
from bridge.replay.calls import CallRow
from bridge.replay.cel import Row, bridge_in, facts_of
from bridge.replay.cel_layout import KINDS, Layout
from bridge.replay.cel_shapes import Shapes
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import Broken, Table, Values, text_of
from bridge.replay.trouble import Troubles, excerpt

MOST_LIVE: Final = 100_000
"""Channels whose end the log has not shown. The oldest are given up first: their end was never written."""
BACKWARDS: Final = 60.0
"""Seconds by which a channel may begin before one that stands earlier in the log."""
BATCH: Final = 500
"""Lines read at once; where one of them is not as the others are, they are read one by one."""
_READ: Final = frozenset({b"ANSWER", b"BRIDGE_ENTER", b"BRIDGE_EXIT", b"HANGUP", b"CHAN_END"})
"""What is read besides CHAN_START, and the APP_START of an alarm."""
_KINDS: Final = frozenset(kind.encode() for kind in KINDS)
_CERTAIN_TIME: Final = re.compile(
    rb"[1-3]\d{9}(?:\.\d+)?"
    rb"|20\d\d-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rb"[ T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
).pattern
"""Of this no look is needed whether it is a time."""


class _Group:
    """The channels of one call, while one of them lives. `rows` is None once they go through the tracker."""

    __slots__ = ("bridges", "linkedid", "open", "rows")

    def __init__(self, linkedid: bytes) -> None:
        self.linkedid = linkedid
        self.rows: list[Values] | None = []
        self.open = 0
        self.bridges: list[bytes] = []


class CelCalls:
    """Reads one CEL file after another of the same layout.

    source: the PBX's name in events, as live (`asterisk/pbx1`). time_of: a column's text -> UTC epoch
    seconds; raises ValueError.
    """

    def __init__(
        self,
        layout: Layout,
        outlet: Outlet,
        interest: Interest,
        troubles: Troubles,
        *,
        source: str,
        time_of: Callable[[bytes], float],
    ) -> None:
        self._table, self._layout = _table_of(layout)
        self._outlet = outlet
        self._interest = interest
        self._troubles = troubles
        self._time_of = time_of
        self._tracker = CallTracker(source, via="cel")
        self._names: dict[str, str] = {}
        """Channel name -> Uniqueid, of the channels that go through the tracker."""
        self._group_of: dict[bytes, _Group] = {}
        """By Uniqueid."""
        self._linked: dict[bytes, _Group] = {}
        self._in_bridge: dict[bytes, _Group] = {}
        self._shapes = Shapes(self._layout)
        self._alarms = lru_cache(maxsize=10_000)(self._is_alarm)
        self._newest = 0.0

    def feed(self, file: str, first: int, lines: Sequence[bytes]) -> int:
        """Read lines, which have no LF any more; return how many were records. first: number of the first."""
        bad = self._troubles.total
        for start in range(0, len(lines), BATCH):
            batch, number = lines[start : start + BATCH], first + start
            rows = self._table.rows(batch)
            if rows is None:
                self._rows(file, self._one_by_one(file, number, batch))
            else:
                self._rows(file, enumerate(rows, number))
        return len(lines) - (self._troubles.total - bad)

    def end(self) -> None:
        """The log is over: tell of the calls that live."""
        for group in dict.fromkeys(self._group_of.values()):
            self._finish(group)
        self._group_of.clear()
        self._linked.clear()

    # --- rows -----------------------------------------------------------------------------------

    def _one_by_one(self, file: str, first: int, lines: Sequence[bytes]) -> Iterator[tuple[int, Values]]:
        """Yield the rows that are some, with their numbers."""
        for number, line in enumerate(lines, first):
            try:
                row = self._table.row(line)
                self._time_of(row[self._layout.time])
            except ValueError as error:
                self._troubles.note(file, number, str(error), excerpt(line))
            else:
                yield number, row

    def _rows(self, file: str, rows: Iterable[tuple[int, Values]]) -> None:
        kind_at, uniqueid_at, exten_at = self._layout.kind, self._layout.uniqueid, self._layout.exten
        group_of, alarms = self._group_of, self._alarms
        for number, row in rows:
            kind = row[kind_at]
            if kind in _READ or (kind == b"APP_START" and alarms(row[exten_at])):
                group = group_of.get(row[uniqueid_at])
                if group is None:
                    continue  # of a channel that began before the log, or whose end is told already
                if kind == b"BRIDGE_ENTER":
                    self._meet(group, row)
                if group.rows is None:
                    self._track(row)
                else:
                    group.rows.append(row)
                    if kind == b"APP_START":
                        self._track_all(group)
                if kind == b"CHAN_END":
                    self._ends(group, row[uniqueid_at])
            elif kind == b"CHAN_START":
                try:
                    self._starts(row)
                except Broken as error:
                    self._troubles.note(file, number, str(error), excerpt(b",".join(row)))
            elif kind not in _KINDS:
                self._troubles.note(file, number, "no CEL event", excerpt(b",".join(row)))

    def _starts(self, row: Values) -> None:
        group = self._group_of.get(row[self._layout.uniqueid]) or self._begins(row)
        if group.rows is None:
            self._track(row)
            return
        group.rows.append(row)
        exten, channel = row[self._layout.exten], row[self._layout.channel]
        if self._alarms(exten) or self._interest.of_channel(channel):
            self._track_all(group)

    def _begins(self, row: Values) -> _Group:
        at = self._time_of(row[self._layout.time])
        if at < self._newest - BACKWARDS:
            raise Broken("a call that began long before the one above it: is the log in order?")
        self._newest = max(self._newest, at)
        if len(self._group_of) >= MOST_LIVE:
            oldest = next(iter(self._group_of))
            self._ends(self._group_of[oldest], oldest)
        linkedid = row[self._layout.linkedid]
        group = self._linked.get(linkedid)
        if group is None:
            group = self._linked[linkedid] = _Group(linkedid)
        self._group_of[row[self._layout.uniqueid]] = group
        group.open += 1
        return group

    def _ends(self, group: _Group, uniqueid: bytes) -> None:
        del self._group_of[uniqueid]
        group.open -= 1
        if group.open:
            return
        for bridge in group.bridges:
            if self._in_bridge.get(bridge) is group:
                del self._in_bridge[bridge]
        if self._linked.get(group.linkedid) is group:
            del self._linked[group.linkedid]
        self._finish(group)

    def _meet(self, group: _Group, row: Values) -> None:
        """Where the channel meets one of another call in this bridge, both calls go to the tracker."""
        bridge, _ = bridge_in(row[self._layout.extra])
        other = self._in_bridge.setdefault(bridge, group)
        if other is group:
            group.bridges.append(bridge)
            return
        self._track_all(other)
        self._track_all(group)

    def _is_alarm(self, exten: bytes) -> bool:
        return self._interest.is_alarm(text_of(exten))

    # --- a call -------------------------------------------------------------------------------------

    def _track_all(self, group: _Group) -> None:
        """From now on its rows go through the tracker, and so do those that came already."""
        rows, group.rows = group.rows, None
        for raw in rows or ():
            self._track(raw)

    def _track(self, raw: Values) -> None:
        layout = self._layout
        kind = raw[layout.kind]
        row = Row(
            kind,
            self._time_of(raw[layout.time]),
            text_of(raw[layout.uniqueid]),
            text_of(raw[layout.linkedid]),
            text_of(raw[layout.channel]),
            text_of(raw[layout.exten]),
            text_of(raw[layout.caller]),
            raw[layout.extra],
        )
        if kind == b"APP_START" and not self._led_to_alarm(row):
            return
        if kind == b"CHAN_START":
            self._names[row.channel] = row.uniqueid
        for fact in facts_of(row, self._names):
            for event in self._tracker.feed(fact):
                self._outlet.event(event)
        if kind == b"CHAN_END":
            self._names.pop(row.channel, None)

    def _led_to_alarm(self, row: Row) -> bool:
        phones_own = row.uniqueid == row.linkedid and is_device(row.channel)
        return phones_own and self._interest.is_alarm(row.exten)

    def _finish(self, group: _Group) -> None:
        rows, layout = group.rows, self._layout
        if not rows:
            return
        for found in self._shapes.outcomes(group.linkedid, rows):
            start = rows[found.dialing]
            self._outlet.call(
                CallRow(
                    text_of(start[layout.uniqueid]),
                    endpoint_of(text_of(start[layout.channel])),
                    text_of(start[layout.exten]),
                    False,
                    self._time_of(start[layout.time]),
                    self._time_at(rows, found.picked_up),
                    self._time_at(rows, found.answered),
                    self._time_at(rows, found.ended),
                    found.outcome,
                )
            )

    def _time_at(self, rows: Sequence[Values], position: int) -> float | None:
        return self._time_of(rows[position][self._layout.time]) if position >= 0 else None


def _table_of(layout: Layout) -> tuple[Table, Layout]:
    """Return what reads the columns that matter, and where they are in its rows."""
    read = {layout.kind, layout.time, layout.channel, layout.uniqueid, layout.linkedid}
    read |= {layout.exten, layout.caller, layout.extra}
    table = Table(layout.columns, read, {layout.time: _CERTAIN_TIME})
    place = table.place_of
    return table, replace(
        layout,
        kind=place(layout.kind),
        time=place(layout.time),
        channel=place(layout.channel),
        uniqueid=place(layout.uniqueid),
        linkedid=place(layout.linkedid),
        exten=place(layout.exten),
        caller=place(layout.caller),
        extra=place(layout.extra),
    )
