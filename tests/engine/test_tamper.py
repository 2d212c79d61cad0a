"""A phone that is tampered with: always a fault; an incident of its own where cameras are to look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.engine import Reason
from bridge.model import IncidentState, Kind, Tier
from tests.engine.control_room import SOS_AT_04, ControlRoom
from tests.engine.site import FULL

TAMPERED = "tamper/P-03"
LOOKS = ("zm start_recording PTZ-01", "wall recall_preset PTZ-01")
PTZ = "ptz/PTZ-01"


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """A site that has rules for it."""
    with ControlRoom(FULL) as opened:
        yield opened


def meddle(room: ControlRoom, phone: str = "P-03", **attributes: str) -> None:
    room.event(Kind.TAMPER, source="relay", attributes={"phone": phone, "text": "opened", **attributes})


def test_cameras_look_and_nobody_has_to_answer(room: ControlRoom) -> None:
    meddle(room)
    room.expects(TAMPERED, *LOOKS, title="Tamper POST-03", extension="1003")
    assert room.delivery(TAMPERED, LOOKS[0]).params["phone"] == "P-03"
    incident = room.incident(TAMPERED)
    assert (incident.tier, incident.state, incident.location) == (
        Tier.ROUTINE,
        IncidentState.CLEARING,
        "POST-03",
    )
    assert room.timers(TAMPERED) == {"post_roll": 30.0}
    assert room.fault("P-03", "tamper") is not None


def test_it_closes_by_itself_and_takes_back_what_it_began(room: ControlRoom) -> None:
    meddle(room)
    room.settle_all()
    room.forget()
    room.after(30.0)
    room.expects(TAMPERED, "zm stop_recording PTZ-01", "wall home PTZ-01", close_reason="tamper")
    assert room.state(TAMPERED) is IncidentState.CLOSED
    assert room.fault("P-03", "tamper") is not None, "until somebody has looked after the phone"


def test_without_rules_it_is_a_fault_alone() -> None:
    with ControlRoom() as room:
        meddle(room)
        assert room.decisions[-1].reason is Reason.FAULT_OPENED
        assert room.database.rows.incidents == {}
        assert room.fault("P-03", "tamper") is not None


def test_of_a_phone_that_nobody_knows_it_is_a_fault_alone(room: ControlRoom) -> None:
    meddle(room, "P-99")
    assert room.database.rows.incidents == {}
    assert room.fault("unknown/P-99", "tamper") is not None


@pytest.mark.parametrize("dialled", ["9110", "20"])
def test_a_call_never_joins_it(room: ControlRoom, dialled: str) -> None:
    meddle(room)
    room.press("P-03", dialled)
    assert room.incident("P-03").id != room.incident(TAMPERED).id
    assert room.holder(PTZ) == ["P-03"], "and takes from it what it needs"
    room.forget()


def test_it_never_joins_a_call_nor_takes_from_one(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.forget()
    meddle(room)
    room.expects(TAMPERED, LOOKS[0])
    assert room.holder(PTZ) == ["P-03"]
    assert room.incident("P-03").pressed == 0


def test_an_sos_elsewhere_takes_the_camera_and_nothing_is_given_back(room: ControlRoom) -> None:
    meddle(room)
    room.forget()
    room.press("P-04")
    room.expects(
        "P-04",
        *(line for line in SOS_AT_04 if "bookmark" not in line and "recall" not in line),
        "zm bookmark PTZ-01",
        "zm bookmark FIX-03",
        "wall recall_preset PTZ-01",
    )
    room.resolve("anna", "P-04")
    assert room.holder(PTZ) == ["P-04"]
    room.forget()


def test_again_and_again_is_one_incident(room: ControlRoom) -> None:
    for _ in range(3):
        meddle(room)
        room.after(20.0)
    assert len(room.incidents(TAMPERED)) == 1
    room.after(10.0)
    assert room.state(TAMPERED) is IncidentState.CLOSED
    meddle(room)
    assert len(room.incidents(TAMPERED)) == 2
    room.forget()


def test_that_the_fault_is_over_changes_nothing_about_it(room: ControlRoom) -> None:
    meddle(room)
    room.event(Kind.FAULT_CLEARED, source="relay", attributes={"phone": "P-03", "what": "tamper"})
    assert room.fault("P-03", "tamper") is None
    assert room.state(TAMPERED) is IncidentState.CLEARING
    room.forget()


def test_a_person_may_look_at_it_and_it_still_closes(room: ControlRoom) -> None:
    meddle(room)
    room.acknowledge("anna", TAMPERED)
    room.resolve("anna", TAMPERED)
    room.after(30.0)
    assert room.state(TAMPERED) is IncidentState.CLOSED
    room.forget()
