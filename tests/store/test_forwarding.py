"""What forwarders read, how far each is, and which node forwards."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.engine import Reason
from bridge.model import Incident, TimelineEntry
from bridge.store import Database, Lease, Store, migrate
from bridge.store.forwarding import Cursor, FaultChange, Forwarding, StoryLine
from tests.store.kinds import SQLITE
from tests.store.rows import NOW, decision, event, fault, incident

START = Cursor(0, 0)


def entry(of: str, by: str, text: str, reason: Reason = Reason.OPENED) -> TimelineEntry:
    return TimelineEntry(incident=of, at=NOW, event=by, reason=reason, text=text)


def write(store: Store, *stories: tuple[str, list[object]]) -> None:
    """Write a batch: of each decision the event's key, and what it changes."""
    decisions = []
    for key, values in stories:
        cause = event(key)
        told = (entry("i1", cause.id, value) if isinstance(value, str) else value for value in values)
        decisions.append(decision(*told, caused_by=cause))
    with store.transaction() as transaction:
        transaction.write(decisions)


def texts(store: Store, cursor: Cursor = START, limit: int = 100) -> list[str]:
    return [
        change.entry.text if isinstance(change, StoryLine) else f"{change.fault.subject}/{change.fault.text}"
        for change in store.forwarding("central", "a").after(cursor, limit)
    ]


def test_lines_and_faults_come_in_the_order_of_their_events(store: Store) -> None:
    write(store, ("1", [incident(), "one", "two", fault("zm", text="away")]), ("2", ["three"]))
    write(store, ("3", [fault("zm", text="still away")]), ("4", ["four"]))
    assert texts(store) == ["one", "two", "zm/away", "three", "zm/still away", "four"]


def test_an_order_of_times_does_not_matter(store: Store) -> None:
    """A fault that began in the past (a blind interval) is told when it is known."""
    write(store, ("1", [incident(), "one"]))
    write(store, ("2", [fault("ami/pbx1", opened_at=NOW - 3600, text="not running")]))
    assert texts(store) == ["one", "ami/pbx1/not running"]


def test_a_fault_that_opens_and_clears_in_one_batch_is_told_twice(store: Store) -> None:
    write(store, ("1", [fault("zm")]), ("2", [fault("zm", cleared_at=NOW + 1)]))
    changes = store.forwarding("central", "a").after(START, 10)
    assert [
        (change.fault.cleared_at, change.at) for change in changes if isinstance(change, FaultChange)
    ] == [
        (None, NOW),
        (NOW + 1, NOW),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_pieces_of_any_size_make_the_same_whole(store: Store, limit: int) -> None:
    write(store, ("0", [incident()]))
    for number in range(12):
        odd = [fault(f"f{number}"), f"line {number}"]
        write(store, (f"a{number}", odd if number % 3 else odd[:1]), (f"b{number}", [f"more {number}"]))
    place = store.forwarding("central", "a")
    found, cursor = [], START
    while piece := place.after(cursor, limit):
        assert len(piece) <= limit
        for change in piece:
            cursor = change.passed(cursor)
        found += piece
    assert found == place.after(START, 1000)
    assert len(found) == 12 + 12 + 8
    assert place.waiting(cursor) == 0
    assert place.waiting(START) == len(found)


def test_a_line_comes_with_its_incident_as_it_is_now(store: Store) -> None:
    write(store, ("1", [incident(pressed=1), "one"]), ("2", [incident(pressed=2)]))
    [line] = store.forwarding("central", "a").after(START, 10)
    assert isinstance(line, StoryLine)
    assert line.incident == incident(pressed=2)
    assert isinstance(line.incident, Incident)
    assert line.entry == entry("i1", event("1").id, "one")


def test_the_first_start_begins_at_now_or_at_the_beginning(store: Store) -> None:
    write(store, ("1", [incident(), "one", fault("zm")]))
    now = store.forwarding("new", "a").take(NOW, from_beginning=False)
    assert store.forwarding("audit", "a").take(NOW, from_beginning=True) == START
    write(store, ("2", ["two"]))
    assert store.forwarding("new", "a").take(NOW, from_beginning=True) == now
    assert now is not None
    assert texts(store, now) == ["two"]


def test_how_far_it_is_outlives_the_process(store: Store, url: str) -> None:
    place = store.forwarding("central", "a")
    assert place.take(NOW, from_beginning=True) == START
    assert place.keep(Cursor(7, 3))
    place.release()
    with Store(url) as later:
        assert later.forwarding("central", "a").take(NOW, from_beginning=True) == Cursor(7, 3)
        assert later.forwarding("other", "a").take(NOW, from_beginning=True) == START


def sign_of_life(store: Store, node: str, at: float) -> None:
    with store.transaction() as transaction:
        transaction.write([], Lease(node=node, now=at))


def test_one_node_forwards_and_another_when_it_is_gone(store: Store) -> None:
    a, b = store.forwarding("central", "a"), store.forwarding("central", "b")
    assert a.take(NOW, from_beginning=True) == START
    sign_of_life(store, "a", NOW)
    assert b.take(NOW + 29, from_beginning=True) is None
    assert a.keep(Cursor(4, 2))
    assert b.take(NOW + 31, from_beginning=True) == Cursor(4, 2)
    assert not a.keep(Cursor(9, 9)), "it has come back, and must not move what the other one goes on from"
    sign_of_life(store, "b", NOW + 31)
    assert a.take(NOW + 31, from_beginning=True) is None
    b.release()
    assert a.take(NOW + 31, from_beginning=True) == Cursor(4, 2)


def test_a_node_that_never_gave_a_sign_of_life_is_gone(store: Store) -> None:
    assert store.forwarding("central", "a").take(NOW, from_beginning=True) == START
    assert store.forwarding("central", "b").take(NOW, from_beginning=True) == START


def test_an_upgrade_keeps_what_is_stored_and_a_downgrade_too(own_url: str) -> None:
    with Database(own_url) as database:
        with Store(own_url) as before:
            write(before, ("1", [incident(), "one", fault("zm")]))
        migrate.downgrade(database, "0001")
        with database.read() as connection:
            tables = set(sa.inspect(connection).get_table_names())
            assert not {"fault_changes", "forwarders"} & tables
        migrate.upgrade(database)
    with Store(own_url) as after:
        assert [found.id for found in after.incidents()] == ["i1"]
        assert [found.subject for found in after.faults()] == ["zm"]
        assert texts(after) == ["one"]


@pytest.mark.parametrize("kind", [SQLITE])
def test_what_is_long_past_costs_nothing(store: Store, url: str) -> None:
    """The query goes by the primary keys, whatever lies before the cursor. PostgreSQL's plan depends on how
    much there is."""
    plan: list[str] = []
    with Database(url) as database:

        @sa.event.listens_for(database.reader, "before_cursor_execute")
        def explain(connection: sa.Connection, cursor: Any, sql: str, values: Any, *_: object) -> None:
            if "UNION ALL" in sql:
                plan.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values))

        Forwarding(database, "central", "a").after(START, 10)
    assert sum("USING INTEGER PRIMARY KEY (rowid>?)" in step for step in plan) == 2, plan
    assert sum("SEARCH events USING" in step for step in plan) == 2, plan
    assert not any(re.match("SCAN (timeline|fault_changes|events)", step) for step in plan), plan
