"""Semantics, "Cameras and screens": SOS takes from routine and gives back; two SOS; presets once."""

from __future__ import annotations

from dataclasses import replace

from bridge.model import Operation
from bridge.response import Rule, Step
from tests.engine.control_room import (
    DISPATCH,
    ROUTINE_AT_03,
    SOS_AT_03,
    SOS_AT_04,
    STOP_SOS_AT_03,
    TOLD,
    ControlRoom,
)
from tests.engine.site import PLAN, RULES

PTZ = "ptz/PTZ-01"
SCREEN = "screen/wall/desk-1"
GIVEN_BACK = ("wall recall_preset PTZ-01", "wall show desk-1")


def without(lines: tuple[str, ...], *gone: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line not in gone)


def end(room: ControlRoom, phone: str) -> None:
    """Resolved, hung up, post-roll over."""
    room.resolve("anna", phone)
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))
    room.forget()
    room.after(60.0)


def test_an_sos_takes_camera_and_screen_from_routine_visibly(room: ControlRoom) -> None:
    room.press("P-03", "20")
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-03"], ["P-03"])
    room.forget()
    room.press("P-04")
    room.expects("P-04", *SOS_AT_04)
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])
    taken = [line for line in room.story("P-03") if "was taken by the emergency" in line]
    assert [line.split()[0] for line in taken] == [PTZ, SCREEN]


def test_what_the_loser_still_waited_for_is_superseded_with_the_reason(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle("P-03", "wall recall_preset PTZ-01", "accepted")
    room.press("P-04")
    lost = room.delivery("P-03", "wall show desk-1")
    assert (lost.state, lost.settled_at) == ("superseded", room.now)
    assert "was taken by the emergency" in lost.proof
    assert room.delivery("P-03", "wall recall_preset PTZ-01").state == "accepted"
    assert room.delivery("P-03", "zm start_recording PTZ-01").state == "pending"
    room.forget()


def test_the_loser_gets_it_back_if_its_call_still_lives(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    end(room, "P-04")
    room.expects("P-03", *GIVEN_BACK)
    room.expects("P-04", "zm stop_recording FIX-03", "wall hide desk-1", "wall close_popup desk-1")
    assert room.delivery("P-04", "wall hide desk-1").state == "superseded", "it is shown to the next at once"
    assert room.delivery("P-03", "wall show desk-1").params["views"] == "PTZ-01", "as a routine call does"
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-03"], ["P-03"])


def test_the_loser_gets_nothing_back_if_its_call_is_over(room: ControlRoom) -> None:
    call = room.press("P-03", "20")
    room.press("P-04")
    room.hang_up(call)
    room.forget()
    room.after(30.0)
    room.expects("P-03", "wall close_popup desk-1")
    end(room, "P-04")
    room.expects(
        "P-04",
        "zm stop_recording PTZ-01",
        "zm stop_recording FIX-03",
        "wall hide desk-1",
        "wall close_popup desk-1",
        "wall close_popup supervisor",
    )


def test_routine_never_takes_from_an_sos(room: ControlRoom) -> None:
    room.press("P-04")
    room.forget()
    call = room.press("P-03", "20")
    room.expects("P-03", "zm start_recording PTZ-01", "wall popup desk-1")
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])
    assert any("is used by emergency" in line for line in room.story("P-03"))
    room.hang_up(call)
    room.forget()
    room.after(2.0)


