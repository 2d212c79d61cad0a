"""CEL lines in, calls and events out. One pass; what it holds are the calls that live, see `gathering`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from bridge.calls.channels import is_device
from bridge.calls.facts import Fact
from bridge.replay.begun import Begun
from bridge.replay.cel import Row, bridge_in, end_in, facts_of, is_incoming
from bridge.replay.cel_layout import KINDS, Layout
from bridge.replay.gathering import Gathering
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import Broken, Table, Values, text_of
from bridge.replay.times import second_of
from bridge.replay.trouble import Troubles, excerpt

BACKWARDS: Final = 60.0
"""Seconds by which a channel may begin before one that stands earlier in the log, without a word."""
ASTRAY: Final = 86400.0
"""Seconds by which no timezone puts a channel's first row behind its Uniqueid: the time is damaged."""
LATE: Final = "a call that began long before the one above it: read all the same; was the clock set back?"
BATCH: Final = 500
"""Lines read at once where some of them are not as the others are."""
_START, _ANSWER, _ENTER, _EXIT, _HANGUP, _END, _APPLICATION, _OTHER = range(8)
_CODES: Final = {kind.encode(): _OTHER for kind in KINDS} | {
    b"CHAN_START": _START,
    b"ANSWER": _ANSWER,
    b"BRIDGE_ENTER": _ENTER,
    b"BRIDGE_EXIT": _EXIT,
    b"HANGUP": _HANGUP,
    b"CHAN_END": _END,
    b"APP_START": _APPLICATION,
}
_CERTAIN_TIME: Final = re.compile(
    rb"[1-3]\d{9}(?:\.\d+)?"
    rb"|20\d\d-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rb"[ T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
).pattern
"""Of this no look is needed whether it is a time."""


class CelCalls:
    """Reads one CEL file after another of the same layout.

    begun: what began in this PBX's logs, of all layouts. source: the PBX's name in events, as live
    (`asterisk/pbx1`). time_of: a column's text and the second the Uniqueid tells -> UTC epoch seconds; raises
    ValueError.
    """

    def __init__(
        self,
        layout: Layout,
        outlet: Outlet,
        interest: Interest,
        troubles: Troubles,
        begun: Begun,
        *,
        source: str,
        time_of: Callable[[bytes, float | None], float],
    ) -> None:
        self._table, self._layout = _table_of(layout)
        self._interest = interest
        self._troubles = troubles
        self._begun = begun
        self._time_of = time_of
        self._gathering: Gathering[Values] = Gathering(self, outlet, source=source, via="cel")
        self._alarms = lru_cache(maxsize=10_000)(self._is_alarm)
        self._newest = 0.0
        self._kept = 0
        """Lines that are noted, and records all the same."""

    def feed(self, file: str, first: int, text: bytes) -> int:
        """Read lines, which have an LF between them; return how many were records.

        first: number of the first.
        """
        lost = self._troubles.total - self._kept
        count = text.count(b"\n") + 1
        rows = self._table.rows(text, count)
        if rows is not None:
            self._read(file, enumerate(rows, first))
        else:
            self._read_in_batches(file, first, text.split(b"\n"))
        return count - (self._troubles.total - self._kept - lost)

    def end(self) -> None:
        """The log is over: tell of the calls that live."""
        self._gathering.finish()

    # --- lines --------------------------------------------------------------------------------------

    def _read_in_batches(self, file: str, first: int, lines: Sequence[bytes]) -> None:
        for start in range(0, len(lines), BATCH):
            batch, number = lines[start : start + BATCH], first + start
            rows = self._table.rows(b"\n".join(batch), len(batch))
            if rows is None:
                self._read(file, self._one_by_one(file, number, batch))
            else:
                self._read(file, enumerate(rows, number))

    def _one_by_one(self, file: str, first: int, lines: Sequence[bytes]) -> Iterator[tuple[int, Values]]:
        """Yield the rows that are some, with their numbers."""
        for number, line in enumerate(lines, first):
            try:
                row = self._table.row(line)
                self.time(row)
            except ValueError as error:
                self._troubles.note(file, number, str(error), excerpt(line))
            else:
                yield number, row

    def _read(self, file: str, rows: Iterable[tuple[int, Values]]) -> None:
        """A log of years has hundreds of millions of rows: what is done for each is done here and now."""
        kind_at, uniqueid_at, extra_at = self._layout.kind, self._layout.uniqueid, self._layout.extra
        channels, add, codes = self._gathering.channels, self._gathering.add, _CODES
        for number, row in rows:
            code = codes.get(row[kind_at])
            if code == _OTHER or (code == _APPLICATION and not self._alarms(row[self._layout.exten])):
                continue
            if code == _START or code is None:
                try:
                    self._starts(file, number, row)
                except Broken as error:
                    self._troubles.note(file, number, str(error), excerpt(b",".join(row)))
                continue
            channel = channels.get(row[uniqueid_at])
            if channel is None:
                continue  # it began before the log, or its end is told already
            if code == _ENTER:
                bridge, mixing = bridge_in(row[extra_at])
                add(channel, row, code, self._gathering.entered(channel, bridge), mixing)
            elif code == _EXIT:
                bridge, _ = bridge_in(row[extra_at])
                add(channel, row, code, channel.group.bridges.get(bridge))
            elif code == _HANGUP:
                by, how = end_in(row[extra_at])
                same = row[self._layout.linkedid] == channel.group.linkedid
                add(channel, row, code, self._gathering.named(channel.group, by), how, same)
            else:
                add(channel, row, code)
                if code == _END:
                    self._gathering.end(row[uniqueid_at])
                elif code == _APPLICATION:
                    self._gathering.track(channel.group)

    def _starts(self, file: str, number: int, row: Values) -> None:
        """Raises Broken."""
        layout = self._layout
        if row[layout.kind] != b"CHAN_START":
            raise Broken("no CEL event")
        uniqueid, linkedid, name = row[layout.uniqueid], row[layout.linkedid], row[layout.channel]
        exten = row[layout.exten]
        at = self.time(row)
        self._not_astray(at, uniqueid)
        if self._begun.again(uniqueid, at):
            raise Broken("a channel whose beginning came already: is a part of the log there twice?")
        channel = self._gathering.channels.get(uniqueid)
        if channel is None:
            if at < self._newest - BACKWARDS:
                self._kept += 1
                self._troubles.note(file, number, LATE, excerpt(b",".join(row)))
                self._newest = at  # said once: what follows is in order again
            self._newest = max(self._newest, at)
            channel = self._gathering.begin(uniqueid, linkedid, name)
        kin, incoming = self._gathering.kin(channel), is_incoming(exten)
        self._gathering.add(channel, row, _START, kin, incoming, uniqueid == linkedid)
        if self._alarms(exten) or self._interest.of_channel(name):
            self._gathering.track(channel.group)

    def _not_astray(self, at: float, uniqueid: bytes) -> None:
        """Raises Broken for a time long after the Uniqueid's."""
        if at > self._newest + ASTRAY:
            born = second_of(text_of(uniqueid))
            if born is not None and at - born > ASTRAY:
                raise Broken("the time is not that of the Uniqueid")

    def _is_alarm(self, exten: bytes) -> bool:
        return self._interest.is_alarm(text_of(exten))

    # --- what a row says, for the gathering -----------------------------------------------------------

    def facts(self, raw: Values, names: dict[str, str]) -> Sequence[Fact]:
        layout = self._layout
        row = Row(
            raw[layout.kind],
            self.time(raw),
            text_of(raw[layout.uniqueid]),
            text_of(raw[layout.linkedid]),
            text_of(raw[layout.channel]),
            text_of(raw[layout.exten]),
            text_of(raw[layout.caller]),
            raw[layout.extra],
        )
        if row.kind == b"APP_START" and not self._led_to_alarm(row):
            return ()
        if row.kind == b"CHAN_START":
            names[row.channel] = row.uniqueid
        stated = tuple(facts_of(row, names))
        if row.kind == b"CHAN_END":
            names.pop(row.channel, None)
        return stated

    def time(self, row: Values) -> float:
        value = row[self._layout.time]
        # A time in epoch seconds needs no help.
        born = second_of(text_of(row[self._layout.uniqueid])) if b":" in value else None
        return self._time_of(value, born)

    def start(self, row: Values) -> tuple[str, str, str]:
        layout = self._layout
        return text_of(row[layout.uniqueid]), text_of(row[layout.channel]), text_of(row[layout.exten])

    def _led_to_alarm(self, row: Row) -> bool:
        phones_own = row.uniqueid == row.linkedid and is_device(row.channel)
        return phones_own and self._interest.is_alarm(row.exten)


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
