"""Calls put together by shape come out as the tracker has them, however a log is mixed, cut and damaged.

The tracker is what runs live. Here every call goes through it in one of two readings, and in the other only
those that matter; both must tell the same.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Event
from bridge.replay import CallBook, CallRow, Interest, Reading, Times, Troubles, choose, places
from bridge.response import Plan
from bridge.simulator.dialogue import Dialogue
from tests.replay.logs import FOLDER

ALARM: Final = "9110"
VERSIONS: Final = ("16", "22")
CEL_TIME: Final = re.compile(rb'(?<=",")\d{10}\.\d{6}(?=",")')
AMI_TIME: Final = re.compile(rb"(?<=\nTimestamp: )\d{10}\.\d{6}$", re.MULTILINE)
BEGINNING: Final = 1_795_378_000.0
UNIQUEID: Final = re.compile(rb"\b\d{10}\.\d{1,5}\b")
SECOND: Final = re.compile(rb"\b\d{10}(?=\.\d{1,5}\b)")
OWN: Final = re.compile(rb"(?<=-)[0-9a-f]{8}(?=[\";\s])|\b[0-9a-f]{8}(?=(?:-[0-9a-f]{4}){3}-)")
"""What channels' names end in, and bridges' ids begin with."""
DAMAGES: Final = (b'"', b"", b"\n\n", b"\0", b"\xff", b",", b";2", b"Event: ", b"1795378000.7")
"""What may stand where something else stood."""
CEL, AMI = "cel", "ami"
CALLS: Final = {
    CEL: [
        [file.read_bytes().splitlines() for file in sorted((FOLDER / version).glob("*.cel"))]
        for version in VERSIONS
    ],
    AMI: [
        [
            messages
            for file in sorted((FOLDER.parent / "ami" / version).glob("*.ami"))
            if (messages := [raw for _, raw in Dialogue.load(file).messages])
        ]
        for version in VERSIONS
    ],
}
"""Of each PBX, which says nothing of a wrong number. Two PBXs are never mixed: a channel's name is its own
among those that live in one."""


class Everything(Interest):
    """Has every call go through the tracker."""

    def of_channel(self, channel: bytes) -> bool:
        return True


@dataclass
class Told:
    """What a reading gave."""

    rows: list[CallRow] = field(default_factory=list)
    events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """Of each call."""
    book: CallBook = field(default_factory=lambda: CallBook(lambda exten: exten == ALARM))

    def event(self, event: Event) -> None:
        self.events[event.key].append(event)
        if row := self.book.feed(event):
            self.call(row)

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        assert not list(events), "only a log that has calls in one piece gives both"
        self.rows.append(row)

    @property
    def calls(self) -> list[CallRow]:
        return sorted(self.rows, key=repr)

    @property
    def of_alarms(self) -> dict[str, list[Event]]:
        return {row.id: self.events[row.id] for row in self.rows if row.alarm}


def both(log: bytes) -> tuple[Told, Troubles, Told, Troubles]:
    """Read the log as it is read, and with the tracker alone."""
    plans = [Plan(site="test", alarm_extensions=(ALARM,))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        file.write_bytes(log)
        return (*read(file, Interest(plans)), *read(file, Everything(plans)))


def read(file: Path, interest: Interest) -> tuple[Told, Troubles]:
    told, troubles, times = Told(), Troubles(), Times("UTC")
    reading = Reading(told, interest, troubles, times, source="asterisk/pbx1")
    for log in choose(places([str(file)]), troubles, time_of=times.of).logs:
        with log.opened(troubles) as source:
            assert source is not None
            reading.read(source, log.found)
    reading.end()
    told.rows += told.book.live()
    return told, troubles


def check(log: bytes) -> None:
    one, its_troubles, other, others_troubles = both(log)
    assert one.calls == other.calls
    assert one.of_alarms == other.of_alarms
    assert its_troubles == others_troubles


@st.composite
def mixed(draw: st.DrawFn, kind: str) -> list[bytes]:
    """Some recorded calls at once. The log begins late or ends early for some, and records are lost."""
    version = draw(st.integers(0, len(VERSIONS) - 1))
    recorded = [rows for rows in CALLS[kind][version] if rows]
    calls = []
    for at in draw(st.lists(st.integers(0, len(recorded) - 1), min_size=1, max_size=5, unique=True)):
        rows = recorded[at]
        first = draw(st.just(0) | st.integers(0, len(rows) - 1))
        last = draw(st.just(len(rows)) | st.integers(first + 1, len(rows)))
        lost = draw(st.just(frozenset[int]()) | st.frozensets(st.integers(first, last), max_size=3))
        calls.append([rows[place] for place in range(first, last) if place not in lost])
    turns = draw(st.permutations([number for number, rows in enumerate(calls) for _ in rows]))
    waiting = [iter(rows) for rows in calls]
    log = [next(waiting[number]) for number in turns]
    return _crossed(draw, log) if log else log


def _crossed(draw: st.DrawFn, log: list[bytes]) -> list[bytes]:
    """Let some records tell of the channels of other calls."""
    ids = sorted({found for raw in log for found in UNIQUEID.findall(raw)})
    for _ in range(draw(st.integers(0, 3)) if ids else 0):
        at = draw(st.integers(0, len(log) - 1))
        if own := UNIQUEID.findall(log[at]):
            log[at] = log[at].replace(draw(st.sampled_from(own)), draw(st.sampled_from(ids)), 1)
    return log


@st.composite
def damaged(draw: st.DrawFn, log: bytes) -> bytes:
    """The log with a few bytes of it changed."""
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(log)))
        gone = draw(st.integers(0, 40))
        log = log[:at] + draw(st.sampled_from(DAMAGES) | st.just(log[at : at + 2 * gone])) + log[at + gone :]
    return log


def _timed(records: Sequence[bytes], time: re.Pattern[bytes]) -> list[bytes]:
    """Let them happen in the order in which they stand there."""
    return [time.sub(b"%.6f" % (BEGINNING + 0.1 * at), raw, count=1) for at, raw in enumerate(records)]


@given(mixed(CEL), st.data())
@settings(max_examples=40, deadline=None)
def test_cel(rows: list[bytes], data: st.DataObject) -> None:
    log = b"".join(row + b"\n" for row in _timed(rows, CEL_TIME))
    check(log)
    check(data.draw(damaged(log)))


@given(mixed(AMI), st.booleans(), st.data())
@settings(max_examples=40, deadline=None)
def test_ami(events: list[bytes], timed: bool, data: st.DataObject) -> None:
    """timed: whether the PBX writes the time (`timestampevents`)."""
    events = _timed(events, AMI_TIME) if timed else [re.sub(rb"\nTimestamp: .*", b"", raw) for raw in events]
    log = b"".join(raw.replace(b"\n", b"\r\n") + b"\r\n\r\n" for raw in events)
    check(log)
    check(data.draw(damaged(log)))


@pytest.mark.parametrize("version", range(len(VERSIONS)), ids=VERSIONS)
@pytest.mark.parametrize(("kind", "time"), [(CEL, CEL_TIME), (AMI, AMI_TIME)], ids=[CEL, AMI])
def test_no_two_calls_that_differ_are_taken_for_alike(
    kind: str, time: re.Pattern[bytes], version: int
) -> None:
    """All recorded calls one after the other, again and again, each time with another record lost."""
    again, log = itertools.count(), []
    for rows in CALLS[kind][version]:
        for lost in range(0, len(rows), 1 if kind == CEL else 3):
            number = next(again)
            log += [_anew(raw, number) for at, raw in enumerate(rows) if at != lost]
    ends = b"\n" if kind == CEL else b"\n\n"
    check(b"".join(raw + ends for raw in _timed(log, time)))


def _anew(raw: bytes, number: int) -> bytes:
    """The record of another call that went alike."""
    raw = SECOND.sub(b"%d" % (BEGINNING + number), raw)
    return OWN.sub(lambda found: b"%08x" % (int(found[0], 16) % 65536 + 65536 * number), raw)


@pytest.mark.parametrize("kind", [CEL, AMI])
def test_calls_that_touch_are_followed_together(kind: str) -> None:
    """The two halves of a Local channel are one way for the voice, even where they count as two calls."""
    if kind == CEL:
        log = (FOLDER / "22" / "local_not_optimised.cel").read_bytes()
        where = re.compile(rb'(?<=")(?P<id>\d+\.\d+)","(?P<linked>\d+\.\d+)(?=","",")')
    else:
        messages = Dialogue.load(FOLDER.parent / "ami" / "22" / "local_not_optimised.ami").messages
        log = b"".join(raw + b"\n\n" for _, raw in messages)
        where = re.compile(
            rb"(?<=Uniqueid: )(?P<id>\d+\.\d+)\n(?:Dest)?Linkedid: (?P<linked>\d+\.\d+)$", re.MULTILINE
        )
    caller, first, second, *_ = dict.fromkeys(found["id"] for found in where.finditer(log))

    def parted(found: re.Match[bytes]) -> bytes:
        own = found["id"] in (caller, first)
        return found[0] if own else found[0].removesuffix(found["linked"]) + second

    log = where.sub(parted, log.replace(ALARM.encode(), b"9180"))
    told, *_ = both(log)
    assert [row.answered_at is not None for row in told.rows if row.id == caller.decode()] == [True]
    check(log)
