"""What forwarders need: the changes of faults in the order of their storing, and how far each forwarder is.

A fault that was opened before this revision is told when it changes next.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "fault_changes",
        _sequence("seq", sa.Identity()),
        *map(_text, ("event", "subject", "what", "text")),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("cleared_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_fault_changes"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "forwarders",
        *map(_text, ("name", "node")),
        _sequence("line"),
        _sequence("fault"),
        sa.PrimaryKeyConstraint("name", name="pk_forwarders"),
    )


def downgrade() -> None:
    op.drop_table("forwarders")
    op.drop_table("fault_changes")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _sequence(name: str, *numbered: sa.Identity) -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, number, *numbered, nullable=False)
