"""SQLite as this product uses it: WAL, every commit on the disk, a writer that locks before it reads.

Called by `database`, `verify` and `migrate`.
"""

from __future__ import annotations

import os
import pwd
import sqlite3
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa

from bridge.errors import StoreError
from bridge.store.limits import Limits

FILE_MODE: Final = 0o640
"""The database holds who called when: for its owner and a group that audits, not for everybody."""


def make_engine(path: Path, limits: Limits, *, writes: bool) -> sa.Engine:
    """Return an engine on the file. A writer has one connection, whose transactions exclude each other."""
    if not writes and not may_write(path):
        return _spectator(path, limits)
    wait = limits.lock if writes else limits.read
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # The driver must not begin transactions of its own: it would do so only at the first write, after
        # the state was read, and two writers would lose updates without an error.
        connect_args={"isolation_level": None, "timeout": wait},
        paramstyle="named",
        pool_size=1 if writes else 3,
        max_overflow=0,
        pool_timeout=wait,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _set_up(connection, writes=writes, wait=wait)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _set_up(connection: sqlite3.Connection, *, writes: bool, wait: float) -> None:
    if _journal_mode(connection, wait) != "wal":
        raise StoreError("this file system cannot hold the database (no WAL): put it on a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not writes:
        connection.execute("PRAGMA query_only = ON")


def _journal_mode(connection: sqlite3.Connection, wait: float) -> str:
    """Turn WAL on and return the mode.

    Of two that open a new file at once SQLite lets one fail, without waiting as it does elsewhere:
    so we wait, `wait` seconds at most.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            [mode] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return str(mode)


def may_write(path: Path) -> bool:
    """Whether this user may write the file, and the files that SQLite keeps beside it."""
    beside = os.access(path.parent, os.W_OK) or os.access(f"{path}-shm", os.W_OK)
    return beside and os.access(path, os.W_OK)


def require_writable(path: Path) -> None:
    """Raise StoreError, saying who may, where this user may only read."""
    if not may_write(path):
        raise StoreError(
            f"you may read {path}, but not write it: type the same as the user that the bridge runs as"
            f" (sudo -u {_owner(path)} ...)"
        )


def _owner(path: Path) -> str:
    try:
        owner = path.stat().st_uid
    except OSError:
        return "USER"
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"#{owner}"


def _spectator(path: Path, limits: Limits) -> sa.Engine:
    """Return an engine for a user who may read the file and not write it, with a new connection each time.

    Readers of a WAL write into the files beside it. While a bridge has the database open they are there;
    afterwards SQLite must be told that nobody changes the file, and then it needs none.
    """

    def connect() -> sqlite3.Connection:
        left = Path(f"{path}-wal")
        still = "" if left.exists() and left.stat().st_size else "&immutable=1"
        address = f"file:{quote(str(path))}?mode=ro{still}"
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=limits.read)

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.NullPool, paramstyle="named", hide_parameters=True
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def create_file(path: Path) -> None:
    """Create the folder and the empty database file where they are missing. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror}") from error


def check_pages(connection: sa.Connection, *, thorough: bool) -> list[str]:
    """Return what SQLite finds damaged, at most 20 lines; empty when sound.

    thorough: every index entry is compared with its row as well; it takes several times as long.
    """
    pragma = "integrity_check" if thorough else "quick_check"
    found = [str(line) for [line] in connection.exec_driver_sql(f"PRAGMA {pragma}(20)")]
    return [] if found == ["ok"] else found
