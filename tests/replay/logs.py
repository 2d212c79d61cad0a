"""Reads logs as `sosbridge replay` does, and collects what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.model import Event
from bridge.replay import CallBook, CallRow, Format, Interest, Reading, Times, Troubles, choose, places
from bridge.response import Plan

FOLDER: Final = Path(__file__).parent.parent / "fixtures" / "logs"
ALARMS: Final = ("9110", "9120", "_911X", "9122", "_913X")


@dataclass
class Read:
    """What a reading gave. rows: every call, by id."""

    rows: dict[str, CallRow] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    troubles: Troubles = field(default_factory=Troubles)
    records: int = 0
    formats: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    """Names of the files, as they were read."""
    book: CallBook = field(default_factory=lambda: CallBook(lambda _: False))

    def event(self, event: Event) -> None:
        self.events.append(event)
        if row := self.book.feed(event):
            self.call(row)

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        self.events += events
        assert row.id not in self.rows, "a call is told twice"
        self.rows[row.id] = row

    @property
    def bad(self) -> list[tuple[int, str]]:
        """Line and what is wrong, of every bad line that is named."""
        return [(bad.line, bad.text.partition(":")[0]) for bad in self.troubles.named]


def read(
    *paths: Path,
    alarms: Sequence[str] = ALARMS,
    format_: Format | None = None,
    columns: Sequence[str] = (),
    timezone: str = "UTC",
) -> Read:
    """Read files, in the order of their times."""
    got = Read()
    interest = Interest([Plan(site="test", alarm_extensions=tuple(alarms))])
    got.book = CallBook(interest.is_alarm)
    reading = Reading(got, interest, got.troubles, Times(timezone), source="asterisk/pbx1")
    choice = choose(
        places([str(path) for path in paths]),
        got.troubles,
        time_of=Times(timezone).of,
        wanted=format_,
        columns=columns,
    )
    for log in choice.logs:
        with log.opened(got.troubles) as source:
            if source is not None:
                reading.read(source, log.found)
    reading.end()
    got.left_out = {Path(each.file).name: each.format for each in choice.left_out}
    got.order = [Path(log.place.name).name for log in choice.logs]
    for row in got.book.live():
        got.call(row)
    got.records, got.formats = reading.progress.records, reading.formats
    return got
