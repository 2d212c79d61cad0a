"""Semantics, "Incidents": a named person has it; a console that talks; unresolved."""

from __future__ import annotations

from bridge.engine import Reason
from bridge.model import IncidentState, Kind
from tests.engine.control_room import DISPATCH, PBX, TOLD, ControlRoom
from tests.engine.site import DESK


def test_acknowledging_stops_every_call_for_attention(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(1.0)
    room.forget()
    room.acknowledge("anna", "P-03")
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    assert room.timers("P-03").keys() == {"unresolved", "recording_warning", "recording_cap"}
    room.expects("P-03", TOLD)
    room.after(599.0)


def test_the_first_to_acknowledge_wins_and_all_are_recorded(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.acknowledge("bert", "P-03")
    assert room.incident("P-03").acknowledged_by == "anna"
    assert room.story("P-03")[-2:] == [
        "acknowledged by anna (click)",
        "also acknowledged by bert (click); anna was first",
    ]
    room.forget()


def test_a_press_of_1_finds_its_incident_by_the_call(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.event(
        Kind.ACKNOWLEDGED, attributes={"by": "dispatcher-1", "how": "dtmf", "call_key": call.key}, via="ami"
    )
    assert room.incident("P-03").acknowledged_by == "dispatcher-1"
    room.forget()


def test_a_press_of_1_finds_its_incident_by_the_call_when_the_incidents_id_is_garbled(
    room: ControlRoom,
) -> None:
    call = room.press("P-03")
    room.event(Kind.ACKNOWLEDGED, incident="no-such-incident", attributes={"by": "d-1", "call_key": call.key})
    assert room.incident("P-03").acknowledged_by == "d-1"
    room.forget()


def test_a_press_of_1_belongs_to_the_newest_call_of_a_repeated_key(room: ControlRoom) -> None:
    for _ in range(2):
        call = room.call("P-03", key="1.1")
        room.says(Kind.CALL_DIALING, call)
        if not room.incidents("P-03")[1:]:
            room.resolve("anna", "P-03")
            room.hang_up(call)
            room.after(121.0)
    room.event(Kind.ACKNOWLEDGED, attributes={"by": "d-1", "call_key": "1.1"})
    assert [row.acknowledged_by for row in room.incidents("P-03")] == ["", "d-1"]
    room.forget()


def test_a_press_of_1_finds_its_incident_by_the_callback(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    back = room.ring("P-03")
    room.event(Kind.ACKNOWLEDGED, attributes={"by": "d-1", "call_key": back.key})
    assert room.incident("P-03").acknowledged_by == "d-1"
    room.forget()


def test_an_acknowledgement_of_an_unknown_call_acknowledges_nothing(room: ControlRoom) -> None:
    room.press("P-03")
    for attributes in ({"by": "d-1", "call_key": "7.7"}, {"by": "d-1"}):
        room.event(Kind.ACKNOWLEDGED, attributes=attributes)
        assert room.decisions[-1].reason is Reason.ORPHAN
    room.event(Kind.ACKNOWLEDGED, incident="no-such-incident", endpoint="1003", attributes={"by": "d-1"})
    assert room.decisions[-1].reason is Reason.ORPHAN
    assert room.state("P-03") is IncidentState.OPEN
    room.forget()


def test_an_acknowledgement_by_the_call_of_another_pbx_acknowledges_nothing(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.event(Kind.ACKNOWLEDGED, source="asterisk/pbx2", attributes={"by": "d-1", "call_key": call.key})
    assert room.state("P-03") is IncidentState.OPEN
    room.forget()


def test_the_phone_itself_may_name_the_incident(room: ControlRoom) -> None:
    room.press("P-03")
    room.event(Kind.ACKNOWLEDGED, source="console", endpoint="1003", attributes={"by": "anna"})
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_an_acknowledgement_after_it_was_cleared_is_only_recorded(room: ControlRoom) -> None:
    room.press("P-03")
    room.resolve("anna", "P-03")
    room.acknowledge("bert", "P-03")
    assert (room.state("P-03"), room.incident("P-03").acknowledged_by) == (IncidentState.CLEARING, "")
    room.forget()


def test_acknowledged_but_unresolved_after_10_min_alerts_again_and_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.forget()
    for _ in range(3):
        room.after(599.0)
        room.expects_nothing_more()
        room.after(1.0)
        room.expects("P-03", DISPATCH)
        assert room.story("P-03")[-1] == "acknowledged by anna, but unresolved"


def test_an_acknowledged_routine_call_may_last(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.acknowledge("anna", "P-03")
    room.forget()
    room.after(3000.0)


def test_a_call_to_dispatch_that_still_waits_is_not_made_once_somebody_has_it(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(4.0)
    room.settle("P-03", DISPATCH, "retry")
    room.acknowledge("anna", "P-03")
    assert room.delivery("P-03", DISPATCH).state == "superseded"
    room.forget()


def test_that_somebody_is_on_the_line_is_told_once_a_press(room: ControlRoom) -> None:
    first, second = room.press("P-03"), room.ring("P-03")
    room.connect(first, "2002")
    room.settle_all()
    room.acknowledge("anna", "P-03")
    room.forget()
    room.answer(second)
    room.connect(second, "2003")


# --- a console picks up -----------------------------------------------------------------------------


def test_a_call_connected_for_5_s_to_a_console_suspends_escalation(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.after(3.0)
    room.connect(call, DESK)
    room.forget()
    room.after(5.0)
    assert room.decisions[-1].reason is Reason.SUSPENDED
    room.after(30.0)
    assert room.state("P-03") is IncidentState.CONNECTED


def test_without_a_click_within_60_s_escalation_resumes_on_the_screens(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, DESK)
    room.forget()
    room.after(5.0 + 59.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", "wall popup supervisor")
    room.after(39.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", "wall show big")


def test_a_suspended_escalation_resumes_where_it_stood(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.after(20.0)
    room.connect(call, DESK)
    room.forget()
    room.after(65.0)
    room.expects("P-03", "wall show big")


def test_a_click_within_the_60_s_ends_it(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, DESK)
    room.after(30.0)
    room.forget()
    room.acknowledge("anna", "P-03")
    room.expects("P-03", TOLD)
    room.after(500.0)


def test_a_console_that_picks_up_after_the_acknowledgement_changes_nothing(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.connect(call, DESK)
    room.forget()
    room.after(599.0)
    assert room.timers("P-03").keys() == {"unresolved", "recording_warning", "recording_cap"}


def test_a_console_that_hangs_up_within_5_s_suspends_nothing(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, DESK)
    room.after(4.9)
    room.hang_up(call, by="called")
    room.after(0.1)
    assert "escalate_1" in room.timers("P-03")
    room.forget()


def test_any_other_answer_needs_the_1(room: ControlRoom) -> None:
    """Answered is not informed."""
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, "voicemail")
    room.forget()
    room.after(20.0)
    room.expects("P-03", "wall popup supervisor")


def test_only_the_consoles_own_call_counts_for_the_5_s(room: ControlRoom) -> None:
    """The console leaves after 3 s; somebody else, who may be a voicemail, is still on another call."""
    first = room.press("P-03")
    room.settle_all()
    other = room.ring("P-03")
    room.answer(other)
    room.connect(other, "2002")
    room.connect(first, DESK)
    room.after(3.0)
    room.hang_up(first, by="called")
    room.after(2.0)
    assert "escalate_1" in room.timers("P-03")
    room.forget()


def test_pressing_again_during_a_suspension_starts_escalation_afresh(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, DESK)
    room.after(10.0)
    room.hang_up(call)
    room.press("P-03")
    timers = room.timers("P-03")
    assert (timers["escalate_1"], timers["escalate_2"]) == (20.0, 60.0)
    assert not timers.keys() & {"console_click", "console_settle"}
    room.forget()


def test_a_console_that_talks_does_not_keep_dispatch_from_being_told_of_a_missing_picture(
    room: ControlRoom,
) -> None:
    call = room.press("P-03")
    room.connect(call, DESK)
    room.forget()
    room.after(4.0)
    room.expects("P-03", DISPATCH)


def test_an_sos_that_nobody_acknowledges_alerts_again_every_10_min(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(60.0)
    room.forget()
    for _ in range(3):
        room.after(600.0)
        room.expects("P-03", DISPATCH)
        assert room.story("P-03")[-1] == "nobody has acknowledged it yet"


def test_an_unnamed_acknowledgement_is_named_after_where_it_came_from(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.event(Kind.ACKNOWLEDGED, attributes={"by": "", "call_key": call.key})
    assert room.incident("P-03").acknowledged_by == PBX
    room.forget()
