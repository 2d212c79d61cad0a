"""From the database to a `State`: all that a batch of events can touch, in a constant number of queries.

Called by `store.Transaction.load`. How many queries there are does not depend on the size of the batch,
and how long they take does not depend on how many incidents are closed: every query uses an index over
what is named or what is live.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bridge.engine import Needs, State
from bridge.model import Call, Delivery, Fault, Hold, Incident, Tier, Timer
from bridge.store import schema
from bridge.store.asking import OneOf, Question, rows, words
from bridge.store.plain import from_row

T = TypeVar("T")


def load(connection: sa.Connection, needs: Needs) -> State:
    """Return the state as `Needs` describes it."""
    calls = _calls_with(connection, needs.call_keys)
    named = {
        *needs.incidents,
        *(call.incident for call in calls if call.incident),
        *_OWNERS_OF_DELIVERIES.ask(connection, needs.deliveries),
        *_LIVE_AT_PHONES.ask(connection, needs.phones),
    }
    contested = needs.resources.union(_HELD_BY.ask(connection, named))
    rivals = _HOLDERS_OF.ask(connection, contested)
    whole = named.union(incident for incident, firm in rivals if not firm)
    acting = _ACTING_ON.ask(connection, contested)
    everyone = whole.union((incident for incident, _ in rivals), (row.incident for row in acting))
    calls += _CALLS_OF.ask(connection, whole)
    holds = _HOLDS_ON.ask(connection, contested if rivals else ()) + _HOLDS_OF.ask(connection, whole)
    deliveries = acting + _DELIVERIES_OF.ask(connection, whole)
    subjects = needs.subjects.union(f"incident/{incident}" for incident in whole)
    return State(
        known={event for event, *_ in _with_keys(connection, _EVENTS_WITH, needs.event_keys)},
        incidents={row.id: row for row in _INCIDENTS.ask(connection, everyone)},
        calls={call.id: call for call in calls},
        deliveries={row.id: row for row in deliveries},
        timers={(row.incident, row.name): row for row in _TIMERS_OF.ask(connection, whole)},
        holds={(hold.resource, hold.incident): hold for hold in holds},
        faults={(row.subject, row.what): row for row in _OPEN_FAULTS.ask(connection, subjects)},
    )


def fetch(connection: sa.Connection, cls: type[T], query: sa.Select[Any]) -> list[T]:
    """Return the rows of a query on `columns_of(cls)`."""
    return [from_row(cls, row) for row in connection.execute(query).all()]


# --- the questions ----------------------------------------------------------------------------------

_IN_NAMED_SOURCES: Final = "sources"

_OWNERS_OF_DELIVERIES: Final = words(
    sa.select(schema.deliveries.c.incident).where(OneOf(schema.deliveries.c.id))
)
_LIVE_AT_PHONES: Final = words(
    sa.select(schema.incidents.c.id).where(sa.text(schema.LIVE), OneOf(schema.incidents.c.phone))
)
_HELD_BY: Final = words(sa.select(schema.holds.c.resource).where(OneOf(schema.holds.c.incident)).distinct())
_FIRM: Final = sa.and_(
    schema.holds.c.held,
    schema.holds.c.tier == sa.literal_column(f"'{Tier.EMERGENCY}'"),
    sa.not_(schema.incidents.c.exercise),
)
"""Nobody can take it away, and whose it is does not wait for it: nothing that others do changes it."""
_HOLDERS_OF: Final = Question(
    sa.select(schema.holds.c.incident, _FIRM.label("firm"))
    .join(schema.incidents, schema.incidents.c.id == schema.holds.c.incident)
    .where(OneOf(schema.holds.c.resource)),
    lambda row: (str(row[0]), bool(row[1])),
)
_ACTING_ON: Final = rows(Delivery, sa.text(schema.UNSETTLED), OneOf(schema.deliveries.c.resource))
_INCIDENTS: Final = rows(Incident, OneOf(schema.incidents.c.id))
_CALLS_OF: Final = rows(Call, OneOf(schema.calls.c.incident))
_DELIVERIES_OF: Final = rows(Delivery, OneOf(schema.deliveries.c.incident))
_TIMERS_OF: Final = rows(Timer, OneOf(schema.timers.c.incident))
_HOLDS_ON: Final = rows(Hold, OneOf(schema.holds.c.resource))
_HOLDS_OF: Final = rows(Hold, OneOf(schema.holds.c.incident))
_OPEN_FAULTS: Final = rows(Fault, sa.text(schema.OPEN_FAULT), OneOf(schema.faults.c.subject))

# Keys in two lists and not in one of pairs: SQLite reads the whole table for `(a, b) IN (VALUES ...)`.
_EVENTS_WITH: Final = Question(
    sa.select(schema.events.c.id, schema.events.c.source, schema.events.c.key).where(
        OneOf(schema.events.c.source, _IN_NAMED_SOURCES), OneOf(schema.events.c.key)
    ),
    tuple,
)
_CALLS_WITH: Final = rows(Call, OneOf(schema.calls.c.source, _IN_NAMED_SOURCES), OneOf(schema.calls.c.key))


def _with_keys(
    connection: sa.Connection, question: Question[T], keys: Collection[tuple[str, str]]
) -> list[T]:
    """Return what has these (source, key), and now and then one more: two sources may have equal keys."""
    sources = {source for source, _ in keys}
    return question.ask(connection, {key for _, key in keys}, sources=sources)


def _calls_with(connection: sa.Connection, keys: Collection[tuple[str, str]]) -> list[Call]:
    found = _with_keys(connection, _CALLS_WITH, keys)
    return [call for call in found if (call.source, call.key) in keys]
