"""What happens in a plant, decided on what the store loads: the same as decided on everything there is."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TypeVar

import pytest
import sqlalchemy as sa

from bridge.engine import Decision, fold, further_needs, needs_of
from bridge.engine.segments import CUT_OFF
from bridge.model import Call, Delivery, Event, Hold, Incident, Kind, TimelineEntry, Timer
from bridge.store import Store
from bridge.store.asking import columns_of
from bridge.store.loading import fetch
from bridge.store.plain import to_plain
from bridge.store.verify import verify
from tests.engine.control_room import ControlRoom, Dialled
from tests.engine.site import DESK, FULL

T = TypeVar("T")


def walk(seed: int, steps: int = 25) -> ControlRoom:
    """Let this and that happen in a plant that keeps its rows in memory."""
    chance, room = random.Random(seed), ControlRoom(FULL)
    calls: list[Dialled] = []
    for _ in range(steps):
        phone = chance.choice(["P-03", "P-04", "P-05", "P-11", "1999"])
        call = chance.choice(calls) if calls else None
        match chance.randrange(12):
            case 0 | 1:
                calls.append(room.press(phone, chance.choice(["9110", "9110", "20"])))
            case 2 if call:
                room.connect(call, chance.choice([DESK, "2002"]))
            case 3 | 4 if call:
                room.hang_up(call)
            case 5:
                room.settle_all(chance.choice(["verified", "failed", "retry"]))
            case 6 if room.incidents(phone):
                chance.choice([room.acknowledge, room.resolve])("anna", phone)
            case 7 if room.incidents(phone):
                attributes = {"resource": "ptz/PTZ-01", "by": "anna"}
                room.event(Kind.SWAPPED, incident=room.incident(phone).id, attributes=attributes)
            case 8:
                lose_a_camera(room, chance)
            case 9:
                go_away_or_come_back(room, chance)
            case 10:
                found = chance.choice(calls) if call and chance.random() < 0.5 else room.call(phone)
                room.finds(found, at=room.now - chance.choice([0.0, 30.0, 3600.0]))
            case _:
                room.after(chance.choice([1, 5, 70, 700]))
    return room


def lose_a_camera(room: ControlRoom, chance: random.Random) -> None:
    """Some delivery that is under way finds its camera missing."""
    under_way = [row for row in room.database.rows.deliveries.values() if not row.state.settled]
    if at_cameras := [row for row in under_way if "camera" in row.params]:
        room.settle_delivery(chance.choice(at_cameras), "retry", missing="yes")


def go_away_or_come_back(room: ControlRoom, chance: random.Random) -> None:
    """The PBX says of each phone whether it reaches it."""
    for endpoint in ("1003", "1004", "1005"):
        room.event(chance.choice([Kind.OFFLINE, Kind.OFFLINE, Kind.ONLINE]), endpoint=endpoint)


def transact(store: Store, events: list[Event], now: float) -> list[Decision]:
    with store.transaction() as transaction:
        needs = needs_of(events, FULL)
        state = transaction.load(needs)
        if (more := further_needs(needs, events, state, FULL)) is not None:
            state = transaction.load(more)
        decisions = fold(events, state, FULL, now)
        transaction.write(decisions)
    return decisions


@pytest.mark.parametrize("seed", range(4))
def test_the_same_is_decided_and_stored(store: Store, seed: int) -> None:
    room = walk(seed)
    for (event, now), expected in zip(room.history, room.decisions, strict=True):
        assert transact(store, [event], now) == [expected]
    rows = room.database.rows
    assert stored(store, Incident) == in_order(rows.incidents.values())
    assert stored(store, Call) == in_order(rows.calls.values())
    assert stored(store, Delivery) == in_order(rows.deliveries.values())
    assert stored(store, Timer) == in_order(rows.timers.values())
    assert stored(store, Hold) == in_order(rows.holds.values())
    assert in_order(store.faults()) == in_order(rows.faults.values())
    assert stored(store, TimelineEntry) == in_order(room.database.timeline)
    assert list(verify(store._database)) == []


def test_a_call_of_the_past_is_filed_once(store: Store) -> None:
    """By two nodes, beside the phone's living incident, and by the live event that comes late."""
    room = ControlRoom(FULL)
    room.press("P-03")
    call = room.call("P-03")
    room.finds(call, at=room.now - 3600)
    room.finds(call, at=room.now - 3600, owed="review")
    room.says(Kind.CALL_DIALING, call, at=room.now - 3600)
    for (event, now), expected in zip(room.history, room.decisions, strict=True):
        assert transact(store, [event], now) == [expected]
    assert [decision.reason for decision in room.decisions] == ["opened", "filed", "duplicate", "noted"]
    past, living = sorted(store.incidents(), key=lambda incident: incident.opened_at)
    assert (past.live, past.recovered, living.live) == (False, True, True)
    assert [fault.subject for fault in store.faults(what="review")] == [f"incident/{past.id}"]
    assert [row.step for row in store.deliveries(past.id)] == ["missed/1"] * 4
    assert list(verify(store._database)) == []


def test_phones_that_go_away_together_again_are_one_fault_again(store: Store) -> None:
    """The second time begins with the one that was away all the while: the same row."""
    room = ControlRoom(FULL)
    for kind, endpoints in (
        (Kind.OFFLINE, ("1003", "1004", "1005")),
        (Kind.ONLINE, ("1004",)),
        (Kind.OFFLINE, ("1004",)),
    ):
        for endpoint in endpoints:
            room.event(kind, endpoint=endpoint)
            room.now += 1.0
    for (event, now), expected in zip(room.history, room.decisions, strict=True):
        assert transact(store, [event], now) == [expected]
    assert [fault.text for fault in store.faults(what=CUT_OFF)] == [
        "3 of 3 phones do not answer: P-03, P-04, P-05"
    ]
    assert in_order(store.faults()) == in_order(room.database.rows.faults.values())
    assert list(verify(store._database)) == []


def stored(store: Store, cls: type[T]) -> list[T]:
    with store._database.read() as connection:
        return in_order(fetch(connection, cls, sa.select(*columns_of(cls))))


def in_order(rows: Iterable[T]) -> list[T]:
    return sorted(rows, key=lambda row: repr(to_plain(row)))
