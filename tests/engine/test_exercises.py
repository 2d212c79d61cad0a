"""Semantics, "Exercises and the past": the real path, marked; a real SOS ends an exercise."""

from __future__ import annotations

from dataclasses import replace

from bridge.model import IncidentState, Kind, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import DISPATCH, SOS_AT_03, SOS_AT_04, TOLD, ControlRoom, Dialled
from tests.engine.site import PLAN
from tests.engine.test_cameras import PTZ, SCREEN

DISPATCHER = "dispatch/dispatch/east"
PTZ_RECORDING = "start_recording/zm/zm-PTZ-01"


def drill(room: ControlRoom, phone: str) -> Dialled:
    return room.press(phone, exercise="yes")


def test_an_exercise_takes_the_real_path_and_is_marked_in_every_word(room: ControlRoom) -> None:
    drill(room, "P-03")
    room.expects("P-03", *SOS_AT_03)
    room.after(4.0)
    room.expects("P-03", DISPATCH, title="EXERCISE SOS POST-03", exercise="yes")
    assert all(row.params["exercise"] == "yes" for row in room.database.asked)


def test_an_exercise_never_hosts_a_real_call(room: ControlRoom) -> None:
    drill(room, "P-03")
    room.press("P-03", "20")
    room.ring("P-03")
    assert [(row.exercise, row.pressed) for row in room.incidents("P-03")] == [(True, 1), (False, 0)]
    room.forget()


def test_a_call_of_an_exercise_joins_the_exercise(room: ControlRoom) -> None:
    drill(room, "P-03")
    back = Dialled("7.1", "1003", "dispatcher", "1003", "in")
    room.says(Kind.CALL_DIALING, back, exercise="yes")
    [call] = [row for row in room.database.rows.calls.values() if row.key == "7.1"]
    assert call.incident == room.incidents("P-03")[0].id
    room.forget()


def test_an_sos_on_a_phone_with_an_exercise_opens_its_own_incident_and_ends_the_exercise(
    room: ControlRoom,
) -> None:
    drill(room, "P-03")
    room.forget()
    room.after(1.0)
    room.press("P-03")
    exercise, real = room.incidents("P-03")
    assert (real.state, real.pressed) == (IncidentState.OPEN, 1)
    room.expects("P-03", *SOS_AT_03)
    assert (room.holder(PTZ), room.holder(SCREEN), room.holder(PTZ_RECORDING)) == (["P-03"],) * 3
    room.after(0.0)
    exercise, real = room.incidents("P-03")
    assert (exercise.state, exercise.closed_by) == (IncidentState.CLEARING, "a real SOS")
    assert real.state is IncidentState.OPEN
    room.forget()


def test_an_exercise_that_ends_takes_nothing_from_the_real_sos(room: ControlRoom) -> None:
    call = drill(room, "P-03")
    room.settle_all()
    room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.forget()
    room.after(61.0)
    stops = [(row.operation, row.target) for row in room.database.asked if row.step.startswith("stop/")]
    assert stops == [("close_popup", "desk-1")]
    exercise, real = room.incidents("P-03")
    assert (exercise.state, real.state) == (IncidentState.CLOSED, IncidentState.OPEN)
    room.forget()


def test_a_real_sos_ends_an_exercise_on_that_camera_and_console(room: ControlRoom) -> None:
    drill(room, "P-03")
    room.forget()
    room.press("P-04")
    room.expects("P-04", *SOS_AT_04)
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])
    room.after(0.0)
    assert room.state("P-03") is IncidentState.CLEARING
    room.expects("P-03", TOLD)


def test_a_real_sos_ends_an_exercise_on_that_dispatcher(room: ControlRoom) -> None:
    """They share neither camera nor console, only the people who are called."""
    drill(room, "P-11")
    room.after(4.0)
    announced = room.delivery("P-11", DISPATCH)
    room.press("P-03")
    assert room.state("P-11") is IncidentState.OPEN
    room.after(4.0)
    assert room.database.rows.deliveries[announced.id].state == "superseded"
    assert room.state("P-11") is IncidentState.CLEARING
    assert room.holder(DISPATCHER) == ["P-03"]
    room.forget()


def test_dispatch_is_told_that_a_real_sos_has_ended_the_exercise(room: ControlRoom) -> None:
    """Its telephones are needed; the word itself needs none."""
    told = Rule(step=Step.CLEARED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",))
    room.database.plan = replace(PLAN, rules=(*PLAN.rules, told))
    drill(room, "P-11")
    room.after(4.0)
    room.press("P-03")
    room.after(4.0)
    words = [each for each in room.database.rows.deliveries.values() if each.step == "cleared/1"]
    assert [(each.operation, each.resource) for each in words if each.operation is Operation.NOTIFY] == [
        (Operation.NOTIFY, "")
    ]
    assert room.holder(DISPATCHER) == ["P-03"]
    room.forget()


def test_an_exercise_calls_no_dispatcher_whom_a_real_sos_needs(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(4.0)
    room.forget()
    drill(room, "P-11")
    room.after(4.0)
    room.expects(
        "P-11", "zm start_recording FIX-09", "wall show desk-2", "wall popup desk-2", "zm bookmark FIX-09"
    )


def test_an_exercise_on_a_phone_with_a_real_sos_is_over_at_once(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    drill(room, "P-03")
    room.after(0.0)
    real, exercise = room.incidents("P-03")
    assert (real.state, exercise.state) == (IncidentState.OPEN, IncidentState.CLEARING)
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-03"], ["P-03"])
    room.forget()


def test_an_exercise_sos_takes_from_a_real_routine_call_and_gives_back(room: ControlRoom) -> None:
    """It uses the real path."""
    room.press("P-04", "20")
    call = drill(room, "P-03")
    assert room.holder(PTZ) == ["P-03"]
    room.hang_up(call)
    room.resolve("anna", "P-03")
    room.after(60.0)
    assert room.holder(PTZ) == ["P-04"]
    room.forget()


def test_of_those_who_wait_the_exercise_sos_comes_before_the_routine_call(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-05", "20")
    room.after(1.0)
    drill(room, "P-04")
    room.resolve("anna", "P-03")
    room.hang_up(room.call("P-03", key=next(iter(room.database.rows.calls.values())).key))
    room.forget()
    room.after(60.0)
    shown = [row for row in room.database.asked if row.step.startswith("give_back/")]
    assert {row.incident for row in shown} == {room.incident("P-04").id}
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])
    room.forget()


def test_a_real_routine_call_takes_from_a_routine_exercise_and_lets_it_go_on(room: ControlRoom) -> None:
    room.press("P-03", "20", exercise="yes")
    room.forget()
    room.press("P-04", "20")
    assert (room.holder(PTZ), room.holder(SCREEN)) == (["P-04"], ["P-04"])
    room.after(0.0)
    assert room.state("P-03") is IncidentState.OPEN
    room.forget()


def test_a_click_on_an_exercise_acknowledges_the_exercise(room: ControlRoom) -> None:
    drill(room, "P-03")
    room.acknowledge("anna", "P-03")
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_words_about_a_phone_are_about_its_real_incident(room: ControlRoom) -> None:
    drill(room, "P-03")
    room.event(Kind.ACKNOWLEDGED, source="console", endpoint="1003", attributes={"by": "anna"})
    assert room.state("P-03") is IncidentState.OPEN
    room.event(
        Kind.ACKNOWLEDGED, source="console", endpoint="1003", attributes={"by": "anna", "exercise": "yes"}
    )
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()
