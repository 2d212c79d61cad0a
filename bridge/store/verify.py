"""Whether what is stored hangs together. Called by `sosbridge db verify`; it reads everything.

The file's own soundness (`integrity_check`, amcheck), words no enumeration knows, rows that belong to
nothing, rules that the engine never breaks, and evidence that is no longer what was stored (`checking`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from bridge.errors import StoreError
from bridge.model import DeliveryState, Event, Finding, IncidentState
from bridge.store import postgres, schema, sqlite
from bridge.store.checking import check_chains
from bridge.store.database import Database
from bridge.store.plain import fields_of

AT_MOST: Final = 20
"""Findings shown of one kind."""

_IDENTITY: Final = ("kind", "source", "key", "endpoint", "dialled", "occurrence")
"""What the id of an event is made of."""

_incidents, _deliveries, _events = schema.incidents, schema.deliveries, schema.events


def verify(database: Database, expected: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield what is wrong; nothing when all is well. Raises StoreError where it cannot be read.

    database: with the limits `PATIENT`.
    expected: hashes of the chains' ends at earlier times, kept elsewhere; each must still be in its chain.
    """
    if damages := damaged_pages(database, thorough=True):  # what else is read from there may be anything
        yield from (Finding(level="error", subject="file", text=damage) for damage in damages)
        return
    with database.read() as connection:
        for check in CHECKS:
            yield from check(connection)
        yield from check_chains(connection, expected)


def damaged_pages(database: Database, *, thorough: bool) -> list[str]:
    """Return what the database itself finds damaged, a line each; empty when sound.

    thorough: indices are compared with their rows; without it PostgreSQL is not asked at all, for it looks
    after its own files.
    """
    found: list[str] = []
    try:
        with database.read() as connection:
            if connection.dialect.name == "sqlite":
                found += sqlite.check_pages(connection, thorough=thorough)
            elif thorough:
                found += postgres.check_pages(connection)
    except StoreError as error:  # too damaged to be read to the end
        found.append(str(error))
    return found


def _unknown_words(connection: sa.Connection) -> Iterator[Finding]:
    """Yield the rows with a word that the program does not know; it could not read them."""
    for cls, table in schema.TABLE_OF.items():
        for field in fields_of(cls):
            if field.values:
                column = table.c[field.name]
                query = sa.select(*table.primary_key, column).where(column.not_in(field.values))
                for *key, word in connection.execute(query.limit(AT_MOST)):
                    yield _finding(table, key, f"{field.name} is {word!r}, which is none of its words")


def _strays(connection: sa.Connection) -> Iterator[Finding]:
    """Yield the rows of incidents or events that are not there."""
    for table in schema.metadata.sorted_tables:
        if "incident" in table.c and table is not _events:
            owner = table.c.incident
            yield from _not_among(connection, table, owner, _incidents.c.id, "incident")
    yield from _not_among(connection, schema.timeline, schema.timeline.c.event, _events.c.id, "event")


def _not_among(
    connection: sa.Connection,
    table: sa.Table,
    column: sa.Column[str],
    known: sa.Column[str],
    what: str,
) -> Iterator[Finding]:
    missing = ~sa.exists().where(known == column)
    query = sa.select(*table.primary_key, column).where(column != "", missing).limit(AT_MOST)
    for *key, name in connection.execute(query):
        yield _finding(table, key, f"its {what} {name} is not stored")


def _crowded_phones(connection: sa.Connection) -> Iterator[Finding]:
    real = sa.and_(sa.text(schema.LIVE), ~_incidents.c.exercise, _incidents.c.phone != "")
    crowded = (
        sa.select(_incidents.c.phone, sa.func.count())
        .where(real)
        .group_by(_incidents.c.phone)
        .having(sa.func.count() > 1)
    )
    for phone, count in connection.execute(crowded.limit(AT_MOST)):
        yield Finding(level="error", subject=f"phone {phone}", text=f"{count} incidents are open at once")


def _left_by_closed(connection: sa.Connection) -> Iterator[Finding]:
    """Yield what a closed incident still has; closing it takes that away."""
    for table, text in ((schema.holds, "it is still held"), (schema.timers, "it still runs")):
        owned = sa.select(*table.primary_key).join(_incidents, _incidents.c.id == table.c.incident)
        closed = _incidents.c.state == IncidentState.CLOSED.value
        for key in connection.execute(owned.where(closed).limit(AT_MOST)):
            yield _finding(table, key, f"{text}, but its incident is closed")


def _half_settled(connection: sa.Connection) -> Iterator[Finding]:
    timed = _deliveries.c.settled_at.is_not(None)
    unsettled = _deliveries.c.state.in_([state.value for state in DeliveryState if not state.settled])
    disagree = sa.or_(sa.and_(unsettled, timed), sa.and_(~unsettled, ~timed))
    for key in connection.execute(sa.select(_deliveries.c.id).where(disagree).limit(AT_MOST)):
        yield _finding(_deliveries, key, "its state and its time of settling do not agree")


def _doubled_faults(connection: sa.Connection) -> Iterator[Finding]:
    names = (schema.faults.c.subject, schema.faults.c.what)
    doubled = sa.select(*names).where(sa.text(schema.OPEN_FAULT)).group_by(*names)
    for key in connection.execute(doubled.having(sa.func.count() > 1).limit(AT_MOST)):
        yield _finding(schema.faults, key, "it is open more than once")


def _altered_events(connection: sa.Connection) -> Iterator[Finding]:
    """Yield the events whose content does not give their id: nobody but a person changes those."""
    query = sa.select(_events.c.id, *(_events.c[name] for name in _IDENTITY))
    for stored_id, *values in connection.execute(query.execution_options(yield_per=1000)):
        identity = dict(zip(_IDENTITY, values, strict=True))
        if Event(occurred_at=0, **identity).id != stored_id:
            yield _finding(_events, [stored_id], "its content is not what was stored under this id")


def _finding(table: sa.Table, key: Iterable[object], text: str) -> Finding:
    """key: the values of the primary key, or what else names the row."""
    return Finding(level="error", subject=" ".join(map(str, (table.name, *key))), text=text)


CHECKS: Final = (
    _unknown_words,
    _strays,
    _crowded_phones,
    _left_by_closed,
    _half_settled,
    _doubled_faults,
    _altered_events,
)