def test_a_routine_call_that_waited_gets_it_when_the_sos_is_over(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-03", "20")
    end(room, "P-04")
    room.expects("P-03", *GIVEN_BACK)
    room.forget()


def test_two_sos_on_one_ptz_the_first_keeps_it(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    room.press("P-04")
    room.expects("P-04", *without(SOS_AT_04, "wall recall_preset PTZ-01"))
    assert room.holder(PTZ) == ["P-03"]
    assert room.holder(SCREEN) == ["P-03", "P-04"], "a screen shows them both"
    assert any(f"{PTZ} is used by emergency" in line for line in room.story("P-04"))


def test_the_second_sos_gets_the_ptz_when_the_first_is_cleared(room: ControlRoom) -> None:
    """Not only after the post-roll: who needs help comes before who got it."""
    room.press("P-03")
    room.press("P-04")
    room.forget()
    room.resolve("anna", "P-03")
    room.expects("P-03", TOLD)
    room.expects("P-04", "wall recall_preset PTZ-01")
    assert room.holder(PTZ) == ["P-04"]


def test_a_cleared_sos_in_its_post_roll_does_not_keep_the_ptz_from_a_living_one(room: ControlRoom) -> None:
    room.press("P-03")
    room.resolve("anna", "P-03")
    room.forget()
    room.press("P-04")
    room.expects("P-04", *SOS_AT_04)
    assert room.holder(PTZ) == ["P-04"]


def test_a_cleared_sos_in_its_post_roll_keeps_it_from_routine(room: ControlRoom) -> None:
    room.press("P-03")
    room.resolve("anna", "P-03")
    room.forget()
    room.press("P-04", "20")
    room.expects("P-04", "zm start_recording PTZ-01", "wall popup desk-1")
    assert room.holder(PTZ) == ["P-03"]


def test_routine_on_routine_the_first_keeps_the_ptz_and_both_have_the_screen(room: ControlRoom) -> None:
    first = room.press("P-03", "20")
    room.press("P-04", "20")
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-03"], ["P-03", "P-04"])
    room.forget()
    room.hang_up(first)
    room.expects("P-03", TOLD)
    room.expects("P-04", "wall recall_preset PTZ-01")
    room.after(30.0)
    room.expects("P-03", "wall close_popup desk-1")


def test_who_waits_keeps_the_place_however_often_it_asks(room: ControlRoom) -> None:
    room.press("P-04")
    first = room.press("P-03", "20")
    room.after(1.0)
    room.press("P-05", "20")
    room.after(1.0)
    room.hang_up(first)
    room.press("P-03", "20")
    end(room, "P-04")
    assert room.holder(PTZ) == ["P-03"]
    room.forget()


def test_an_sos_that_waits_comes_before_a_routine_call_that_waited_longer(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-03", "20")
    room.after(1.0)
    room.press("P-05")
    room.forget()
    room.resolve("anna", "P-04")
    room.expects("P-04", TOLD)
    room.expects("P-05", "wall recall_preset PTZ-01")


def test_every_waiting_call_gets_the_screen_back_and_one_the_ptz(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.after(1.0)
    room.press("P-05", "20")
    room.press("P-04")
    end(room, "P-04")
    room.expects("P-03", *GIVEN_BACK)
    room.expects("P-05", "wall show desk-1")
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-03"], ["P-03", "P-05"])
    assert [line for line in room.story("P-05") if "given back" in line] == [
        "screen/wall/desk-1 is free again: given back"
    ]
    room.forget()


def test_a_waiting_call_that_is_over_does_not_stand_in_the_way_of_the_next(room: ControlRoom) -> None:
    gone = room.press("P-03", "20")
    room.press("P-05", "20")
    room.press("P-04")
    room.resolve("anna", "P-04")
    for call in list(room.database.rows.calls.values()):
        if call.phone == "P-04":
            room.hang_up(room.call("P-04", key=call.key))
    room.after(45.0)
    room.hang_up(gone)
    room.forget()
    room.after(15.0)
    room.expects("P-05", *GIVEN_BACK)
    room.expects("P-04", "zm stop_recording FIX-03", "wall hide desk-1", "wall close_popup desk-1")
    assert room.holder(PTZ) == ["P-05"]


def test_a_routine_call_that_becomes_an_sos_takes_what_it_waited_for(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04", "20")
    room.forget()
    room.press("P-04")
    room.expects("P-04", *SOS_AT_04)
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])


def test_an_sos_that_is_pressed_again_takes_what_has_become_free(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    room.resolve("anna", "P-04")
    end(room, "P-03")
    assert room.holder(PTZ) == []
    room.forget()
    room.press("P-04")
    room.expects("P-04", "wall recall_preset PTZ-01", "wall popup desk-1", DISPATCH)
    assert room.holder(PTZ) == ["P-04"]


def test_a_preset_is_recalled_once(room: ControlRoom) -> None:
    """The operator may have moved the camera since: neither a press nor anybody's word moves it again."""
    call = room.press("P-03")
    room.settle_all()
    room.press("P-03")
    room.connect(call, "2002")
    room.acknowledge("anna", "P-03")
    room.press("P-03")
    room.after(1000.0)
    recalled = [row for row in room.database.asked if row.operation is Operation.RECALL_PRESET]
    assert len(recalled) == 1
    room.forget()


def test_two_drivers_may_be_asked_to_move_the_same_camera(room: ControlRoom) -> None:
    """One of them may be away. Within a step neither makes the other superfluous."""
    other = Rule(step=Step.SOS, operation=Operation.RECALL_PRESET, driver="zm")
    room.database.plan = replace(PLAN, rules=(*RULES, other))
    room.press("P-03")
    recalled = [row for row in room.database.rows.deliveries.values() if row.resource == PTZ]
    assert [(row.driver, row.state) for row in recalled] == [("wall", "pending"), ("zm", "pending")]
    room.forget()


def test_the_picture_of_a_raised_call_is_not_replaced_by_that_of_the_routine_one(room: ControlRoom) -> None:
    """What waits for its next attempt would come after the SOS's own picture."""
    room.press("P-03", "20")
    room.settle("P-03", "wall show desk-1", "retry")
    small = room.delivery("P-03", "wall show desk-1")
    room.expects("P-03", *ROUTINE_AT_03)
    room.press("P-03")
    room.expects("P-03", *SOS_AT_03)
    assert room.database.rows.deliveries[small.id].state == "superseded"
    assert room.delivery("P-03", "wall show desk-1").params["views"] == "PTZ-01,FIX-02"


def test_nothing_that_waited_moves_a_camera_once_the_incident_is_over(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle("P-03", "wall recall_preset PTZ-01", "retry")
    room.hang_up(call)
    room.resolve("anna", "P-03")
    room.after(60.0)
    assert room.delivery("P-03", "wall recall_preset PTZ-01").state == "superseded"
    assert room.delivery("P-03", "zm bookmark PTZ-01").state == "pending", "a bookmark is still made"
    room.forget()


def test_going_home_waits_for_nobody_and_takes_from_nobody(room: ControlRoom) -> None:
    rules = (*RULES, Rule(step=Step.CLEARED, operation=Operation.HOME, driver="wall"))
    room.database.plan = replace(PLAN, rules=rules)
    room.press("P-03")
    room.press("P-04")
    room.forget()
    room.resolve("anna", "P-04")
    room.expects("P-04", TOLD)
    assert room.holder(PTZ) == ["P-03"]
    room.settle("P-03", "wall recall_preset PTZ-01", "accepted")
    room.resolve("anna", "P-03")
    room.expects("P-03", TOLD, "wall home PTZ-01")


def test_a_screen_that_two_sos_share_is_cleared_by_the_last(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    end(room, "P-03")
    assert not [row for row in room.database.asked if row.operation is Operation.HIDE]
    room.forget()
    end(room, "P-04")
    hidden = [row.target for row in room.database.asked if row.operation is Operation.HIDE]
    assert sorted(hidden) == ["big", "desk-1"]
    room.forget()


def test_an_sos_stops_exactly_what_it_started(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    room.settle_all()
    room.expects("P-03", *SOS_AT_03)
    room.resolve("anna", "P-03")
    room.expects("P-03", TOLD)
    room.after(60.0)
    room.expects("P-03", *STOP_SOS_AT_03)
