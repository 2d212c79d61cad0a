"""At the start: "stop" goes out for incidents that no longer live, through the same door as everything."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from bridge.ingest import stop_what_is_left_on
from bridge.ingest.left_on import LOOK_BACK
from bridge.model import DeliveryState, Incident, Operation
from bridge.store import Store
from tests.fake_clock import START
from tests.ingest.conftest import Door, soon
from tests.store import rows

Opened = Callable[[], AbstractAsyncContextManager[Door]]
CLOSED = replace(rows.closed("i1"), closed_at=START - 60.0, closed_by="anna")


def leave_on(store: Store, incident: Incident = CLOSED, state: DeliveryState = DeliveryState.EXPIRED) -> None:
    """The recording was begun, and its stop ended so."""
    begun = rows.delivery("start", incident.id, state=DeliveryState.VERIFIED, reference="event:17")
    stop = replace(begun, id="stop", operation=Operation.STOP_RECORDING, step="stop/1", order=9, state=state)
    with store.transaction() as transaction:
        transaction.write([rows.decision(incident, begun, stop)])


def stops(store: Store) -> list[tuple[str, str, str]]:
    every = store.deliveries(CLOSED.id)
    return [
        (row.step, row.state, row.params["reference"])
        for row in every
        if row.operation is Operation.STOP_RECORDING and row.id != "stop"
    ]


async def test_what_was_left_on_is_stopped_at_the_start(door: Opened, store: Store) -> None:
    leave_on(store)
    async with door() as d:
        await soon(stop_what_is_left_on(store, d.thread, d.ingest.accept, d.clock))
        [commit] = d.commits
    assert stops(store) == [("stop/1-2", "leased", "event:17")]
    [stop] = commit.leased
    assert stop.params["closed_by"] == "anna"


async def test_a_second_start_asks_for_nothing_while_that_is_under_way(door: Opened, store: Store) -> None:
    leave_on(store)
    async with door() as d:
        await soon(stop_what_is_left_on(store, d.thread, d.ingest.accept, d.clock))
        await d.clock.advance(1.0)
        await soon(stop_what_is_left_on(store, d.thread, d.ingest.accept, d.clock))
        assert len(d.commits) == 1
    assert len(stops(store)) == 1


@pytest.mark.parametrize(
    ("incident", "state"),
    [
        (CLOSED, DeliveryState.VERIFIED),
        (replace(CLOSED, closed_at=START - LOOK_BACK), DeliveryState.EXPIRED),
        (rows.incident("i1", opened_at=START), DeliveryState.EXPIRED),
    ],
    ids=["it is off", "long ago", "it lives"],
)
async def test_else_nothing_comes_in(
    door: Opened, store: Store, incident: Incident, state: DeliveryState
) -> None:
    leave_on(store, incident, state)
    async with door() as d:
        await soon(stop_what_is_left_on(store, d.thread, d.ingest.accept, d.clock))
        assert d.commits == []
    assert stops(store) == []
