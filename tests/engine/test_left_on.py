"""The bridge begins anew: what incidents that are over left on is switched off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.engine import Reason
from bridge.model import Kind, Operation
from tests.engine.control_room import STOP_SOS_AT_03, ControlRoom
from tests.engine.site import PLAN

STOP_PTZ = "zm stop_recording PTZ-01"
CLOSE = "wall close_popup desk-1"
HOUR = 3600.0


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """Post 03 had an SOS, and it is over; how the stops end is the scene's."""
    with ControlRoom() as opened:
        opened.press("P-03")
        opened.settle_all()
        end(opened, "P-03")
        opened.forget()
        yield opened


def end(room: ControlRoom, phone: str) -> None:
    room.resolve("anna", phone)
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))
    room.after(60.0)


def begins_anew(room: ControlRoom, phone: str = "P-03") -> None:
    incident = room.incidents(phone)[0]
    room.event(Kind.LEFT_ON, source="bridge", incident=incident.id)


@pytest.mark.parametrize("state", ["failed", "expired", "uncertain"])
def test_what_was_stopped_in_vain_is_stopped_again(room: ControlRoom, state: str) -> None:
    room.settle("P-03", STOP_PTZ, state)
    room.settle_all()
    begins_anew(room)
    assert room.decisions[-1].reason is Reason.STOPPED_AGAIN
    room.expects("P-03", STOP_PTZ, closed_by="anna", close_reason="resolved by anna")
    again = room.delivery("P-03", STOP_PTZ)
    assert (again.step, again.deadline - again.created_at) == ("stop/1-2", 4 * HOUR)


def test_everything_that_was_left_on_is_switched_off(room: ControlRoom) -> None:
    room.settle_all("expired")
    begins_anew(room)
    room.expects("P-03", *STOP_SOS_AT_03)


def test_once_it_is_off_nothing_more_is_asked(room: ControlRoom) -> None:
    room.settle_all("expired")
    begins_anew(room)
    room.settle_all()
    room.forget()
    begins_anew(room)
    assert room.decisions[-1].reason is Reason.LATE


def test_a_stop_that_is_under_way_goes_on(room: ControlRoom) -> None:
    room.settle("P-03", STOP_PTZ, "retry")
    begins_anew(room)
    assert room.delivery("P-03", STOP_PTZ).state == "pending"


def test_a_stop_whose_time_ran_out_while_the_bridge_was_away_is_asked_anew(room: ControlRoom) -> None:
    early = room.delivery("P-03", STOP_PTZ)
    room.after(5 * HOUR)
    begins_anew(room)
    room.expects("P-03", *STOP_SOS_AT_03)
    assert room.database.rows.deliveries[early.id].state == "superseded"


def test_what_another_incident_has_by_now_stays_on(room: ControlRoom) -> None:
    room.settle_all("expired")
    room.press("P-05")
    room.forget()
    begins_anew(room)
    room.expects("P-03", "zm stop_recording FIX-02", CLOSE)
    assert any("is left on: another incident has it" in line for line in room.story("P-03"))
    end(room, "P-05")
    assert room.delivery("P-05", STOP_PTZ).state == "pending", "the last to leave switches it off"
    room.forget()


def test_what_another_has_by_now_stays_on_wherever_the_configuration_has_moved_it(
    room: ControlRoom,
) -> None:
    room.settle_all("expired")
    elsewhere = replace(PLAN.locations["POST-03"], views=())
    room.database.plan = replace(PLAN, locations={**PLAN.locations, "POST-03": elsewhere})
    room.press("P-05")
    room.forget()
    begins_anew(room)
    room.expects("P-03", "zm stop_recording FIX-02", CLOSE)
    room.forget()


def test_a_stop_that_was_called_off_is_its_rivals_to_ask_for(room: ControlRoom) -> None:
    room.press("P-05")
    assert room.delivery("P-03", STOP_PTZ).state == "superseded"
    room.settle_all()
    end(room, "P-05")
    room.settle_all()
    room.forget()
    begins_anew(room)
    assert room.decisions[-1].reason is Reason.LATE


def test_what_was_never_on_is_not_switched_off() -> None:
    with ControlRoom() as room:
        room.press("P-03")
        room.settle_all("expired")
        end(room, "P-03")
        room.settle_all("expired")
        room.forget()
        begins_anew(room)
        shared = ("zm stop_recording PTZ-01", "zm stop_recording FIX-02", "wall hide desk-1")
        room.expects("P-03", *shared)  # another incident may have begun those; the pop-up was its own


def test_what_may_have_been_on_is_switched_off() -> None:
    with ControlRoom() as room:
        room.press("P-03")
        room.settle_all("uncertain")
        end(room, "P-03")
        room.settle_all("expired")
        room.forget()
        begins_anew(room)
        room.expects("P-03", *STOP_SOS_AT_03)


def test_what_the_driver_cannot_do_any_more_is_not_asked_for(room: ControlRoom) -> None:
    room.settle_all("failed")
    zm = frozenset({Operation.START_RECORDING})
    room.database.plan = replace(PLAN, capabilities={**PLAN.capabilities, "zm": zm})
    begins_anew(room)
    room.expects("P-03", "wall hide desk-1", CLOSE)


def test_an_incident_that_lives_keeps_what_it_has(room: ControlRoom) -> None:
    room.press("P-05")
    room.forget()
    begins_anew(room, "P-05")
    assert room.decisions[-1].reason is Reason.LATE


def test_an_incident_that_nobody_knows_is_an_orphan(room: ControlRoom) -> None:
    room.event(Kind.LEFT_ON, source="bridge", incident="no-such")
    assert room.decisions[-1].reason is Reason.ORPHAN
