"""What `sosbridge replay` says of a database that it cannot use, and how it ends then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bridge.cli.options import REFUSED
from bridge.errors import ConfigError, StoreError
from bridge.store.database import Away


@contextmanager
def needed() -> Iterator[None]:
    """End the command with `REFUSED` and what to do, where the database fails in the `with`."""
    try:
        yield
    except StoreError as error:
        click.echo(f"{error}{_advice(error)}", err=True)
        sys.exit(REFUSED)


def _advice(error: StoreError) -> str:
    """Return what to do, for a person; nothing where the error says it."""
    if isinstance(error, Away):
        return "; see that its server runs and can be reached, and try again"
    # What the database itself said has a cause; what was found out about it says what to type.
    if error.__cause__ is None or isinstance(error.__cause__, ConfigError):
        return ""
    return "; look with `sosbridge db verify`, and put a backup back if it is damaged"
