"""Semantics, "Triggers and identity": which call, which incident, whatever a PBX or a phone repeats."""

from __future__ import annotations

import pytest

from bridge.engine import Reason
from bridge.model import IncidentState, Kind, Tier
from tests.engine.control_room import PBX, SOS_AT_03, ControlRoom, Dialled


def test_an_alarm_extension_is_an_sos_from_its_dialing_on(room: ControlRoom) -> None:
    room.press("P-03", "9110")
    assert room.incident("P-03").tier is Tier.EMERGENCY
    room.expects("P-03", *SOS_AT_03)


def test_everything_else_is_routine(room: ControlRoom) -> None:
    room.press("P-03", "20")
    assert room.incident("P-03").tier is Tier.ROUTINE
    assert "escalate_1" not in room.timers("P-03")
    room.forget()


def test_a_button_that_is_no_call_opens_an_sos(room: ControlRoom) -> None:
    room.event(Kind.SOS, source="webhook", key="w-1", endpoint="1003")
    room.expects("P-03", *SOS_AT_03)


def test_the_incident_is_the_same_whichever_event_of_its_call_came_first() -> None:
    kinds = (Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED, Kind.CALL_ENDED, Kind.CALL_FAILED)
    ids = set()
    for kind in kinds:
        room = ControlRoom()
        room.says(kind, room.call("P-03"))
        ids.add(room.incident("P-03").id)
    assert len(ids) == 1


def test_an_sos_from_an_unknown_phone_is_an_sos_without_a_place(room: ControlRoom) -> None:
    room.press("1999")
    incident = room.incident("unknown/1999")
    assert (incident.tier, incident.location) == (Tier.EMERGENCY, "")
    fault = room.fault("unknown/1999", "unknown_phone")
    assert fault is not None
    room.expects("unknown/1999", "wall popup desk-1", "dispatch notify east", picture="none")


def test_an_sos_that_says_nothing_of_itself_is_an_sos(room: ControlRoom) -> None:
    room.event(Kind.SOS, source="webhook", key="w-1")
    room.event(Kind.SOS, source="webhook", key="w-2")
    assert room.state("unknown/w-1") is IncidentState.OPEN
    assert room.state("unknown/w-2") is IncidentState.OPEN
    room.forget()


def test_two_unknown_phones_behind_one_gateway_are_two(room: ControlRoom) -> None:
    for caller in ("2098", "2099", ""):
        room.says(Kind.CALL_DIALING, room.call("gateway", caller=caller, key=f"1.{caller}"))
    phones = {row.phone: row.pressed for row in room.database.rows.incidents.values()}
    assert phones == {
        "unknown/gateway/2098": 1,
        "unknown/gateway/2099": 1,
        "unknown/gateway/1.": 1,
    }
    room.forget()


def test_the_redial_of_an_unknown_phone_joins(room: ControlRoom) -> None:
    room.hang_up(room.press("1999"))
    room.press("1999")
    assert room.incident("unknown/1999").pressed == 2
    room.forget()


def test_an_unknown_phone_on_another_extension_is_ignored(room: ControlRoom) -> None:
    assert room.says(Kind.CALL_DIALING, room.call("1999", "20")) is None
    assert room.database.events == {}


def test_an_inbound_call_to_a_phone_with_an_open_incident_joins_it(room: ControlRoom) -> None:
    room.press("P-03")
    room.forget()
    back = room.ring("P-03")
    [call] = [call for call in room.database.rows.calls.values() if call.key == back.key]
    assert call.incident == room.incident("P-03").id
    assert room.incident("P-03").pressed == 1


def test_an_inbound_call_to_a_quiet_phone_is_routine_once_it_is_picked_up(room: ControlRoom) -> None:
    call = room.ring("P-03")
    assert room.incidents("P-03") == []
    room.answer(call)
    assert room.incident("P-03").tier is Tier.ROUTINE
    room.forget()


