"""Questions with lists of words in them: "the calls of these incidents". Called by `loading` and `leases`.

Each is compiled once for a database, and a list is one parameter of it, however long it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from bridge.store import schema, wire
from bridge.store.plain import fields_of, from_row

T = TypeVar("T")

_WORDS: Final = schema.AnyText()


class OneOf(sa.ColumnElement[bool]):
    """`column` is one of the words given as parameter `name`."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any], name: str = "words") -> None:
        self.column = column
        self.name = name


@compiles(OneOf, "sqlite")
def _in_json(element: OneOf, compiler: SQLCompiler, **_: Any) -> str:
    listed: sa.Select[Any] = sa.select(sa.column("value")).select_from(
        sa.func.json_each(_parameter(element, sa.Text()))
    )
    return compiler.process(element.column.in_(listed))


@compiles(OneOf, "postgresql")
def _in_array(element: OneOf, compiler: SQLCompiler, **_: Any) -> str:
    return compiler.process(element.column == sa.any_(_parameter(element, sa.ARRAY(sa.Text()))))


def _parameter(element: OneOf, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(element.name, type_=type_)


class Question(Generic[T]):
    """A query whose only parameters are lists of words.

    read: makes an answer of a row's values.
    """

    def __init__(self, query: sa.Select[Any], read: Callable[[Sequence[Any]], T]) -> None:
        self._query = query
        self._read = read
        self._prepared: dict[str, tuple[str, list[tuple[int, Callable[[Any], Any]]]]] = {}

    def ask(self, connection: sa.Connection, words: Collection[str], **more: Collection[str]) -> list[T]:
        """Return the answers, in no order; without words the database is not asked."""
        if not words:
            return []
        sql, processors = self._prepare(connection.dialect)
        write = json.dumps if connection.dialect.name == "sqlite" else list
        lists = {
            name: write([_WORDS.process_bind_param(word, connection.dialect) for word in listed])
            for name, listed in {"words": words, **more}.items()
        }
        answers = []
        for found in wire.query(connection, sql, lists):
            row = list(found)
            for place, process in processors:
                row[place] = process(row[place])
            answers.append(self._read(row))
        return answers

    def _prepare(self, dialect: sa.Dialect) -> tuple[str, list[tuple[int, Callable[[Any], Any]]]]:
        """Return the SQL and, for each column that does not come as it is, its place and processor."""
        if dialect.name not in self._prepared:
            sql = str(self._query.compile(dialect=dialect))
            processors = (
                (place, column.type.dialect_impl(dialect).result_processor(dialect, None))
                for place, column in enumerate(self._query.selected_columns)
                if column.type.python_type is not float  # which both drivers give as it is
            )
            self._prepared[dialect.name] = sql, [(place, read) for place, read in processors if read]
        return self._prepared[dialect.name]


def columns_of(cls: type[Any]) -> list[sa.Column[Any]]:
    """Return the columns that `from_row` expects."""
    table = schema.TABLE_OF[cls]
    return [table.c[field.name] for field in fields_of(cls)]


def rows(cls: type[T], *conditions: sa.ColumnElement[bool] | sa.TextClause) -> Question[T]:
    """Return the question for the rows of which all conditions hold."""
    return Question(sa.select(*columns_of(cls)).where(*conditions), lambda row: from_row(cls, row))


def words(query: sa.Select[tuple[str]]) -> Question[str]:
    """Return the question for a column of words."""
    return Question(query, lambda row: cast("str", row[0]))
