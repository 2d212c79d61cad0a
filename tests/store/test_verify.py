"""`db verify` finds what a hand or a broken disk did."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.model import DeliveryState, TimelineEntry, Timer
from bridge.store import Database, Store
from bridge.store.verify import verify
from tests.store.kinds import postgres_only
from tests.store.rows import NOW, call, closed, decision, delivery, event, fault, hold, incident


@pytest.fixture
def url(own_url: str) -> str:
    return own_url


@pytest.fixture
def database(store: Store) -> Database:
    """A sound database with one of everything."""
    cause = event(key="1", caller="+49 30 1")
    line = TimelineEntry(incident="i1", at=NOW, event=cause.id, reason="opened", text="P-1 dialled 9110")
    values = (incident(), closed("i2"), call(), delivery(), hold(), fault(), line)
    with store.transaction() as transaction:
        transaction.write(
            [decision(*values, Timer(incident="i1", name="picture", due_at=NOW), caused_by=cause)]
        )
    return store._database


@pytest.fixture
def tamper(database: Database) -> Callable[[str], None]:
    """Change the database as a hand would: without the program, and past its foreign keys."""

    def change(sql: str) -> None:
        with database.writer.connect() as connection, connection.begin():
            if database.path is None:
                connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql(sql)
            if database.path is None:
                connection.exec_driver_sql("SET session_replication_role = origin")

    if database.path is not None:
        with database.writer.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]  # connected
    return change


def test_a_sound_database_has_no_findings(database: Database) -> None:
    assert list(verify(database)) == []


@pytest.mark.parametrize(
    ("sql", "subject", "text"),
    [
        ("UPDATE incidents SET state = 'asleep' WHERE id = 'i1'", "incidents i1", "state is 'asleep'"),
        ("DELETE FROM events", "timeline 1", "its event .* is not stored"),
        ("UPDATE deliveries SET incident = 'gone'", "deliveries d1", "its incident gone is not stored"),
        ("UPDATE calls SET incident = 'gone'", "calls c1", "its incident gone is not stored"),
        ("UPDATE holds SET incident = 'i2'", "holds ptz/1 i2", "its incident is closed"),
        ("UPDATE timers SET incident = 'i2'", "timers i2 picture", "its incident is closed"),
        ("UPDATE deliveries SET state = 'verified'", "deliveries d1", "do not agree"),
        ("UPDATE deliveries SET settled_at = 5", "deliveries d1", "do not agree"),
        ("UPDATE events SET key = '2'", "events ", "is not what was stored"),
        (
            "INSERT INTO faults SELECT subject, what, text, opened_at + 1, NULL FROM faults",
            "faults ami/pbx1 blind",
            "open more than once",
        ),
    ],
)
def test_what_a_hand_broke_is_found(
    database: Database, tamper: Callable[[str], None], sql: str, subject: str, text: str
) -> None:
    tamper(sql)
    finding, *more = verify(database)
    assert [each.subject.split()[0] for each in more] == (["events"] if "events" in sql.lower() else [])
    assert finding.level == "error"
    assert finding.subject.startswith(subject)
    assert re.search(text, finding.text)


def test_two_open_incidents_of_a_phone_are_found(database: Database, tamper: Callable[[str], None]) -> None:
    tamper("DROP INDEX uq_incidents_one_real_per_phone")
    tamper("UPDATE incidents SET state = 'open', closed_at = NULL WHERE id = 'i2'")
    assert [finding.text for finding in verify(database)] == ["2 incidents are open at once"]


def test_a_damaged_page_is_found(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(sqlite_template.read_bytes())
    with Store(f"sqlite:///{path}") as store, store.transaction() as transaction:
        transaction.write([decision(*(incident(f"{n}", f"{n}") for n in range(500)))])
    with sqlite3.connect(path) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_incidents_opened_at_id'"
        [page] = connection.execute(query).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size + 8 : page * size] = bytes(size - 8)
    path.write_bytes(content)
    with Database(f"sqlite:///{path}") as database:
        findings = list(verify(database))
    assert {finding.subject for finding in findings} == {"file"}
    with Store(f"sqlite:///{path}") as store:
        assert len(store.quick_check()) >= 1


@postgres_only
def test_an_index_that_was_never_finished_is_found(database: Database, tamper: Callable[[str], None]) -> None:
    tamper("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_holds_incident'::regclass")
    [finding] = list(verify(database))
    assert "REINDEX INDEX ix_holds_incident" in finding.text


@postgres_only
def test_indices_are_compared_where_amcheck_is_there(
    database: Database, tamper: Callable[[str], None]
) -> None:
    tamper("CREATE EXTENSION amcheck")
    assert list(verify(database)) == []
    index = "WHERE indexrelid = 'ix_holds_incident'::regclass"
    tamper(f"UPDATE pg_index SET indisready = false, indisvalid = false {index}")
    tamper("INSERT INTO holds SELECT 'ptz/2', incident, tier, since, held FROM holds")
    tamper(f"UPDATE pg_index SET indisready = true, indisvalid = true {index}")
    findings = list(verify(database))
    assert ["ix_holds_incident" in finding.text for finding in findings] == [True]


def test_settled_states_are_all_words_of_the_model() -> None:
    """The conditions of the partial indices are text: they must not drift from the enumeration."""
    from bridge.store.schema import UNSETTLED

    unsettled = [state.value for state in DeliveryState if not state.settled]
    assert f"state IN ({', '.join(repr(word) for word in unsettled)})" == UNSETTLED
