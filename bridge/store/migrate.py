"""Moves a database from one schema to another by the Alembic revisions in `migrations/`.

Called by `sosbridge db`, with a database whose limits are `PATIENT`: a large table takes its time.
"""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from bridge.errors import StoreError
from bridge.resources import shared_folder
from bridge.store.database import Database
from bridge.store.sqlite import create_file

NOTHING = "base"
"""The revision before the first: no tables."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`; what is stored stays. Creates an SQLite file that is missing.

    Raises StoreError. Nodes that do it at the same time wait for each other.
    """
    if database.path is not None:
        create_file(database.path)
    _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str) -> None:
    """Bring the schema back to `revision`. To `base` removes every table with all it holds.

    Raises StoreError.
    """
    if database.revision() is None:
        raise StoreError(f"{database} holds no sosbridge tables")
    _run(database, lambda config: command.downgrade(config, revision))


def _run(database: Database, step: Callable[[Config], None]) -> None:
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(shared_folder("migrations")))
        config.attributes["connection"] = connection
        try:
            step(config)
        except CommandError as error:
            raise StoreError(f"{database}: {error}") from error
