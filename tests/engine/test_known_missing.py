"""A camera that is known to be missing: from the start of an incident until it is back; and the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.model import Kind, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import DISPATCH, TOLD, ControlRoom
from tests.engine.site import FULL
from tests.engine.test_missing import RECALL, RECORD, SHOW, STAND_IN, loses, missing


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """Post 03 has two cameras in reserve."""
    with ControlRoom(FULL) as opened:
        yield opened


# --- known to be missing ------------------------------------------------------------------------------


def test_a_new_incident_has_the_stand_in_from_the_start(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.forget()
    room.press("P-05")
    room.expects(
        "P-05",
        *("zm start_recording ALT-1", "zm start_recording FIX-03", "zm start_recording PTZ-01"),
        *(SHOW, "wall popup desk-1", "zm bookmark ALT-1", "zm bookmark FIX-03"),
        missing="PTZ-01",
    )
    assert room.delivery("P-05", SHOW).params["views"] == "ALT-1,FIX-03"
    loses(room, "P-05")
    room.expects_nothing_more()


def test_what_waits_for_a_missing_camera_is_not_given_it_back(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    loses(room, "P-04")
    room.resolve("anna", "P-04")
    for call in list(room.database.rows.calls.values()):
        if call.phone == "P-04":
            room.hang_up(room.call("P-04", key=call.key))
    room.forget()
    room.after(60.0)
    given = [row for row in room.database.asked if row.step.startswith("give_back")]
    assert {row.params.get("camera") or row.params["views"] for row in given} == {"ALT-1"}
    room.forget()


@pytest.mark.parametrize("state", ["verified", "accepted", "uncertain"])
def test_a_camera_is_back_when_it_was_read_back(room: ControlRoom, state: str) -> None:
    room.press("P-03")
    loses(room)
    room.settle("P-03", RECORD, state)
    assert missing(room) == ([] if state == "verified" else ["camera/PTZ-01"])
    assert ("PTZ-01 is not missing any more" in room.story("P-03")) == (state == "verified")
    room.forget()
    room.acknowledge("anna", "P-03")
    room.expects("P-03", TOLD, missing="" if state == "verified" else "PTZ-01")


def test_what_the_system_does_without_the_camera_does_not_bring_it_back(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.settle("P-03", "zm bookmark PTZ-01", "verified")
    assert missing(room) == ["camera/PTZ-01"]
    room.forget()


def test_a_camera_that_is_gone_again_is_not_replaced_twice(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.settle("P-03", RECORD, "verified")
    room.forget()
    loses(room, line=RECALL)
    assert missing(room) == ["camera/PTZ-01"]
    room.expects_nothing_more()


def test_a_missing_camera_goes_home_and_its_bookmark_is_extended(room: ControlRoom) -> None:
    """It was moved before it was lost; it is tried for hours."""
    room.press("P-03")
    room.settle_all()
    room.after(2.0)
    lost = {"resource": "start_recording/zm/zm-PTZ-01"}
    room.event(Kind.HOLD_LOST, source="outbox", incident=room.incident("P-03").id, attributes=lost)
    loses(room)
    room.resolve("anna", "P-03")
    for call in list(room.database.rows.calls.values()):
        room.hang_up(room.call("P-03", key=call.key))
    room.after(60.0)
    assert room.delivery("P-03", "wall home PTZ-01").state == "pending"
    assert room.delivery("P-03", "zm extend_bookmark PTZ-01").state == "pending"
    room.forget()


def test_what_is_asked_again_is_not_held_to_be_missing_before_it_is_tried(room: ControlRoom) -> None:
    room.press("P-11")
    room.settle("P-11", "zm start_recording FIX-09", "retry", missing="yes")
    room.settle_all()
    assert room.delivery("P-11", "zm start_recording FIX-09").params["found"] == "missing"
    room.after(2.0)
    lost = {"resource": "start_recording/zm/zm-FIX-09"}
    room.event(Kind.HOLD_LOST, source="outbox", incident=room.incident("P-11").id, attributes=lost)
    assert "found" not in room.delivery("P-11", "zm start_recording FIX-09").params
    room.forget()


def test_a_driver_that_is_not_configured_any_more_says_nothing_of_the_camera(room: ControlRoom) -> None:
    room.press("P-03")
    capabilities = {name: can for name, can in FULL.capabilities.items() if name != "zm"}
    room.database.plan = replace(FULL, capabilities=capabilities)
    room.settle("P-03", RECORD, "failed", proof="no driver named zm is configured any more")
    assert missing(room) == []
    room.forget()


# --- the picture --------------------------------------------------------------------------------------


def test_a_stand_in_may_confirm_the_picture(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.settle("P-03", "zm start_recording ALT-1", "verified")
    room.settle("P-03", SHOW, "verified")
    room.forget()
    room.after(19.9)


def test_a_missing_camera_is_not_waited_for(room: ControlRoom) -> None:
    """There is no other: dispatch need not wait the whole time."""
    room.press("P-11")
    room.forget()
    room.settle("P-11", "zm start_recording FIX-09", "retry", missing="yes")
    room.expects("P-11", "wall update_popup desk-2", DISPATCH, picture="not confirmed")


def test_a_camera_that_no_place_looks_at_any_more(room: ControlRoom) -> None:
    """The configuration has changed while the delivery was under way."""
    room.press("P-03")
    room.database.plan = replace(FULL, locations={})
    loses(room)
    assert missing(room) == ["camera/PTZ-01"]
    room.settle("P-03", RECORD, "verified")
    assert missing(room) == []
    room.forget()


def test_an_update_of_a_popup_takes_a_driver_that_can(room: ControlRoom) -> None:
    wall = FULL.capabilities["wall"] - {Operation.UPDATE_POPUP}
    room.database.plan = replace(FULL, capabilities={**FULL.capabilities, "wall": wall})
    room.press("P-03")
    room.forget()
    loses(room)
    room.expects("P-03", *STAND_IN[:-1])


def test_what_proves_a_camera_is_asked_of_its_stand_in(room: ControlRoom) -> None:
    prove = Rule(step=Step.SOS, operation=Operation.PROVE_LIVE, driver="zm", max_views=1)
    room.database.plan = replace(FULL, rules=(*FULL.rules, prove))
    room.press("P-03")
    room.forget()
    loses(room, line="zm prove_live PTZ-01")
    room.expects("P-03", *STAND_IN[:-1], "zm prove_live ALT-1", TOLD)


def test_words_of_an_old_outbox_that_name_no_camera_clear_nothing(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    row = room.delivery("P-03", RECORD)
    said = {"delivery": row.id, "state": "verified", "attempts": "2"}
    room.event(Kind.DELIVERY_SETTLED, source="outbox", incident=row.incident, attributes=said)
    assert missing(room) == ["camera/PTZ-01"]
    room.forget()
