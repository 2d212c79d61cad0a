"""The story names screens and cameras as the site file does: a video system's own ids tell people nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.model import Kind
from tests.engine.control_room import ControlRoom
from tests.engine.site import PLAN

IDS = replace(PLAN, console_ids={"desk-1": {"wall": "M-1"}, "desk-2": {"wall": "M-2"}})
SCREEN = "screen/wall/desk-1"


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """The plant, where no id of the wall's is a name of the site's."""
    with ControlRoom(IDS) as opened:
        yield opened
        opened.forget()


def beginnings(room: ControlRoom, phone: str, *words: str) -> list[str]:
    """What the lines with one of these words are about."""
    return [line.split()[0] for line in room.story(phone) if any(word in line for word in words)]


def test_who_lost_it_and_got_it_back(room: ControlRoom) -> None:
    room.press("P-03", "20")
    call = room.press("P-04")
    room.settle_all()
    room.resolve("anna", "P-04")
    room.hang_up(call)
    room.after(60.0)
    story = [line for line in room.story("P-03") if "M-1" in line or SCREEN in line]
    assert len(story) == 2, story
    assert story[0].startswith(f"{SCREEN} was taken by the emergency ")
    assert story[1] == f"{SCREEN} is free again: given back"


def test_who_waits_for_it(room: ControlRoom) -> None:
    room.press("P-04")
    room.press("P-03", "20")
    assert SCREEN in beginnings(room, "P-03", "is used by")


def test_what_was_taken_back_says_why_in_the_same_words(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    assert room.delivery("P-03", "wall show M-1").proof.startswith(f"{SCREEN} was taken by the emergency ")


def test_what_was_found_off(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.after(2.0)
    attributes = {"resource": "start_recording/zm/zm-PTZ-01"}
    room.event(Kind.HOLD_LOST, source="outbox", incident=room.incident("P-03").id, attributes=attributes)
    assert room.story("P-03")[-1] == "start_recording/zm/PTZ-01 was found off: switched on again"


def test_what_is_not_swapped(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    attributes = {"resource": "screen/wall/M-1", "by": "anna"}
    room.event(Kind.SWAPPED, incident=room.incident("P-04").id, attributes=attributes)
    assert room.story("P-04")[-1] == f"{SCREEN} is not swapped: all who need it have it together"


def test_what_was_left_on(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.resolve("anna", "P-03")
    room.hang_up(call)
    room.after(60.0)
    room.settle_all("expired")
    room.press("P-05")
    room.event(Kind.LEFT_ON, source="bridge", incident=room.incident("P-03").id)
    left = [line.split()[0] for line in room.story("P-03") if "left on: another" in line]
    assert sorted(left) == [SCREEN, "start_recording/zm/PTZ-01"]
