"""From the database to a `State`: all that a batch of events can touch, in a constant number of queries.

Called by `store.Transaction.load`. How many queries there are does not depend on the size of the batch,
and how long they take does not depend on how many incidents are closed: every query uses an index over
what is named or what is live.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bridge.engine import Needs, State
from bridge.model import Call, Delivery, Fault, Hold, Incident, Timer
from bridge.store import schema
from bridge.store.plain import fields_of, from_row

T = TypeVar("T")

CHUNK: Final = 10_000
"""Values in one IN list. SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535."""


def load(connection: sa.Connection, needs: Needs) -> State:
    """Return the state as `Needs` describes it."""
    calls = _calls_with(connection, needs.call_keys)
    named = (
        needs.incidents
        | {call.incident for call in calls if call.incident}
        | _words(connection, _OWNERS_OF_DELIVERIES, needs.deliveries)
        | _words(connection, _LIVE_AT_PHONES, needs.phones)
    )
    contested = needs.resources | _words(connection, _HELD_BY, named)
    everyone = named | _words(connection, _HOLDERS_OF, contested) | _words(connection, _ACTING_ON, contested)
    calls += select_in(connection, Call, "incident", everyone)
    holds = select_in(connection, Hold, "resource", contested)
    holds += select_in(connection, Hold, "incident", everyone)
    subjects = needs.subjects | {f"incident/{incident}" for incident in everyone}
    return State(
        known={row[0] for row in _with_keys(connection, _IDS_OF_EVENTS, needs.event_keys)},
        incidents={row.id: row for row in select_in(connection, Incident, "id", everyone)},
        calls={call.id: call for call in calls},
        deliveries={row.id: row for row in select_in(connection, Delivery, "incident", everyone)},
        timers={(row.incident, row.name): row for row in select_in(connection, Timer, "incident", everyone)},
        holds={(hold.resource, hold.incident): hold for hold in holds},
        faults={(row.subject, row.what): row for row in _open_faults(connection, subjects)},
    )


def columns_of(cls: type[Any]) -> list[sa.Column[Any]]:
    """Return the columns that `from_row` expects."""
    table = schema.TABLE_OF[cls]
    return [table.c[field.name] for field in fields_of(cls)]


def fetch(connection: sa.Connection, cls: type[T], query: sa.Select[Any]) -> list[T]:
    """Return the rows of a query on `columns_of(cls)`."""
    return [from_row(cls, row) for row in connection.execute(query).all()]


def select_in(connection: sa.Connection, cls: type[T], column: str, values: Collection[str]) -> list[T]:
    """Return the rows whose `column` is one of `values`."""
    return [from_row(cls, row) for row in _ask(connection, _rows_in(cls, column), values)]


# --- the questions ----------------------------------------------------------------------------------
# Built once: building a query takes SQLAlchemy longer than SQLite takes to answer it.

_VALUES: Final[sa.BindParameter[str]] = sa.bindparam("values", expanding=True)
_SOURCES: Final[sa.BindParameter[str]] = sa.bindparam("sources", expanding=True)

_OWNERS_OF_DELIVERIES: Final = sa.select(schema.deliveries.c.incident).where(
    schema.deliveries.c.id.in_(_VALUES)
)
_LIVE_AT_PHONES: Final = sa.select(schema.incidents.c.id).where(
    sa.text(schema.LIVE), schema.incidents.c.phone.in_(_VALUES)
)
_HELD_BY: Final = sa.select(schema.holds.c.resource).where(schema.holds.c.incident.in_(_VALUES)).distinct()
_HOLDERS_OF: Final = sa.select(schema.holds.c.incident).where(schema.holds.c.resource.in_(_VALUES)).distinct()
_ACTING_ON: Final = (
    sa.select(schema.deliveries.c.incident)
    .where(sa.text(schema.UNSETTLED), schema.deliveries.c.resource.in_(_VALUES))
    .distinct()
)
# Keys in two lists and not in one of pairs: SQLite reads the whole table for `(a, b) IN (VALUES ...)`.
_IDS_OF_EVENTS: Final = sa.select(schema.events.c.id).where(
    schema.events.c.source.in_(_SOURCES), schema.events.c.key.in_(_VALUES)
)
_CALLS_WITH: Final = sa.select(*columns_of(Call)).where(
    schema.calls.c.source.in_(_SOURCES), schema.calls.c.key.in_(_VALUES)
)
_OPEN_FAULTS: Final = sa.select(*columns_of(Fault)).where(
    sa.text(schema.OPEN_FAULT), schema.faults.c.subject.in_(_VALUES)
)


_ROWS_IN: Final[dict[tuple[type, str], sa.Select[Any]]] = {}


def _rows_in(cls: type[Any], column: str) -> sa.Select[Any]:
    if (cls, column) not in _ROWS_IN:
        chosen = schema.TABLE_OF[cls].c[column].in_(_VALUES)
        _ROWS_IN[cls, column] = sa.select(*columns_of(cls)).where(chosen)
    return _ROWS_IN[cls, column]


def _ask(
    connection: sa.Connection, query: sa.Select[Any], values: Collection[str], **more: Collection[str]
) -> Iterator[sa.Row[Any]]:
    """Yield the answers to a query on `values`; without values it is not asked."""
    every = list(values)
    for start in range(0, len(every), CHUNK):
        chunk = {"values": every[start : start + CHUNK], **more}
        yield from connection.execute(query, chunk).all()


def _words(connection: sa.Connection, query: sa.Select[Any], values: Collection[str]) -> set[str]:
    return {row[0] for row in _ask(connection, query, values)}


def _with_keys(
    connection: sa.Connection, query: sa.Select[Any], keys: Collection[tuple[str, str]]
) -> Iterator[sa.Row[Any]]:
    """Yield the rows with these (source, key), and now and then one more: two sources may have equal keys."""
    sources = list({source for source, _ in keys})
    return _ask(connection, query, {key for _, key in keys}, sources=sources)


def _calls_with(connection: sa.Connection, keys: Collection[tuple[str, str]]) -> list[Call]:
    found = (from_row(Call, row) for row in _with_keys(connection, _CALLS_WITH, keys))
    return [call for call in found if (call.source, call.key) in keys]


def _open_faults(connection: sa.Connection, subjects: Collection[str]) -> Iterator[Fault]:
    return (from_row(Fault, row) for row in _ask(connection, _OPEN_FAULTS, subjects))