def test_an_inbound_call_that_nobody_picks_up_leaves_nothing(room: ControlRoom) -> None:
    call = room.ring("P-03")
    room.hang_up(call, by="caller")
    assert room.incidents("P-03") == []


def test_an_inbound_call_to_the_alarm_extension_of_a_phone_is_no_sos(room: ControlRoom) -> None:
    call = Dialled("7.1", "1003", "2002", "9110", "in")
    room.says(Kind.CALL_DIALING, call)
    room.says(Kind.CALL_ANSWERED, call)
    assert room.incident("P-03").tier is Tier.ROUTINE
    room.forget()


def test_an_sos_while_an_inbound_call_rings_hosts_that_call_too(room: ControlRoom) -> None:
    ringing = room.ring("P-03")
    room.press("P-03")
    room.answer(ringing)
    assert {call.incident for call in room.database.rows.calls.values()} == {room.incident("P-03").id}
    room.forget()


# --- the same key again -----------------------------------------------------------------------------


def test_the_same_fact_twice_is_one(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.forget()
    incident = room.incident("P-03")
    again = room.says(Kind.CALL_DIALING, call)
    assert again is not None
    assert again.reason is Reason.DUPLICATE
    assert room.incident("P-03") == incident


def test_the_same_fact_by_ami_and_ari_is_one(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.forget()
    again = room.event(
        Kind.CALL_DIALING,
        key=call.key,
        endpoint=call.endpoint,
        dialled=call.dialled,
        at=room.now + 0.3,
        via="ari",
    )
    assert again is not None
    assert again.reason is Reason.DUPLICATE


@pytest.mark.parametrize(("pause", "presses"), [(59.0, 1), (60.0, 1), (61.0, 2)])
def test_a_start_more_than_60_s_after_the_end_is_a_new_call(
    room: ControlRoom, pause: float, presses: int
) -> None:
    call = room.press("P-03")
    room.hang_up(call)
    room.after(pause)
    room.says(Kind.CALL_DIALING, call)
    assert room.incident("P-03").pressed == presses
    assert (room.fault(PBX, "reused_key") is not None) is (presses == 2)
    room.forget()


def test_a_repeated_key_after_the_incident_is_closed_opens_another(room: ControlRoom) -> None:
    for _ in range(3):
        call = room.call("P-03", key="1.1")
        room.says(Kind.CALL_DIALING, call)
        room.resolve("anna", "P-03")
        room.hang_up(call)
        room.after(121.0)
    assert len({incident.id for incident in room.incidents("P-03")}) == 3
    assert all(incident.state is IncidentState.CLOSED for incident in room.incidents("P-03"))
    room.forget()


def test_the_same_key_from_another_phone_is_another_incident(room: ControlRoom) -> None:
    room.says(Kind.CALL_DIALING, room.call("P-03", key="1.1"))
    room.says(Kind.CALL_DIALING, room.call("P-05", key="1.1"))
    assert room.incident("P-03").id != room.incident("P-05").id
    assert (room.incident("P-03").pressed, room.incident("P-05").pressed) == (1, 1)
    assert room.fault(PBX, "reused_key") is not None
    room.forget()


def test_the_same_key_with_another_extension_is_another_call(room: ControlRoom) -> None:
    room.hang_up(room.press("P-03", "20"))
    first = room.call("P-03", "20", key="1.1")
    room.says(Kind.CALL_DIALING, first)
    room.says(Kind.CALL_ENDED, first)
    room.says(Kind.CALL_DIALING, room.call("P-03", "9110", key="1.1"))
    assert room.incident("P-03").tier is Tier.EMERGENCY
    assert room.fault(PBX, "reused_key") is not None
    room.forget()


def test_a_key_that_only_moves_to_the_alarm_extension_is_no_fault(room: ControlRoom) -> None:
    """A feature code leads the phone's own call to the alarm: the PBX repeats nothing."""
    room.says(Kind.CALL_DIALING, room.call("P-03", "*9", key="1.1"))
    room.says(Kind.CALL_DIALING, room.call("P-03", "9110", key="1.1"))
    room.says(Kind.CALL_ENDED, room.call("P-03", "*9", key="1.1"))
    assert room.incident("P-03").tier is Tier.EMERGENCY
    assert room.state("P-03") is IncidentState.OPEN
    assert "hangup_dispatch" not in room.timers("P-03")
    assert room.fault(PBX, "reused_key") is None
    room.forget()


def test_nor_is_it_one_when_the_end_of_what_it_was_is_known_first(room: ControlRoom) -> None:
    """Another node may have told it."""
    alias = room.call("P-03", "*9", key="1.1")
    room.says(Kind.CALL_DIALING, alias)
    room.says(Kind.CALL_ENDED, alias, ended_by="pbx", outcome="redirected")
    room.says(Kind.CALL_DIALING, room.call("P-03", "9110", key="1.1"))
    assert room.incident("P-03").tier is Tier.EMERGENCY
    assert room.fault(PBX, "reused_key") is None
    room.forget()


def test_the_events_of_a_repeated_key_may_come_in_any_order_too(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.hang_up(call)
    room.after(100.0)
    room.answer(call)
    room.says(Kind.CALL_DIALING, call, at=room.now - 1.0)
    assert room.incident("P-03").pressed == 2
    assert [row.occurrence for row in room.database.rows.calls.values()] == [0, 1]
    room.forget()


def test_a_late_end_is_not_a_new_call(room: ControlRoom) -> None:
    """A second node finds out minutes later, after its link was down, that the phone is gone."""
    call = room.press("P-03")
    room.hang_up(call)
    room.resolve("anna", "P-03")
    room.after(300.0)
    room.forget()
    room.says(Kind.CALL_FAILED, call)
    assert len(room.incidents("P-03")) == 1
    assert room.decisions[-1].reason is Reason.LATE


def test_an_end_of_a_call_that_nobody_saw_is_an_sos_all_the_same(room: ControlRoom) -> None:
    room.hang_up(room.call("P-03"))
    assert (room.state("P-03"), room.incident("P-03").pressed) == (IncidentState.OPEN, 1)
    assert "hangup_dispatch" in room.timers("P-03")
    room.forget()


def test_the_end_of_a_routine_call_that_nobody_saw_opens_nothing(room: ControlRoom) -> None:
    room.hang_up(room.call("P-03", "20"))
    assert room.incidents("P-03") == []


def test_the_same_webhook_id_from_another_phone_is_another_incident(room: ControlRoom) -> None:
    room.event(Kind.SOS, source="webhook", key="1", endpoint="1003")
    room.event(Kind.SOS, source="webhook", key="1", endpoint="1005")
    assert room.incident("P-03").id != room.incident("P-05").id
    room.forget()


def test_a_webhook_id_may_be_repeated_for_the_next_kind(room: ControlRoom) -> None:
    room.event(Kind.OFF_HOOK, source="webhook", key="1", endpoint="1003")
    room.after(60.0)
    assert room.state("P-03") is IncidentState.CLOSED
    room.event(Kind.SOS, source="webhook", key="1", endpoint="1003")
    assert [incident.tier for incident in room.incidents("P-03")] == [Tier.ROUTINE, Tier.EMERGENCY]
    room.forget()


def test_an_alarm_call_that_the_pbx_could_not_place_is_a_fault_and_an_sos(room: ControlRoom) -> None:
    call = room.call("P-03")
    room.says(Kind.CALL_FAILED, call, text="no route")
    assert room.state("P-03") is IncidentState.OPEN
    fault = room.fault("P-03", "call_refused")
    assert fault is not None
    assert "no route" in fault.text
    room.answer(room.press("P-03"))
    assert room.fault("P-03", "call_refused") is None
    room.forget()
