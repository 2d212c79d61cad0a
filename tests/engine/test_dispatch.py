"""Semantics, "Who rings when": the bridge's part of the table, at the default times."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine import Reason
from bridge.model import IncidentState, Kind, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import DISPATCH, SOS_AT_03, TOLD, ControlRoom
from tests.engine.site import PLAN, RULES

SHOW = "wall show desk-1"
RECORD = "zm start_recording PTZ-01"
RECORD_FIX = "zm start_recording FIX-02"

# --- escalation -------------------------------------------------------------------------------------


def test_the_screens_escalate_at_20_s_and_60_s_without_acknowledge(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.forget()
    room.after(19.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", "wall popup supervisor")
    room.after(39.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", "wall show big")


def test_the_story_names_who_is_told(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(60.0)
    assert "not acknowledged: supervisor is told" in room.story("P-03")
    assert "still not acknowledged: big is told" in room.story("P-03")
    room.forget()


def test_the_story_of_a_site_that_tells_nobody_says_so(room: ControlRoom) -> None:
    steps = {Step.ESCALATE_1, Step.ESCALATE_2, Step.UNANSWERED}
    room.database.plan = replace(PLAN, rules=tuple(rule for rule in RULES if rule.step not in steps))
    room.hang_up(room.press("P-03"))
    room.after(60.0)
    nobody = "nobody is configured to be told"
    for text in (
        f"hung up before anybody had it, and the PBX does not ring dispatch: {nobody}",
        f"not acknowledged: {nobody}",
        f"still not acknowledged: {nobody}",
    ):
        assert text in room.story("P-03")
    room.forget()


def test_somebody_on_the_line_does_not_stop_escalation(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.connect(call, "2002")
    room.forget()
    room.after(60.0)
    room.expects("P-03", "wall popup supervisor", "wall show big")


def test_an_sos_that_is_no_call_has_all_tiers_rung_at_20_s(room: ControlRoom) -> None:
    """No dialplan rings for a relay or a button on the console."""
    room.event(Kind.SOS, source="relay", endpoint="1003")
    room.settle_all()
    room.forget()
    room.after(20.0)
    room.expects("P-03", "wall popup supervisor", DISPATCH)
    assert room.delivery("P-03", DISPATCH).step == "unanswered/1"
    room.settle_all()
    room.after(40.0)
    room.expects("P-03", "wall show big")
    told = "no dialplan rings dispatch (it is no call): dispatch is told"
    assert room.story("P-03").count(told) == 1, "the story tells what is asked for, and at 60 s nothing is"


def test_an_exercise_that_is_no_call_does_not_ring_on_and_on(room: ControlRoom) -> None:
    room.event(Kind.SOS, source="relay", endpoint="1003", attributes={"exercise": "yes"})
    room.settle_all()
    room.forget()
    room.after(20.0)
    room.expects("P-03", "wall popup supervisor")


# --- hung up before a person had it -----------------------------------------------------------------


def test_after_an_unanswered_hangup_the_bridge_rings_dispatch_if_the_pbx_does_not(room: ControlRoom) -> None:
    """5 s for the phone to redial, 2 s for the PBX to say that it rings."""
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.forget()
    room.after(6.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", DISPATCH, picture="confirmed")
    assert room.decisions[-1].reason is Reason.DISPATCHED


def test_the_bridge_does_not_ring_if_a_dispatch_tier_was_started(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.forget()
    room.after(6.0)
    room.event(Kind.DISPATCH_STARTED, attributes={"call_key": call.key, "tier": "1"})
    room.after(10.0)
    assert room.incident("P-03").dispatch_at is not None
    assert "the PBX rings dispatch tier 1" in room.story("P-03")


def test_what_the_bridge_itself_asked_for_is_no_hunt(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.forget()
    said = {"call_key": call.key, "tier": "1", "loop": "0", "ringing": "notify"}
    room.event(Kind.DISPATCH_STARTED, attributes=said)
    room.after(7.0)
    room.expects("P-03", DISPATCH)


def test_a_tier_that_rang_before_the_hangup_does_not_count(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.event(Kind.DISPATCH_STARTED, attributes={"call_key": call.key, "tier": "1"})
    room.hang_up(call)
    room.forget()
    room.after(7.0)
    room.expects("P-03", DISPATCH)


def test_the_wait_is_skipped_if_the_phone_redials(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.after(3.0)
    room.press("P-03")
    room.expects("P-03", *SOS_AT_03, "wall popup desk-1", DISPATCH)
    room.after(16.9)


def test_an_acknowledgement_ends_the_wait(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    room.settle_all()
    room.acknowledge("anna", "P-03")
    room.forget()
    room.after(10.0)


def test_each_hangup_rings_dispatch_anew(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    room.after(7.0)
    back = room.ring("P-03")
    room.answer(back)
    room.connect(back, "2002")
    room.hang_up(back)
    room.forget()
    room.after(7.0)
    room.expects("P-03", DISPATCH)
    assert room.delivery("P-03", DISPATCH).step == "unanswered/1-2"


def test_calls_of_different_steps_are_all_made(room: ControlRoom) -> None:
    """The bridge's link to the PBX is down: each step may ring other people of the group."""
    call = room.press("P-03")
    room.after(4.0)
    room.hang_up(call)
    room.after(7.0)
    waiting = [row.step for row in room.database.asked if row.operation is Operation.NOTIFY]
    assert waiting == ["no_picture/1", "unanswered/1"]
    states = [row.state for row in room.database.rows.deliveries.values() if row.driver == "dispatch"]
    assert states == ["pending", "pending"]
    room.forget()


