"""Many rows of one table in one statement: insert, insert or change, delete. Called by `writing` and `chain`.

A statement is compiled once for each table and database, and rows go to the driver through the types'
own bind processors: SQLAlchemy's way for each single row costs more than the database itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from bridge.store import schema, wire

Row = Mapping[str, Any]
"""Column name -> plain value (`plain.to_plain`)."""


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows. Those of a table with `seq` go in by `chain.append`, which numbers them."""
    _execute(connection, _insert, table, rows)


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows, or replace those of the same primary key."""
    _execute(connection, _upsert, table, rows)


def delete(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Delete the rows of these primary keys, where they are there."""
    _execute(connection, _delete, table, rows)


_Maker = Callable[[str, sa.Table], sa.ClauseElement]


def _insert(_dialect: str, table: sa.Table) -> sa.ClauseElement:
    return (
        sa.insert(table).values({column.name: sa.bindparam(column.name) for column in table.columns}).inline()
    )


def _upsert(dialect: str, table: sa.Table) -> sa.ClauseElement:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    changed = {
        column.name: _kept(column, statement.excluded[column.name])
        for column in table.columns
        if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed).inline()


def _kept(column: sa.Column[Any], new: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A lease that runs goes on: a delivery that is written without a lease has None here."""
    return sa.func.coalesce(new, column) if column is schema.deliveries.c.lease_until else new


def _delete(_dialect: str, table: sa.Table) -> sa.ClauseElement:
    return sa.delete(table).where(*(column == sa.bindparam(column.name) for column in table.primary_key))


def _execute(connection: sa.Connection, make: _Maker, table: sa.Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    sql, processors = _prepared(make, table, connection.dialect)
    bound = [dict(row) for row in rows]
    for name, process in processors:
        for row in bound:
            row[name] = process(row[name])
    wire.change(connection, sql, bound)


_PREPARED: dict[tuple[_Maker, sa.Table, str], tuple[str, list[tuple[str, Callable[[Any], Any]]]]] = {}


def _prepared(
    make: _Maker, table: sa.Table, dialect: sa.Dialect
) -> tuple[str, list[tuple[str, Callable[[Any], Any]]]]:
    """Return the SQL and, for each parameter that is not bound as it is, its name and processor."""
    key = (make, table, dialect.name)
    if key not in _PREPARED:
        compiled = cast("SQLCompiler", make(dialect.name, table).compile(dialect=dialect))
        processors = (
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect))
            for name, bind in compiled.binds.items()
        )
        _PREPARED[key] = str(compiled), [(name, process) for name, process in processors if process]
    return _PREPARED[key]
