"""A chain of hashes over what is evidence, when each event was decided, and what was pruned.

Rows from before get their hashes here, as they are now. The form in which a row is hashed is described in
docs/database.md; it stands here once more because a revision does not import the program.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

CHAINED = ("events", "fault_changes", "timeline")
COUNTED = ("incidents", "calls", "deliveries", "timeline", "faults", "fault_changes", "events")
PAGE = 1000


def upgrade() -> None:
    op.add_column("events", sa.Column("decided_at", sa.Double(), nullable=True))
    for table in CHAINED:
        for column in _links():
            op.add_column(table, column)
    op.create_table(
        "prunings",
        _number("seq", sa.Identity()),
        sa.Column("at", sa.Double(), nullable=False),
        _text("by"),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTED),
        *_links(),
        sa.PrimaryKeyConstraint("seq", name="pk_prunings"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "chains",
        _text("name"),
        _number("seq"),
        _text("hash"),
        sa.PrimaryKeyConstraint("name", name="pk_chains"),
    )
    op.create_table(
        "gaps",
        _text("name"),
        *map(_number, ("first", "last", "rows")),
        *map(_text, ("before", "after")),
        sa.PrimaryKeyConstraint("name", "first", name="pk_gaps"),
    )
    for end in ("before", "after"):
        op.create_index(f"ix_gaps_{end}", "gaps", [end])
    for table in CHAINED:
        _hash_rows(table)


def downgrade() -> None:
    for table in ("gaps", "chains", "prunings"):
        op.drop_table(table)
    for table in CHAINED:
        op.drop_column(table, "hash")
        op.drop_column(table, "previous")
        _go_on_counting(table)
    op.drop_column("events", "decided_at")


def _hash_rows(name: str) -> None:
    connection = op.get_bind()
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    texts = [
        sa.cast(column, sa.Text).label(column.name) if _is_json(column) else column for column in table.c
    ]
    seq, last = 0, "0" * 64
    change = sa.update(table).where(table.c.seq == sa.bindparam("which"))
    change = change.values(previous=sa.bindparam("before"), hash=sa.bindparam("own"))
    while True:
        page = connection.execute(
            sa.select(*texts).where(table.c.seq > seq).order_by(table.c.seq).limit(PAGE)
        )
        links = []
        for row in page.mappings():
            seq, before = row["seq"], last
            last = hashlib.sha256(f"{before}\n{_line(table, row)}\n".encode("ascii")).hexdigest()
            links.append({"which": seq, "before": before, "own": last})
        if not links:
            break
        connection.execute(change, links)
    if seq:
        chains = sa.table("chains", sa.column("name"), sa.column("seq"), sa.column("hash"))
        connection.execute(sa.insert(chains).values(name=name, seq=seq, hash=last))


def _as_stored(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text).label(column.name) if _is_json(column) else column


def _line(table: sa.Table, row: sa.RowMapping) -> str:
    values: dict[str, Any] = {"table": table.name}
    for column in table.columns:
        value = row[column.name]
        if column.name not in ("previous", "hash") and value is not None:
            values[column.name] = json.loads(value) if _is_json(column) else value
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _go_on_counting(table: str) -> None:
    """The program of before lets PostgreSQL number the rows; this one does it itself."""
    if op.get_bind().dialect.name == "postgresql":
        last = sa.select(sa.func.max(sa.column("seq"))).select_from(sa.table(table)).scalar_subquery()
        sequence = sa.func.pg_get_serial_sequence(table, "seq")
        op.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 0) + 1, False)))


def _links() -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False, server_default="") for name in ("previous", "hash")]


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, *numbered: sa.Identity) -> sa.Column[Any]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, number, *numbered, nullable=False)
