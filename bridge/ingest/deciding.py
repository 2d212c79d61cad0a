"""Decides a batch of events and commits what was decided, in one transaction.

Called by `door`, in the store thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bridge.engine import Decision, fold, further_needs, needs_of
from bridge.errors import StoreError
from bridge.model import Clock, Delivery, Event, Kind
from bridge.response import Plan
from bridge.store import Lease, Rejected, Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction settled. Handed to the observers in commit order."""

    decisions: Sequence[Decision]
    leased: Sequence[Delivery]
    """Deliveries born in it, already leased to this node."""
    at: float
    """After the commit, UTC epoch seconds."""


class Decider:
    """What the events mean is read from the store, decided, and written back.

    node: leases what is born here; None (the command line) leaves deliveries to a running node.
    """

    def __init__(self, store: Store, clock: Clock, *, node: str | None) -> None:
        self._store = store
        self._clock = clock
        self._node = node

    def commit(self, events: Sequence[Event], plan: Plan) -> Committed:
        """One transaction, or one an event if the batch cannot be decided together.

        What cannot be decided even alone is stored as a fault. Raises StoreError if the store is away.
        """
        now = self._clock.now()
        try:
            return self._transact(events, plan, now)
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, Rejected):
                raise
            log.exception("a batch could not be decided: one by one", events=len(events))
        parts = [self._transact_or_report(event, plan, now) for event in events]
        return Committed(
            [decision for part in parts for decision in part.decisions],
            [delivery for part in parts for delivery in part.leased],
            self._clock.now(),
        )

    def _transact_or_report(self, event: Event, plan: Plan, now: float) -> Committed:
        try:
            return self._transact([event], plan, now)
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, Rejected):
                raise
            log.exception("an event could not be decided", event_id=event.id, kind=event.kind)
            return self._transact([_undecidable(event, error, now)], plan, now)

    def _transact(self, events: Sequence[Event], plan: Plan, now: float) -> Committed:
        needs = needs_of(events, plan)
        with self._store.transaction() as transaction:
            state = transaction.load(needs)
            if further := further_needs(needs, events, state, plan):
                state = transaction.load(further)
            decisions = fold(events, state, plan, now)
            lease = Lease(node=self._node, now=now) if self._node else None
            leased = transaction.write(decisions, lease, decided_at=now)
        return Committed(decisions, leased, self._clock.now())


def _undecidable(event: Event, error: Exception, now: float) -> Event:
    """What is stored in place of an event that the engine cannot decide: a person has to look."""
    return Event(
        kind=Kind.FAULT,
        source="bridge",
        key=f"undecidable/{event.id}",
        occurred_at=now,
        received_at=now,
        attributes={
            "subject": "engine",
            "what": f"undecidable/{event.kind}",
            "text": f"{event.kind} of {event.source} {event.key} could not be decided: {error!r}",
        },
    )
