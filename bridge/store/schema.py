"""Every table, its columns made from the dataclasses of `bridge.model`. docs/database.md explains them.

A change here needs a revision in `migrations/versions/` and its number in `SCHEMA`; a test holds the two
together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from bridge.model import Call, Delivery, Event, Fault, Hold, Incident, TimelineEntry, Timer
from bridge.store.plain import fields_of

SCHEMA: Final = "0004"
"""The revision this program reads and writes."""

VERSION_TABLE: Final = "alembic_version"


class AnyText(TypeDecorator[str]):
    """Text from outside, whatever it holds.

    PostgreSQL refuses U+0000 and both drivers refuse lone surrogates (bytes that were not UTF-8), and a
    caller's name must never stop an SOS from being stored. So these are written as U+241B and four hex
    digits, and U+241B itself twice; everything else stays as it is.
    """

    impl = sa.Text
    cache_ok = True

    _MARK: Final = "\u241b"
    _BAD: Final = re.compile("[\u241b\x00\ud800-\udfff]")
    _MARKED: Final = re.compile("\u241b(?:\u241b|([0-9a-f]{4}))")

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        del dialect  # the same in every one
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return self._BAD.sub(lambda found: self._marked(found[0]), value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        del dialect  # the same in every one
        if value is None or self._MARK not in value:
            return value
        return self._MARKED.sub(lambda found: chr(int(found[1], 16)) if found[1] else self._MARK, value)

    def _marked(self, character: str) -> str:
        return self._MARK * 2 if character == self._MARK else f"{self._MARK}{ord(character):04x}"


_COLUMN_TYPES: Final[Mapping[type, Any]] = MappingProxyType(
    {str: AnyText, float: sa.Double, int: sa.Integer, bool: sa.Boolean, dict: sa.JSON}
)

metadata: Final = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def _columns(
    cls: type,
    key: Collection[str] = (),
    owned: bool = False,
    later: Mapping[str, str] = MappingProxyType({}),
) -> list[sa.Column[Any]]:
    """Return a column for each field.

    owned: `incident` must name a stored incident.
    later: columns that a later revision added -> what the rows of before have there.
    """
    return [
        sa.Column(
            field.name,
            _COLUMN_TYPES[field.kind],
            *([sa.ForeignKey("incidents.id")] if owned and field.name == "incident" else []),
            primary_key=field.name in key,
            nullable=field.optional,
            server_default=later.get(field.name),
        )
        for field in fields_of(cls)
    ]


_NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _sequence() -> sa.Column[int]:
    """Return the column that numbers rows in the order they were stored; a number is never used again."""
    return sa.Column("seq", _NUMBER, sa.Identity(), primary_key=True)


def _links() -> list[sa.Column[str]]:
    """Return the columns that chain the rows of a table (`chain`): a new column of such a table must be NULL
    in the rows of before, whose hashes would not fit any more."""
    return [sa.Column(name, AnyText, nullable=False, server_default="") for name in ("previous", "hash")]


def _partial(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


# Conditions of partial indices. A query must repeat them word for word, without bound parameters:
# SQLite uses a partial index only where its condition is a term of the query.
LIVE: Final = "state <> 'closed'"
UNSETTLED: Final = "state IN ('pending', 'leased')"
OPEN_FAULT: Final = "cleared_at IS NULL"

events: Final = sa.Table(
    "events",
    metadata,
    _sequence(),
    sa.Column("id", AnyText, nullable=False),
    *_columns(Event),
    sa.Column("reason", AnyText, nullable=False),
    sa.Column("decided_at", sa.Double),
    *_links(),
    sa.UniqueConstraint("id"),
    sa.Index("ix_events_key_source", "key", "source"),
    sqlite_autoincrement=True,
)

incidents: Final = sa.Table(
    "incidents",
    metadata,
    *_columns(Incident, key=("id",), later={"people_wanted": "1", "acknowledgers": "{}"}),
    sa.Index("ix_incidents_opened_at_id", "opened_at", "id"),
    sa.Index("ix_incidents_live_phone", "phone", **_partial(LIVE)),
    # A belt: the engine keeps to one open incident per phone, and no other writer may break that.
    sa.Index(
        "uq_incidents_one_real_per_phone",
        "phone",
        unique=True,
        **_partial(f"{LIVE} AND NOT exercise AND phone <> ''"),
    ),
)

calls: Final = sa.Table(
    "calls",
    metadata,
    *_columns(Call, key=("id",)),
    sa.Index("ix_calls_key_source", "key", "source"),
    sa.Index("ix_calls_incident", "incident"),
)

deliveries: Final = sa.Table(
    "deliveries",
    metadata,
    *_columns(Delivery, key=("id",), owned=True),
    sa.Column("lease_until", sa.Double),
    sa.Index("ix_deliveries_incident", "incident"),
    sa.Index("ix_deliveries_unsettled", "leased_by", **_partial(UNSETTLED)),
    sa.Index("ix_deliveries_unsettled_resource", "resource", **_partial(UNSETTLED)),
)

timers: Final = sa.Table(
    "timers",
    metadata,
    *_columns(Timer, key=("incident", "name"), owned=True),
    sa.Index("ix_timers_due_at", "due_at"),
)

holds: Final = sa.Table(
    "holds",
    metadata,
    *_columns(Hold, key=("resource", "incident"), owned=True),
    sa.Index("ix_holds_incident", "incident"),
)

faults: Final = sa.Table(
    "faults",
    metadata,
    *_columns(Fault, key=("subject", "what", "opened_at")),
    sa.Index("ix_faults_open_subject", "subject", **_partial(OPEN_FAULT)),
    sa.Index("ix_faults_opened_at", "opened_at"),
    sa.Index("ix_faults_cleared_at_what", "cleared_at", "what"),
)

timeline: Final = sa.Table(
    "timeline",
    metadata,
    _sequence(),
    *_columns(TimelineEntry, owned=True),
    *_links(),
    sa.Index("ix_timeline_incident_seq", "incident", "seq"),
    sqlite_autoincrement=True,
)

nodes: Final = sa.Table(
    "nodes",
    metadata,
    sa.Column("name", AnyText, primary_key=True),
    sa.Column("seen_at", sa.Double, nullable=False),
)

fault_changes: Final = sa.Table(
    "fault_changes",
    metadata,
    _sequence(),
    sa.Column("event", AnyText, nullable=False),
    *_columns(Fault),
    *_links(),
    sqlite_autoincrement=True,
)

forwarders: Final = sa.Table(
    "forwarders",
    metadata,
    sa.Column("name", AnyText, primary_key=True),
    sa.Column("node", AnyText, nullable=False),
    sa.Column("line", _NUMBER, nullable=False),
    sa.Column("fault", _NUMBER, nullable=False),
)

COUNTED: Final = ("incidents", "calls", "deliveries", "timeline", "faults", "fault_changes", "events")
"""Tables that pruning takes rows from; a row of `prunings` has a column for each."""

prunings: Final = sa.Table(
    "prunings",
    metadata,
    _sequence(),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("by", AnyText, nullable=False),
    *(sa.Column(name, sa.Integer, nullable=False) for name in COUNTED),
    *_links(),
    sqlite_autoincrement=True,
)

chains: Final = sa.Table(
    "chains",
    metadata,
    sa.Column("name", AnyText, primary_key=True),
    sa.Column("seq", _NUMBER, nullable=False),
    sa.Column("hash", AnyText, nullable=False),
)

gaps: Final = sa.Table(
    "gaps",
    metadata,
    sa.Column("name", AnyText, primary_key=True),
    sa.Column("first", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("last", _NUMBER, nullable=False),
    sa.Column("rows", _NUMBER, nullable=False),
    sa.Column("before", AnyText, nullable=False),
    sa.Column("after", AnyText, nullable=False),
    sa.Index("ix_gaps_before", "before"),
    sa.Index("ix_gaps_after", "after"),
)

TABLE_OF: Final[Mapping[type, sa.Table]] = MappingProxyType(
    {
        Event: events,
        Incident: incidents,
        Call: calls,
        Delivery: deliveries,
        Timer: timers,
        Hold: holds,
        Fault: faults,
        TimelineEntry: timeline,
    }
)
