"""How long the database may keep its callers waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Waiting times in seconds. An SOS waits at most 0.5 s for the store, so `lock` is below that.

    SQLite knows `lock` and `read` only.
    """

    lock: float = 0.4
    """A writer waits this long for the other writers."""
    idle: float = 2.0
    """PostgreSQL ends the session of a writer that stops in the middle of a transaction, so that a node
    that hangs does not hold up the others. Deciding a large batch is such a stop too: with less, a flood
    on a busy machine would be undone, and tried again, and undone."""
    statement: float = 2.0
    """One statement of a writer."""
    read: float = 5.0
    """One statement of a reader, or its wait for a connection."""
    connect: int = 2
    """Whole seconds; libpq takes nothing below 2."""


PATIENT: Final = Limits(lock=60.0, idle=3600.0, statement=86_400.0, read=86_400.0)
"""For the commands that change or check a whole database; it takes as long as it takes."""
