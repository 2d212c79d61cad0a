"""Reads logs of any format, one after the other, into an outlet. Called by the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bridge.replay.begun import Begun
from bridge.replay.cdr import CdrCalls
from bridge.replay.cel_calls import CelCalls
from bridge.replay.cel_layout import Layout
from bridge.replay.formats import Detected, Format
from bridge.replay.inputs import Source
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.queue_log import QueueCalls
from bridge.replay.spoken import Spoken
from bridge.replay.times import Times
from bridge.replay.trouble import Troubles


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the reading is."""

    file: str = ""
    done: int = 0
    """Bytes of the file, as it lies on the disk."""
    size: int = 0
    records: int = 0
    """Of all files so far."""


class Reading:
    """source: the PBX's name in events, as live (`asterisk/pbx1`). Files of one PBX belong to one reading."""

    def __init__(
        self,
        outlet: Outlet,
        interest: Interest,
        troubles: Troubles,
        times: Times,
        *,
        source: str,
    ) -> None:
        self._outlet = outlet
        self._interest = interest
        self._troubles = troubles
        self._times = times
        self._source = source
        self.tell: Callable[[Progress], object] = lambda _: None
        """Called now and then while a file is read."""
        self._spoken = Spoken(outlet, interest, troubles, source=source)
        self._begun = Begun()
        self._cel: dict[Layout, CelCalls] = {}
        self._tables: dict[str, CdrCalls | QueueCalls] = {}
        self.progress = Progress()
        self.formats: dict[str, int] = {}
        """How many records of each format were read."""

    def read(self, source: Source, found: Detected) -> None:
        """Read one file whole. found: what it is. What cannot be read is noted."""
        self.progress.file, self.progress.size = source.name, source.size
        name = f"cdr ({found.cdr.name})" if found.cdr else str(found.format)
        before = self.progress.records
        if found.format is Format.AMI:
            self._count(source, self._spoken.ami_bytes(source.name, self._watched(source)))
        else:
            self._lines(source, found)
        self.formats[name] = self.formats.get(name, 0) + self.progress.records - before

    def end(self) -> None:
        """All files are read: tell of what still lives."""
        for reader in (self._spoken, *self._cel.values(), *self._tables.values()):
            reader.end()

    def _lines(self, source: Source, found: Detected) -> None:
        feed = self._feed_of(found)
        header = bool((found.cel and found.cel.header) or (found.cdr and found.cdr.header))
        for first, text in source.texts(self._troubles):
            number, lines = first, text
            if header and first == 1:  # it is no record
                _, more, lines = text.partition(b"\n")
                if not more:
                    continue
                number = 2
            self._count(source, feed(source.name, number, lines))

    def _feed_of(self, found: Detected) -> Callable[[str, int, bytes], int]:
        """Return what takes a file's name, the number of a line, and lines from there on."""
        match found.format:
            case Format.CEL if found.cel is not None:
                return self._cel_reader(found.cel).feed
            case Format.AMI_JSON:
                return _by_line(self._spoken.ami_lines)
            case Format.ARI:
                return _by_line(self._spoken.ari_lines)
            case _:
                return _by_line(self._table_reader(found).feed)

    def _cel_reader(self, layout: Layout) -> CelCalls:
        if layout not in self._cel:
            common = (self._outlet, self._interest, self._troubles, self._begun)
            self._cel[layout] = CelCalls(layout, *common, source=self._source, time_of=self._times.of)
        return self._cel[layout]

    def _table_reader(self, found: Detected) -> CdrCalls | QueueCalls:
        key = f"cdr {found.cdr.columns} {found.cdr.name}" if found.cdr else str(found.format)
        if key not in self._tables:
            common = (self._outlet, self._interest, self._troubles)
            self._tables[key] = (
                CdrCalls(found.cdr, *common, source=self._source, time_of=self._times.of)
                if found.cdr
                else QueueCalls(*common, source=self._source, times=self._times)
            )
        return self._tables[key]

    def _watched(self, source: Source) -> Iterator[bytes]:
        for block in source.blocks(self._troubles):
            yield block
            self.progress.done = source.done
            self.tell(self.progress)

    def _count(self, source: Source, records: int) -> None:
        self.progress.records += records
        self.progress.done = source.done
        self.tell(self.progress)


def _by_line(feed: Callable[[str, int, Sequence[bytes]], int]) -> Callable[[str, int, bytes], int]:
    """For a reader that takes lines one by one, without their LF."""
    return lambda file, first, text: feed(file, first, text.split(b"\n"))
