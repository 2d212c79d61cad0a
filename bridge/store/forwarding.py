"""What is told to others as well: lines of stories and changes of faults, in the order of their storing.

Each forwarder has a row with how far it has come. Called by `bridge.supervision.forwarder` on the threads
that blocking calls have; nothing of it is on the way of an SOS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from bridge.model import Fault, Incident, TimelineEntry
from bridge.store import schema
from bridge.store.asking import columns_of
from bridge.store.database import Database
from bridge.store.plain import from_row

GONE_AFTER: Final = 30.0
"""Seconds without a sign of life after which another node takes over: as long as a lease runs."""

_lines, _faults, _events = schema.timeline, schema.fault_changes, schema.events
_forwarders, _nodes = schema.forwarders, schema.nodes


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a forwarder is: the last `seq` of either table that went out."""

    line: int
    fault: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """A line of an incident's story, and the incident as it is now."""

    seq: int
    entry: TimelineEntry
    incident: Incident

    def passed(self, cursor: Cursor) -> Cursor:
        """Return the cursor once this is out."""
        return replace(cursor, line=self.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChange:
    """A fault that was opened, got another text, or was cleared; `fault` is as it was then."""

    seq: int
    fault: Fault
    event: str
    """Id of the event that caused it."""
    at: float
    """When that happened, UTC epoch seconds."""

    def passed(self, cursor: Cursor) -> Cursor:
        """Return the cursor once this is out."""
        return replace(cursor, fault=self.seq)


Change = StoryLine | FaultChange


class Forwarding:
    """One forwarder's place in the store, as this node sees it. Every call is a transaction; all may raise
    StoreError.

    name: of the forwarder, for all nodes that share the database. Only one of them forwards at a time.
    """

    def __init__(self, database: Database, name: str, node: str) -> None:
        self._database = database
        self._row = _forwarders.c.name == name
        self._name = name
        self._node = node

    def take(self, now: float, *, from_beginning: bool) -> Cursor | None:
        """Make this node the one that forwards; None while another one that lives does.

        from_beginning: where a forwarder that was never there before begins; else it begins at now.
        """
        with self._database.write() as connection:
            found = connection.execute(sa.select(_forwarders).where(self._row)).one_or_none()
            if found is None:
                cursor = Cursor(0, 0) if from_beginning else _end(connection)
                first = _forwarders.insert().values(name=self._name, node=self._node)
                connection.execute(first.values(line=cursor.line, fault=cursor.fault))
                return cursor
            if found.node not in ("", self._node) and _lives(connection, found.node, now):
                return None
            connection.execute(sa.update(_forwarders).where(self._row).values(node=self._node))
            return Cursor(found.line, found.fault)

    def keep(self, cursor: Cursor) -> bool:
        """Write how far it is; False if another node has taken over meanwhile."""
        return self._update(line=cursor.line, fault=cursor.fault)

    def release(self) -> None:
        """Let another node take over at once."""
        self._update(node="")

    def _update(self, **values: Any) -> bool:
        with self._database.write() as connection:
            mine = sa.update(_forwarders).where(self._row, _forwarders.c.node == self._node)
            return connection.execute(mine.values(values)).rowcount == 1

    def after(self, cursor: Cursor, limit: int) -> list[Change]:
        """Return what comes next, at most `limit`, in the order of the events that caused it."""
        with self._database.read() as connection:
            places = connection.execute(_places(cursor, limit)).all()
            if not places:
                return []
            lines = _fetch_lines(connection, [place.seq for place in places if not place.is_fault])
            faults = _fetch_faults(connection, [place.seq for place in places if place.is_fault])
        return [(faults if place.is_fault else lines)[place.seq] for place in places]

    def waiting(self, cursor: Cursor) -> int:
        """Return how many come after the cursor."""
        with self._database.read() as connection:
            return sum(
                connection.scalar(sa.select(sa.func.count()).where(beyond)) or 0
                for beyond in (_lines.c.seq > cursor.line, _faults.c.seq > cursor.fault)
            )


def _end(connection: sa.Connection) -> Cursor:
    line, fault = (connection.scalar(sa.select(sa.func.max(table.c.seq))) for table in (_lines, _faults))
    return Cursor(line or 0, fault or 0)


def _lives(connection: sa.Connection, node: str, now: float) -> bool:
    seen_at = connection.scalar(sa.select(_nodes.c.seen_at).where(_nodes.c.name == node))
    return seen_at is not None and now - seen_at < GONE_AFTER


def _places(cursor: Cursor, limit: int) -> sa.Select[Any]:
    """One statement, so that no commit can come between the two halves and be sent out of order."""
    halves = (
        _next_of(_lines, sa.false(), _lines.c.seq > cursor.line, limit),
        _next_of(_faults, sa.true(), _faults.c.seq > cursor.fault, limit),
    )
    both = sa.union_all(*halves).subquery()
    return sa.select(both).order_by(both.c.place, both.c.is_fault, both.c.seq).limit(limit)


def _next_of(
    table: sa.Table, is_fault: sa.ColumnElement[bool], beyond: sa.ColumnElement[bool], limit: int
) -> sa.Select[Any]:
    place = _events.c.seq.label("place")
    query = sa.select(table.c.seq.label("seq"), is_fault.label("is_fault"), place)
    rows = query.join(_events, _events.c.id == table.c.event).where(beyond).order_by(table.c.seq)
    return sa.select(rows.limit(limit).subquery())


def _fetch_lines(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, StoryLine]:
    entry, incident = columns_of(TimelineEntry), columns_of(Incident)
    query = sa.select(_lines.c.seq, *entry, *incident).join(
        schema.incidents, schema.incidents.c.id == _lines.c.incident
    )
    split = len(entry)
    return {
        seq: StoryLine(
            seq=seq, entry=from_row(TimelineEntry, row[:split]), incident=from_row(Incident, row[split:])
        )
        for seq, *row in connection.execute(query.where(_lines.c.seq.in_(seqs)))
    }


def _fetch_faults(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, FaultChange]:
    fault = [_faults.c[column.name] for column in columns_of(Fault)]
    query = sa.select(_faults.c.seq, _faults.c.event, _events.c.occurred_at, *fault).join(
        _events, _events.c.id == _faults.c.event
    )
    return {
        seq: FaultChange(seq=seq, event=event, at=at, fault=from_row(Fault, row))
        for seq, event, at, *row in connection.execute(query.where(_faults.c.seq.in_(seqs)))
    }
