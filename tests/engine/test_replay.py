"""The same events always give the same decisions: one by one, in batches, again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

import pytest

from bridge.engine import Decision, State, fold
from bridge.model import Event, Kind
from bridge.response import Plan
from tests.engine.control_room import ControlRoom
from tests.engine.site import DESK


def play(room: ControlRoom) -> None:
    """A day at the plant, with two events at a time here and there."""
    first = room.press("P-03", "20")
    second = room.press("P-04")
    room.settle_all("verified")
    room.after(5.0)
    room.connect(second, DESK)
    third = room.press("P-05")
    room.hang_up(first)
    room.after(30.0)
    room.settle_all("retry")
    room.acknowledge("anna", "P-04")
    room.hang_up(second)
    room.press("P-04")
    room.link("wall", up=False)
    room.event(Kind.SOS, source="webhook", key="w-1")
    room.after(300.0)
    room.resolve("bert", "P-05")
    room.hang_up(third)
    room.settle_all("uncertain")
    room.after(1000.0)
    room.resolve("bert", "P-04")
    room.after(100.0)
    room.forget()


def fold_in_batches(
    history: Sequence[tuple[Event, float]], plan: Plan, chance: random.Random | None
) -> list[Decision]:
    """Fold what was recorded: each moment's events at once, or cut anywhere by chance."""
    state, decisions = State(), []
    for now, moment in groupby(history, key=lambda entry: entry[1]):
        waiting = [event for event, _ in moment]
        while waiting:
            size = chance.randint(1, len(waiting)) if chance else len(waiting)
            decisions += fold(waiting[:size], state, plan, now)
            waiting = waiting[size:]
    return decisions


def test_replaying_what_was_recorded_gives_the_same_decisions(room: ControlRoom) -> None:
    play(room)
    assert fold_in_batches(room.history, room.database.plan, None) == room.decisions


@pytest.mark.parametrize("seed", range(5))
def test_how_events_are_cut_into_batches_makes_no_difference(room: ControlRoom, seed: int) -> None:
    play(room)
    chance = random.Random(seed)
    assert fold_in_batches(room.history, room.database.plan, chance) == room.decisions


def test_decisions_made_again_have_the_same_ids(room: ControlRoom) -> None:
    play(room)
    twin = ControlRoom()
    play(twin)
    assert [d.event.id for d in twin.decisions] == [d.event.id for d in room.decisions]
    assert twin.database.rows == room.database.rows
    assert twin.database.timeline == room.database.timeline


def test_an_event_heard_twice_changes_nothing_whenever_it_is_heard(room: ControlRoom) -> None:
    play(room)
    rows, told = room.database.copy(), len(room.database.timeline)
    for event, _ in list(room.history):
        decision = room.accept(event)
        assert decision is not None
        assert decision.reason == "duplicate"
    assert room.database.rows == rows
    assert len(room.database.timeline) == told
