"""The lamp at the place: lit first, shared by its incidents, dark when the last of them is cleared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from bridge.engine import Reason
from bridge.model import IncidentState, Kind, Operation
from bridge.response import Plan, Rule, Step
from tests.engine.control_room import DISPATCH, ROUTINE_AT_03, SOS_AT_03, TOLD, ControlRoom
from tests.engine.site import PLAN, RULES

LIT: Final = Rule(step=Step.SOS, operation=Operation.BEACON_ON, driver="io")
LAMPS: Final[Plan] = replace(
    PLAN,
    locations={
        **PLAN.locations,
        "POST-03": replace(PLAN.locations["POST-03"], beacons=("lamp-3",)),
        "POST-04": replace(PLAN.locations["POST-04"], beacons=("lamp-4", "mast")),
        "GATE": replace(PLAN.locations["GATE"], beacons=("mast",)),
    },
    beacons={"io": frozenset({"lamp-3", "lamp-4", "mast"})},
    capabilities={**PLAN.capabilities, "io": frozenset({Operation.BEACON_ON, Operation.BEACON_OFF})},
    rules=(LIT, *RULES),
)
LIGHT, DARKEN = "io beacon_on lamp-3", "io beacon_off lamp-3"
MAST: Final = "beacon_on/io/mast"


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    with ControlRoom(LAMPS) as opened:
        yield opened


def switched(room: ControlRoom) -> list[str]:
    """What became of the lamps so far, phone by phone."""
    of = room.database.rows.incidents
    return [
        f"{of[row.incident].phone} {row.operation} {row.target}"
        for row in room.database.asked
        if row.driver == "io"
    ]


def test_an_sos_lights_it_before_all_else(room: ControlRoom) -> None:
    room.press("P-03")
    room.expects("P-03", LIGHT, *SOS_AT_03)


def test_a_routine_call_does_not(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.expects("P-03", *ROUTINE_AT_03)


def test_a_routine_call_that_becomes_an_sos_does(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-03")
    room.forget()
    assert switched(room) == ["P-03 beacon_on lamp-3"]


def test_an_unknown_place_has_none(room: ControlRoom) -> None:
    room.press("stranger")
    room.forget()
    assert switched(room) == []


def test_it_burns_while_the_call_is_talked_about_and_nobody_cleared_it(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all("verified")
    room.connect(call, "2002")
    room.hang_up(call)
    room.after(5 * 3600.0)  # longer than any recording
    room.forget()
    assert switched(room) == ["P-03 beacon_on lamp-3"]
    assert room.holder("beacon_on/io/lamp-3") == ["P-03"]


def test_it_is_dark_when_the_sos_is_cleared_and_not_after_the_post_roll(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.settle_all("verified")
    room.connect(call, "2002")
    room.acknowledge("anna", "P-03")
    room.forget()
    room.hang_up(call)
    assert room.state("P-03") is IncidentState.CLEARING
    room.expects("P-03", DARKEN, TOLD)
    assert room.holder("beacon_on/io/lamp-3") == []
    room.settle_all("verified")
    room.after(60.0)
    assert room.state("P-03") is IncidentState.CLOSED
    room.forget()
    assert switched(room) == ["P-03 beacon_on lamp-3", "P-03 beacon_off lamp-3"]


def test_pressed_again_in_the_post_roll_lights_it_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all("verified")
    room.resolve("anna", "P-03")
    room.press("P-03")
    room.forget()
    assert switched(room) == [f"P-03 beacon_{how} lamp-3" for how in ("on", "off", "on")]
    assert room.delivery("P-03", DARKEN).state == "superseded", "it still waited, and must not come after"


@pytest.mark.parametrize("state", ["verified", "accepted", "failed", "uncertain", "expired", None])
def test_whatever_became_of_lighting_it_is_darkened(room: ControlRoom, state: str | None) -> None:
    room.press("P-03")
    if state:
        room.settle("P-03", LIGHT, state)
    room.resolve("anna", "P-03")
    room.forget()
    assert switched(room) == ["P-03 beacon_on lamp-3", "P-03 beacon_off lamp-3"]


def test_two_at_one_place_share_it(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-05")
    room.settle_all("verified")
    room.resolve("anna", "P-04")
    assert room.holder("beacon_on/io/lamp-4") == ["P-05"]
    assert not [line for line in switched(room) if "beacon_off" in line]
    room.resolve("anna", "P-05")
    room.forget()
    assert switched(room)[-2:] == ["P-05 beacon_off lamp-4", "P-05 beacon_off mast"]


def test_two_places_share_the_mast(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("gateway")  # an unknown number behind it: no place, no lamp
    room.says(Kind.CALL_DIALING, room.call("P-11", caller="2011"))
    assert room.holder(MAST) == ["P-04", "P-11"]
    room.resolve("anna", "P-04")
    room.resolve("anna", "P-11")
    room.forget()
    assert switched(room)[-2:] == ["P-04 beacon_off lamp-4", "P-11 beacon_off mast"]


def test_one_that_was_found_off_is_lit_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all("verified")
    room.forget()
    room.after(2.0)
    incident = room.incident("P-03").id
    lost = {"resource": "beacon_on/io/lamp-3"}
    decision = room.event(Kind.HOLD_LOST, source="outbox", incident=incident, attributes=lost)
    assert decision is not None
    assert decision.reason is Reason.REASSERTED
    room.expects("P-03", LIGHT)


def test_a_module_that_is_away_darkens_it_hours_later(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all("verified")
    room.resolve("anna", "P-03")
    off = room.delivery("P-03", DARKEN)
    assert off.deadline - off.created_at == LAMPS.times.deadline_stop
    room.after(61.0)
    assert room.delivery("P-03", DARKEN).state == "pending", "closing it does not take it back"
    room.forget()


def test_a_module_that_is_away_keeps_nobody_from_a_picture(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", LIGHT, "failed")
    for line in SOS_AT_03:
        room.settle("P-03", line, "verified")
    room.after(4.0)
    room.forget()
    assert not [row for row in room.database.asked if row.operation is Operation.NOTIFY]


def test_a_real_sos_takes_it_from_an_exercise(room: ControlRoom) -> None:
    room.press("P-04", exercise="yes")
    room.press("P-05")
    assert room.holder("beacon_on/io/lamp-4") == ["P-05"]
    room.after(1.0)  # the exercise is over
    room.forget()
    assert not [line for line in switched(room) if "beacon_off" in line]


def test_dispatch_is_told_as_ever(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(4.0)
    room.expects("P-03", LIGHT, *SOS_AT_03, DISPATCH)
