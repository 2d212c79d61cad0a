"""Calls put together by shape come out as the tracker has them, however their rows are mixed and cut."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.replay.calls import CallRow
from tests.replay.logs import FOLDER, read

_TIME: Final = re.compile(rb'(?<=",")\d{10}\.\d{6}(?=",")')
_BEGINNING: Final = 1_795_378_000.0
RECORDINGS: Final = [
    [file.read_bytes().splitlines() for file in sorted((FOLDER / version).glob("*.cel"))]
    for version in ("16", "22")
]
"""Of each PBX. Two PBXs are never mixed: a channel's name is its own among those that live in one."""


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Some recorded calls at once. The log begins late or ends early for some, and lines are lost."""
    recorded = draw(st.sampled_from(RECORDINGS))
    calls = []
    for at in draw(st.lists(st.integers(0, len(recorded) - 1), min_size=1, max_size=5, unique=True)):
        rows = recorded[at]
        first = draw(st.just(0) | st.integers(0, len(rows) - 1))
        last = draw(st.just(len(rows)) | st.integers(first + 1, len(rows)))
        lost = draw(st.just(frozenset[int]()) | st.frozensets(st.integers(first, last), max_size=3))
        calls.append([rows[place] for place in range(first, last) if place not in lost])
    turns = draw(st.permutations([number for number, rows in enumerate(calls) for _ in rows]))
    waiting = [iter(rows) for rows in calls]
    mixed = [next(waiting[number]) for number in turns]
    return [_TIME.sub(b"%.6f" % (_BEGINNING + 0.1 * place), row, count=1) for place, row in enumerate(mixed)]


@given(logs())
@settings(max_examples=150, deadline=None)
def test_both_ways_come_out_the_same(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Master.csv"
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        by_shape, tracked = read(file, alarms=()), read(file, alarms=("_X.",))
    assert by_shape.bad == tracked.bad
    assert {id_: _seen(row) for id_, row in by_shape.rows.items()} == {
        id_: _seen(row) for id_, row in tracked.rows.items()
    }


def _seen(row: CallRow) -> tuple[object, ...]:
    """All but `dialled`: where the dialplan leads a call to an alarm, that is told of alarms only."""
    return (row.phone, row.dialing_at, row.picked_up_at, row.answered_at, row.ended_at, row.outcome)
