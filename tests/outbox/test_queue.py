"""The order in which a lane starts what waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import Delivery, DeliveryState, Operation, Tier
from bridge.outbox.queue import LaneQueue

BASE = Delivery(
    id="a",
    incident="i",
    step="sos/1",
    driver="zm",
    operation=Operation.BOOKMARK,
    target="1",
    tier=Tier.ROUTINE,
    order=0,
    state=DeliveryState.LEASED,
    created_at=100.0,
    deadline=200.0,
)


def drained(queue: LaneQueue, now: float = 150.0) -> list[str]:
    """Start and finish everything that may start, one after the other."""
    names = []
    while (delivery := queue.peek(now)) is not None:
        queue.start(delivery)
        names.append(delivery.id)
        queue.free(delivery.target)
    return names


def test_sos_first_then_older_then_the_order_of_the_incident() -> None:
    queue = LaneQueue()
    queue.put(replace(BASE, id="routine old", created_at=1.0))
    queue.put(replace(BASE, id="sos young 1", tier=Tier.EMERGENCY, created_at=120.0, order=1))
    queue.put(replace(BASE, id="sos young 0", tier=Tier.EMERGENCY, created_at=120.0, order=0))
    queue.put(replace(BASE, id="sos old", tier=Tier.EMERGENCY, created_at=110.0, order=9))
    assert drained(queue) == ["sos old", "sos young 0", "sos young 1", "routine old"]


def test_a_target_takes_one_at_a_time_and_others_go_on() -> None:
    queue = LaneQueue()
    queue.put(replace(BASE, id="first", target="1"))
    queue.put(replace(BASE, id="second", target="1", order=1))
    queue.put(replace(BASE, id="elsewhere", target="2", order=2))
    first = queue.peek(150.0)
    assert first is not None
    queue.start(first)
    elsewhere = queue.peek(150.0)
    assert elsewhere is not None
    assert (first.id, elsewhere.id) == ("first", "elsewhere")
    queue.start(elsewhere)
    assert queue.peek(150.0) is None
    queue.free("1")
    second = queue.peek(150.0)
    assert second is not None
    assert second.id == "second"


def test_a_retry_waits_for_its_time_and_holds_up_nobody() -> None:
    queue = LaneQueue()
    queue.put(replace(BASE, id="later", next_attempt_at=160.0))
    queue.put(replace(BASE, id="stop", order=1))
    assert drained(queue) == ["stop"]
    assert queue.next_retry == 160.0
    assert drained(queue, now=160.0) == ["later"]


def test_what_is_past_its_deadline_comes_out_once() -> None:
    queue = LaneQueue()
    queue.put(BASE)
    queue.put(replace(BASE, id="b", deadline=300.0))
    assert [delivery.id for delivery in queue.expired(200.0)] == ["a"]
    assert queue.expired(200.0) == []
    assert len(queue) == 1
    assert queue.next_deadline == 300.0


@pytest.mark.parametrize("busy", [False, True])
def test_withdrawn_deliveries_never_start(busy: bool) -> None:
    queue = LaneQueue()
    queue.put(replace(BASE, id="first"))
    queue.put(replace(BASE, id="gone", order=1))
    if busy:
        first = queue.peek(150.0)
        assert first is not None
        queue.start(first)
        assert queue.peek(150.0) is None
    queue.withdraw("gone")
    queue.free("1")
    assert drained(queue) == ([] if busy else ["first"])
    assert not queue.concerns("1")


def test_a_delivery_put_again_counts_once() -> None:
    queue = LaneQueue()
    queue.put(BASE)
    queue.put(replace(BASE, next_attempt_at=160.0))
    assert drained(queue, now=150.0) == []
    assert drained(queue, now=170.0) == ["a"]
    assert queue.expired(1000.0) == []
