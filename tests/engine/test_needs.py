"""What is asked of the store. That it is enough is proven at every event of every scene (`Database`)."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine import further_needs, needs_of
from bridge.model import Event, Kind
from bridge.response import identify
from tests.engine.control_room import START, ControlRoom
from tests.engine.site import PLAN

AT_POST_03 = {
    "start_recording/zm/zm-PTZ-01",
    "start_recording/zm/zm-FIX-02",
    "ptz/PTZ-01",
    "ptz/FIX-02",
    "screen/wall/desk-1",
    "screen/wall/big",
    "dispatch/dispatch/east",
}


def event(kind: Kind, **fields: str) -> Event:
    stated = Event(kind=kind, source="s", key="k", occurred_at=START, **fields)  # type: ignore[arg-type]  # all text
    identified = identify(stated, PLAN)
    assert identified is not None
    return identified


def test_a_call_needs_its_phone_its_key_and_what_is_at_its_place() -> None:
    needs = needs_of([event(Kind.CALL_DIALING, endpoint="1003", dialled="9110")], PLAN)
    assert needs.event_keys == needs.call_keys == {("s", "k")}
    assert needs.phones == {"P-03"}
    assert needs.resources == AT_POST_03
    drivers = {"driver/zm", "driver/wall", "driver/dispatch"}
    assert needs.subjects == {"P-03", "s", "camera/PTZ-01", "camera/FIX-02", *drivers}


def test_an_unknown_phone_needs_what_an_unknown_place_needs() -> None:
    needs = needs_of([event(Kind.CALL_DIALING, endpoint="1999", dialled="9110")], PLAN)
    assert needs.resources == {"dispatch/dispatch/east"}


def test_an_event_that_names_only_its_incident_needs_what_is_at_its_place() -> None:
    room = ControlRoom()
    room.press("P-03")
    due = event(Kind.TIMER_DUE, incident=room.incident("P-03").id)
    needs = needs_of([due], PLAN)
    assert needs.resources == frozenset()
    further = further_needs(needs, [due], room.database.load(needs), PLAN)
    assert further is not None
    assert further.resources == AT_POST_03
    assert further_needs(further, [due], room.database.load(further), PLAN) is None


def test_good_news_needs_no_second_look() -> None:
    room = ControlRoom()
    room.press("P-03")
    delivery = room.database.asked[0]
    said = Event(
        kind=Kind.DELIVERY_SETTLED,
        source="outbox",
        key="k",
        occurred_at=START,
        incident=delivery.incident,
        attributes={"delivery": delivery.id, "state": "verified", "camera": "PTZ-01"},
    )
    needs = needs_of([said], PLAN)
    assert needs.deliveries == {delivery.id}
    assert "camera/PTZ-01" in needs.subjects
    assert further_needs(needs, [said], room.database.load(needs), PLAN) is None


def test_whoever_may_get_a_camera_back_needs_to_know_what_is_missing_at_its_place() -> None:
    """The timer that closes one incident gives the screen to another, at another post."""
    room = ControlRoom()
    room.press("P-03", "20")
    room.press("P-04")
    due = event(Kind.TIMER_DUE, incident=room.incident("P-04").id)
    needs = needs_of([due], PLAN)
    further = further_needs(needs, [due], room.database.load(needs), PLAN)
    assert further is not None
    further = further_needs(further, [due], room.database.load(further), PLAN) or further
    assert {"camera/FIX-02", "camera/FIX-03"} <= further.subjects


def test_a_swap_needs_what_it_names() -> None:
    said = event(Kind.SWAPPED, incident="i")
    swapped = replace(said, attributes={"resource": "ptz/PTZ-01", "by": "anna"})
    assert needs_of([swapped], PLAN).resources == {"ptz/PTZ-01"}


def test_a_link_needs_nothing_but_its_fault() -> None:
    lost = Event(
        kind=Kind.LINK_LOST,
        source="outbox",
        key="k",
        occurred_at=START,
        attributes={"subject": "driver/wall"},
    )
    needs = needs_of([lost], PLAN)
    assert (needs.phones, needs.incidents, needs.resources) == (frozenset(), frozenset(), frozenset())
    assert "driver/wall" in needs.subjects
