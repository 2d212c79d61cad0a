"""Whether the chain over the evidence is whole (`chain`). Called by `verify`; it reads every row.

A row is looked at as the database has it, so that nothing a hand did to it is smoothed over on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from bridge.model import Finding
from bridge.store import schema
from bridge.store.chain import CHAINED, GENESIS, LINKS, Gap, digest, gaps, heads, line_of

AT_MOST: Final = 20
"""Findings shown of one table: the first are what counts."""
PAGE: Final = 2000

_WHEN: Final = {"events": "received_at", "timeline": "at", "fault_changes": "opened_at", "prunings": "at"}
"""Table -> the column that says when a row's fact was."""


def check_chains(connection: sa.Connection, expected: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield what does not fit, of each table the first places.

    expected: hashes that were a row's or the end of a chain once; each must be there still.
    """
    ends = {head.name: head for head in heads(connection)}
    missing = set(expected)
    pruned = _pruned(connection)
    for table in CHAINED:
        walk = _Walk(table, gaps(connection, table), missing)
        yield from walk.check(connection)
        end = ends.get(table.name)
        if (end.seq, end.hash) != (walk.seq, walk.end) if end else walk.end != GENESIS:
            text = "the newest rows are not the ones that were stored last"
            yield _finding(f"{table.name} after {walk.seq}", f"{text}{_behind(end.seq if end else 0)}")
        if walk.gone != pruned.get(table.name, 0):
            text = f"{walk.gone} rows are missing as pruned, but {pruned.get(table.name, 0)} were pruned"
            yield _finding(table.name, text)
    for hash_ in sorted(missing):
        text = "no row has this hash: what it stood for was changed, or pruned"
        yield _finding(f"expected {hash_[:12]}", text)


def _behind(seq: int) -> str:
    return f", up to seq {seq}" if seq else ""


def _pruned(connection: sa.Connection) -> dict[str, int]:
    """Return table -> how many rows the records of pruning say are gone."""
    names = [table.name for table in CHAINED if table.name in schema.COUNTED]
    sums = [sa.func.coalesce(sa.func.sum(schema.prunings.c[name]), 0) for name in names]
    return {
        name: int(count)
        for name, count in zip(names, connection.execute(sa.select(*sums)).one(), strict=True)
    }


@dataclass(slots=True)
class _Walk:
    """From the first row of a table to its last."""

    table: sa.Table
    known: Sequence[Gap]
    missing: set[str]
    """Hashes that are looked for; taken out as they are found."""
    end: str = GENESIS
    """Of the chain so far."""
    seq: int = 0
    """The last number that was seen, pruned ones too."""
    gone: int = 0
    """Rows that were pruned."""
    _gaps: dict[str, Gap] = field(init=False)

    def __post_init__(self) -> None:
        self._gaps = {gap.before: gap for gap in self.known}

    def check(self, connection: sa.Connection) -> Iterator[Finding]:
        shown = 0
        for row in _rows(connection, self.table):
            problems = list(self._step(row))
            shown += len(problems)
            if shown <= AT_MOST:
                yield from (_finding(_place(self.table, row), text) for text in problems)
        self._cross()
        for gap in list(self._gaps.values())[: max(0, AT_MOST - shown)]:
            text = "rows are missing there as pruned, but nothing leads there"
            yield _finding(f"{self.table.name} {gap.first} to {gap.last}", text)

    def _step(self, row: sa.RowMapping) -> Iterator[str]:
        if row["previous"] != self.end:
            self._cross(row["previous"])
        if row["previous"] != self.end:
            yield "it does not follow the row before: rows are missing there, or were put in"
        if digest(row["previous"], _line(self.table, row)) != row["hash"]:
            yield "its content is not what was stored"
        self.end, self.seq = row["hash"], row["seq"]
        self.missing.discard(self.end)

    def _cross(self, to: str | None = None) -> None:
        """Go on behind what was pruned here."""
        while self.end != to and (gap := self._gaps.pop(self.end, None)):
            self.end, self.seq, self.gone = gap.after, gap.last, self.gone + gap.rows
            self.missing.discard(self.end)


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[sa.RowMapping]:
    columns = [
        sa.cast(column, sa.Text).label(column.name)
        if isinstance(column.type, sa.JSON)
        else sa.type_coerce(column, sa.types.NullType()).label(column.name)
        for column in table.columns
    ]
    query = sa.select(*columns).order_by(table.c.seq).execution_options(yield_per=PAGE)
    yield from connection.execute(query).mappings()


def _line(table: sa.Table, row: sa.RowMapping) -> str:
    """Return the line that was hashed; of a value that cannot be one, what can be no row's line."""
    values: dict[str, Any] = {}
    for column in table.columns:
        value = row[column.name]
        if column.name in LINKS or value is None:
            continue
        if isinstance(column.type, sa.JSON):
            try:
                value = json.loads(value)
            except (TypeError, ValueError):
                return "not JSON"
        elif isinstance(value, bytes):
            return "not text"
        values[column.name] = value + 0.0 if isinstance(column.type, sa.Double) and value == 0 else value
    return line_of(table, values)


def _place(table: sa.Table, row: sa.RowMapping) -> str:
    """Name the row as a person looks for it: its number, its time, its incident."""
    words = [table.name, f"seq {row['seq']}"]
    when = row[_WHEN[table.name]]
    if isinstance(when, float) and abs(when) < 1e11:
        words.append(datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds"))
    if row.get("incident"):
        words.append(f"incident {row['incident']}")
    return " ".join(words)


def _finding(subject: str, text: str) -> Finding:
    return Finding(level="error", subject=subject, text=text)
