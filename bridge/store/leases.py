"""Which node performs which delivery, and until when. Called by `store.Store` for the outbox.

A delivery is leased by the commit that decides it (`writing`), so what is found here is the rest: retries
that are due, what a dead node left, what another process decided without leasing it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import sqlalchemy as sa

from bridge.model import Delivery, DeliveryState, Tier
from bridge.store import schema
from bridge.store.asking import OneOf, columns_of, rows
from bridge.store.loading import fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A node's claim on deliveries. Others may take them over when `now + seconds` has passed."""

    node: str
    now: float
    """UTC epoch seconds."""
    seconds: float = 30.0

    @property
    def until(self) -> float:
        return self.now + self.seconds


def start_order(delivery: Delivery) -> tuple[bool, float, int]:
    """Sort key: emergencies first, then the older, then the order within the incident."""
    return delivery.tier is not Tier.EMERGENCY, delivery.created_at, delivery.order


_TABLE: Final = schema.deliveries
_UNSETTLED: Final = sa.text(schema.UNSETTLED)
_DELIVERIES: Final = rows(Delivery, OneOf(_TABLE.c.id))


def take(connection: sa.Connection, lease: Lease, in_hand: Collection[str], limit: int) -> list[Delivery]:
    """Lease what may start now and nobody has; see `store.Store.lease`."""
    due = sa.or_(_TABLE.c.next_attempt_at.is_(None), _TABLE.c.next_attempt_at <= lease.now)
    free = sa.or_(
        _TABLE.c.state == DeliveryState.PENDING.value,
        _TABLE.c.leased_by == lease.node,
        _TABLE.c.lease_until <= lease.now,
    )
    # Ids only: with thousands in hand, reading whole rows to drop them would keep the writer busy.
    candidates = connection.scalars(
        sa.select(_TABLE.c.id)
        .where(_UNSETTLED, due, free)
        .order_by(_TABLE.c.tier != Tier.EMERGENCY.value, _TABLE.c.created_at, _TABLE.c.order)
    )
    chosen = list(islice((row for row in candidates if row not in in_hand), limit))
    found = _DELIVERIES.ask(connection, chosen)
    return _lease(connection, lease, [_taken(delivery, lease) for delivery in found])


def _taken(delivery: Delivery, lease: Lease) -> Delivery:
    """Another node that let its lease run out may have sent it; what was ours but never in hand was not."""
    lost = delivery.state is DeliveryState.LEASED and delivery.leased_by != lease.node
    return replace(delivery, doubtful=delivery.doubtful or lost)


def recover(connection: sa.Connection, lease: Lease) -> list[Delivery]:
    """Take back what this node had in hand when it ended; see `store.Store.recover`."""
    mine = sa.select(*columns_of(Delivery)).where(_UNSETTLED, *_leased_by(lease))
    found = [replace(delivery, doubtful=True) for delivery in fetch(connection, Delivery, mine)]
    return _lease(connection, lease, found)


def renew(connection: sa.Connection, lease: Lease) -> None:
    """Move the end of this node's leases to `lease.until`, once half of their time is over."""
    half = lease.now + lease.seconds / 2
    aging = sa.update(_TABLE).where(_UNSETTLED, *_leased_by(lease), _TABLE.c.lease_until < half)
    connection.execute(aging.values(lease_until=lease.until))


def _leased_by(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.state == DeliveryState.LEASED.value, _TABLE.c.leased_by == lease.node


def _lease(connection: sa.Connection, lease: Lease, found: list[Delivery]) -> list[Delivery]:
    """Write the lease into these deliveries and return them as they are now, in the order of their start."""
    leased = [replace(row, state=DeliveryState.LEASED, leased_by=lease.node) for row in found]
    if leased:
        change = (
            sa.update(_TABLE)
            .where(_TABLE.c.id == sa.bindparam("which"))
            .values(
                state=DeliveryState.LEASED.value,
                leased_by=lease.node,
                lease_until=lease.until,
                doubtful=sa.bindparam("doubts"),
            )
        )
        connection.execute(change, [{"which": row.id, "doubts": row.doubtful} for row in leased])
    return sorted(leased, key=start_order)
