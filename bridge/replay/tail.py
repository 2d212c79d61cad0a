"""The end of a PBX's CEL file: the alarm calls of a gap. Called by the app for a trigger (`triggers._past`).

Never the whole of a year: it is read backwards until it is older than the gap, and no more than `MOST` of it.
Where the file was rotated meanwhile, the one before it is read as well.
"""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from bridge.errors import SosBridgeError
from bridge.model import Event
from bridge.replay.calls import CallBook, CallRow
from bridge.replay.cel_calls import BACKWARDS
from bridge.replay.cel_layout import Layout
from bridge.replay.formats import Detected, Format, detect
from bridge.replay.inputs import HEAD, Source
from bridge.replay.interest import Interest
from bridge.replay.reading import Reading
from bridge.replay.records import Broken, text_of, values_of
from bridge.replay.times import Times, second_of
from bridge.replay.trouble import Troubles
from bridge.response import Plan

MARGIN: Final = 60.0
"""Seconds before the gap that are read too: rows come out of order, and two clocks differ."""
MOST: Final = 64 * 1024 * 1024
"""Bytes read of a file."""
STEP: Final = 1024 * 1024
"""Bytes by which it is read backwards."""
PACKED: Final = (".gz", ".bz2", ".xz", ".zst")
BY_HAND: Final = "see what it holds with `sosbridge replay --reconcile`"


class Unreadable(SosBridgeError):
    """The log cannot be read now."""


@dataclass(slots=True)
class _Part:
    """The last lines of one file. reaches: they go back to before the gap."""

    path: Path
    layout: Layout | None
    """None of an empty file."""
    lines: list[bytes]
    reaches: bool


@dataclass(slots=True)
class Tail:
    """What was read."""

    rows: list[CallRow] = field(default_factory=list)
    """The alarm calls, in the order of their ends; then those without one."""
    callers: dict[str, str] = field(default_factory=dict)
    """By id."""
    newest: float = 0.0
    """Time of the last row; 0.0 without any."""
    trouble: str = ""
    """Why it may not be all, for a person."""


def tail_of(path: Path, since: float, plan: Plan, *, source: str, timezone: str) -> Tail:
    """Read what a CEL file says from `since` (UTC epoch seconds) on. Blocks; raises Unreadable.

    source: the PBX's name in events. timezone: of times without one.
    """
    try:
        return _Reader(path, since - MARGIN, plan, source, Times(timezone)).read()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from None


