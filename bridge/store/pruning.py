"""Takes out what is older than the site keeps it, in small transactions: an SOS stands behind one at most.

What is to go is looked for on a reading connection, which may take seconds; each batch is then deleted in a
transaction of tens of milliseconds that looks again whether it may go. Called by `supervision.retention` and
`sosbridge db prune`, through `store.Store.pruning`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bridge.model import IncidentState, Tier
from bridge.store import chain, schema
from bridge.store.database import Database

LEAST_DAYS: Final = 8
"""Nothing younger ever goes: the same fact may come again, and what is left on is looked for after a week."""
DAY: Final = 24 * 3600.0
AT_ONCE: Final = 20_000
"""Rows that are looked for at a time."""

_incidents, _deliveries, _calls = schema.incidents, schema.deliveries, schema.calls
_timeline, _events, _faults, _changes = (
    schema.timeline,
    schema.events,
    schema.faults,
    schema.fault_changes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """What ended before these times (UTC epoch seconds) goes."""

    emergency: float
    routine: float
    """Also of calls and events that belong to no incident."""
    faults: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many days what happened is kept after its end.

    forwarders: those that must have told what goes; None: all that ever were.
    """

    emergency: int
    routine: int
    faults: int
    forwarders: tuple[str, ...] | None = None

    def cuts(self, now: float) -> Cuts:
        """Return what that means at `now` (UTC epoch seconds)."""
        return Cuts(
            emergency=now - self.emergency * DAY,
            routine=now - self.routine * DAY,
            faults=now - self.faults * DAY,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A few things that go together. keys: ids of incidents or calls, numbers of rows, or keys of faults."""

    phase: _Phase
    keys: Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was ever taken out. rows: table -> how many."""

    at: float
    """When it was the last time."""
    by: str
    rows: dict[str, int]


def last_pruning(connection: sa.Connection) -> Pruned | None:
    """Return what is on record; None where nothing was ever pruned."""
    table = schema.prunings
    last = connection.execute(sa.select(table.c.at, table.c.by).order_by(table.c.seq.desc()).limit(1)).first()
    if last is None:
        return None
    sums = connection.execute(sa.select(*(sa.func.sum(table.c[name]) for name in schema.COUNTED))).one()
    rows = {name: int(count) for name, count in zip(schema.COUNTED, sums, strict=True)}
    return Pruned(at=last.at, by=last.by, rows=rows)


class Pruning:
    """One run over a database.

    by: who does it, for the record. now: UTC epoch seconds. forwarders: names of those that must have told
    what goes; None: all that ever were.
    """

    def __init__(
        self,
        database: Database,
        cuts: Cuts,
        *,
        by: str,
        now: float,
        forwarders: Collection[str] | None = None,
    ) -> None:
        self.taken: Counter[str] = Counter()
        """Table -> how many of its rows are gone."""
        self._database = database
        self._cuts = cuts
        self._by = by
        self._now = now
        self._forwarders = forwarders
        self._phases = deque(PHASES)
        self._fruitless = False
        """Whether what was found last has not led to anything: another node was faster."""

    def find(self) -> list[Batch]:
        """Return what goes next; empty when all is done. Reads for as long as it takes. Raises StoreError."""
        while self._phases:
            phase = self._phases[0]
            with self._database.patient() as patient, patient.read() as connection:
                found = [] if self._fruitless else phase.find(connection, self._scope(connection))
            self._fruitless = bool(found)
            if found:
                size = phase.size
                return [Batch(phase, found[at : at + size]) for at in range(0, len(found), size)]
            self._phases.popleft()
        return []

    def take(self, batch: Batch) -> None:
        """Delete what may still go of a batch, and put on record what went. Raises StoreError."""
        with self._database.write() as connection:
            gone = batch.phase.take(connection, self._scope(connection), batch.keys)
            if any(gone.values()):
                record = {"at": self._now, "by": self._by, **dict.fromkeys(schema.COUNTED, 0), **gone}
                chain.append(connection, {schema.prunings: [record]})
        self.taken.update(gone)
        if any(gone.values()):
            self._fruitless = False

    def would_go(self) -> dict[str, int]:
        """Return tier or table -> how many rows would go. Reads only.

        Not of events: which of them nothing needs any more shows once the others are gone.
        """
        with self._database.patient() as patient, patient.read() as connection:
            scope = self._scope(connection)
            finished = sa.select(_incidents.c.id).where(*_finished(scope)).scalar_subquery()
            counts: dict[str, int] = {}
            for tier in Tier:
                query = sa.select(sa.func.count()).select_from(_incidents)
                counts[tier.value] = (
                    connection.scalar(query.where(_incidents.c.tier == tier.value, *_finished(scope))) or 0
                )
            for table in (_calls, _deliveries, _timeline):
                query = sa.select(sa.func.count()).where(table.c.incident.in_(finished))
                counts[table.name] = connection.scalar(query) or 0
            cleared = sa.select(sa.func.count()).where(_faults.c.cleared_at < self._cuts.faults)
            counts[_faults.name] = connection.scalar(cleared) or 0
        return counts

    def _scope(self, connection: sa.Connection) -> _Scope:
        """Return what may go at all, by the place of the slowest forwarder."""
        table = schema.forwarders
        told = sa.select(sa.func.min(table.c.line), sa.func.min(table.c.fault))
        if self._forwarders is not None:
            told = told.where(table.c.name.in_(list(self._forwarders)))
        line, fault = connection.execute(told).one()
        return _Scope(self._cuts, line, fault)


@dataclass(frozen=True, slots=True)
class _Scope:
    cuts: Cuts
    line: int | None
    """The last line of a story that every forwarder has told; None where none is there."""
    fault: int | None


@dataclass(frozen=True, slots=True)
class _Phase:
    """One kind of thing that goes. take: deletes it, and returns table -> how many rows."""

    size: int
    """How many a transaction takes."""
    find: Callable[[sa.Connection, _Scope], list[Any]]
    take: Callable[[sa.Connection, _Scope, Sequence[Any]], Mapping[str, int]]


# --- incidents and what they own --------------------------------------------------------------------


def _finished(scope: _Scope) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions of an incident that is over in every respect."""
    cut = sa.case((_incidents.c.tier == Tier.EMERGENCY.value, scope.cuts.emergency), else_=scope.cuts.routine)
    yield _incidents.c.state == IncidentState.CLOSED.value
    yield _incidents.c.opened_at < max(scope.cuts.emergency, scope.cuts.routine)
    yield _incidents.c.closed_at < cut
    unsettled = sa.and_(_deliveries.c.incident == _incidents.c.id, sa.text(f"deliveries.{schema.UNSETTLED}"))
    yield ~sa.exists().where(unsettled)
    for table in (schema.timers, schema.holds):
        yield ~sa.exists().where(table.c.incident == _incidents.c.id)
    subject = sa.literal("incident/") + _incidents.c.id
    yield ~sa.exists().where(_faults.c.subject == subject, sa.text(f"faults.{schema.OPEN_FAULT}"))
    if scope.line is not None:
        yield ~sa.exists().where(_timeline.c.incident == _incidents.c.id, _timeline.c.seq > scope.line)


def _find_incidents(connection: sa.Connection, scope: _Scope) -> list[str]:
    query = sa.select(_incidents.c.id).where(*_finished(scope)).order_by(_incidents.c.opened_at)
    return list(connection.scalars(query.limit(AT_ONCE)))


def _take_incidents(connection: sa.Connection, scope: _Scope, keys: Sequence[str]) -> dict[str, int]:
    ids = connection.scalars(sa.select(_incidents.c.id).where(_incidents.c.id.in_(keys), *_finished(scope)))
    gone = list(ids)
    lines = list(connection.scalars(sa.select(_timeline.c.seq).where(_timeline.c.incident.in_(gone))))
    counts = {_timeline.name: chain.remove(connection, _timeline, lines)}
    for table, owner in (
        (_deliveries, _deliveries.c.incident),
        (_calls, _calls.c.incident),
        (_incidents, _incidents.c.id),
    ):
        counts[table.name] = connection.execute(sa.delete(table).where(owner.in_(gone))).rowcount
    return counts


# --- what belongs to no incident --------------------------------------------------------------------


def _lone_calls(scope: _Scope) -> tuple[sa.ColumnElement[bool], ...]:
    ended = sa.func.coalesce(_calls.c.ended_at, _calls.c.dialing_at)
    return _calls.c.incident == "", ended < scope.cuts.routine


def _find_calls(connection: sa.Connection, scope: _Scope) -> list[str]:
    return list(connection.scalars(sa.select(_calls.c.id).where(*_lone_calls(scope)).limit(AT_ONCE)))


def _take_calls(connection: sa.Connection, scope: _Scope, keys: Sequence[str]) -> dict[str, int]:
    query = sa.delete(_calls).where(_calls.c.id.in_(keys), *_lone_calls(scope))
    return {_calls.name: connection.execute(query).rowcount}


def _find_faults(connection: sa.Connection, scope: _Scope) -> list[tuple[Any, ...]]:
    query = sa.select(*_faults.primary_key).where(_faults.c.cleared_at < scope.cuts.faults)
    return [tuple(key) for key in connection.execute(query.limit(AT_ONCE))]


def _take_faults(connection: sa.Connection, scope: _Scope, keys: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    these = sa.tuple_(*_faults.primary_key).in_(keys)
    query = sa.delete(_faults).where(these, _faults.c.cleared_at < scope.cuts.faults)
    return {_faults.name: connection.execute(query).rowcount}


def _find_changes(connection: sa.Connection, scope: _Scope) -> list[int]:
    """Return the changes of faults that are gone, once every forwarder has told them."""
    theirs = sa.and_(*(_changes.c[column.name] == column for column in _faults.primary_key))
    query = sa.select(_changes.c.seq).join(_faults, theirs, isouter=True)
    query = query.where(_faults.c.subject.is_(None))
    if scope.fault is not None:
        query = query.where(_changes.c.seq <= scope.fault)
    return list(connection.scalars(query.order_by(_changes.c.seq).limit(AT_ONCE)))


def _take_changes(connection: sa.Connection, scope: _Scope, keys: Sequence[int]) -> dict[str, int]:
    del scope  # a change of a fault that is gone stays one
    return {_changes.name: chain.remove(connection, _changes, keys)}


def _find_events(connection: sa.Connection, scope: _Scope) -> list[int]:
    """Return the events that nothing which is kept comes of.

    Joined and not asked for one by one: so both databases make an index, or hash, of the other side first.
    """
    query = (
        sa.select(_events.c.seq)
        .join(_timeline, _timeline.c.event == _events.c.id, isouter=True)
        .join(_changes, _changes.c.event == _events.c.id, isouter=True)
        .join(
            _calls, sa.and_(_calls.c.key == _events.c.key, _calls.c.source == _events.c.source), isouter=True
        )
        .join(_incidents, _incidents.c.id == _events.c.incident, isouter=True)
        .where(_events.c.received_at < scope.cuts.routine)
        .where(_timeline.c.seq.is_(None), _changes.c.seq.is_(None))
        .where(_calls.c.id.is_(None), _incidents.c.id.is_(None))
    )
    return list(connection.scalars(query.order_by(_events.c.seq).limit(AT_ONCE)))


def _take_events(connection: sa.Connection, scope: _Scope, keys: Sequence[int]) -> dict[str, int]:
    del scope  # nothing new ever comes of an event that is decided
    return {_events.name: chain.remove(connection, _events, keys)}


PHASES: Final = (
    _Phase(5, _find_incidents, _take_incidents),
    _Phase(100, _find_calls, _take_calls),
    _Phase(50, _find_faults, _take_faults),
    _Phase(100, _find_changes, _take_changes),
    _Phase(100, _find_events, _take_events),
)
"""In this order: what hangs on something else goes behind it."""
