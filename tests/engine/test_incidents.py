"""Semantics, "Incidents": one open incident a phone, a set of calls, whatever order their events come in."""

from __future__ import annotations

from itertools import permutations

import pytest

from bridge.engine import Reason
from bridge.model import IncidentState, Kind, Tier
from tests.engine.control_room import (
    DISPATCH,
    SOS_AT_03,
    ControlRoom,
)

# --- one a phone ------------------------------------------------------------------------------------


def test_a_second_trigger_joins_and_raises_the_tier(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-03")
    [incident] = room.incidents("P-03")
    assert (incident.tier, incident.pressed) == (Tier.EMERGENCY, 1)
    room.forget()


def test_a_second_trigger_never_lowers_the_tier(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-03", "20")
    [incident] = room.incidents("P-03")
    assert (incident.tier, incident.pressed) == (Tier.EMERGENCY, 1)
    room.forget()


def test_phones_at_one_location_are_never_merged(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-05")
    assert room.incident("P-04").id != room.incident("P-05").id
    room.forget()


@pytest.mark.parametrize("kind", [Kind.TAMPER, Kind.FAULT, Kind.OFFLINE])
def test_a_fault_never_hosts_a_call(room: ControlRoom, kind: Kind) -> None:
    room.event(kind, endpoint="1003")
    assert room.incidents("P-03") == []
    room.press("P-03")
    room.expects("P-03", *SOS_AT_03)


@pytest.mark.parametrize("scene", ["acknowledged", "clearing"])
def test_a_new_sos_call_on_an_acknowledged_or_clearing_incident_reopens_it(
    room: ControlRoom, scene: str
) -> None:
    room.press("P-03")
    room.after(10.0)
    room.acknowledge("anna", "P-03")
    if scene == "clearing":
        room.resolve("anna", "P-03")
    room.forget()
    room.press("P-03")
    incident = room.incident("P-03")
    assert (incident.state, incident.pressed) == (IncidentState.OPEN, 2)
    assert (incident.acknowledged_at, incident.acknowledged_by) == (None, "")
    assert (incident.clearing_at, incident.closed_by, incident.close_reason) == (None, "", "")
    room.expects("P-03", "wall popup desk-1", DISPATCH)
    timers = room.timers("P-03")
    assert (timers["escalate_1"], timers["escalate_2"]) == (20.0, 60.0)
    assert not timers.keys() & {"unresolved", "post_roll"}


def test_every_press_is_counted_and_told(room: ControlRoom) -> None:
    """An SOS is never debounced."""
    for presses in range(1, 6):
        room.press("P-03")
        assert room.incident("P-03").pressed == presses
    lines = [row.step for row in room.database.asked if row.operation == "notify"]
    assert lines == ["pressed_again/2", "pressed_again/3", "pressed_again/4", "pressed_again/5"]
    room.forget()


def test_of_several_calls_to_dispatch_that_wait_only_the_last_is_made(room: ControlRoom) -> None:
    for _ in range(5):
        room.press("P-03")
    waiting = [
        row
        for row in room.database.rows.deliveries.values()
        if row.operation == "notify" and not row.state.settled
    ]
    assert [row.step for row in waiting] == ["pressed_again/5"]
    room.forget()


def test_pressing_again_does_not_put_off_escalation(room: ControlRoom) -> None:
    room.press("P-03")
    for _ in range(3):
        room.after(6.0)
        room.press("P-03")
    assert room.timers("P-03")["escalate_1"] == 2.0
    room.forget()


def test_pressing_again_after_escalation_is_over_starts_it_afresh(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(100.0)
    room.forget()
    room.press("P-03")
    room.expects("P-03", "wall popup desk-1", DISPATCH)
    room.after(20.0)
    room.expects("P-03", "wall popup supervisor")


# --- any order --------------------------------------------------------------------------------------

COURSE = (Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED, Kind.CALL_ENDED)


@pytest.mark.parametrize(
    "order", list(permutations(COURSE)), ids=lambda order: "-".join(k[5:] for k in order)
)
def test_an_sos_call_is_one_open_incident_in_whatever_order_its_events_come(order: tuple[Kind, ...]) -> None:
    room = ControlRoom()
    call, start = room.call("P-03"), room.now
    for kind in order:
        room.says(kind, call, at=start + COURSE.index(kind), connected_to="2002")
        room.now += 0.01
    [incident], [stored] = room.incidents("P-03"), room.database.rows.calls.values()
    assert (incident.state, incident.pressed) == (IncidentState.OPEN, 1)
    assert (stored.dialing_at, stored.ended_at) == (start, start + 3)
    assert (stored.answered_at, stored.connected_at) == (start + 1, start + 2)
    room.after(8.0)
    assert [row.step for row in room.database.asked if row.operation == "notify"] == [
        "no_picture/1",
        "unanswered/1",
    ]


@pytest.mark.parametrize(
    "order", list(permutations(COURSE)), ids=lambda order: "-".join(k[5:] for k in order)
)
def test_a_routine_call_leaves_nothing_open_in_whatever_order_its_events_come(
    order: tuple[Kind, ...],
) -> None:
    room = ControlRoom()
    call = room.call("P-03", "20")
    for kind in order:
        room.says(kind, call, at=room.now + COURSE.index(kind))
    room.after(30.0)
    assert all(row.state is IncidentState.CLOSED for row in room.incidents("P-03"))


def test_what_comes_after_the_end_of_an_inbound_call_opens_nothing(room: ControlRoom) -> None:
    call = room.ring("P-03")
    room.hang_up(call)
    room.answer(call)
    room.connect(call, "2002")
    assert room.incidents("P-03") == []
    assert room.decisions[-1].reason is Reason.ORPHAN
