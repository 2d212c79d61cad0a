"""Who performs what: at most one node at a time, nothing left lying, doubt where it may have been sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.model import Delivery, DeliveryState, Tier
from bridge.store import Lease, Store
from tests.store.rows import NOW, decision, delivery, incident

SECONDS = 10.0


def lease(node: str = "a", at: float = 0.0) -> Lease:
    return Lease(node=node, now=NOW + at, seconds=SECONDS)


def store_rows(store: Store, *rows: Delivery, by: Lease | None = None) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(incident(), *rows)], by)


def ids(deliveries: list[Delivery]) -> list[str]:
    return [found.id for found in deliveries]


LEASED_BY_B: dict[str, Any] = {"state": DeliveryState.LEASED, "leased_by": "b"}


def test_waiting_ones_come_sos_first_then_the_older_then_in_order(store: Store) -> None:
    store_rows(
        store,
        delivery("d", tier=Tier.ROUTINE, created_at=NOW - 60),
        delivery("c", order=2),
        delivery("b", order=1),
        delivery("a", order=7, created_at=NOW - 1),
    )
    found = store.lease(lease())
    assert ids(found) == ["a", "b", "c", "d"]
    assert {(one.state, one.leased_by, one.doubtful) for one in found} == {(DeliveryState.LEASED, "a", False)}
    assert sorted(store.deliveries("i1"), key=lambda one: one.id) == found


def test_the_limit_leaves_the_less_urgent(store: Store) -> None:
    store_rows(store, delivery("late", order=1), delivery("early"))
    assert ids(store.lease(lease(), limit=1)) == ["early"]
    assert ids(store.lease(lease(), in_hand={"early"}, limit=1)) == ["late"]


def test_what_is_in_hand_is_never_given_again(store: Store) -> None:
    store_rows(store, delivery("d1"), by=lease())
    assert store.lease(lease(at=99), in_hand={"d1"}) == []


def test_what_this_node_has_without_knowing_is_given_without_doubt(store: Store) -> None:
    """Its commit ended after everybody had given up waiting: it never left this process."""
    store_rows(store, delivery("d1"), by=lease())
    [found] = store.lease(lease(at=1), in_hand={"another"})
    assert (found.id, found.doubtful) == ("d1", False)


def test_a_settled_delivery_is_left_alone(store: Store) -> None:
    store_rows(store, *(delivery(state, state=state) for state in DeliveryState if state.settled))
    assert store.lease(lease()) == []
    assert store.recover(lease()) == []


@pytest.mark.parametrize("owner", ["", "a"])
def test_a_retry_comes_when_it_is_due(store: Store, owner: str) -> None:
    state = DeliveryState.LEASED if owner else DeliveryState.PENDING
    store_rows(store, delivery(state=state, leased_by=owner, next_attempt_at=NOW + 3))
    assert store.lease(lease(at=2.9)) == []
    assert ids(store.lease(lease(at=3))) == ["d1"]


def test_another_node_is_let_alone_until_its_lease_runs_out(store: Store) -> None:
    store_rows(store, delivery("d1"), by=lease("b"))
    assert store.lease(lease("a", SECONDS - 0.1)) == []
    [found] = store.lease(lease("a", SECONDS))
    assert (found.leased_by, found.doubtful) == ("a", True)
    assert store.lease(lease("b", SECONDS + 1), in_hand=set()) == []


def test_doubt_is_not_forgotten(store: Store) -> None:
    store_rows(store, delivery("d1", doubtful=True))
    assert [found.doubtful for found in store.lease(lease())] == [True]


def test_asking_often_enough_keeps_the_leases(store: Store) -> None:
    store_rows(store, delivery("d1"), by=lease("b"))
    for at in (4, 8, 12, 16, 20):
        assert store.lease(lease("b", at), in_hand={"d1"}) == []
        assert store.lease(lease("a", at + 3)) == []
    assert ids(store.lease(lease("a", 20 + SECONDS))) == ["d1"]


def test_recovery_takes_back_what_this_node_had_and_doubts_it(store: Store) -> None:
    waiting = delivery("waiting", next_attempt_at=NOW + 5, order=1)
    store_rows(
        store,
        delivery("sent"),
        replace(waiting, state=DeliveryState.LEASED, leased_by="a"),
        delivery("other", **LEASED_BY_B),
        by=lease(),
    )
    found = store.recover(lease(at=60))
    assert ids(found) == ["sent", "waiting"]
    assert all(one.doubtful for one in found)
    assert [one.next_attempt_at for one in found] == [None, NOW + 5]
    assert store.lease(lease("b", 60 + SECONDS - 1), in_hand={"other"}) == []


def test_recovery_leaves_what_nobody_has_to_lease(store: Store) -> None:
    store_rows(store, delivery("d1"))
    assert store.recover(lease()) == []
    assert ids(store.lease(lease())) == ["d1"]