def word_to_dispatch(room: ControlRoom) -> str:
    """How far the word is that somebody has it."""
    steps = {row.step: row.state for row in room.database.rows.deliveries.values()}
    return steps["acknowledged/1"]


def test_the_word_that_somebody_has_it_outlives_the_clearing_but_not_the_next_press(
    room: ControlRoom,
) -> None:
    """It silences the other dispatchers, and must not silence the next alarm."""
    rule = Rule(step=Step.ACKNOWLEDGED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",))
    others = tuple(rule for rule in RULES if rule.step is not Step.ACKNOWLEDGED)
    room.database.plan = replace(PLAN, rules=(*others, rule))
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.resolve("anna", "P-03")
    assert word_to_dispatch(room) == "pending"
    room.press("P-03")
    assert word_to_dispatch(room) == "superseded"
    room.forget()


def test_somebody_who_is_on_the_line_again_ends_the_wait(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    room.settle_all()
    back = room.ring("P-03")
    room.answer(back)
    room.connect(back, "2002")
    room.forget()
    room.after(10.0)


def test_a_call_to_the_phone_that_it_does_not_pick_up_neither_delays_nor_repeats_the_call(
    room: ControlRoom,
) -> None:
    first = room.press("P-03")
    room.settle_all()
    early = room.ring("P-03")
    room.hang_up(first)
    assert room.timers("P-03")["hangup_dispatch"] == 7.0
    room.forget()
    room.after(5.0)
    room.hang_up(early)
    assert room.timers("P-03")["hangup_dispatch"] == 2.0
    room.after(2.0)
    room.expects("P-03", DISPATCH)
    room.hang_up(room.ring("P-03"))
    assert "hangup_dispatch" not in room.timers("P-03")


def test_a_timer_that_was_set_anew_is_due_only_once(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all()
    room.hang_up(call)
    [stale] = [row for row in room.database.rows.timers.values() if row.name == "hangup_dispatch"]
    room.after(1.0)
    room.hang_up(room.press("P-03"))
    room.forget()
    room.now = stale.due_at
    room.fire(stale)
    assert room.decisions[-1].reason is Reason.LATE
    room.expects_nothing_more()
    room.after(1.0)
    room.expects("P-03", DISPATCH)


def test_a_timer_of_a_closed_incident_is_late(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03"))
    [stale] = [row for row in room.database.rows.timers.values() if row.name == "escalate_1"]
    room.resolve("anna", "P-03")
    room.after(60.0)
    room.forget()
    room.fire(stale)
    assert room.decisions[-1].reason is Reason.LATE


def test_a_timer_of_an_unknown_incident_is_late(room: ControlRoom) -> None:
    room.press("P-03")
    timer = next(iter(room.database.rows.timers.values()))
    room.fire(replace(timer, incident="no-such-incident"))
    assert room.decisions[-1].reason is Reason.LATE
    room.forget()


def test_a_reported_dispatch_call_of_an_unknown_call_is_an_orphan(room: ControlRoom) -> None:
    room.event(Kind.DISPATCH_STARTED, attributes={"call_key": "7.7", "tier": "1"})
    assert room.decisions[-1].reason is Reason.ORPHAN


def test_an_incident_that_was_found_after_a_blind_interval_is_handled_as_new(room: ControlRoom) -> None:
    room.says(Kind.CALL_DIALING, room.call("P-03"), at=room.now - 30.0, recovered="yes")
    incident = room.incident("P-03")
    assert (incident.recovered, incident.opened_at) == (True, room.now - 30.0)
    room.expects("P-03", *SOS_AT_03)
    room.after(4.0)
    room.expects("P-03", DISPATCH)


def test_dispatch_is_told_of_the_newest_call_that_lives(room: ControlRoom) -> None:
    calls = [room.press("P-03")]
    for _ in range(6):
        room.after(1.0)
        calls.append(room.press("P-03"))
        assert room.delivery("P-03", DISPATCH).params["call_key"] == calls[-1].key
    for call in calls[:2] + calls[3:]:
        room.hang_up(call)
    room.acknowledge("anna", "P-03")
    room.after(600.0)
    assert room.delivery("P-03", DISPATCH).params["call_key"] == calls[2].key
    room.forget()


def test_a_tier_that_rings_on_and_on_is_told_once(room: ControlRoom) -> None:
    call = room.press("P-03")
    for loop in ("1", "2", "3"):
        room.event(Kind.DISPATCH_STARTED, attributes={"call_key": call.key, "tier": "1", "loop": loop})
    assert room.story("P-03").count("the PBX rings dispatch tier 1") == 1
    room.forget()


def test_what_is_only_reported_is_only_told(room: ControlRoom) -> None:
    call = room.press("P-03")
    before = room.incident("P-03")
    room.event(Kind.REPORTED, attributes={"call_key": call.key, "text": "nobody pressed 1"})
    assert room.story("P-03")[-1] == "nobody pressed 1"
    assert room.incident("P-03") == before
    room.event(Kind.REPORTED, attributes={"call_key": "7.7", "text": "nobody pressed 1"})
    assert room.decisions[-1].reason is Reason.ORPHAN
    room.forget()


def test_the_steps_that_tell_come_in_the_order_of_the_table(room: ControlRoom) -> None:
    rules = (*RULES, Rule(step=Step.SOS, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)))
    room.database.plan = replace(PLAN, rules=rules)
    call = room.press("P-03")
    room.expects("P-03", *SOS_AT_03, DISPATCH)
    room.after(4.0)
    room.expects_nothing_more()
    room.connect(call, "2002")
    room.expects("P-03", TOLD)
    assert room.state("P-03") is IncidentState.CONNECTED
