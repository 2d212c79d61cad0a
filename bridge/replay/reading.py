"""Reads logs of any format, one after the other, into an outlet. Called by the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class _Lines(Protocol):
    """A reader of one format, or of one order of columns of it."""

    def feed(self, file: str, first: int, lines: Sequence[bytes]) -> int: ...

    def end(self) -> None: ...


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
        self._spoken: dict[str, Spoken] = {}
        self._readers: dict[Layout | str, _Lines] = {}
        self.progress = Progress()
        self.formats: dict[str, int] = {}
        """How many records of each format were read."""

    def read(self, source: Source, found: Detected) -> None:
        """Read one file whole. found: what it is. What cannot be read is noted."""
        self.progress.file, self.progress.size = source.name, source.size
        name = f"cdr ({found.cdr.name})" if found.cdr else str(found.format)
        before = self.progress.records
        if found.format is Format.AMI:
            self._count(source, self._spoken_by("ami").ami_bytes(source.name, self._watched(source)))
        else:
            self._lines(source, found)
        self.formats[name] = self.formats.get(name, 0) + self.progress.records - before

    def end(self) -> None:
        """All files are read: tell of what still lives."""
        for reader in self._readers.values():
            reader.end()

    def _lines(self, source: Source, found: Detected) -> None:
        feed = self._feed_of(found)
        header = bool((found.cel and found.cel.header) or (found.cdr and found.cdr.header))
        for first, lines in source.lines(self._troubles):
            number = first
            if header and first == 1:
                lines, number = lines[1:], 2  # noqa: PLW2901  the header is no record
            self._count(source, feed(source.name, number, lines))

    def _feed_of(self, found: Detected) -> Callable[[str, int, Sequence[bytes]], int]:
        match found.format:
            case Format.AMI_JSON:
                return self._spoken_by("ami").ami_lines
            case Format.ARI:
                return self._spoken_by("ari").ari_lines
            case _:
                return self._reader_of(found).feed

    def _reader_of(self, found: Detected) -> _Lines:
        key = found.cel or (f"cdr {found.cdr.columns} {found.cdr.name}" if found.cdr else str(found.format))
        if key not in self._readers:
            self._readers[key] = self._new_reader(found)
        return self._readers[key]

    def _new_reader(self, found: Detected) -> _Lines:
        common = (self._outlet, self._interest, self._troubles)
        if found.cel is not None:
            return CelCalls(found.cel, *common, source=self._source, time_of=self._times.of)
        if found.cdr is not None:
            return CdrCalls(found.cdr, *common, source=self._source, time_of=self._times.of)
        return QueueCalls(*common, source=self._source, times=self._times)

    def _spoken_by(self, via: str) -> Spoken:
        if via not in self._spoken:
            self._spoken[via] = Spoken(self._outlet, self._troubles, source=self._source, via=via)
        return self._spoken[via]

    def _watched(self, source: Source) -> Iterator[bytes]:
        for block in source.blocks(self._troubles):
            yield block
            self.progress.done = source.done
            self.tell(self.progress)

    def _count(self, source: Source, records: int) -> None:
        self.progress.records += records
        self.progress.done = source.done
        self.tell(self.progress)
