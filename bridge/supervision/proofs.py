"""Reminds people to look at the displays that no driver can ask about. Called by `app`; `check` asks it too.

What such a driver (`Plan.unread`) accepts counts as a picture only while its fault `proof` is not open
(`engine.pictures`). So the fault is opened before the first call comes in, and again when the last proof is
too old; a person who has looked ends it (`sosbridge drill --confirm`). The store's fault rows are all the
memory there is: a restart or a second node changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.engine import UNPROVEN
from bridge.model import Accept, Clock, Event, Fault, Kind
from bridge.response import Plan
from bridge.store import Reader, StoreThread

LOOK_EVERY: Final = 60.0
"""Seconds between looks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the displays that nobody can ask about stand."""

    unproven: frozenset[str]
    """Subjects (`driver/<name>`) of which nobody has seen lately that they show what they accept."""
    to_open: frozenset[str]
    """Those whose fault is not open yet."""
    idle: tuple[Fault, ...]
    """Open faults of drivers that need no proof any more."""


def subject_of(driver: str) -> str:
    """Return the subject of the driver's faults."""
    return f"driver/{driver}"


def text_of(plan: Plan, subject: str) -> str:
    """Say what a person has to do."""
    hours, name = plan.times.picture_proof / 3600, subject.removeprefix("driver/")
    what = f"nobody has confirmed within {hours:g} h that what {name} shows is really seen"
    return f"{what}: run `sosbridge drill --phone ... --confirm`"


def standing(plan: Plan, faults: Iterable[Fault], now: float) -> Standing:
    """Return how the drivers of the plan stand.

    faults: of the kind `proof`, open or cleared within `picture_proof` (`Reader.lasting`).
    now: UTC epoch seconds. A proof from further in the future than it could be old is one by a wrong clock.
    """
    faults = list(faults)
    asked = {subject_of(driver) for driver in plan.unread}
    still = {fault.subject for fault in faults if fault.cleared_at is None}
    proven = {
        fault.subject
        for fault in faults
        # Withdrawn by `Proofs.look`, not ended by anybody's eyes, where it lasted no time.
        if fault.cleared_at is not None and fault.cleared_at > fault.opened_at
        if abs(now - fault.cleared_at) < plan.times.picture_proof
    }
    return Standing(
        unproven=frozenset(asked - (proven - still)),
        to_open=frozenset(asked - proven - still),
        idle=tuple(fault for fault in faults if fault.cleared_at is None and fault.subject not in asked),
    )


def look_up(reader: Reader, plan: Plan, now: float) -> Standing:
    """Return how the drivers stand by what is stored. Blocks; raises StoreError."""
    return standing(plan, reader.lasting(UNPROVEN, now - plan.times.picture_proof), now)


class Proofs:
    """Opens the faults when they are due. thread: asks the reader."""

    def __init__(self, reader: Reader, thread: StoreThread, accept: Accept, clock: Clock) -> None:
        self._reader = reader
        self._thread = thread
        self._accept = accept
        self._clock = clock

    async def remind(self, plan: Plan) -> None:
        """Open what is due, before anything is decided by this plan. Raises StoreError."""
        if plan.unread:
            await self._open(plan)

    async def look(self, plan: Plan) -> None:
        """Open what is due, and withdraw what the plan in force does not ask for. Raises StoreError."""
        for fault in (await self._open(plan)).idle:
            since = fault.opened_at  # it lasted no time: nobody has proven anything
            key = f"{fault.subject}/{UNPROVEN}/{since!r}"
            await self._accept(_event(Kind.FAULT_CLEARED, key, fault.subject, since))

    async def _open(self, plan: Plan) -> Standing:
        now = self._clock.now()
        found = await self._thread.run(lambda: look_up(self._reader, plan, now))
        for subject in sorted(found.to_open):
            # Two nodes that look at the same time say the same. Were it taken for said by mistake, the next
            # look says it anew.
            key = f"{subject}/{UNPROVEN}/{now // LOOK_EVERY:.0f}"
            await self._accept(_event(Kind.FAULT, key, subject, now, text_of(plan, subject)))
        return found


def _event(kind: Kind, key: str, subject: str, at: float, text: str = "") -> Event:
    attributes = {"subject": subject, "what": UNPROVEN, "text": text}
    return Event(kind=kind, source="bridge", key=key, occurred_at=at, attributes=attributes)
