"""How many people must acknowledge an incident, and who has. Of every earlier one the first was enough."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    wanted = sa.Column("people_wanted", sa.Integer(), nullable=False, server_default="1")
    op.add_column("incidents", wanted)
    acknowledgers = sa.Column("acknowledgers", sa.JSON(), nullable=False, server_default="{}")
    op.add_column("incidents", acknowledgers)


def downgrade() -> None:
    op.drop_column("incidents", "acknowledgers")
    op.drop_column("incidents", "people_wanted")
