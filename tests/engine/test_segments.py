"""Phones that stop answering together are one fault: that of their network segment, or of their PBX."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.engine.segments import CUT_OFF, MOST_NAMED, parts_of
from bridge.model import Event, Fault, Kind, Phone
from bridge.response import Plan, identify
from tests.engine.control_room import PBX, START, ControlRoom
from tests.engine.site import PLAN

EAST = "segment/east"


def phones(segment: str, *numbers: int) -> tuple[Phone, ...]:
    """P-31 at endpoint 31, and so on."""
    return tuple(
        Phone(id=f"P-{number}", endpoint=str(number), extension=str(number), location="GATE", segment=segment)
        for number in numbers
    )


TOWN = replace(
    PLAN,
    phones=(*phones("east", 31, 32, 33, 34, 35), *phones("west", 41, 42), *phones("", 51, 52, 53, 54)),
)


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """Five phones in the east, two in the west, four of which nobody said where they are connected."""
    with ControlRoom(TOWN) as opened:
        yield opened


def lose(room: ControlRoom, *endpoints: int, apart: float = 1.0) -> None:
    for endpoint in endpoints:
        room.event(Kind.OFFLINE, endpoint=str(endpoint), attributes={"text": "the PBX cannot reach it"})
        room.now += apart


def regain(room: ControlRoom, *endpoints: int) -> None:
    for endpoint in endpoints:
        room.event(Kind.ONLINE, endpoint=str(endpoint))
        room.now += 1.0


def told(room: ControlRoom, subject: str = EAST) -> str | None:
    fault = room.fault(subject, CUT_OFF)
    return None if fault is None else fault.text


def seen(room: ControlRoom) -> set[str]:
    """What a person is shown: faults that are no part of another."""
    faults = list(room.database.rows.faults.values())
    return {fault.subject for fault in faults if (fault.subject, fault.what) not in parts_of(faults, TOWN)}


def test_a_single_phone_is_a_single_fault(room: ControlRoom) -> None:
    lose(room, 31, 32)
    assert told(room) is None
    assert seen(room) == {"P-31", "P-32"}


def test_phones_of_one_segment_together_are_one_fault(room: ControlRoom) -> None:
    lose(room, 33, 31, 32)
    fault = room.fault(EAST, CUT_OFF)
    assert fault is not None
    assert (fault.text, fault.opened_at) == ("3 of 5 phones do not answer: P-31, P-32, P-33", START)
    assert seen(room) == {EAST}
    lose(room, 34, 35)
    assert told(room) == "5 of 5 phones do not answer: P-31, P-32, P-33, P-34, P-35"
    assert seen(room) == {EAST}


def test_it_shrinks_as_they_come_back_and_ends_when_they_are_back(room: ControlRoom) -> None:
    lose(room, 31, 32, 33, 34)
    regain(room, 32)
    assert told(room) == "3 of 5 phones do not answer: P-31, P-33, P-34"
    regain(room, 31)
    assert told(room) is None
    assert room.decisions[-1].faults[EAST, CUT_OFF].cleared_at == room.decisions[-1].event.occurred_at
    assert seen(room) == {"P-33", "P-34"}, "who is left is a single fault again"
    regain(room, 33, 34)
    assert room.database.rows.faults == {}


def test_each_phone_is_on_record_all_the_while(room: ControlRoom) -> None:
    lose(room, 31, 32, 33)
    kept = [room.fault(f"P-{number}", "offline") for number in (31, 32, 33)]
    assert [fault and fault.opened_at for fault in kept] == [START, START + 1.0, START + 2.0]


def test_phones_that_fail_one_after_the_other_are_single_faults(room: ControlRoom) -> None:
    lose(room, 31, 32, 33, 34, 35, apart=TOWN.times.segment)
    assert told(room) is None
    assert len(seen(room)) == 5


def test_one_that_has_been_dead_for_long_is_no_part_of_it(room: ControlRoom) -> None:
    lose(room, 35)
    room.now += 3600.0
    lose(room, 31, 32, 33)
    assert told(room) == "3 of 5 phones do not answer: P-31, P-32, P-33"
    assert seen(room) == {EAST, "P-35"}
    regain(room, 31, 32, 33)
    assert seen(room) == {"P-35"}


def test_two_segments_are_two_faults(room: ControlRoom) -> None:
    lose(room, 31, 41, 32, 42, 33)
    assert seen(room) == {EAST, "segment/west"}
    assert told(room, "segment/west") == "2 of 2 phones do not answer: P-41, P-42", "all that there are"


def test_phones_of_no_segment_share_their_pbx(room: ControlRoom) -> None:
    lose(room, 51, 52, 31, 53)
    assert told(room, PBX) == "3 of 4 phones do not answer: P-51, P-52, P-53"
    assert seen(room) == {PBX, "P-31"}
    regain(room, 52)
    assert seen(room) == {"P-51", "P-53", "P-31"}


def test_a_phone_alone_in_its_segment_is_a_single_fault() -> None:
    with ControlRoom(replace(PLAN, phones=phones("east", 31))) as room:
        lose(room, 31)
        assert told(room) is None


def test_a_phone_that_is_told_again_changes_nothing(room: ControlRoom) -> None:
    """As after a restart of the bridge: the PBX says once more who is away."""
    lose(room, 31, 32, 33)
    room.now += 3600.0
    lose(room, 32)
    assert (EAST, CUT_OFF) not in room.decisions[-1].faults
    assert told(room) == "3 of 5 phones do not answer: P-31, P-32, P-33"


def test_events_that_come_late_count_by_when_it_happened(room: ControlRoom) -> None:
    for endpoint, at in (("31", START + 40.0), ("32", START + 50.0), ("33", START)):
        room.event(Kind.OFFLINE, endpoint=endpoint, at=at)
    fault = room.fault(EAST, CUT_OFF)
    assert fault is not None
    assert fault.opened_at == START
    room.event(Kind.OFFLINE, endpoint="34", at=START - 5.0)
    assert seen(room) == {EAST}


def test_other_faults_of_phones_are_not_grouped(room: ControlRoom) -> None:
    for endpoint in ("31", "32", "33"):
        room.event(Kind.FAULT, endpoint=endpoint, attributes={"what": "rtp_silence"})
        room.event(Kind.TAMPER, endpoint=endpoint)
    assert told(room) is None
    assert seen(room) == {"P-31", "P-32", "P-33"}


def test_an_endpoint_that_is_no_phone_of_the_site_is_in_no_segment(room: ControlRoom) -> None:
    for name in ("trunk", "fax", "kitchen"):
        room.event(Kind.OFFLINE, endpoint=name)
    assert {what for _, what in room.database.rows.faults} == {"offline"}


def test_all_at_once_in_one_transaction(room: ControlRoom) -> None:
    """A PBX that comes back after a restart says everything at once."""
    kinds = {
        "31": Kind.OFFLINE,
        "32": Kind.OFFLINE,
        "33": Kind.OFFLINE,
        "34": Kind.ONLINE,
        "35": Kind.OFFLINE,
    }
    events = [
        Event(kind=kind, source=PBX, key=f"reach/{endpoint}", endpoint=endpoint, occurred_at=room.now)
        for endpoint, kind in kinds.items()
    ]
    room.database.transact([found for event in events if (found := identify(event, TOWN))], room.now)
    assert told(room) == "4 of 5 phones do not answer: P-31, P-32, P-33, P-35"


def test_many_are_counted_and_not_all_named() -> None:
    numbers = range(100, 130)
    with ControlRoom(replace(PLAN, phones=phones("east", *numbers))) as room:
        lose(room, *numbers, apart=0.1)
        text = told(room)
        assert text is not None
        assert text.startswith("30 of 30 phones do not answer: P-100, P-101, ")
        assert text.endswith(f"P-{100 + MOST_NAMED - 1} and {30 - MOST_NAMED} more")


@pytest.mark.parametrize("segment", ["east", "north", ""], ids=["as it was", "renamed", "no more"])
def test_a_segment_that_was_renamed_meanwhile_hides_nobody(segment: str) -> None:
    faults = [
        Fault(subject=EAST, what=CUT_OFF, text="", opened_at=START),
        *(Fault(subject=f"P-{number}", what="offline", text="", opened_at=START) for number in (31, 32, 33)),
    ]
    plan = Plan(site="Plant", phones=phones(segment, 31, 32, 33))
    hidden = {subject for subject, _ in parts_of(faults, plan)}
    assert hidden == ({"P-31", "P-32", "P-33"} if segment == "east" else set())
