"""Two SOS on one PTZ: a named person gives it to the other one, and back."""

from __future__ import annotations

import pytest

from bridge.engine import Reason
from bridge.model import Kind
from tests.engine.control_room import ControlRoom

PTZ = "ptz/PTZ-01"
RECALL = "wall recall_preset PTZ-01"


def swap(room: ControlRoom, phone: str, *, by: str = "anna", resource: str = PTZ) -> None:
    """`by` gives the resource to the phone's incident."""
    room.event(
        Kind.SWAPPED,
        source="cli",
        incident=room.incident(phone).id,
        attributes={"resource": resource, "by": by},
    )


def two_sos(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(1.0)
    room.press("P-04")
    room.forget()


def test_the_second_sos_is_offered_the_swap(room: ControlRoom) -> None:
    two_sos(room)
    mine, theirs = room.incident("P-04").id[:8], room.incident("P-03").id[:8]
    assert room.holder(PTZ) == ["P-03"]
    assert (
        f"{PTZ} is used by emergency {theirs} at POST-03: "
        f"sosbridge incidents swap {mine} PTZ-01 gives it to this one"
    ) in room.story("P-04")


def test_routine_is_offered_no_swap_with_an_sos(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04", "20")
    assert not [line for line in room.story("P-04") if "swap" in line]
    room.forget()


def test_a_named_person_gives_the_camera_to_the_other_sos(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-04")
    assert room.decisions[-1].reason is Reason.SWAPPED
    room.expects("P-04", RECALL, preset="8")
    assert room.holder(PTZ) == ["P-04"]
    mine, theirs = room.incident("P-04").id[:8], room.incident("P-03").id[:8]
    assert room.story("P-03")[-1] == f"anna gave {PTZ} to the emergency {mine} at POST-04"
    assert room.story("P-04")[-1] == f"anna gave it {PTZ}, which emergency {theirs} at POST-03 had"


def test_what_the_first_still_waited_for_is_superseded_with_the_reason(room: ControlRoom) -> None:
    two_sos(room)
    room.settle("P-03", RECALL, "retry")
    swap(room, "P-04")
    lost = room.delivery("P-03", RECALL)
    assert (lost.state, lost.proof.startswith("anna gave ptz/PTZ-01 to the emergency")) == (
        "superseded",
        True,
    )
    assert room.delivery("P-03", "wall show desk-1").state == "pending", "a screen shows them both"
    room.forget()


def test_swapping_back(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-04")
    room.settle_all()
    room.forget()
    swap(room, "P-03", by="bert")
    room.expects("P-03", RECALL, preset="7")
    assert room.holder(PTZ) == ["P-03"]


def test_who_lost_it_by_a_swap_gets_it_back_when_the_other_is_cleared(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-04")
    room.settle_all()
    room.forget()
    room.resolve("anna", "P-04")
    room.expects("P-04", "wall update_popup desk-1")
    room.expects("P-03", RECALL)
    assert room.holder(PTZ) == ["P-03"]


def test_pressing_again_does_not_undo_a_swap(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-04")
    room.press("P-03")
    assert room.holder(PTZ) == ["P-04"]
    room.forget()


def test_routine_calls_may_be_swapped_too(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.after(1.0)
    room.press("P-04", "20")
    room.forget()
    swap(room, "P-04")
    room.expects("P-04", RECALL)
    assert room.holder(PTZ) == ["P-04"]


def refused(room: ControlRoom, phone: str, why: str) -> None:
    assert room.decisions[-1].reason is Reason.NOTED
    assert room.story(phone)[-1] == f"{PTZ} is not swapped: {why}"
    room.expects_nothing_more()


@pytest.mark.parametrize("by", ["", None])
def test_it_takes_a_named_person(room: ControlRoom, by: str | None) -> None:
    two_sos(room)
    attributes = {"resource": PTZ} | ({} if by is None else {"by": by})
    room.event(Kind.SWAPPED, source="cli", incident=room.incident("P-04").id, attributes=attributes)
    refused(room, "P-04", "that takes a named person, and nobody is named")
    assert room.holder(PTZ) == ["P-03"]


def test_an_sos_is_never_made_to_give_to_routine(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04", "20")
    room.forget()
    swap(room, "P-04")
    refused(room, "P-04", "it is not taken from an incident of the emergency tier")
    assert room.holder(PTZ) == ["P-03"]


def test_a_real_call_is_never_made_to_give_to_an_exercise(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04", "20", exercise="yes")
    room.forget()
    swap(room, "P-04")
    refused(room, "P-04", "it is not taken from an incident of the routine tier")


def test_what_nobody_else_has_is_not_swapped(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-03")
    refused(room, "P-03", "nobody else has it")
    assert room.holder(PTZ) == ["P-03"]


def test_a_camera_of_another_place_is_not_swapped(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("1999")
    room.forget()
    swap(room, "unknown/1999")
    refused(room, "unknown/1999", "this incident has no use for it")


def test_what_both_have_together_is_not_swapped(room: ControlRoom) -> None:
    two_sos(room)
    swap(room, "P-04", resource="screen/wall/desk-1")
    assert room.story("P-04")[-1] == "screen/wall/desk-1 is not swapped: all who need it have it together"
    assert room.holder("screen/wall/desk-1") == ["P-03", "P-04"]


def test_a_cleared_incident_is_given_nothing(room: ControlRoom) -> None:
    two_sos(room)
    room.resolve("anna", "P-04")
    room.forget()
    swap(room, "P-04")
    refused(room, "P-04", "this incident has no use for it")


def test_a_swap_for_an_incident_that_nobody_knows_is_an_orphan(room: ControlRoom) -> None:
    room.event(Kind.SWAPPED, incident="no-such", attributes={"resource": PTZ, "by": "anna"})
    assert room.decisions[-1].reason is Reason.ORPHAN
