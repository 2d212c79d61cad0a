"""Says so when the database's file is damaged, before the damage is met by an SOS. Called by `app`, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from bridge.model import Accept, Clock, Event, Kind

log = structlog.get_logger(__name__)

SUBJECT: Final = "store"
WHAT: Final = "damaged"
MOST_TOLD: Final = 5
"""Lines of damage in the fault's text; `sosbridge db verify` tells all."""


async def report_damage(check: Callable[[], Awaitable[Sequence[str]]], accept: Accept, clock: Clock) -> None:
    """Await `check`, and open or end the fault `damaged` of the store.

    check: what is damaged, a line each; may take as long as reading the whole file does.
    """
    found = await check()
    text = ""
    if found:
        text = f'the database is damaged ({"; ".join(found[:MOST_TOLD])}): see docs/database.md, "Damage"'
        log.error("the database is damaged", found=len(found), text=text)
    now = clock.now()
    await accept(
        Event(
            kind=Kind.FAULT if found else Kind.FAULT_CLEARED,
            source="bridge",
            key=f"{SUBJECT}/{WHAT}/{now!r}",
            occurred_at=now,
            attributes={"subject": SUBJECT, "what": WHAT, "text": text},
        )
    )
