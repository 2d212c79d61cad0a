"""One database: where it lies, its engines, and its errors in words for a person.

Called by everything else in this package that needs a connection.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from bridge.errors import ConfigError, StoreError
from bridge.store import postgres, sqlite
from bridge.store.limits import PATIENT, Limits
from bridge.store.schema import SCHEMA, VERSION_TABLE

URL_FORMS: Final = "sqlite:////var/lib/sosbridge/site.db or postgresql://user@host/database"

PROGRAM_LIMIT_EXCEEDED: Final = "54"
"""Class of SQLSTATEs: a value is too long for an index, for one (PostgreSQL manual, appendix A)."""


class Rejected(StoreError):
    """The database works, but refuses these very rows. What is written without them may go through."""


class Away(StoreError):
    """The database's server cannot be reached. Later it may be."""


class Database:
    """The engines of one database, opened when first used.

    url: `sqlite:///` and a path, or `postgresql://`; never with a password in it.
    password: asked for every new connection.
    upgrade_command: what a person has to type when the schema is not this program's.
    """

    def __init__(
        self,
        url: str,
        *,
        password: Callable[[], str] | None = None,
        limits: Limits | None = None,
        upgrade_command: str = "sosbridge db upgrade",
    ) -> None:
        self._url = _parsed(url)
        self._password = password
        self._limits = limits or Limits()
        self._upgrade_command = upgrade_command
        self._in_use: set[sa.Connection] = set()
        self._in_use_lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        """For messages: without options, so that nothing secret can be among them."""
        return self._url.set(query={}).render_as_string(hide_password=True)

    def __repr__(self) -> str:
        return f"Database({str(self)!r})"

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database, else None."""
        return Path(self._url.database or "") if self._url.get_backend_name() == "sqlite" else None

    @cached_property
    def writer(self) -> sa.Engine:
        return self._engine(writes=True)

    @cached_property
    def reader(self) -> sa.Engine:
        return self._engine(writes=False)

    def _engine(self, *, writes: bool) -> sa.Engine:
        if self.path is not None:
            return sqlite.make_engine(self.path, self._limits, writes=writes)
        return postgres.make_engine(self._url, self._limits, self._password, writes=writes)

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read-only transaction. Raises StoreError."""
        with self._transaction(self.reader) as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """The one writing transaction of this database. Raises StoreError; `Rejected` for bad rows."""
        with self._transaction(self.writer) as connection:
            yield connection

    def cut(self) -> None:
        """End every wait for a server that does not answer; called from another thread.

        The transactions then fail. SQLite needs none of it: it waits for nobody but the disk.
        """
        if self.path is not None:
            return
        with self._in_use_lock:
            links = [self._link(connection) for connection in self._in_use if not connection.invalidated]
        for link in links:
            if link is not None:
                postgres.cut(link)

    @staticmethod
    def _link(connection: sa.Connection) -> psycopg.Connection[Any] | None:
        try:
            return connection.connection.driver_connection
        except exc.SQLAlchemyError:  # its own thread is giving it up this very moment
            return None

    def patient(self) -> Database:
        """Return another one on the same database, for reading a lot: it takes as long as it takes."""
        return Database(str(self._url), password=self._password, limits=PATIENT)

    def require_schema(self) -> None:
        """Raise StoreError unless the schema is the one this program reads and writes."""
        revision = self.revision()
        if revision == SCHEMA:
            return
        if revision is None:
            raise StoreError(f"{self} holds no sosbridge tables yet; type: {self._upgrade_command}")
        if revision < SCHEMA:
            raise StoreError(
                f"{self} is at schema {revision}, this version needs {SCHEMA};"
                f" stop every sosbridge that uses it and type: {self._upgrade_command}"
            )
        downgrade = self._upgrade_command.replace("upgrade", f"downgrade {SCHEMA}", 1)
        raise StoreError(
            f"{self} is at schema {revision} of a newer version, this one needs {SCHEMA};"
            f" install the newer version again, or type with it: {downgrade}"
        )

    def require_writable(self) -> None:
        """Raise StoreError where this user may only read an SQLite file; a server says so by itself."""
        if self.path is not None:
            sqlite.require_writable(self.path)

    def revision(self) -> str | None:
        """Return the schema's revision; None where there is none. Raises StoreError."""
        if self.path is not None and not self.path.is_file():
            return None
        with self.read() as connection:
            if not sa.inspect(connection).has_table(VERSION_TABLE):
                return None
            revision = connection.scalar(
                sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
            )
            return None if revision is None else str(revision)

    def close(self) -> None:
        """Close every connection that is not in use. It may be used again afterwards."""
        for name in ("writer", "reader"):
            if engine := self.__dict__.pop(name, None):
                engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            with engine.connect() as connection, self._used(connection):
                try:
                    with _begun(connection):
                        yield connection
                except exc.SQLAlchemyError as error:
                    if not _is_about_rows(error):
                        # After a failed fsync or a broken link nothing that this handle says can be trusted.
                        connection.invalidate()
                    raise
        except exc.SQLAlchemyError as error:
            raise self._kind(error)(f"{self}: {_words(error)}") from error
        except ConfigError as error:  # the password cannot be read
            raise StoreError(f"{self}: {error}") from error

    def _kind(self, error: exc.SQLAlchemyError) -> type[StoreError]:
        if _is_about_rows(error):
            return Rejected
        # Without a statement it did not get as far as asking; a file is not reached but opened.
        connecting = isinstance(error, exc.OperationalError) and error.statement is None
        return Away if connecting and self.path is None else StoreError

    @contextlib.contextmanager
    def _used(self, connection: sa.Connection) -> Iterator[None]:
        with self._in_use_lock:
            self._in_use.add(connection)
        try:
            yield
        finally:
            with self._in_use_lock:
                self._in_use.discard(connection)


def _begun(connection: sa.Connection) -> sa.RootTransaction:
    """Begin, once more if the server was restarted since the connection was used last."""
    try:
        return connection.begin()
    except exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return connection.begin()


def _parsed(url: str) -> sa.URL:
    """Return the URL. Raises StoreError, never with the URL in its text: a password may be in it."""
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise StoreError(f"this is not the URL of a database; write {URL_FORMS}") from None
    if parsed.drivername not in ("sqlite", "postgresql", "postgresql+psycopg"):
        raise StoreError(f"{parsed.drivername} databases are not supported; write {URL_FORMS}")
    if parsed.password is not None or "password" in parsed.query:
        raise StoreError("a password is never written in the URL of the database: give it separately")
    if parsed.get_backend_name() == "sqlite" and (
        parsed.database in (None, "", ":memory:") or parsed.host or parsed.query
    ):
        raise StoreError(f"an SQLite URL is sqlite:/// and the path of a file; write {URL_FORMS}")
    return parsed


def _is_about_rows(error: exc.SQLAlchemyError) -> bool:
    """Whether the database refused these rows rather than failed."""
    if isinstance(error, exc.IntegrityError | exc.DataError):
        return True
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, exc.DBAPIError) else None
    return state is not None and state.startswith(PROGRAM_LIMIT_EXCEEDED)


def _words(error: exc.SQLAlchemyError) -> str:
    """What went wrong, in one line and without the statement."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split()) or type(cause).__name__
