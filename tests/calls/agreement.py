"""Whether what was made of calls is what sipp saw of them. Called by the tests of every mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import pytest

from bridge.model import Event, Kind
from bridge.replay.calls import CallBook, CallRow
from tests.ami.truth import Truth

_OVER: Final = (Kind.CALL_ENDED, Kind.CALL_FAILED)
RECORDED: Final = 0.25
"""Seconds by which a telephone may be told of something later than the PBX's log, in a recording."""


def rows_of(events: Iterable[Event]) -> list[CallRow]:
    """Return the calls that phones made, as replay would print them."""
    book = CallBook(lambda _: False)
    over = [row for event in events if (row := book.feed(event))]
    return [*over, *book.live()]


def assert_agree(rows: Iterable[CallRow], truths: Sequence[Truth], *, within: float = RECORDED) -> None:
    """Everything that a row does not call unknown is as the telephones had it; within: seconds."""
    found = _by_time(rows)
    assert [row.phone for row in found] == [truth.phone for truth in _in_order(truths)]
    for row, truth in zip(found, _in_order(truths), strict=True):
        assert_agrees(row, truth, within=within)


def assert_agrees(row: CallRow, truth: Truth, *, within: float = RECORDED) -> None:
    """As `assert_agree`, of one call."""
    assert row.phone == truth.phone
    for name in ("dialled", "outcome"):
        if name not in row.unknown:
            assert getattr(row, name) == getattr(truth, name), name
    assert row.dialing_at == pytest.approx(truth.dialing_at, abs=within)
    for name in ("picked_up_at", "answered_at", "ended_at"):
        mine, theirs = getattr(row, name), getattr(truth, name)
        if name in row.unknown:
            assert mine is None, f"{name} is unknown and has a value"
        elif name == "ended_at" and theirs is None:
            assert mine is not None, "the PBX noticed in the end that the phone had gone"
        else:
            assert mine == (None if theirs is None else pytest.approx(theirs, abs=within)), name


def assert_events_agree(
    events: Sequence[Event], truths: Sequence[Truth], *, within: float = RECORDED
) -> None:
    """As `assert_agree`; and whoever ended a call is who did by the telephones, where they show it."""
    rows = rows_of(events)
    assert_agree(rows, truths, within=within)
    ended_by = {event.key: event.attributes["ended_by"] for event in events if event.kind in _OVER}
    for row, truth in zip(_by_time(rows), _in_order(truths), strict=True):
        assert truth.ended_by in ("", ended_by[row.id])


def _by_time(rows: Iterable[CallRow]) -> list[CallRow]:
    return sorted(rows, key=lambda row: (row.phone, row.dialing_at))


def _in_order(truths: Sequence[Truth]) -> list[Truth]:
    return sorted(truths, key=lambda truth: (truth.phone, truth.dialing_at))
