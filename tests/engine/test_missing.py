"""Semantics and response plan, "Camera offline": who is told which camera is missing, and what stands in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.control_room import TOLD, ControlRoom
from tests.engine.site import FULL

RECORD = "zm start_recording PTZ-01"
RECALL = "wall recall_preset PTZ-01"
SHOW = "wall show desk-1"
STAND_IN = (
    "zm start_recording ALT-1",
    SHOW,
    "zm bookmark ALT-1",
    "wall recall_preset ALT-1",
    TOLD,
)


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """Post 03 has two cameras in reserve."""
    with ControlRoom(FULL) as opened:
        yield opened


def loses(room: ControlRoom, phone: str = "P-03", line: str = RECORD, state: str = "retry") -> None:
    """The driver says that the camera does not answer."""
    room.settle(phone, line, state, missing="yes", proof="no video signal")


def missing(room: ControlRoom) -> list[str]:
    return sorted(subject for subject, what in room.database.rows.faults if what == "missing")


# --- found missing ------------------------------------------------------------------------------------


def test_the_nearest_alternate_does_what_the_missing_camera_was_asked_for(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    loses(room)
    room.expects("P-03", *STAND_IN, missing="PTZ-01", views="ALT-1,FIX-02", stand_ins="ALT-1")
    assert room.delivery("P-03", "wall recall_preset ALT-1").params["preset"] == "1", "its own preset"
    assert room.delivery("P-03", SHOW).params["views"] == "ALT-1,FIX-02"
    assert room.delivery("P-03", RECORD).state == "pending", "it may come back"


def test_it_is_a_fault_of_the_camera_and_the_story_tells_it(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    fault = room.fault("camera/PTZ-01", "missing")
    assert fault is not None
    assert (fault.opened_at, "no video signal" in fault.text) == (room.now, True)
    assert "camera PTZ-01 is missing: ALT-1 stands in for it" in room.story("P-03")
    assert room.fault("driver/zm", "start_recording") is None, "it is tried again"
    room.forget()


def test_it_is_done_once_however_often_it_is_said(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.forget()
    for _ in range(3):
        room.after(0.5)
        loses(room)
    loses(room, line=RECALL)
    loses(room, line="zm bookmark PTZ-01")
    loses(room, state="expired")
    assert sum("is missing" in line for line in room.story("P-03")) == 1
    room.expects_nothing_more()


@pytest.mark.parametrize(
    "line", [RECORD, RECALL, "zm bookmark PTZ-01"], ids=lambda line: line.replace(" ", "_")
)
def test_whichever_delivery_finds_it_missing_first(room: ControlRoom, line: str) -> None:
    room.press("P-03")
    room.forget()
    loses(room, line=line)
    room.expects("P-03", *STAND_IN)


def test_a_camera_that_its_system_does_not_know_is_missing_too(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    room.settle("P-03", RECORD, "failed", proof="404 unknown camera", missing="unknown")
    room.expects("P-03", *STAND_IN)
    assert missing(room) == ["camera/PTZ-01"]


@pytest.mark.parametrize(
    "line", ["zm bookmark PTZ-01", "wall popup desk-1", RECALL, SHOW], ids=lambda line: line[:8]
)
def test_a_preset_or_console_that_is_not_there_says_nothing_of_the_camera(
    room: ControlRoom, line: str
) -> None:
    room.press("P-03")
    room.forget()
    room.settle("P-03", line, "failed", missing="unknown")
    assert missing(room) == []
    room.forget()


def test_a_refused_login_says_nothing_of_the_camera(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    room.settle("P-03", RECORD, "failed", proof="401 wrong password")
    assert missing(room) == []
    room.forget()


def test_a_second_missing_camera_gets_the_next_alternate(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.forget()
    room.after(1.0)
    loses(room, line="zm start_recording FIX-02")
    room.expects(
        "P-03",
        *("zm start_recording ALT-2", SHOW, "zm bookmark ALT-2", TOLD),
        missing="PTZ-01,FIX-02",
        views="ALT-1,ALT-2",
    )


def test_an_alternate_that_is_missing_too_is_replaced_by_the_next(room: ControlRoom) -> None:
    room.press("P-03")
    loses(room)
    room.forget()
    room.after(1.0)
    loses(room, line="zm start_recording ALT-1")
    room.expects(
        "P-03",
        *("zm start_recording ALT-2", SHOW, "zm bookmark ALT-2", TOLD),
        missing="PTZ-01,ALT-1",
        views="ALT-2,FIX-02",
    )
    assert "camera ALT-1 is missing: ALT-2 stands in for it" in room.story("P-03")


def test_when_no_alternate_is_left_it_is_told_and_nothing_else(room: ControlRoom) -> None:
    room.press("P-04")
    loses(room, "P-04")
    room.forget()
    room.after(1.0)
    loses(room, "P-04", "zm start_recording FIX-03")
    room.expects("P-04", TOLD, missing="PTZ-01,FIX-03", views="ALT-1,FIX-03")
    assert "camera FIX-03 is missing, and no other stands in for it" in room.story("P-04")


def test_a_missing_camera_of_the_wider_zone_is_told(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    loses(room, line="wall recall_preset MAST")
    room.expects("P-03", TOLD, missing="MAST", views="PTZ-01,FIX-02")


def test_a_routine_call_gets_what_a_routine_call_gets(room: ControlRoom) -> None:
    call = room.press("P-03", "20")
    room.forget()
    loses(room)
    room.expects(
        "P-03",
        *("zm start_recording ALT-1", "wall recall_preset ALT-1", SHOW, TOLD),
        views="ALT-1,FIX-02",
        missing="PTZ-01",
    )
    assert room.delivery("P-03", SHOW).params["views"] == "ALT-1"
    room.settle_all()
    room.hang_up(call)
    room.forget()
    room.after(30.0)
    stopped = [row.params["camera"] for row in room.database.asked if row.operation == "stop_recording"]
    assert stopped == ["PTZ-01", "ALT-1"]
    assert room.delivery("P-03", "wall home ALT-1").params["preset"] == "1", "and it goes home"
    room.forget()


def test_a_screen_that_the_incident_does_not_have_is_left_alone(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    room.forget()
    loses(room)
    room.expects("P-03", "zm start_recording ALT-1", "wall recall_preset ALT-1", TOLD)
    assert room.holder("screen/wall/desk-1") == ["P-04"]


def test_what_later_steps_showed_is_shown_anew_too(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(60.0)
    assert room.delivery("P-03", "wall show big").params["views"] == "PTZ-01,FIX-02"
    room.forget()
    loses(room)
    room.expects("P-03", *STAND_IN[:4], "wall show big", TOLD, "wall update_popup supervisor")
    assert room.delivery("P-03", "wall show big").params["views"] == "ALT-1,FIX-02"


def test_a_cleared_incident_is_told_and_gets_no_stand_in(room: ControlRoom) -> None:
    room.press("P-03")
    room.resolve("anna", "P-03")
    room.forget()
    loses(room)
    room.expects("P-03", TOLD)


def test_after_the_end_it_is_a_fault_and_no_story(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle_all()
    for call in room.database.rows.calls.values():
        room.hang_up(room.call("P-03", "20", key=call.key))
    room.after(30.0)
    room.forget()
    loses(room, line="zm stop_recording PTZ-01")
    assert missing(room) == ["camera/PTZ-01"]


def test_each_incident_learns_of_it_by_itself(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    room.forget()
    loses(room)
    room.expects("P-03", *STAND_IN)
    loses(room, "P-04")
    # The first SOS has ALT-1 too: it keeps the preset, and both record.
    room.expects("P-04", *(line for line in STAND_IN if "recall" not in line))
