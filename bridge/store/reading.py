"""What is stored, for people and for start-up: incidents, their stories, faults, timers, figures.

Called by the command line, the web server and the app. Every call is a read-only transaction of its own on
a connection that no writer waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import sqlalchemy as sa

from bridge.errors import SosBridgeError, StoreError
from bridge.model import (
    UNDO,
    Call,
    Delivery,
    DeliveryState,
    Event,
    Fault,
    Hold,
    Incident,
    IncidentState,
    Tier,
    TimelineEntry,
    Timer,
)
from bridge.store import chain, schema
from bridge.store.asking import columns_of
from bridge.store.chain import Head
from bridge.store.database import Database
from bridge.store.limits import Limits
from bridge.store.loading import fetch
from bridge.store.plain import from_row
from bridge.store.verify import damaged_pages

T = TypeVar("T")

BLIND = "blind"
"""`Fault.what` of an interval in which a link was down and calls may have been missed."""

_IN_VAIN: Final = (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNCERTAIN)


class NoSuchIncident(SosBridgeError):
    """An id, or the beginning of one, names no incident or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows are live, for the metrics. None of it takes longer as history grows."""

    incidents: Mapping[tuple[Tier, IncidentState], int]
    """Those that are not closed."""
    deliveries: Mapping[tuple[Tier, DeliveryState], int]
    """Those that are not settled."""
    faults: Mapping[str, int]
    """Open ones, by `what`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as it was stored, with what was decided of it."""

    seq: int
    """Rises with every event; numbers may be missing."""
    id: str
    reason: str
    event: Event
    decided_at: float | None
    """The `now` of its decision; None where it was stored before schema 0004."""


class Reader:
    """One site's database, open for reading.

    url, password, limits, upgrade_command: as `Database` takes them.
    """

    def __init__(
        self,
        url: str,
        *,
        password: Callable[[], str] | None = None,
        limits: Limits | None = None,
        upgrade_command: str = "sosbridge db upgrade",
    ) -> None:
        self._database = Database(url, password=password, limits=limits, upgrade_command=upgrade_command)

    def open(self) -> Self:
        """Check that the database is there with this program's schema. Raises StoreError."""
        try:
            self._database.require_schema()
        except StoreError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        """The database's URL, fit for messages."""
        return str(self._database)

    # --- the journal --------------------------------------------------------------------------------

    def journal(self, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return the stored events in the order of their decisions, from the one behind `after` on."""
        table = schema.events
        first = (table.c.seq, table.c.id, table.c.reason, table.c.decided_at)
        query = sa.select(*first, *columns_of(Event))
        query = query.where(table.c.seq > after).order_by(table.c.seq).limit(limit)
        with self._database.read() as connection:
            return [
                Entry(seq=row[0], id=row[1], reason=row[2], decided_at=row[3], event=from_row(Event, row[4:]))
                for row in connection.execute(query)
            ]

    def pruned_events(self) -> int:
        """Return the number of the newest event that was pruned; 0 where none was."""
        with self._database.read() as connection:
            last = sa.select(sa.func.max(schema.gaps.c.last)).where(schema.gaps.c.name == schema.events.name)
            return connection.scalar(last) or 0

    def heads(self) -> list[Head]:
        """Return where each chain over the evidence ends."""
        with self._database.read() as connection:
            return chain.heads(connection)

    # --- incidents ----------------------------------------------------------------------------------

    def incidents(
        self,
        states: Collection[IncidentState] = (),
        *,
        limit: int = 100,
        before: Incident | None = None,
    ) -> list[Incident]:
        """Return the newest incidents first; of any state, unless `states` names some.

        before: the last one of the page before.
        """
        table = schema.incidents
        query = sa.select(*columns_of(Incident)).order_by(table.c.opened_at.desc(), table.c.id.desc())
        if states:
            query = query.where(table.c.state.in_([state.value for state in states]))
        if before is not None:
            place = sa.tuple_(table.c.opened_at, table.c.id)
            query = query.where(place < sa.tuple_(sa.literal(before.opened_at), sa.literal(before.id)))
        return self._all(Incident, query.limit(limit))

    def incident(self, beginning: str) -> Incident:
        """Return the incident whose id begins so. Raises NoSuchIncident unless there is exactly one."""
        begins = schema.incidents.c.id.startswith(beginning, autoescape=True)
        found = self._all(Incident, sa.select(*columns_of(Incident)).where(begins).limit(2))
        if beginning and len(found) == 1:
            return found[0]
        problem = "several incidents begin" if beginning and found else "no incident begins"
        raise NoSuchIncident(f"{problem} with {beginning!r}; sosbridge incidents list shows their ids")

    def timeline(self, incident: str) -> list[TimelineEntry]:
        """Return the incident's story in the order in which it was stored."""
        return self._owned(TimelineEntry, incident, schema.timeline.c.seq)

    def deliveries(self, incident: str) -> list[Delivery]:
        """Return the incident's deliveries in the order in which they were asked for."""
        return self._owned(Delivery, incident, schema.deliveries.c.order)

    def calls(self, incident: str) -> list[Call]:
        """Return the incident's calls, oldest first."""
        return self._owned(Call, incident, schema.calls.c.dialing_at)

    def calls_between(self, since: float, until: float) -> list[Call]:
        """Return every call that began within these times, in no order. It reads all calls there are."""
        at = schema.calls.c.dialing_at
        return self._all(Call, sa.select(*columns_of(Call)).where(at >= since, at <= until))

    def unfinished(self) -> dict[str, int]:
        """Return id -> how many deliveries are not settled, of closed incidents; newest first."""
        table, owners = schema.deliveries, schema.incidents
        count = sa.func.count().label("count")
        rows = sa.select(table.c.incident, count).where(sa.text(schema.UNSETTLED))
        unsettled = rows.group_by(table.c.incident).subquery()
        query = (
            sa.select(unsettled.c.incident, unsettled.c[count.name])
            .join(owners, owners.c.id == unsettled.c.incident)
            .where(owners.c.state == IncidentState.CLOSED.value)
            .order_by(owners.c.opened_at.desc())
        )
        with self._database.read() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def left_on(self, since: float, now: float) -> list[str]:
        """Return the ids of incidents closed after `since` that may have left something on, in no order.

        That is: an undo of theirs failed, ended in doubt, or was not done before its deadline, and nothing
        has asked for it since. What becomes of it is the engine's to decide (`Kind.LEFT_ON`).
        """
        undo, owners, later = schema.deliveries, schema.incidents, schema.deliveries.alias()
        in_vain = sa.or_(
            undo.c.state.in_([state.value for state in _IN_VAIN]),
            sa.and_(undo.c.settled_at.is_(None), undo.c.deadline <= now),
        )
        again = sa.exists().where(
            later.c.incident == undo.c.incident,
            later.c.order > undo.c.order,
            *(later.c[name] == undo.c[name] for name in ("driver", "operation", "target")),
        )
        query = (
            sa.select(undo.c.incident)
            .distinct()
            .join(owners, owners.c.id == undo.c.incident)
            .where(owners.c.state == IncidentState.CLOSED.value, owners.c.closed_at > since)
            .where(undo.c.operation.in_([operation.value for operation in UNDO.values()]), in_vain, ~again)
        )
        with self._database.read() as connection:
            return [str(row[0]) for row in connection.execute(query)]

    # --- the site -----------------------------------------------------------------------------------

    def holds(self) -> list[Hold]:
        """Return who holds, or waits for, which shared camera or screen."""
        table = schema.holds
        return self._all(Hold, sa.select(*columns_of(Hold)).order_by(table.c.resource, table.c.since))

    def faults(self, *, open_only: bool = True, what: str = "", limit: int = 1000) -> list[Fault]:
        """Return the newest faults first; of every kind, unless `what` names one."""
        table = schema.faults
        query = sa.select(*columns_of(Fault)).order_by(table.c.opened_at.desc()).limit(limit)
        if open_only:
            query = query.where(sa.text(schema.OPEN_FAULT))
        if what:
            query = query.where(table.c.what == what)
        return self._all(Fault, query)

    def blind_intervals(self, since: float) -> list[Fault]:
        """Return the intervals in which calls may have been missed and that lasted until after `since`.

        Newest first; `cleared_at` is None where it still lasts.
        """
        return self.lasting(BLIND, since)

    def lasting(self, what: str, since: float) -> list[Fault]:
        """Return the faults of this kind that are open, or were cleared after `since`; newest first."""
        table = schema.faults
        lasted = sa.or_(table.c.cleared_at.is_(None), table.c.cleared_at > since)
        query = sa.select(*columns_of(Fault)).where(table.c.what == what, lasted)
        return self._all(Fault, query.order_by(table.c.opened_at.desc()))

    def counts(self) -> Counts:
        """Return how many incidents, deliveries and faults are live."""
        with self._database.read() as connection:
            incidents = _count(connection, schema.incidents, schema.LIVE, "tier", "state")
            deliveries = _count(connection, schema.deliveries, schema.UNSETTLED, "tier", "state")
            faults = _count(connection, schema.faults, schema.OPEN_FAULT, "what")
        return Counts(
            incidents={(Tier(tier), IncidentState(state)): count for tier, state, count in incidents},
            deliveries={(Tier(tier), DeliveryState(state)): count for tier, state, count in deliveries},
            faults=dict(faults),
        )

    # --- timers -------------------------------------------------------------------------------------

    def timers(self) -> list[Timer]:
        """Return every timer, the first to be due first."""
        return self._all(Timer, sa.select(*columns_of(Timer)).order_by(schema.timers.c.due_at))

    def due_timers(self, now: float) -> list[Timer]:
        """Return the timers that are due at `now`, the oldest first."""
        due_at = schema.timers.c.due_at
        return self._all(Timer, sa.select(*columns_of(Timer)).where(due_at <= now).order_by(due_at))

    def next_timer_at(self) -> float | None:
        """Return when the next timer is due; None without any."""
        with self._database.read() as connection:
            due: float | None = connection.scalar(sa.select(sa.func.min(schema.timers.c.due_at)))
            return due

    # --- health -------------------------------------------------------------------------------------

    def last_sign(self, node: str) -> float | None:
        """Return when this node last committed something, a canary at least; None if it never did."""
        query = sa.select(schema.nodes.c.seen_at).where(schema.nodes.c.name == node)
        with self._database.read() as connection:
            seen_at: float | None = connection.scalar(query)
            return seen_at

    def quick_check(self) -> list[str]:
        """Return what is damaged in the file of an SQLite database; it reads all of it, so in the background.

        PostgreSQL looks after its own files.
        """
        return damaged_pages(self._database, thorough=False)

    def _owned(self, cls: type[T], incident: str, order: sa.Column[Any]) -> list[T]:
        owner = schema.TABLE_OF[cls].c.incident
        return self._all(cls, sa.select(*columns_of(cls)).where(owner == incident).order_by(order))

    def _all(self, cls: type[T], query: sa.Select[Any]) -> list[T]:
        with self._database.read() as connection:
            return fetch(connection, cls, query)


def _count(connection: sa.Connection, table: sa.Table, condition: str, *names: str) -> list[tuple[Any, ...]]:
    columns = [table.c[name] for name in names]
    query = sa.select(*columns, sa.func.count()).where(sa.text(condition)).group_by(*columns)
    return [tuple(row) for row in connection.execute(query)]
