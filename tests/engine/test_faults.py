"""Faults: opened and cleared by their own events, never an incident, never twice."""

from __future__ import annotations

import pytest

from bridge.engine import Reason
from bridge.model import Kind
from tests.engine.control_room import ControlRoom


@pytest.mark.parametrize(
    ("opened", "cleared", "what"),
    [
        (Kind.OFFLINE, Kind.ONLINE, "offline"),
        (Kind.LINK_LOST, Kind.LINK_RESTORED, "link"),
        (Kind.FAULT, Kind.FAULT_CLEARED, "fault"),
    ],
)
def test_a_fault_is_an_interval(room: ControlRoom, opened: Kind, cleared: Kind, what: str) -> None:
    room.event(opened, endpoint="1003", attributes={"text": "first"})
    start = room.now
    room.now += 5.0
    room.event(opened, endpoint="1003", attributes={"text": "second"})
    fault = room.fault("P-03", what)
    assert fault is not None
    assert (fault.opened_at, fault.text) == (start, "second")
    decision = room.event(cleared, endpoint="1003")
    assert decision is not None
    assert decision.faults["P-03", what].cleared_at == room.now
    assert room.fault("P-03", what) is None
    again = room.event(cleared, endpoint="1003")
    assert again is not None
    assert (again.reason, again.faults) == (Reason.NOTED, {})


@pytest.mark.parametrize("kind", [Kind.TAMPER, Kind.CLOCK_STEPPED])
def test_other_faults_have_their_names(room: ControlRoom, kind: Kind) -> None:
    room.event(kind, attributes={"subject": "somewhere"})
    assert room.fault("somewhere", {Kind.TAMPER: "tamper", Kind.CLOCK_STEPPED: "clock"}[kind]) is not None


def test_a_fault_names_its_subject_and_kind_itself(room: ControlRoom) -> None:
    room.event(Kind.FAULT, endpoint="1003", attributes={"subject": "ami/pbx1", "what": "login"})
    assert room.fault("ami/pbx1", "login") is not None


def test_a_fault_of_an_endpoint_that_is_no_phone_keeps_its_name(room: ControlRoom) -> None:
    """What opens and what clears it may come with different caller IDs."""
    room.event(Kind.OFFLINE, endpoint="trunk", caller="0401")
    room.event(Kind.ONLINE, endpoint="trunk")
    assert room.database.rows.faults == {}


def test_a_reused_key_is_one_fault_however_often(room: ControlRoom) -> None:
    opened = []
    for _ in range(3):
        call = room.call("P-03", "20", key="1.1")
        room.says(Kind.CALL_DIALING, call)
        room.hang_up(call)
        room.after(61.0)
        fault = room.fault("asterisk/pbx1", "reused_key")
        opened.append(fault.opened_at if fault else None)
    assert opened[0] is None
    assert opened[1] == opened[2]
    room.forget()


# --- grouped by cause ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["expired", "uncertain", "failed"])
def test_while_a_link_is_down_its_deliveries_open_no_faults_of_their_own(
    room: ControlRoom, state: str
) -> None:
    room.link("wall", up=False)
    room.press("P-03")
    room.settle("P-03", "wall show desk-1", state)
    room.settle("P-03", "wall popup desk-1", state)
    assert room.database.rows.faults.keys() == {("driver/wall", "link")}
    assert any(f"wall popup desk-1: {state}" in line for line in room.story("P-03")), "the story tells it"
    room.link("wall", up=True)
    assert room.database.rows.faults == {}, "nothing stale stays"
    room.forget()


def test_the_link_of_one_driver_is_not_the_cause_of_what_another_could_not_do(room: ControlRoom) -> None:
    room.link("wall", up=False)
    room.press("P-03")
    room.settle("P-03", "zm bookmark PTZ-01", "failed")
    assert room.fault("driver/zm", "bookmark") is not None
    room.forget()


@pytest.mark.parametrize("kind", [Kind.RESOLVED, Kind.SOS_CLEARED])
def test_who_ends_an_incident_ends_what_the_dialplan_said_of_its_calls(room: ControlRoom, kind: Kind) -> None:
    """The PBX gave up ringing dispatch; somebody found the caller all the same."""
    first = room.press("P-03")
    room.hang_up(first)
    second = room.press("P-03")
    other = room.press("P-05")
    incident = room.incident("P-03")
    for about in (first.key, second.key, other.key, incident.id):
        room.event(Kind.FAULT, attributes={"subject": f"call/{about}", "what": "unanswered"})
    room.event(kind, incident=incident.id, attributes={"by": "anna"})
    assert [room.fault(f"call/{about}", "unanswered") for about in (first.key, second.key, incident.id)] == [
        None,
        None,
        None,
    ]
    assert room.fault(f"call/{other.key}", "unanswered") is not None
    room.forget()


def test_faults_move_no_camera(room: ControlRoom) -> None:
    for kind in (Kind.TAMPER, Kind.FAULT, Kind.OFFLINE, Kind.LINK_LOST, Kind.CLOCK_STEPPED):
        room.event(kind, endpoint="1003")
    assert room.database.asked == []
    assert room.database.rows.incidents == {}
