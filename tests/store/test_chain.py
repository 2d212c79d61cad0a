"""The chain over the evidence: whatever a hand does to a row, `db verify` finds it."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.engine import Decision
from bridge.model import Event, Fault, TimelineEntry
from bridge.store import Database, Lease, Store, chain, schema
from bridge.store.checking import check_chains
from bridge.store.limits import PATIENT
from tests.store.conftest import empty
from tests.store.kinds import sqlite_only
from tests.store.rows import ANY_TEXT, NOW, any_of, decision, event, fault, incident

ROWS = 6
EVIDENCE = (schema.events, schema.timeline, schema.fault_changes)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """One that waits for a busy machine."""
    with Store(url, limits=PATIENT) as opened:
        yield opened


@pytest.fixture
def told(store: Store) -> Store:
    """Six events, each with a line of a story and a fault, in three commits."""
    for number in range(0, ROWS, 2):
        with store.transaction() as transaction:
            transaction.write([_happened(number), _happened(number + 1)], Lease(node="a", now=NOW + number))
    return store


def _happened(number: int) -> Decision:
    cause = event(key=f"call {number}", caller="Zoë \udcff", attributes={"by": "anna", "a": "\0"})
    line = TimelineEntry(
        incident="i1", at=NOW + number, event=cause.id, reason="opened", text=f"line {number}"
    )
    return decision(incident(), line, fault(opened_at=NOW + number), caused_by=cause)


def found(database: Database, *expected: str) -> list[str]:
    with database.read() as connection:
        return [f"{each.subject}: {each.text}" for each in check_chains(connection, expected)]


def test_what_was_stored_is_whole(told: Store) -> None:
    assert found(told._database) == []
    with told._database.read() as connection:
        heads = {head.name: head.seq for head in chain.heads(connection)}
        assert heads.keys() == {table.name for table in EVIDENCE}
        moments = connection.scalars(
            sa.select(schema.events.c.decided_at).order_by(schema.events.c.seq)
        ).all()
    assert moments == [NOW, NOW, NOW + 2, NOW + 2, NOW + 4, NOW + 4]


class UndoError(Exception):
    """Leaves a transaction without a trace."""


@pytest.mark.parametrize("cls", [Event, TimelineEntry, Fault])
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_row_holds_its_hash_fits(store: Store, cls: type, data: st.DataObject) -> None:
    owned = {"incident": st.just("i1")} if cls is TimelineEntry else {}
    value = data.draw(any_of(cls, **owned))
    with contextlib.suppress(UndoError), store.transaction() as transaction:
        transaction.write([decision(incident())])
        transaction.write([decision(caused_by=value) if cls is Event else decision(value)])
        assert list(check_chains(transaction._connection)) == []
        raise UndoError


# --- by hand ----------------------------------------------------------------------------------------


COLUMNS = [(table, column.name) for table in EVIDENCE for column in table.columns]


@pytest.mark.parametrize(("table", "name"), COLUMNS, ids=lambda value: getattr(value, "name", value))
def test_any_column_that_is_edited_is_found(told: Store, table: sa.Table, name: str) -> None:
    column, random_row = table.c[name], random.Random(name).randrange(ROWS)
    with told._database.write() as connection:
        seqs = _seqs(connection, table)
        which = seqs[random_row]
        if table is schema.timeline and name == "incident":
            connection.execute(sa.insert(schema.incidents).from_select(*_another_incident()))
        value = _another(column)
        connection.execute(sa.update(table).where(table.c.seq == which).values({name: value}))
    now = 1000 if name == "seq" else which
    assert any(f"{table.name} seq {now} " in line for line in found(told._database))


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_edit_of_any_row_is_found(told: Store, data: st.DataObject) -> None:
    """Any words in any place: `found` unless they are those that stood there."""
    table, name = data.draw(
        st.sampled_from(
            [(t, n) for t, n in COLUMNS if isinstance(t.c[n].type, schema.AnyText) and n != "incident"]
        )
    )
    value = data.draw(ANY_TEXT)
    with contextlib.suppress(UndoError), told._database.write() as connection:
        which = table.c.seq == data.draw(st.sampled_from(_seqs(connection, table)))
        same = connection.scalar(sa.select(table.c[name]).where(which)) == value
        taken = name == "id" and value in connection.scalars(sa.select(table.c.id)).all()
        if not taken:
            connection.execute(sa.update(table).where(which).values({name: value}))
            assert bool(list(check_chains(connection))) != same
        raise UndoError


def _another(column: sa.Column[object]) -> object:
    if isinstance(column.type, sa.JSON):
        return {"by": "otto"}
    if isinstance(column.type, sa.Double):
        return NOW + 0.000001
    return 1000 if column.name in ("seq", "occurrence") else "i2"


def _another_incident() -> tuple[list[str], sa.Select[tuple[object, ...]]]:
    table = schema.incidents
    other = {"id": "i2", "phone": "P-2"}
    chosen = [sa.literal(other[c.name]) if c.name in other else c for c in table.columns]
    return [c.name for c in table.columns], sa.select(*chosen)


def _seqs(connection: sa.Connection, table: sa.Table) -> Sequence[int]:
    return connection.scalars(sa.select(table.c.seq).order_by(table.c.seq)).all()


@pytest.mark.parametrize("table", EVIDENCE, ids=lambda table: table.name)
@pytest.mark.parametrize("place", range(ROWS))
def test_a_row_that_is_taken_out_is_found(told: Store, table: sa.Table, place: int) -> None:
    with told._database.write() as connection:
        seqs = _seqs(connection, table)
        connection.execute(sa.delete(table).where(table.c.seq == seqs[place]))
    first, *_ = found(told._database)
    if place < ROWS - 1:
        assert f"{table.name} seq {seqs[place + 1]} " in first
        assert "does not follow the row before" in first
    else:
        assert f"{table.name} after {seqs[place - 1]}: the newest rows are not" in first


def test_a_story_that_loses_its_end_stays_found(told: Store) -> None:
    """What is stored afterwards does not go on from what is left."""
    table = schema.timeline
    with told._database.write() as connection:
        connection.execute(sa.delete(table).where(table.c.seq == _seqs(connection, table)[-1]))
    with told.transaction() as transaction:
        transaction.write([_happened(99)])
    [only] = [line for line in found(told._database) if line.startswith("timeline")]
    assert "does not follow the row before" in only


@pytest.mark.parametrize("place", range(ROWS - 1))
def test_two_rows_that_are_swapped_are_found(told: Store, place: int) -> None:
    table = schema.timeline
    with told._database.write() as connection:
        one, other = _seqs(connection, table)[place : place + 2]
        for before, after in ((one, 1000), (other, one), (1000, other)):
            connection.execute(sa.update(table).where(table.c.seq == before).values(seq=after))
    assert any(f"timeline seq {one} " in line for line in found(told._database))


@pytest.mark.parametrize("place", range(ROWS + 1))
def test_a_row_that_is_put_in_is_found(told: Store, place: int) -> None:
    """Even one whose own hash fits: the next does not follow it, or the end is another."""
    table = schema.timeline
    with told._database.write() as connection:
        seqs = _seqs(connection, table)
        moved = sa.update(table).values(seq=table.c.seq + 1000).where(table.c.seq >= (*seqs, 999)[place])
        connection.execute(moved)
        before = connection.scalar(
            sa.select(table.c.hash).where(table.c.seq < 1000).order_by(table.c.seq.desc()).limit(1)
        )
        row = {"seq": 999, "incident": "i1", "at": NOW, "event": "e", "reason": "opened", "text": "forged"}
        before = before or chain.GENESIS
        own = chain.digest(before, chain.canonical(table, row, connection.dialect))
        connection.execute(sa.insert(table).values(**row, previous=before, hash=own))
    assert found(told._database)


@pytest.mark.parametrize("statement", ["DELETE FROM chains", "UPDATE chains SET hash = 'x'"])
def test_the_end_is_guarded_and_never_in_the_way(told: Store, statement: str) -> None:
    with told._database.write() as connection:
        connection.exec_driver_sql(statement)
    assert len(found(told._database)) == len(EVIDENCE)
    with told.transaction() as transaction:
        transaction.write([_happened(99)])
    assert len(found(told._database)) == len(EVIDENCE)


def test_a_value_of_another_type_is_found(told: Store) -> None:
    if told._database.path is None:
        return  # PostgreSQL takes none
    with told._database.write() as connection:
        connection.exec_driver_sql("UPDATE events SET attributes = '{' WHERE key = 'call 1'")
        connection.exec_driver_sql("UPDATE timeline SET at = 'soon', text = x'00ff' WHERE text = 'line 2'")
        connection.exec_driver_sql("UPDATE timeline SET previous = 'é' WHERE text = 'line 4'")
    assert len(found(told._database)) == 4


def test_many_findings_are_cut(told: Store) -> None:
    with told._database.write() as connection:
        connection.exec_driver_sql("UPDATE timeline SET text = 'x'")
    assert len(found(told._database)) == ROWS


def test_a_head_that_was_kept_elsewhere_is_looked_for(told: Store) -> None:
    with told._database.read() as connection:
        kept = [head.hash for head in chain.heads(connection)]
    with told.transaction() as transaction:
        transaction.write([_happened(99)])
    assert found(told._database, *kept) == []
    with told._database.write() as connection:
        empty(connection)  # somebody who owns the database begins a new chain, all of it in order
    with told.transaction() as transaction:
        transaction.write([_happened(10 + number) for number in range(ROWS)])
    assert found(told._database) == []
    assert len(found(told._database, *kept)) == len(EVIDENCE)


# --- without the program ----------------------------------------------------------------------------


@sqlite_only
@pytest.mark.parametrize("table", EVIDENCE, ids=lambda table: table.name)
def test_the_documented_script_says_the_same(told: Store, table: sa.Table) -> None:
    page = (Path(__file__).parents[2] / "docs" / "database.md").read_text()
    [script] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    head = next(head for head in told.heads() if head.name == table.name)

    def said() -> list[str]:
        command = [sys.executable, "-c", script, str(told._database.path), table.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    assert said() == [f"{table.name} ends with {head.hash}"]
    with told._database.write() as connection:
        column = "caller" if table is schema.events else "text"
        connection.exec_driver_sql(f"UPDATE {table.name} SET {column} = 'x' WHERE seq = 2")
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE seq = 4")
    assert said() == [
        "seq 2 was changed",
        "seq 5 does not follow the row before",
        f"{table.name} ends with {head.hash}",
    ]


@sqlite_only
def test_a_row_can_be_checked_by_sha256sum(told: Store) -> None:
    row = '{"at":1767225602.0,"event":"%s","incident":"i1","reason":"opened","seq":3,"table":"timeline",'
    row += '"text":"line 2"}'
    with told._database.read() as connection:
        table = schema.timeline
        [found] = connection.execute(sa.select(table).where(table.c.seq == 3))
    lines = f"{found.previous}\n{row % found.event}\n".encode()
    summed = subprocess.run(["sha256sum"], input=lines, capture_output=True, check=True).stdout.decode()
    assert summed.split()[0] == found.hash
