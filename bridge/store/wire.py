"""SQL that is compiled already, straight to the database driver. Called by `asking` and `bulk`.

A statement costs SQLite 10 us and SQLAlchemy's executor 60 us more, and every SOS stands behind twenty of
them (docs/benchmarks.md). Errors come out as SQLAlchemy's own, so that `database` has one kind to judge.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

Values = Mapping[str, Any]
"""Parameter name -> what the driver takes."""


def query(connection: sa.Connection, sql: str, values: Values) -> Sequence[Sequence[Any]]:
    """Return the rows. Raises sqlalchemy.exc.DBAPIError."""
    with _cursor(connection, sql) as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()  # type: ignore[no-any-return]  # PEP 249 has no types


def change(connection: sa.Connection, sql: str, rows: Sequence[Values]) -> None:
    """Execute the statement for each of the rows. Raises sqlalchemy.exc.DBAPIError."""
    with _cursor(connection, sql) as cursor:
        if len(rows) == 1:  # psycopg sends many in a pipeline, after which PostgreSQL 15 counts no idle time
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)


@contextlib.contextmanager
def _cursor(connection: sa.Connection, sql: str) -> Iterator[Any]:
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver.Error as error:
        if connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor):
            connection.invalidate(error)  # there is nobody left to roll back
        # Without the values: they are nobody's business in a log.
        raise exc.DBAPIError.instance(
            sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    finally:
        with contextlib.suppress(driver.Error):  # of a broken link, which the first error tells
            cursor.close()
