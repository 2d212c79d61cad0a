"""Events in a video system: rules are bound to place and urgency, so every start gets the stop of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from bridge.model import Delivery, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import ControlRoom
from tests.engine.site import PLAN

EVENTS: Final = replace(
    PLAN,
    capabilities={**PLAN.capabilities, "zm": frozenset({Operation.EVENT_START, Operation.EVENT_STOP})},
    rules=(
        Rule(step=Step.OFF_HOOK, operation=Operation.EVENT_START, driver="zm", max_views=1),
        Rule(step=Step.SOS, operation=Operation.EVENT_START, driver="zm", max_views=1),
    ),
)


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    with ControlRoom(EVENTS) as opened:
        yield opened
        opened.forget()


def told(room: ControlRoom, operation: Operation) -> list[tuple[str, str]]:
    rows: list[Delivery] = [row for row in room.database.asked if row.operation is operation]
    return [(row.params["location"], row.params["tier"]) for row in rows]


def end(room: ControlRoom, phone: str) -> None:
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))
    room.resolve("anna", phone)
    room.after(60.0)


def test_two_places_that_share_a_camera_are_each_stopped(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    room.settle_all()
    end(room, "P-03")
    assert told(room, Operation.EVENT_STOP) == [("POST-03", "emergency")]
    room.settle_all()
    end(room, "P-04")
    assert told(room, Operation.EVENT_STOP) == told(room, Operation.EVENT_START)


def test_two_phones_at_one_place_share_the_event(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-05")
    room.settle_all()
    end(room, "P-04")
    assert told(room, Operation.EVENT_STOP) == []
    end(room, "P-05")
    assert told(room, Operation.EVENT_STOP) == [("POST-04", "emergency")]


def test_a_routine_call_that_became_an_sos_is_stopped_twice(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle_all()
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    assert sorted(told(room, Operation.EVENT_STOP)) == [("POST-03", "emergency"), ("POST-03", "routine")]


def test_a_stop_under_way_is_not_called_off_by_another_place(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    room.press("P-04")
    stop = room.delivery("P-03", "zm event_stop PTZ-01")
    assert not stop.state.settled


def test_a_stop_under_way_is_called_off_when_the_same_place_presses_again(room: ControlRoom) -> None:
    room.press("P-04")
    room.settle_all()
    end(room, "P-04")
    room.press("P-05")
    assert room.delivery("P-04", "zm event_stop PTZ-01").state == "superseded"


def test_a_stop_says_who_ended_it_and_why(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.acknowledge("bert", "P-03")
    end(room, "P-03")
    words = room.delivery("P-03", "zm event_stop PTZ-01").params
    assert (words["acknowledged_by"], words["closed_by"], words["title"]) == ("bert", "anna", "SOS POST-03")
