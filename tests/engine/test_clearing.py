"""Semantics, "Incidents": what clears an incident, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import DeliveryState, IncidentState, Kind, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import (
    DISPATCH,
    ROUTINE_AT_03,
    SOS_AT_03,
    STOP_ROUTINE_AT_03,
    STOP_SOS_AT_03,
    TOLD,
    ControlRoom,
)
from tests.engine.site import PLAN, RULES

TELL_DISPATCH = replace(
    PLAN,
    rules=(
        *RULES,
        Rule(step=Step.CLEARED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    ),
)


def test_a_routine_call_is_cleared_by_hangup_and_post_roll(room: ControlRoom) -> None:
    call = room.press("P-03", "20")
    room.expects("P-03", *ROUTINE_AT_03)
    room.connect(call, "2002")
    room.expects("P-03", TOLD)
    room.hang_up(call)
    room.expects("P-03", TOLD)
    assert room.state("P-03") is IncidentState.CLEARING
    room.after(29.9)
    assert room.state("P-03") is IncidentState.CLEARING
    room.after(0.1)
    room.expects("P-03", *STOP_ROUTINE_AT_03)
    closed = room.incident("P-03")
    assert (closed.state, closed.closed_by, closed.closed_at) == (IncidentState.CLOSED, "caller", room.now)


def test_an_off_hook_contact_without_a_call_ends_by_itself(room: ControlRoom) -> None:
    room.event(Kind.OFF_HOOK, source="relay", endpoint="1003")
    room.expects("P-03", *ROUTINE_AT_03)
    room.after(30.0)
    room.expects("P-03", TOLD)
    room.after(30.0)
    room.expects("P-03", *STOP_ROUTINE_AT_03)


def test_an_off_hook_contact_with_a_call_ends_with_the_call(room: ControlRoom) -> None:
    room.event(Kind.OFF_HOOK, source="relay", endpoint="1003")
    call = room.press("P-03", "20")
    room.after(90.0)
    assert room.state("P-03") is IncidentState.OPEN
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


def test_a_hangup_of_an_unanswered_sos_clears_nothing(room: ControlRoom) -> None:
    """Collapse, cut line: it stays open, recording and escalating."""
    call = room.press("P-03")
    room.after(1.0)
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.OPEN
    room.expects("P-03", *SOS_AT_03)
    room.after(3.0)
    room.expects("P-03", DISPATCH)
    room.after(4.0)
    room.expects("P-03", DISPATCH)
    room.after(12.0)
    room.expects("P-03", "wall popup supervisor")
    room.after(40.0)
    room.expects("P-03", "wall show big")
    room.after(600.0)
    room.expects("P-03", DISPATCH)
    assert room.state("P-03") is IncidentState.OPEN


def test_a_hangup_of_an_sos_that_was_answered_but_not_acknowledged_clears_nothing(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.connect(call, "2002")
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.OPEN
    room.forget()


def test_a_hangup_of_an_sos_that_was_acknowledged_but_not_answered_clears_nothing(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_a_hangup_of_an_sos_that_was_answered_and_acknowledged_clears_it(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.connect(call, "2002")
    room.acknowledge("anna", "P-03")
    room.forget()
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.CLEARING
    room.expects("P-03", TOLD)
    room.after(60.0)
    room.expects("P-03", *STOP_SOS_AT_03)


def test_who_was_connected_before_the_last_press_does_not_count(room: ControlRoom) -> None:
    """The second time the worker presses, says nothing and hangs up, while somebody clicks."""
    first = room.press("P-03")
    room.connect(first, "2002")
    room.hang_up(first)
    second = room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.hang_up(second)
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_who_still_talks_on_another_call_does_not_count_for_the_last_press(room: ControlRoom) -> None:
    first = room.press("P-03")
    room.connect(first, "2002")
    second = room.press("P-03")
    room.hang_up(first)
    room.acknowledge("anna", "P-03")
    room.hang_up(second)
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_a_callback_that_nobody_picks_up_clears_nothing(room: ControlRoom) -> None:
    """Talked, cut off, acknowledged by the dispatcher, called back: silence at the post."""
    first = room.press("P-03")
    room.connect(first, "2002")
    room.hang_up(first)
    room.acknowledge("anna", "P-03")
    back = room.ring("P-03")
    room.hang_up(back)
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.forget()


def test_a_callback_that_was_talked_on_clears_by_its_hangup(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    room.acknowledge("anna", "P-03")
    back = room.ring("P-03")
    room.answer(back)
    room.connect(back, "2002")
    room.hang_up(back)
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


def test_an_sos_is_cleared_by_a_named_person(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.hang_up(call)
    room.resolve("anna", "P-03")
    incident = room.incident("P-03")
    assert (incident.state, incident.closed_by) == (IncidentState.CLEARING, "anna")
    room.forget()


def test_an_sos_is_not_cleared_by_nobody(room: ControlRoom) -> None:
    room.press("P-03")
    room.event(Kind.RESOLVED, incident=room.incident("P-03").id)
    assert room.state("P-03") is IncidentState.OPEN
    assert any("nobody is named" in line for line in room.story("P-03"))
    room.forget()


def test_an_sos_is_cleared_by_the_phones_reset(room: ControlRoom) -> None:
    room.event(Kind.SOS, source="relay", endpoint="1003")
    room.event(Kind.SOS_CLEARED, source="relay", endpoint="1003")
    assert room.incident("P-03").closed_by == "the phone's reset"
    room.forget()


def test_a_reset_says_nothing_about_a_routine_call(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.event(Kind.SOS_CLEARED, source="relay", endpoint="1003")
    assert room.state("P-03") is IncidentState.OPEN
    room.forget()


def test_one_hangup_clears_nothing_while_another_call_lives(room: ControlRoom) -> None:
    first = room.press("P-03")
    room.connect(first, "2002")
    room.acknowledge("anna", "P-03")
    second = room.ring("P-03")
    room.answer(second)
    room.hang_up(first)
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    room.hang_up(second)
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


def test_one_hangup_of_a_routine_incident_clears_nothing_while_another_call_lives(room: ControlRoom) -> None:
    first, second = room.press("P-03", "20"), room.press("P-03", "21")
    room.hang_up(first)
    assert room.state("P-03") is IncidentState.OPEN
    room.hang_up(second)
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


def test_the_post_roll_waits_for_the_last_call(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.resolve("anna", "P-03")
    room.forget()
    room.after(200.0)
    assert room.state("P-03") is IncidentState.CLEARING
    room.hang_up(call)
    room.after(60.0)
    assert room.state("P-03") is IncidentState.CLOSED
    room.expects("P-03", *STOP_SOS_AT_03)


def test_the_next_routine_call_within_the_post_roll_is_shown_again(room: ControlRoom) -> None:
    """What is still on stays on: nothing is switched twice, no preset recalled twice."""
    room.hang_up(room.press("P-03", "20"))
    room.after(10.0)
    room.forget()
    second = room.press("P-03", "20")
    room.expects("P-03", "wall popup desk-1")
    assert "post_roll" not in room.timers("P-03")
    room.hang_up(second)
    room.expects("P-03", TOLD)
    room.after(30.0)
    room.expects("P-03", *STOP_ROUTINE_AT_03)


def test_who_cleared_it_first_is_kept(room: ControlRoom) -> None:
    room.press("P-03")
    room.resolve("anna", "P-03")
    room.resolve("bert", "P-03")
    assert room.incident("P-03").closed_by == "anna"
    assert "resolved by bert: it was cleared already" in room.story("P-03")
    room.forget()


def test_a_closed_incident_is_not_opened_again_but_followed_by_another(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    room.resolve("anna", "P-03")
    room.after(60.0)
    room.forget()
    room.press("P-03")
    assert [row.state for row in room.incidents("P-03")] == [IncidentState.CLOSED, IncidentState.OPEN]
    room.expects("P-03", *SOS_AT_03)


# --- a loss is no hangup ------------------------------------------------------------------------------


def test_an_sos_whose_call_is_lost_stays_open_until_the_phone_was_talked_to_again(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.connect(call, "2002")
    room.acknowledge("anna", "P-03")
    room.says(Kind.CALL_ENDED, call, ended_by="pbx", lost="yes")
    assert room.state("P-03") is IncidentState.ACKNOWLEDGED
    assert room.incident("P-03").connected_at is None
    back = room.ring("P-03")
    room.answer(back)
    room.connect(back, "2002")
    room.hang_up(back)
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


def test_a_routine_call_that_is_lost_is_over(room: ControlRoom) -> None:
    room.says(Kind.CALL_ENDED, room.press("P-03", "20"), ended_by="pbx", lost="yes")
    assert room.state("P-03") is IncidentState.CLEARING
    room.forget()


# --- dispatch is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize("acknowledged", [False, True])
def test_dispatch_is_told_of_an_sos_that_somebody_ends(acknowledged: bool) -> None:
    with ControlRoom(TELL_DISPATCH) as room:
        room.hang_up(room.press("P-03"))
        if acknowledged:
            room.acknowledge("anna", "P-03")
        room.forget()
        room.resolve("bert", "P-03")
        room.expects("P-03", TOLD, DISPATCH, closed_by="bert")


def test_dispatch_is_told_of_a_reset() -> None:
    with ControlRoom(TELL_DISPATCH) as room:
        room.event(Kind.SOS, source="relay", endpoint="1003")
        room.forget()
        room.event(Kind.SOS_CLEARED, source="relay", endpoint="1003")
        room.expects("P-03", TOLD, DISPATCH)


@pytest.mark.parametrize("dialled", ["20", "9110"])
def test_a_hangup_that_clears_is_no_news_to_dispatch(dialled: str) -> None:
    with ControlRoom(TELL_DISPATCH) as room:
        call = room.press("P-03", dialled)
        room.connect(call, "2002")
        room.acknowledge("anna", "P-03")
        room.forget()
        room.hang_up(call)
        room.expects("P-03", TOLD)


def test_a_press_takes_back_the_word_that_it_is_over() -> None:
    with ControlRoom(TELL_DISPATCH) as room:
        room.hang_up(room.press("P-03"))
        room.resolve("bert", "P-03")
        room.press("P-03")
        states = {
            row.step: row.state
            for row in room.database.rows.deliveries.values()
            if row.operation is Operation.NOTIFY
        }
        assert states["cleared/1"] is DeliveryState.SUPERSEDED
        room.forget()