class _Reader:
    """Reads one file, and the one that was rotated away if the gap began in it. Is its own outlet."""

    def __init__(self, path: Path, begin: float, plan: Plan, source: str, times: Times) -> None:
        self._path = path
        self._begin = begin
        self._plan = plan
        self._source = source
        self._times = times
        self._interest = Interest([plan])
        self._book = CallBook(plan.is_alarm)
        self._tail = Tail()
        self._troubles = Troubles()

    def read(self) -> Tail:
        parts = [self._part_of(self._path)]
        if not parts[0].reaches:
            parts = [*self._before(), *parts]
        reading = Reading(self, self._interest, self._troubles, self._times, source=self._source)
        for part in parts:
            if part.layout is not None:
                before, since = self._cut(part.lines, part.layout)
                self._read(reading, part, before)
                self._troubles.forget()  # what was wrong before the gap is none of its troubles
                self._read(reading, part, since)
                self._tell_troubles(part.path)
                for newest in self._times_in(part.lines[-1:], part.layout):
                    self._tail.newest = newest
        reading.end()
        for row in self._book.live():
            self.call(row)
        return self._tail

    def _read(self, reading: Reading, part: _Part, lines: list[bytes]) -> None:
        text = io.BytesIO(b"".join(line + b"\n" for line in lines))
        reading.read(Source(str(part.path), text), Detected(Format.CEL, cel=part.layout))

    def _cut(self, lines: list[bytes], layout: Layout) -> tuple[list[bytes], list[bytes]]:
        """Return the lines before the gap, and those from its beginning or a clock's setting back on."""
        newest = 0.0
        for position, line in enumerate(lines):
            for at in self._times_in([line], layout):
                if at >= self._begin or at < newest - BACKWARDS:
                    return lines[:position], lines[position:]
                newest = max(newest, at)
        return lines, []

    def _tell_troubles(self, path: Path) -> None:
        """Say what was wrong with lines of the gap, by its first: a number would be that of the tail."""
        if self._troubles.named:
            first, more = self._troubles.named[0].text, self._troubles.total - 1
            others = f", and {more} more" if more else ""
            self._add_trouble(f"{path}: {first}{others}: {BY_HAND}")

    def _add_trouble(self, text: str) -> None:
        self._tail.trouble = "; ".join(filter(None, (self._tail.trouble, text)))

    # --- the outlet ---------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        if event.caller:
            self._tail.callers.setdefault(event.key, event.caller)
        if row := self._book.feed(event):
            self.call(row)

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        for event in events:
            if event.caller:
                self._tail.callers.setdefault(event.key, event.caller)
        if self._plan.is_alarm(row.dialled):
            self._tail.rows.append(row)

    # --- the files ----------------------------------------------------------------------------------

    def _part_of(self, path: Path) -> _Part:
        with path.open("rb") as file:
            layout = self._layout_of(path, file.read(HEAD))
            if layout is None:
                return _Part(path, None, [], reaches=False)
            lines, cut = self._last_lines(file, layout)
        begins = next(self._times_in(lines, layout), None)
        reaches = begins is not None and begins < self._begin
        if cut and not reaches:
            self._add_trouble(f"{path}: the gap is longer than its last {MOST // STEP} MiB: {BY_HAND}")
        return _Part(path, replace(layout, header=False), lines, reaches=reaches or cut)

    def _layout_of(self, path: Path, head: bytes) -> Layout | None:
        """None of a file that is empty, as after a rotation. Raises Unreadable where it is no CEL."""
        if not head.strip():
            return None
        found = detect(head, wanted=Format.CEL)
        if found is None or found.cel is None:
            raise Unreadable(f"{path} is no CEL file")
        if found.cel.exten == found.cel.columns:
            text = (
                "in which column the extension stands is not known: use the order of cel_custom.conf.sample"
            )
            raise Unreadable(f"{path}: {text}")
        return found.cel

    def _last_lines(self, file: BinaryIO, layout: Layout) -> tuple[list[bytes], bool]:
        """Return the whole lines at the end, and whether there are more in front of them."""
        start = size = file.seek(0, os.SEEK_END)
        blocks: list[bytes] = []
        while start > 0 and size - start < MOST:
            step = min(STEP, start)
            start = file.seek(start - step)
            blocks.insert(0, file.read(step))
            _, _, whole = blocks[0].partition(b"\n")
            begins = next(self._times_in(whole.split(b"\n")[:-1], layout), None)
            if start > 0 and begins is not None and begins < self._begin:
                break
        lines = b"".join(blocks).split(b"\n")[:-1]  # the last one is being written
        if start > 0 or layout.header:
            del lines[:1]
        return lines, start > 0

    def _times_in(self, lines: Iterable[bytes], layout: Layout) -> Iterator[float]:
        for line in lines:
            try:
                values = values_of(line)
                yield self._times.of(values[layout.time], second_of(text_of(values[layout.uniqueid])))
            except (Broken, ValueError, IndexError):
                continue

    def _before(self) -> list[_Part]:
        """The file that was rotated away since the gap began, if one was."""
        gone = [
            path for path in self._path.parent.glob(f"{glob.escape(self._path.name)}[.-]*") if path.is_file()
        ]
        changed = {path: path.stat().st_mtime for path in gone}
        late = sorted((path for path in gone if changed[path] >= self._begin), key=changed.__getitem__)
        if not late:
            return []
        if late[-1].suffix in PACKED:
            self._add_trouble(f"{late[-1]} is packed, and the gap began in it: {BY_HAND}")
            return []
        return [self._part_of(late[-1])]
