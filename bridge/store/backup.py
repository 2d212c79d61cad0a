"""A copy of a live SQLite database, by its backup API. Called by `sosbridge db backup`.

The copy is what one reading transaction sees, so a bridge that writes meanwhile neither waits for it nor
makes it begin anew. It gets its name only once it is whole and was read back.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bridge.errors import StoreError
from bridge.store.database import Database
from bridge.store.spool import sync_folder
from bridge.store.sqlite import FILE_MODE

PAGES: Final = 256
"""A step, 1 MB; between two steps the disk is free for those who commit."""
REST: Final = 0.01
"""Seconds between two steps."""


def back_up(database: Database, to: Path, tell: Callable[[int, int], None]) -> None:
    """Copy the database into the new file `to`, beside a bridge that works.

    tell: called after each step with the bytes that are copied, and with all there are.
    Raises StoreError; then there is no file.
    """
    if database.path is None:
        raise StoreError(
            "PostgreSQL makes its own backups: pg_dump --format=custom"
            f" --file={to} '{str(database).replace('+psycopg', '')}'"
        )
    database.require_schema()
    if to.exists():
        raise StoreError(f"{to} is there already: name a file that is not")
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
        _copy(database.path, part, tell)
        _read_back(part)
        _name(part, to)
    except FileExistsError:
        raise StoreError(f"{to} has come to be meanwhile: name a file that is not there") from None
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"the backup {to} cannot be written: {reason}") from error
    finally:
        for name in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            name.unlink(missing_ok=True)


def _copy(path: Path, part: Path, tell: Callable[[int, int], None]) -> None:
    with _opened(f"file:{quote(str(path))}?mode=ro") as source, _opened(f"file:{quote(str(part))}") as copy:
        [size] = source.execute("PRAGMA page_size").fetchone()
        # What it reads now is what it sees to the end. Otherwise each commit would make it begin anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def progress(_status: int, remaining: int, total: int) -> None:
            tell((total - remaining) * size, total * size)

        source.backup(copy, pages=PAGES, progress=progress, sleep=REST)


@contextlib.contextmanager
def _opened(address: str) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection


def _read_back(part: Path) -> None:
    """Raise StoreError unless the copy is sound. Works where no database could live, too: a network share."""
    with _opened(f"file:{quote(str(part))}?immutable=1") as copy:
        [(found,)] = copy.execute("PRAGMA integrity_check(1)").fetchall()
    if found != "ok":
        raise StoreError(f"the database is damaged, and so would be its backup: {found}")


def _name(part: Path, to: Path) -> None:
    """Give the copy its name, on the disk and never over another file. Raises OSError."""
    with part.open("rb") as file:
        os.fsync(file)
    try:
        os.link(part, to)
    except PermissionError:  # a file system without links: a USB stick, some shares
        if to.exists():
            raise FileExistsError from None
        part.rename(to)
    sync_folder(to.parent)
