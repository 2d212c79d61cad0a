"""Forced recording: stopped by the last to leave, capped with a warning before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine import Reason
from bridge.model import Delivery, Kind, Operation
from tests.engine.control_room import (
    DISPATCH,
    SOS_AT_03,
    STOP_ROUTINE_AT_03,
    STOP_SOS_AT_03,
    TOLD,
    ControlRoom,
)
from tests.engine.site import PLAN

PTZ_RECORDING = "start_recording/zm/zm-PTZ-01"
START_PTZ = "zm start_recording PTZ-01"
STOP_PTZ = "zm stop_recording PTZ-01"
HOUR = 3600.0


def end(room: ControlRoom, phone: str) -> None:
    room.resolve("anna", phone)
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))
    room.after(60.0)


def stops(room: ControlRoom) -> list[Delivery]:
    asked = [row.id for row in room.database.asked if row.operation is Operation.STOP_RECORDING]
    return [room.database.rows.deliveries[row] for row in asked]


# --- the last to leave ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["verified", "accepted", "uncertain", "expired", None])
def test_what_may_be_on_is_stopped(room: ControlRoom, state: str | None) -> None:
    room.press("P-03")
    if state:
        room.settle_all(state)
    end(room, "P-03")
    assert [row.params["camera"] for row in stops(room)] == ["PTZ-01", "FIX-02"]
    room.forget()


def test_a_stop_names_what_the_vms_called_the_recording(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", START_PTZ, "verified", reference="event:17")
    end(room, "P-03")
    assert room.delivery("P-03", STOP_PTZ).params["reference"] == "event:17"
    room.forget()


def test_a_start_that_is_stopped_before_it_was_settled_is_superseded(room: ControlRoom) -> None:
    room.press("P-03")
    end(room, "P-03")
    assert room.delivery("P-03", START_PTZ).state == "superseded"
    room.forget()


def test_a_popup_that_failed_for_good_is_not_closed(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle_all("failed")
    end(room, "P-03")
    assert not [row for row in room.database.asked if row.operation is Operation.CLOSE_POPUP]
    room.forget()


def test_a_popup_that_failed_after_a_doubtful_attempt_is_closed(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle("P-03", "wall popup desk-1", "retry", doubtful="yes")
    room.settle("P-03", "wall popup desk-1", "failed")
    end(room, "P-03")
    assert room.delivery("P-03", "wall close_popup desk-1").state == "pending"
    room.forget()


def test_a_shared_recording_is_stopped_by_the_last_to_leave(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    end(room, "P-03")
    assert [row.params["camera"] for row in stops(room)] == ["FIX-02"]
    end(room, "P-04")
    assert [row.params["camera"] for row in stops(room)] == ["FIX-02", "PTZ-01", "FIX-03"]
    room.forget()


def test_the_last_to_leave_stops_what_only_another_had_managed_to_start(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all("verified")
    room.press("P-04")
    room.settle_all("failed")
    end(room, "P-03")
    end(room, "P-04")
    assert [row.params["camera"] for row in stops(room)].count("PTZ-01") == 1
    room.forget()


def test_a_stop_still_to_come_does_not_hit_the_next_incident(room: ControlRoom) -> None:
    """The VMS is away, the stop waits; by the time it could be done, somebody needs the recording."""
    room.press("P-03")
    end(room, "P-03")
    room.settle("P-03", STOP_PTZ, "retry")
    room.press("P-04")
    assert room.delivery("P-03", STOP_PTZ).state == "superseded"
    assert room.delivery("P-03", "zm stop_recording FIX-02").state == "pending"
    end(room, "P-04")
    assert room.delivery("P-04", STOP_PTZ).state == "pending"
    room.forget()


def test_a_stop_is_tried_for_hours(room: ControlRoom) -> None:
    room.press("P-03", "20")
    end(room, "P-03")
    stop = room.delivery("P-03", STOP_PTZ)
    assert stop.deadline - stop.created_at == 4 * HOUR
    room.expects("P-03", START_PTZ, *SOS_AT_03[2:5], TOLD, *STOP_ROUTINE_AT_03)


def test_a_stop_names_it_even_if_the_last_start_was_not_answered(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", START_PTZ, "verified", reference="event:17")
    incident = room.incident("P-03").id
    room.after(2.0)
    room.event(Kind.HOLD_LOST, source="outbox", incident=incident, attributes={"resource": PTZ_RECORDING})
    assert room.delivery("P-03", START_PTZ).state == "pending"
    end(room, "P-03")
    assert room.delivery("P-03", STOP_PTZ).params["reference"] == "event:17"
    room.forget()


def test_a_stop_that_the_driver_cannot_do_is_not_asked_for(room: ControlRoom) -> None:
    zm = frozenset({Operation.START_RECORDING, Operation.BOOKMARK})
    room.database.plan = replace(PLAN, capabilities={**PLAN.capabilities, "zm": zm})
    room.press("P-03", "20")
    end(room, "P-03")
    assert stops(room) == []
    room.forget()


def test_a_settlement_after_the_stop_only_says_that_it_was_sent(room: ControlRoom) -> None:
    room.press("P-03")
    end(room, "P-03")
    late = room.delivery("P-03", START_PTZ)
    room.settle_delivery(late, "verified")
    assert room.decisions[-1].reason is Reason.LATE
    assert room.delivery("P-03", START_PTZ) == replace(late, attempts=1, started_at=room.now)
    assert room.story("P-03")[-1] == "zm start recording PTZ-01: verified after all: said the driver"
    room.forget()


# --- the cap ----------------------------------------------------------------------------------------


def test_forced_recording_is_capped_at_4_h_with_a_warning_before(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.after(4 * HOUR - 601.0)
    incident = room.incident("P-03")
    assert room.fault(f"incident/{incident.id}", "recording_cap") is None
    room.after(1.0)
    assert room.fault(f"incident/{incident.id}", "recording_cap") is not None
    assert stops(room) == []
    room.after(600.0)
    assert [row.params["camera"] for row in stops(room)] == ["PTZ-01", "FIX-02"]
    assert room.incident("P-03").live
    room.forget()
    end(room, "P-03")
    room.expects(
        "P-03",
        TOLD,
        "wall hide desk-1",
        "wall close_popup desk-1",
    )
    assert room.fault(f"incident/{incident.id}", "recording_cap") is None


def test_a_recording_that_was_stopped_at_the_cap_is_not_switched_on_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(4 * HOUR)
    room.settle_all()
    room.forget()
    incident = room.incident("P-03").id
    room.event(Kind.HOLD_LOST, source="outbox", incident=incident, attributes={"resource": PTZ_RECORDING})
    assert room.decisions[-1].reason is Reason.LATE


def test_pressing_again_after_the_cap_records_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(4 * HOUR)
    room.forget()
    room.press("P-03")
    room.expects(
        "P-03", "zm start_recording PTZ-01", "zm start_recording FIX-02", "wall popup desk-1", DISPATCH
    )
    incident = room.incident("P-03").id
    assert room.fault(f"incident/{incident}", "recording_cap") is None
    assert room.timers("P-03")["recording_cap"] == 4 * HOUR
    end(room, "P-03")
    assert [row.params["camera"] for row in stops(room)] == 2 * ["PTZ-01", "FIX-02"]
    room.forget()


def test_the_cap_of_one_does_not_stop_what_another_needs(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(HOUR)
    room.press("P-04")
    room.after(3 * HOUR)
    assert [row.params["camera"] for row in stops(room)] == ["FIX-02"]
    room.after(HOUR)
    assert [row.params["camera"] for row in stops(room)] == ["FIX-02", "PTZ-01", "FIX-03"]
    room.forget()


def test_everything_stops_in_the_order_in_which_it_began(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.forget()
    end(room, "P-03")
    room.expects("P-03", TOLD, *STOP_SOS_AT_03)
