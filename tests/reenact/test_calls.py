"""Which calls of a log come again."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.cli.replay.reenact.calls import LogCalls
from bridge.model import Event, Kind, Phone, derive_id
from bridge.replay import CallRow
from bridge.response import Plan

SOURCE = "asterisk/pbx1"
PLAN = Plan(
    site="Plant",
    phones=tuple(
        Phone(id=f"P-{number}", endpoint=number, extension=number, location="") for number in ("1001", "1002")
    ),
    alarm_extensions=("9110",),
)


def event(kind: Kind, key: str, at: float, *, endpoint: str = "1001", **more: Any) -> Event:
    return Event(kind=kind, source=SOURCE, key=key, occurred_at=at, endpoint=endpoint, dialled="9110", **more)


def whole(key: str, at: float, endpoint: str = "1001") -> list[Event]:
    return [
        event(Kind.CALL_DIALING, key, at, endpoint=endpoint),
        event(Kind.CALL_ENDED, key, at + 5.0, endpoint=endpoint),
    ]


@pytest.fixture
def calls() -> LogCalls:
    """Three calls; the log tells the second one first, and a call that is none of the site's."""
    found = LogCalls(PLAN)
    for each in (*whole("b", 200.0), *whole("a", 100.0), *whole("c", 201.0, "1002")):
        found.event(each)
    found.event(
        Event(kind=Kind.CALL_DIALING, source=SOURCE, key="x", occurred_at=1.0, endpoint="7", dialled="55")
    )
    return found


def test_they_come_in_the_order_of_time_and_each_is_an_exercise(calls: LogCalls) -> None:
    played = calls.to_play(None)
    assert [(each.key, each.occurred_at) for each in played] == [
        *[("a", 100.0), ("a", 105.0)],
        *[("b", 200.0), ("c", 201.0), ("b", 205.0), ("c", 206.0)],
    ]
    assert {each.attributes.get("exercise") for each in played} == {"yes"}


@pytest.mark.parametrize("named", ["c", derive_id("incident", SOURCE, "c", 0)[:8]])
def test_those_of_one_incident(calls: LogCalls, named: str) -> None:
    assert {each.key for each in calls.to_play(named)} == {"c"}


def test_a_redial_belongs_to_its_incident(calls: LogCalls) -> None:
    """Nobody acknowledged the first, so both are one incident."""
    assert {each.key for each in calls.to_play("b")} == {"a", "b"}


def test_no_such_incident(calls: LogCalls) -> None:
    assert calls.to_play("nothing") == []


def test_what_people_and_the_dialplan_did_that_day_does_not_come_again() -> None:
    found = LogCalls(PLAN)
    found.event(event(Kind.ACKNOWLEDGED, "a", 100.0, attributes={"by": "A. Weber"}))
    found.event(event(Kind.DISPATCH_STARTED, "a", 100.0))
    assert found.to_play(None) == []


def test_a_log_that_has_a_call_in_one_piece() -> None:
    found = LogCalls(PLAN)
    row = CallRow("a", "1001", "9110", alarm=True, dialing_at=100.0)
    found.call(row, whole("a", 100.0))
    found.call(CallRow("y", "7", "55", alarm=False, dialing_at=1.0))
    assert [each.key for each in found.to_play(None)] == ["a", "a"]
