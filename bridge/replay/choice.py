"""Which files are read, and in which order: a PBX's folder holds several logs of the same calls.

Only the files of one format are read, else every call would count several times; the others are named. Files
of that format follow each other by their first time stamp, whatever they are called.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bridge.replay.formats import Detected, Format, detect, is_table
from bridge.replay.inputs import Place, Source, opened
from bridge.replay.records import Broken, values_of
from bridge.replay.trouble import Troubles

BEST: Final = (
    *(Format.AMI, Format.AMI_JSON, Format.ARI, Format.CEL, Format.CDR, Format.QUEUE_LOG, Format.JOURNAL),
)
"""The formats, those that tell most of a call first. A queue_log comes last of the PBX's: calls that went
into no queue are not in it."""
_BY_UNIQUEID: Final = re.compile(rb'Uniqueid(?:: |": ?")(?:[\w.-]+-)?(\d{9,10}\.\d+)', re.IGNORECASE)
_BY_STAMP: Final = re.compile(rb"Timestamp(?:: |\": ?\")([\d.]{9,20})", re.IGNORECASE)
_BY_ISO: Final = re.compile(rb"\"timestamp\": ?\"([\d-]{10}T[\d:.]{8,12})([+-]\d\d):?(\d\d)\"")


@dataclass(frozen=True, slots=True)
class Log:
    """A file that is to be read. first: its first time stamp, UTC epoch seconds, None where none is found."""

    place: Place
    found: Detected
    first: float | None
    _source: Source | None = None
    """Of standard input or a pipe, which is open already."""

    @contextmanager
    def opened(self, troubles: Troubles) -> Iterator[Source | None]:
        """Open it to be read; None where that has become impossible, which is noted."""
        source = self._source or opened(self.place, troubles)
        try:
            yield source
        finally:
            if source is not None:
                source.close()

    def close(self) -> None:
        """It is not going to be read."""
        if self._source is not None:
            self._source.close()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not read. format: as `Log.found.format`, '' where it is no log of calls."""

    file: str
    format: str


@dataclass(frozen=True, slots=True)
class Choice:
    logs: Sequence[Log]
    """In the order in which they are to be read."""
    left_out: Sequence[LeftOut]

    @property
    def format(self) -> Format | None:
        """Of all its logs; None without any."""
        return self.logs[0].found.format if self.logs else None


def choose(
    places: Sequence[Place],
    troubles: Troubles,
    *,
    time_of: Callable[[bytes], float],
    wanted: Format | None = None,
    columns: Sequence[str] = (),
) -> Choice:
    """Look into every file, and return what is to be read.

    What cannot be read, what is there twice, and a file that the user named and that is no log is noted; so
    is a table in a folder whose columns are not understood.

    time_of: a time as the logs write it -> UTC epoch seconds, raises ValueError. wanted: what the user says
    that the files are. columns: of CEL files, in order.
    """
    logs: list[Log] = []
    left_out: list[LeftOut] = []
    empty: list[str] = []
    for place, source in _different(places, troubles, empty):
        found = detect(source.head, wanted=wanted, columns=columns)
        other = detect(source.head) if wanted and found is None else None
        if found is not None:
            kept = None if place.path else source
            logs.append(Log(place, found, _first_time(source.head, found, time_of), kept))
        elif other is not None:
            left_out.append(LeftOut(place.name, other.format))
        elif place.asked_for or is_table(source.head):
            troubles.note(place.name, 0, f"no {wanted or 'log of a PBX'}", "say what it is with --format")
        else:
            left_out.append(LeftOut(place.name, ""))
        if place.path is not None or found is None:
            source.close()
    if not logs:
        for each in left_out:
            troubles.note(each.file, 0, f"no {wanted or 'log of a PBX'}", each.format)
        for name in () if troubles.total else empty:
            troubles.note(name, 0, "nothing in it")
        return Choice((), ())
    return _of_one_kind(logs, left_out)


def _different(
    places: Sequence[Place], troubles: Troubles, empty: list[str]
) -> Iterator[tuple[Place, Source]]:
    """Open each file that is not empty. Of copies, packed or not, the longest is taken.

    empty: takes the names of the others.
    """
    seen: dict[bytes, str] = {}
    for place in sorted(places, key=lambda place: -place.size):
        source = opened(place, troubles)
        if source is None:
            continue
        if not source.head:
            empty.append(place.name)
            source.close()
            continue
        mark = hashlib.sha256(source.head).digest()
        if (twin := seen.get(mark)) is not None:
            troubles.note(place.name, 0, "the same file twice", f"as {twin}")
            source.close()
            continue
        seen[mark] = place.name
        yield place, source


def _of_one_kind(logs: Sequence[Log], left_out: Sequence[LeftOut]) -> Choice:
    best = min(logs, key=_rank)
    kind = _kind(best.found)
    chosen = [log for log in logs if _kind(log.found) == kind]
    others = [log for log in logs if _kind(log.found) != kind]
    for log in others:
        log.close()
    chosen.sort(key=lambda log: (log.first is None, log.first or 0.0, log.place.name))
    unread = [*left_out, *(LeftOut(log.place.name, log.found.format) for log in others)]
    return Choice(chosen, sorted(unread, key=lambda each: each.file))


def _rank(log: Log) -> tuple[int, int]:
    """The less the better."""
    where = log.found.cdr.where if log.found.cdr else {}
    return BEST.index(log.found.format), -sum(name in where for name in ("linkedid", "uniqueid"))


def _kind(found: Detected) -> str:
    """What tells of the same call only once. A PBX may keep its CDR in both usual orders, in two files."""
    return found.cdr.name if found.cdr else found.format


def _first_time(head: bytes, found: Detected, time_of: Callable[[bytes], float]) -> float | None:
    for value in _times_in(head, found):
        try:
            return time_of(value)
        except ValueError:
            continue
    return None


def _times_in(head: bytes, found: Detected) -> Iterator[bytes]:
    match found.format:
        case Format.CEL | Format.CDR:
            # A CDR is written when the call ends: a file may begin with one that began long before.
            where = found.cdr.where if found.cdr else {}
            position = found.cel.time if found.cel else where.get("end", where.get("start", 0))
            for line in head.split(b"\n")[:-1] or [head]:
                try:
                    yield values_of(line)[position]
                except (Broken, IndexError):
                    continue
        case Format.QUEUE_LOG:
            yield from (line.partition(b"|")[0] for line in head.split(b"\n"))
        case _:
            for pattern in (_BY_STAMP, _BY_UNIQUEID):
                yield from pattern.findall(head)
            yield from (b"%s%s:%s" % parts for parts in _BY_ISO.findall(head))
