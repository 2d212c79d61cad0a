"""From `Decision`s to the database: the rows of a whole batch in a constant number of statements.

Called by `store.Transaction.write`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from bridge.engine import Decision, Reason
from bridge.model import Delivery, DeliveryState, Fault
from bridge.store import bulk, chain, schema
from bridge.store.leases import Lease, start_order
from bridge.store.plain import to_plain


def write(
    connection: sa.Connection,
    decisions: Sequence[Decision],
    lease: Lease | None,
    decided_at: float | None = None,
) -> list[Delivery]:
    """Write the decisions, the later ones over the earlier.

    decided_at: the `now` that they were decided with; None: the lease's.
    Returns the deliveries that were leased on the way: with a `lease`, every one that waits for its first
    attempt, in the order in which they are to start.
    """
    decisions = [decision for decision in decisions if decision.reason is not Reason.DUPLICATE]
    incidents = _latest(decision.incidents for decision in decisions)
    deliveries = _latest(decision.deliveries for decision in decisions)
    born = [] if lease is None else [_leased(row, lease) for row in deliveries.values() if _is_new(row)]
    deliveries.update({delivery.id: delivery for delivery in born})

    # Closed ones first: a phone may have its next incident in the same batch, and two are never live.
    closed_first = sorted(incidents.values(), key=lambda incident: incident.live)
    bulk.upsert(connection, schema.incidents, list(map(to_plain, closed_first)))
    calls = _latest(decision.calls for decision in decisions)
    bulk.upsert(connection, schema.calls, list(map(to_plain, calls.values())))
    bulk.upsert(connection, schema.deliveries, [_delivery_row(row, lease) for row in deliveries.values()])
    _replace(connection, schema.timers, _latest(decision.timers for decision in decisions))
    _replace(connection, schema.holds, _latest(decision.holds for decision in decisions))
    bulk.upsert(connection, schema.faults, list(map(to_plain, _faults(decisions))))
    if decided_at is None and lease is not None:
        decided_at = lease.now
    evidence = {
        schema.events: [_event_row(decision, decided_at) for decision in decisions],
        schema.fault_changes: list(_fault_changes(decisions)),
        schema.timeline: [to_plain(entry) for decision in decisions for entry in decision.timeline],
    }
    chain.append(connection, evidence)
    if lease is not None:
        bulk.upsert(connection, schema.nodes, [{"name": lease.node, "seen_at": lease.now}])
    return sorted(born, key=start_order)


def _latest(changes: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    latest: dict[Any, Any] = {}
    for change in changes:
        latest.update(change)
    return latest


def _faults(decisions: Iterable[Decision]) -> Iterable[Fault]:
    """Not by subject alone: a fault that is cleared and opened again in the same batch is two rows."""
    every = [fault for decision in decisions for fault in decision.faults.values()]
    return {(fault.subject, fault.what, fault.opened_at): fault for fault in every}.values()


def _fault_changes(decisions: Iterable[Decision]) -> Iterable[dict[str, Any]]:
    for decision in decisions:
        for fault in decision.faults.values():
            yield {"event": decision.event.id, **to_plain(fault)}


def _is_new(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.PENDING and delivery.next_attempt_at is None


def _leased(delivery: Delivery, lease: Lease) -> Delivery:
    return replace(delivery, state=DeliveryState.LEASED, leased_by=lease.node)


def _event_row(decision: Decision, decided_at: float | None) -> dict[str, Any]:
    row = {"id": decision.event.id, **to_plain(decision.event)}
    return {**row, "reason": decision.reason.value, "decided_at": decided_at}


def _delivery_row(delivery: Delivery, lease: Lease | None) -> dict[str, Any]:
    mine = lease is not None and delivery.state is DeliveryState.LEASED and delivery.leased_by == lease.node
    return {**to_plain(delivery), "lease_until": lease.until if lease and mine else None}


def _replace(connection: sa.Connection, table: sa.Table, values: Mapping[tuple[str, str], Any]) -> None:
    """Delete the rows whose value is None, write the others. Keys: the primary key's two columns."""
    names = [column.name for column in table.primary_key]
    gone = [dict(zip(names, key, strict=True)) for key, value in values.items() if value is None]
    bulk.delete(connection, table, gone)
    bulk.upsert(connection, table, [to_plain(value) for value in values.values() if value is not None])
