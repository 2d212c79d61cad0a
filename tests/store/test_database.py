"""Where the database is, and what happens when it is not what it should be."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from bridge.errors import ConfigError, StoreError
from bridge.store import Database, Limits, Rejected, Store, migrate
from bridge.store.schema import SCHEMA
from tests.store.kinds import postgres_only
from tests.store.rows import decision, incident, needs

# --- addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not the URL of a database"),
        ("site.db", "not the URL of a database"),
        ("mysql://user@host/name", "mysql databases are not supported"),
        ("postgresql+asyncpg://user@host/name", "not supported"),
        ("sqlite://", "the path of a file"),
        ("sqlite:///:memory:", "the path of a file"),
        ("sqlite://host/path", "the path of a file"),
        ("sqlite:////tmp/x.db?mode=ro", "the path of a file"),
        ("postgresql://user:hush@host/name", "never written in the URL"),
        ("postgresql://user@host/name?password=hush", "never written in the URL"),
        ("postgresql://user:hush@host:port/name", "not the URL of a database"),
    ],
)
def test_an_unusable_url_is_refused_without_repeating_it(url: str, why: str) -> None:
    with pytest.raises(StoreError, match=why) as refused:
        Store(url)
    assert "hush" not in str(refused.value)


def test_messages_name_the_database_without_its_options() -> None:
    database = Database("postgresql://user@host:5433/name?sslpassword=hush")
    assert str(database) == "postgresql://user@host:5433/name"
    assert "hush" not in repr(database)


# --- the schema -------------------------------------------------------------------------------------


def test_a_database_without_tables_is_refused_with_the_command(empty_url: Callable[[], str]) -> None:
    store = Store(empty_url(), upgrade_command="sosbridge db upgrade --config /etc/x.yaml")
    with pytest.raises(StoreError, match=r"tables yet; type: sosbridge db upgrade --config /etc/x\.yaml"):
        store.open()


@pytest.mark.parametrize(
    ("revision", "command"),
    [("0000", "type: sosbridge db upgrade --config up.yaml"), ("0999", f"db downgrade {SCHEMA} --config up")],
)
def test_another_schema_is_refused_with_the_command(own_url: str, revision: str, command: str) -> None:
    with Database(own_url) as database, database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    store = Store(own_url, upgrade_command="sosbridge db upgrade --config up.yaml")
    with pytest.raises(StoreError, match=f"at schema {revision}.*needs {SCHEMA}.*{command}"):
        store.open()


# --- SQLite -----------------------------------------------------------------------------------------


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Store:
    with Database(f"sqlite:///{tmp_path}/folder/site.db") as database:
        migrate.upgrade(database)
    return Store(f"sqlite:///{tmp_path}/folder/site.db")


def test_sqlite_is_durable_and_private(sqlite_store: Store, tmp_path: Path) -> None:
    with sqlite_store as store:
        with store._database.write() as connection:
            settings = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert settings == ["wal", 2, 1]
    assert (tmp_path / "folder/site.db").stat().st_mode & 0o007 == 0


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match=r"read.?only"), store._database.read() as connection:
        connection.exec_driver_sql("DELETE FROM incidents")


@pytest.mark.parametrize("damage", ["text", "zeros"])
def test_a_file_that_is_no_database_is_said_to_be_none(
    sqlite_store: Store, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "folder/site.db"
    file.write_bytes(b"not a database\n" * 500 if damage == "text" else bytes(8192))
    with pytest.raises(StoreError, match=r"not a database|no sosbridge tables"):
        sqlite_store.open()


def test_a_locked_sqlite_is_waited_for_no_longer_than_told(sqlite_store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "folder/site.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store(str(sqlite_store), limits=Limits(lock=0.05)) as store:
        with pytest.raises(StoreError, match="locked"), store.transaction():
            pass
        other.execute("ROLLBACK")
        with store.transaction() as transaction:
            transaction.write([decision(incident())])
    other.close()


def test_a_new_sqlite_file_is_opened_by_several_at_once(tmp_path: Path) -> None:
    """SQLite lets one of them fail at once; which run meets that is chance: one in six."""
    with ThreadPoolExecutor(4) as threads:
        for number in range(30):
            url, together = f"sqlite:///{tmp_path}/{number}.db", Barrier(4)

            def write(_: int, url: str = url, together: Barrier = together) -> None:
                with closing(Database(url)) as database:
                    together.wait()
                    with database.write():
                        pass

            list(threads.map(write, range(4)))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        migrate.upgrade(Database(f"sqlite:///{tmp_path}/file/site.db"))


@pytest.mark.real("root")
def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        with Database(f"sqlite:///{disk}/site.db") as database:
            migrate.upgrade(database)
        committed = _fill_up(f"sqlite:///{disk}/site.db")
        with Store(f"sqlite:///{disk}/site.db") as store:
            assert len(store.incidents(limit=9999)) == committed
            assert store.quick_check() == []
    finally:
        subprocess.run(["umount", disk], check=True)


def _fill_up(url: str) -> int:
    """Commit batches until the disk is full; return how many incidents were committed."""
    committed = 0

    def commit_until_full() -> None:
        nonlocal committed
        while committed < 100_000:
            numbers = range(committed, committed + 10)
            rows = [incident(f"{n}", f"{n}", close_reason="x" * 200) for n in numbers]
            with store.transaction() as transaction:
                transaction.write([decision(*rows)])
            committed += 10

    with Store(url) as store, pytest.raises(StoreError, match="full") as failed:
        commit_until_full()
    assert not isinstance(failed.value, Rejected)
    return committed


def test_a_broken_write_is_followed_by_a_fresh_handle(sqlite_store: Store) -> None:
    """What a handle says after a failed fsync cannot be trusted."""
    handles: list[object] = []

    def use(statement: str) -> None:
        with store._database.write() as connection:
            handles.append(connection.connection.dbapi_connection)
            connection.exec_driver_sql(statement)

    with sqlite_store as store:
        use("SELECT 1")
        with pytest.raises(StoreError):
            use("SELECT * FROM nowhere")
        use("SELECT 1")
    assert handles[0] is handles[1]
    assert handles[1] is not handles[2]


def test_an_older_copy_put_back_is_read_afresh(sqlite_store: Store, tmp_path: Path) -> None:
    """A restored backup must not meet connections that remember the lost file."""
    shutil.copy(tmp_path / "folder/site.db", tmp_path / "backup.db")
    with sqlite_store as store:
        with store.transaction() as transaction:
            transaction.write([decision(incident())])
        store.close()
        for file in (tmp_path / "folder").iterdir():
            file.unlink()
        shutil.copy(tmp_path / "backup.db", tmp_path / "folder/site.db")
        assert store.open().incidents() == []


# --- PostgreSQL -------------------------------------------------------------------------------------


def test_a_refused_connection_names_the_place_only() -> None:
    with pytest.raises(StoreError) as refused:
        Store("postgresql://user@127.0.0.1:1/site", password=lambda: "hush").open()
    assert "127.0.0.1" in str(refused.value)
    assert "hush" not in f"{refused.value} {refused.value.__cause__!r}"


@postgres_only
class TestPostgres:
    def test_the_session_is_durable_impatient_and_utf8(self, store: Store) -> None:
        names = (
            *("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout"),
            *("statement_timeout", "transaction_isolation", "client_encoding"),
        )
        with store._database.write() as connection:
            values = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
        assert values == ["on", "400ms", "2s", "2s", "read committed", "UTF8"]

    def test_the_password_is_asked_for_at_each_connection(self, url: str) -> None:
        asked: list[int] = []

        def reveal() -> str:
            asked.append(1)
            return "hush"

        with Store(url, password=reveal) as store:
            store.incidents()
            store.close()
            store.open()
        assert len(asked) == 2

    def test_a_password_that_cannot_be_read_is_a_store_error(self, url: str) -> None:
        def reveal() -> str:
            raise ConfigError("the environment variable DB is not set")

        with pytest.raises(StoreError, match="variable DB is not set"):
            Store(url, password=reveal).open()

    def test_the_site_lock_is_waited_for_no_longer_than_told(self, url: str) -> None:
        def write() -> None:
            with second.transaction() as transaction:
                transaction.write([decision(incident())])

        with Store(url) as first, Store(url, limits=Limits(lock=0.05)) as second:
            with first.transaction(), pytest.raises(StoreError, match="lock timeout"):
                write()
            write()

    def test_a_writer_that_stops_in_the_middle_loses_its_session(self, url: str) -> None:
        def hang() -> None:
            with store.transaction() as transaction:
                transaction.write([decision(incident())])
                with store._database.read() as other:
                    other.exec_driver_sql("SELECT pg_sleep(0.2)")
                transaction.load(needs(phones={"P-1"}))

        with Store(url, limits=Limits(idle=0.05)) as store:
            with pytest.raises(StoreError, match=r"idle-in-transaction|server closed the connection"):
                hang()
            assert store.incidents() == []

    def test_a_restarted_server_costs_no_transaction(self, store: Store) -> None:
        """The connection died with the server, but nothing had been asked of it yet."""
        with store.transaction() as transaction:
            transaction.write([decision(incident())])
        with store._database.read() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with store.transaction() as transaction:
            transaction.write([decision(incident("i2", "P-2"))])
        assert len(store.incidents()) == 2

    def test_another_encoding_is_refused(self, url: str) -> None:
        name = f"{sa.make_url(url).database}_ascii"
        with Database(url) as database:
            admin = database.writer.connect().execution_options(isolation_level="AUTOCOMMIT")
            ascii_only = "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
            admin.exec_driver_sql(f"CREATE DATABASE {name} {ascii_only}")
            with pytest.raises(StoreError, match="SQL_ASCII: create it with ENCODING 'UTF8'"):
                Store(f"{url}_ascii").open()
            admin.exec_driver_sql(f"DROP DATABASE {name}")
            admin.close()
