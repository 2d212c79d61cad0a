"""The first tables: events, incidents and what they own, faults, nodes.

A revision is written by hand and never changed once released; it does not import `bridge`, whose tables
move on. docs/database.md says what the columns mean.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_events()
    _create_incidents()
    _create_calls()
    _create_deliveries()
    _create_timers_and_holds()
    _create_faults()
    _create_timeline()
    op.create_table(
        "nodes", _text("name"), _time("seen_at"), sa.PrimaryKeyConstraint("name", name="pk_nodes")
    )


def downgrade() -> None:
    for table in (
        "nodes",
        "timeline",
        "faults",
        "holds",
        "timers",
        "deliveries",
        "calls",
        "incidents",
        "events",
    ):
        op.drop_table(table)


def _create_events() -> None:
    op.create_table(
        "events",
        _sequence(),
        _text("id"),
        *map(_text, ("kind", "source", "key")),
        _time("occurred_at"),
        *map(_text, ("endpoint", "caller", "dialled", "incident")),
        sa.Column("attributes", sa.JSON(), nullable=False),
        _text("via"),
        _time("received_at"),
        *map(_text, ("phone", "location")),
        _number("occurrence"),
        _text("reason"),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_key_source", "events", ["key", "source"])


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        *map(_text, ("id", "tier", "state", "phone", "location")),
        _time("opened_at"),
        _number("pressed"),
        _time("connected_at", optional=True),
        _text("connected_to"),
        _time("acknowledged_at", optional=True),
        _text("acknowledged_by"),
        _time("clearing_at", optional=True),
        _time("closed_at", optional=True),
        *map(_text, ("closed_by", "close_reason")),
        _time("dispatch_at", optional=True),
        *map(_flag, ("exercise", "recovered")),
        _text("merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_opened_at_id", "incidents", ["opened_at", "id"])
    _create_partial_index("ix_incidents_live_phone", "incidents", ["phone"], "state <> 'closed'")
    _create_partial_index(
        "uq_incidents_one_real_per_phone",
        "incidents",
        ["phone"],
        "state <> 'closed' AND NOT exercise AND phone <> ''",
        unique=True,
    )


def _create_calls() -> None:
    op.create_table(
        "calls",
        *map(_text, ("id", "source", "key", "endpoint", "caller", "dialled", "direction")),
        _number("occurrence"),
        *map(_text, ("phone", "location", "tier", "incident")),
        _time("dialing_at"),
        _time("answered_at", optional=True),
        _time("connected_at", optional=True),
        _text("connected_to"),
        _time("ended_at", optional=True),
        _text("ended_by"),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_key_source", "calls", ["key", "source"])
    op.create_index("ix_calls_incident", "calls", ["incident"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        *map(_text, ("id", "incident", "step", "driver", "operation", "target")),
        sa.Column("params", sa.JSON(), nullable=False),
        _text("tier"),
        _number("order"),
        *map(_text, ("resource", "sharing", "state")),
        _number("attempts"),
        _time("created_at"),
        _time("deadline"),
        _time("next_attempt_at", optional=True),
        _time("started_at", optional=True),
        _time("settled_at", optional=True),
        *map(_text, ("proof", "reference", "leased_by")),
        _flag("doubtful"),
        _time("lease_until", optional=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        _owner("deliveries"),
    )
    op.create_index("ix_deliveries_incident", "deliveries", ["incident"])
    unsettled = "state IN ('pending', 'leased')"
    _create_partial_index("ix_deliveries_unsettled", "deliveries", ["leased_by"], unsettled)
    _create_partial_index("ix_deliveries_unsettled_resource", "deliveries", ["resource"], unsettled)


def _create_timers_and_holds() -> None:
    op.create_table(
        "timers",
        *map(_text, ("incident", "name")),
        _time("due_at"),
        sa.PrimaryKeyConstraint("incident", "name", name="pk_timers"),
        _owner("timers"),
    )
    op.create_index("ix_timers_due_at", "timers", ["due_at"])
    op.create_table(
        "holds",
        *map(_text, ("resource", "incident", "tier")),
        _time("since"),
        _flag("held"),
        sa.PrimaryKeyConstraint("resource", "incident", name="pk_holds"),
        _owner("holds"),
    )
    op.create_index("ix_holds_incident", "holds", ["incident"])


def _create_faults() -> None:
    op.create_table(
        "faults",
        *map(_text, ("subject", "what", "text")),
        _time("opened_at"),
        _time("cleared_at", optional=True),
        sa.PrimaryKeyConstraint("subject", "what", "opened_at", name="pk_faults"),
    )
    _create_partial_index("ix_faults_open_subject", "faults", ["subject"], "cleared_at IS NULL")
    op.create_index("ix_faults_opened_at", "faults", ["opened_at"])
    op.create_index("ix_faults_cleared_at_what", "faults", ["cleared_at", "what"])


def _create_timeline() -> None:
    op.create_table(
        "timeline",
        _sequence(),
        _text("incident"),
        _time("at"),
        *map(_text, ("event", "reason", "text")),
        sa.PrimaryKeyConstraint("seq", name="pk_timeline"),
        _owner("timeline"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_timeline_incident_seq", "timeline", ["incident", "seq"])


# --- columns ----------------------------------------------------------------------------------------


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, optional: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=optional)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _sequence() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("seq", number, sa.Identity(), nullable=False)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=f"fk_{table}_incident")


def _create_partial_index(
    name: str, table: str, columns: list[str], condition: str, *, unique: bool = False
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
