"""The chain over what is evidence: each row of these tables carries the hash of itself and of the row before.

So a row that a hand changed, took out, put in or moved is found (`checking`). `append` is the only way in
which rows get into these tables, and `remove` the only one in which they leave. docs/database.md says how a
row is hashed, for auditors; that form must never change. Called by `writing`, `pruning` and `checking`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from bridge.store import bulk, schema, wire

CHAINED: Final = (schema.events, schema.fault_changes, schema.timeline, schema.prunings)
GENESIS: Final = "0" * 64
"""What stands for the row before the first."""
LINKS: Final = ("previous", "hash")
"""The columns that are not part of what is hashed."""

_LINE: Final = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def append(connection: sa.Connection, added: Mapping[sa.Table, Sequence[bulk.Row]]) -> None:
    """Put new rows at the end of their tables, in this order.

    added: table -> rows of plain values, without `seq`, `previous` and `hash`. The connection's transaction
    is the only one that writes (`Database.write`). The cost does not depend on what is stored.
    """
    if not any(added.values()):
        return
    ends = _ends(connection)
    heads = []
    for table, rows in added.items():
        if not rows:
            continue
        seq, last = ends[table.name]
        linked = []
        for row in rows:
            seq, previous = seq + 1, last
            numbered = {**row, "seq": seq}
            last = digest(previous, canonical(table, numbered, connection.dialect))
            linked.append({**numbered, "previous": previous, "hash": last})
        bulk.insert(connection, table, linked)
        heads.append({"name": table.name, "seq": seq, "hash": last})
    bulk.upsert(connection, schema.chains, heads)


def digest(previous: str, line: str) -> str:
    """Return the hash of a row: SHA-256 of both lines, each ended by LF."""
    # A hand may have put anything there; what the program writes is ASCII.
    return hashlib.sha256(f"{previous}\n{line}\n".encode(errors="replace")).hexdigest()


def canonical(table: sa.Table, row: bulk.Row, dialect: sa.Dialect) -> str:
    """Return a row of plain values as the one line that is hashed."""
    values: dict[str, Any] = {}
    for name, kind in _hashed(table):
        value = row.get(name)
        if value is None:
            continue
        if isinstance(kind, schema.AnyText):
            value = kind.process_bind_param(value, dialect)
        elif isinstance(kind, sa.Double):
            value = float(value) + 0.0  # SQLite knows no -0.0
        values[name] = value
    return line_of(table, values)


@cache
def _hashed(table: sa.Table) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
    return tuple((column.name, column.type) for column in table.columns if column.name not in LINKS)


def line_of(table: sa.Table, values: Mapping[str, Any]) -> str:
    """Return the line of what the columns hold, NULLs and links left out, as the database has it."""
    return _LINE.encode({"table": table.name, **values})


# --- the ends ---------------------------------------------------------------------------------------


def _ends_query() -> sa.CompoundSelect[Any]:
    """Return one statement for all tables: its name, its last number, and what `chains` says of it."""
    parts = []
    for table in CHAINED:
        name: sa.ColumnElement[str] = sa.literal_column(f"'{table.name}'")
        last = sa.select(sa.func.max(table.c.seq))
        end = sa.select(schema.chains.c.seq).where(schema.chains.c.name == name)
        own = sa.select(schema.chains.c.hash).where(schema.chains.c.name == name)
        parts.append(sa.select(name, *(query.scalar_subquery() for query in (last, end, own))))
    return sa.union_all(*parts)


_ENDS: Final = str(_ends_query())


def _ends(connection: sa.Connection) -> dict[str, tuple[int, str]]:
    """Return table -> the last number in use and the hash that the next row goes on from.

    A number is never used twice, even if somebody has changed the row in `chains`: what then does not fit is
    for `db verify` to tell, and must not keep an SOS from being stored.
    """
    found = wire.query(connection, _ENDS, {})
    return {name: (max(last or 0, seq or 0), end or GENESIS) for name, last, seq, end in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest row of a chain: as long as this hash is still in it, nothing before it was changed."""

    name: str
    seq: int
    hash: str


def heads(connection: sa.Connection) -> list[Head]:
    """Return where each chain ends, for those that have begun."""
    table = schema.chains
    rows = connection.execute(sa.select(table.c.name, table.c.seq, table.c.hash).order_by(table.c.name))
    return [Head(name=name, seq=seq, hash=end) for name, seq, end in rows]


# --- taking out what is too old ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Rows next to one another that were pruned: the chain goes on behind them with `after`."""

    before: str
    after: str
    first: int
    last: int
    rows: int


def remove(connection: sa.Connection, table: sa.Table, seqs: Collection[int]) -> int:
    """Delete the rows of these numbers and leave gaps in their place; return how many there were.

    The number of statements does not depend on how many rows there are.
    """
    these = table.c.seq.in_(list(seqs))
    links = connection.execute(sa.select(table.c.seq, table.c.previous, table.c.hash).where(these))
    cut = [Gap(before=before, after=after, first=seq, last=seq, rows=1) for seq, before, after in links]
    if not cut:
        return 0
    known = schema.gaps
    touching = sa.or_(
        known.c.after.in_({gap.before for gap in cut}), known.c.before.in_({gap.after for gap in cut})
    )
    old = gaps(connection, table, touching)
    now = list(_joined([*cut, *old]))
    connection.execute(sa.delete(table).where(these))
    if old:
        gone = known.c.first.in_([gap.first for gap in old])
        connection.execute(sa.delete(known).where(known.c.name == table.name, gone))
    connection.execute(sa.insert(known), [_gap_row(table, gap) for gap in now])
    return len(cut)


def gaps(connection: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[Gap]:
    """Return the gaps of a table, the oldest first."""
    known = schema.gaps
    names = ("before", "after", "first", "last", "rows")
    query = sa.select(*(known.c[name] for name in names)).where(known.c.name == table.name, *conditions)
    found = connection.execute(query.order_by(known.c.first))
    return [Gap(**dict(zip(names, row, strict=True))) for row in found]


def _gap_row(table: sa.Table, gap: Gap) -> dict[str, Any]:
    return {
        "name": table.name,
        "before": gap.before,
        "after": gap.after,
        "first": gap.first,
        "last": gap.last,
        "rows": gap.rows,
    }


def _joined(pieces: Iterable[Gap]) -> Iterator[Gap]:
    """Yield the pieces with those made one that follow one another in the chain."""
    whole: Gap | None = None
    for piece in sorted(pieces, key=lambda piece: piece.first):
        if whole is not None and piece.before == whole.after:
            whole = replace(whole, after=piece.after, last=piece.last, rows=whole.rows + piece.rows)
            continue
        if whole is not None:
            yield whole
        whole = piece
    if whole is not None:
        yield whole
