"""A recording that is found off is switched on again: once, however many share it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine import Reason
from bridge.model import Kind, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import (
    SOS_AT_03,
    SOS_AT_04,
    ControlRoom,
)
from tests.engine.site import PLAN, RULES

PTZ_RECORDING = "start_recording/zm/zm-PTZ-01"
START_PTZ = "zm start_recording PTZ-01"
STOP_PTZ = "zm stop_recording PTZ-01"
HOUR = 3600.0


def end(room: ControlRoom, phone: str) -> None:
    room.resolve("anna", phone)
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))
    room.after(60.0)


def lost(room: ControlRoom, phone: str, resource: str = PTZ_RECORDING) -> None:
    incident = room.incident(phone).id
    room.event(Kind.HOLD_LOST, source="outbox", incident=incident, attributes={"resource": resource})


def test_a_recording_found_off_is_switched_on_and_marked_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.after(2.0)
    room.forget()
    lost(room, "P-03")
    room.expects("P-03", START_PTZ, "zm bookmark PTZ-01")
    room.settle_all()
    room.after(2.0)
    lost(room, "P-03")
    room.expects("P-03", START_PTZ, "zm bookmark PTZ-01")


def test_it_is_found_off_in_the_post_roll_too(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03", "20"))
    room.settle_all()
    room.after(2.0)
    room.forget()
    lost(room, "P-03")
    room.expects("P-03", START_PTZ)


def test_what_is_being_switched_on_is_not_lost(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    lost(room, "P-03")
    assert room.decisions[-1].reason is Reason.NOTED


def test_of_several_who_share_it_one_switches_it_on(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    room.expects("P-03", *SOS_AT_03)
    room.settle_all()
    room.expects("P-04", *(line for line in SOS_AT_04 if "preset" not in line))
    room.after(2.0)
    lost(room, "P-03")
    room.expects("P-03", START_PTZ, "zm bookmark PTZ-01")
    lost(room, "P-04")
    room.expects_nothing_more()


def test_a_loss_that_was_mended_meanwhile_is_not_mended_twice(room: ControlRoom) -> None:
    """Both were told of the same loss; the first has it on again before the second is heard."""
    room.press("P-03")
    room.press("P-04")
    room.settle_all()
    room.after(2.0)
    found = room.now
    lost(room, "P-03")
    room.now += 0.2
    room.settle_all()
    room.forget()
    incident = room.incident("P-04").id
    room.event(
        Kind.HOLD_LOST, source="outbox", at=found, incident=incident, attributes={"resource": PTZ_RECORDING}
    )
    assert room.decisions[-1].reason is Reason.NOTED


def test_what_a_closed_incident_had_may_be_off(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    room.forget()
    lost(room, "P-03")
    assert room.decisions[-1].reason is Reason.LATE


@pytest.mark.parametrize("resource", ["ptz/PTZ-01", "screen/wall/desk-1"])
def test_a_camera_or_screen_that_an_operator_has_changed_is_left_to_him(
    room: ControlRoom, resource: str
) -> None:
    room.press("P-03")
    room.settle_all()
    room.after(2.0)
    room.forget()
    lost(room, "P-03", resource)
    assert room.decisions[-1].reason is Reason.NOTED


def test_a_raised_call_is_marked_as_the_sos_it_is(room: ControlRoom) -> None:
    bookmark = Rule(step=Step.OFF_HOOK, operation=Operation.BOOKMARK, driver="zm", max_views=1)
    room.database.plan = replace(PLAN, rules=(*RULES, bookmark))
    room.press("P-03", "20")
    room.press("P-03")
    room.settle_all()
    room.after(2.0)
    room.forget()
    lost(room, "P-03")
    room.expects("P-03", START_PTZ, "zm bookmark PTZ-01", title="SOS POST-03")
    assert room.delivery("P-03", START_PTZ).params["title"] == "SOS POST-03"
