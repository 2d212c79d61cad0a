"""PostgreSQL as this product uses it: one site-wide lock per writing transaction, and short patience.

Called by `database`, `verify` and `migrate`. Driver: psycopg 3.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bridge.errors import StoreError
from bridge.store import schema
from bridge.store.limits import Limits

SITE_LOCK: Final = 0x534F_5342_7264_6765
"""Key of the advisory lock ("SOSBrdge"). Such a lock belongs to one database, and a database is a site."""


def make_engine(
    url: sa.URL, limits: Limits, password: Callable[[], str] | None, *, writes: bool
) -> sa.Engine:
    """Return an engine on the database. A writer has one connection, whose transactions exclude each other.

    password: called for every new connection, so that a rotated password is found; None leaves it to libpq
    (peer authentication, ~/.pgpass).
    """
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": limits.connect,
            "client_encoding": "utf8",
            "application_name": "sosbridge",
            "options": _options(limits, writes=writes),
        },
        pool_size=1 if writes else 3,
        max_overflow=0,
        pool_timeout=limits.lock if writes else limits.read,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "do_connect")
    def identify(_dialect: sa.Dialect, _record: object, _args: object, arguments: dict[str, Any]) -> None:
        if password is not None:
            arguments["password"] = password()

    @sa.event.listens_for(engine, "connect")
    def check(connection: psycopg.Connection[Any], _record: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'")

    if writes:

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            # Before the first read: what is read under READ COMMITTED afterwards is what will be changed.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SITE_LOCK})")

    return engine


def _options(limits: Limits, *, writes: bool) -> str:
    settings = {
        # An acknowledged event is on the disk, whatever the server's default says.
        "synchronous_commit": "on",
        "lock_timeout": round(limits.lock * 1000),
        "idle_in_transaction_session_timeout": round(limits.idle * 1000) if writes else 0,
        "statement_timeout": round((limits.statement if writes else limits.read) * 1000),
        "default_transaction_read_only": "off" if writes else "on",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def check_pages(connection: sa.Connection) -> list[str]:
    """Return what PostgreSQL finds damaged, a line each; empty when sound.

    Every row is read, which finds pages whose checksum is wrong. The indices are compared with their rows
    where the extension amcheck is installed and this user may call it.
    """
    damages = []
    for table in schema.metadata.sorted_tables:
        row = sa.cast(sa.literal_column(table.name), sa.Text)
        query = sa.select(sa.func.sum(sa.func.length(row))).select_from(table)
        damages += _complaint(connection, query, f"table {table.name}")
    for index, valid in connection.execute(sa.text(_INDICES)).all():
        if not valid:
            damages.append(f"index {index} was never finished: REINDEX INDEX {index}")
        elif connection.scalar(sa.text(_MAY_CHECK)):
            check = sa.select(sa.func.bt_index_check(sa.cast(index, postgresql.REGCLASS), True))
            damages += _complaint(connection, check, f"index {index}")
    return damages


_INDICES: Final = """
    SELECT class.relname, index.indisvalid
    FROM pg_index index
    JOIN pg_class class ON class.oid = index.indexrelid
    JOIN pg_namespace space ON space.oid = class.relnamespace
    WHERE space.nspname = current_schema()
    ORDER BY class.relname
"""
_MAY_CHECK: Final = """
    SELECT coalesce(bool_or(has_function_privilege(oid, 'EXECUTE')), false)
    FROM pg_proc WHERE proname = 'bt_index_check' AND pronargs = 2
"""


def _complaint(connection: sa.Connection, query: sa.Select[Any], what: str) -> list[str]:
    """Run a query that fails on damage; return what it says then."""
    try:
        with connection.begin_nested():
            connection.execute(query)
    except sa.exc.DBAPIError as error:
        return [f"{what}: {' '.join(str(error.orig).split())}"]
    return []


def cut(connection: psycopg.Connection[Any]) -> None:
    """Shut the connection's socket down, which ends the wait of the thread that uses it with an error.

    A server that is stopped, or a network that swallows everything, gives no error by itself: the kernel
    goes on acknowledging, and the server's own timeouts do not run.
    """
    with contextlib.suppress(psycopg.Error, OSError):  # closed meanwhile: nobody waits any more
        duplicate = os.dup(connection.pgconn.socket)
        with socket.socket(fileno=duplicate) as held:
            held.shutdown(socket.SHUT_RDWR)
