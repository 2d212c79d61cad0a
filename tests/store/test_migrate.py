"""Up, down, and that the tables in the program are the tables that the migrations make."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge.errors import StoreError
from bridge.model import TimelineEntry
from bridge.resources import shared_folder
from bridge.store import Database, Store, migrate
from bridge.store.limits import PATIENT
from bridge.store.schema import SCHEMA, metadata
from bridge.store.verify import verify
from tests.store.rows import NOW, decision, event, fault, incident


def test_the_program_knows_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(shared_folder("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_the_migrations_make_the_tables_that_the_program_uses(url: str) -> None:
    with Database(url) as database, database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_not_even_an_index_differs(empty_url: Callable[[], str]) -> None:
    """Alembic's comparison passes over conditions of indices, primary keys and AUTOINCREMENT."""
    with Database(empty_url()) as migrated, Database(empty_url()) as made:
        migrate.upgrade(migrated)
        with made.write() as connection:
            metadata.create_all(connection)
        assert _definitions(migrated) == _definitions(made)


def _definitions(database: Database) -> set[str]:
    """Return the text of every table and index, as the database itself tells it."""
    if database.path is not None:
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
    else:
        query = """
            SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
            UNION ALL
            SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
            UNION ALL
            SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, identity_generation)
            FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        """
    with database.read() as connection:
        spaced = [re.sub(r"\s+", " ", sql) for [sql] in connection.execute(sa.text(query))]
    found = {sql.replace(" ,", ",").replace(" )", ")") for sql in spaced}
    assert len(found) > 10
    return found


def test_down_and_up_again(empty_url: Callable[[], str]) -> None:
    with Database(empty_url()) as database:
        migrate.upgrade(database)
        migrate.downgrade(database, "base")
        with database.read() as connection:
            assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
        assert database.revision() is None
        migrate.upgrade(database)
        database.require_schema()


def test_upgrading_what_is_up_to_date_keeps_everything(store: Store, url: str) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(incident())])
    with Database(url) as database:
        migrate.upgrade(database)
    assert store.incidents() == [incident()]


def test_of_an_incident_of_before_the_first_to_acknowledge_was_enough(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    with Database(url) as database:
        migrate.upgrade(database)
    known = incident(acknowledgers={"anna": "click"}, people_wanted=2)
    with Store(url) as store, store.transaction() as transaction:
        transaction.write([decision(known)])
    with Database(url) as database:
        migrate.downgrade(database, "0002")
        migrate.upgrade(database)
    with Store(url) as store:
        assert store.incidents() == [replace(known, acknowledgers={}, people_wanted=1)]


def test_evidence_of_before_is_chained_as_it_is(empty_url: Callable[[], str]) -> None:
    """Down and up again, as a database from before comes: with its rows, and numbers that are missing."""
    url = empty_url()
    with Database(url, limits=PATIENT) as database:
        migrate.upgrade(database)
    happened = [
        decision(
            incident(),
            TimelineEntry(incident="i1", at=NOW + n, event="e", reason="opened", text=f"Zo\u00eb {n}"),
            fault(f"ami/{n}"),
            caused_by=event(key=f"{n}", caller="\udcff\0", attributes={"b": "1", "a": "\0"}),
        )
        for n in range(4)
    ]
    with Store(url, limits=PATIENT) as store, store.transaction() as transaction:
        transaction.write(happened)
    with Database(url, limits=PATIENT) as database:
        migrate.downgrade(database, "0003")
        with database.write() as connection:
            connection.exec_driver_sql("DELETE FROM timeline WHERE seq = 2")
            names = "incident, at, event, reason, text"
            connection.exec_driver_sql(f"INSERT INTO timeline ({names}) VALUES ('i1', 5, 'e', 'joined', '')")
        migrate.upgrade(database)
        assert [finding.text for finding in verify(database)] == ["its event e is not stored"] * 4
    with Store(url, limits=PATIENT) as store:
        assert [entry.decided_at for entry in store.journal()] == [None] * 4
        with store.transaction() as transaction:
            transaction.write([decision(fault("ami/9"), caused_by=event(key="9"))])
        assert [head.seq for head in store.heads()] == [5, 5, 5]
        assert len(list(verify(store._database))) == 4


def test_what_was_never_made_cannot_be_taken_back(empty_url: Callable[[], str]) -> None:
    with Database(empty_url()) as database, pytest.raises(StoreError, match="holds no sosbridge tables"):
        migrate.downgrade(database, "base")


def test_an_unknown_revision_is_a_store_error(url: str) -> None:
    with Database(url) as database, pytest.raises(StoreError, match="0999"):
        migrate.downgrade(database, "0999")


def test_two_nodes_that_upgrade_at_once_wait_for_each_other(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    errors: list[Exception] = []

    def upgrade() -> None:
        try:
            with Database(url, limits=PATIENT) as database:
                migrate.upgrade(database)
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with Store(url) as store:
        assert store.incidents() == []


@pytest.mark.real("strace")
@pytest.mark.parametrize("write", [5, 20])
def test_an_upgrade_that_is_killed_is_done_again(tmp_path: Path, write: int) -> None:
    """Whatever it had written, the next try starts from the schema before it."""
    url = f"sqlite:///{tmp_path}/site.db"
    code = f"from bridge.store import Database, migrate; migrate.upgrade(Database({url!r}))"
    inject = f"inject=pwrite64:signal=KILL:when={write}"
    command = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=pwrite64", "-e", inject]
    killed = subprocess.run([*command, sys.executable, "-c", code], check=False, capture_output=True)
    assert killed.returncode != 0
    with Database(url) as database:
        assert database.revision() is None
        migrate.upgrade(database)
        database.require_schema()
