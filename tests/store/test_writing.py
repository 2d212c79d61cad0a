"""What a commit leaves behind: whole batches, later over earlier, new deliveries leased."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bridge.engine import Reason
from bridge.errors import StoreError
from bridge.model import DeliveryState, Tier, TimelineEntry, Timer
from bridge.store import Lease, Rejected, Store
from tests.store.kinds import postgres_only
from tests.store.rows import NOW, call, closed, decision, delivery, event, fault, hold, incident, needs

LEASE = Lease(node="a", now=NOW, seconds=10)


def stored_events(store: Store, *keys: str) -> int:
    with store.transaction() as transaction:
        return len(transaction.load(needs(event_keys={("asterisk/pbx1", key) for key in keys})).known)


def test_later_decisions_of_a_batch_win(store: Store) -> None:
    timer = Timer(incident="i1", name="picture", due_at=NOW + 4)
    cleared = decision(replace(incident(), pressed=2))
    cleared.timers["i1", "picture"] = cleared.holds["ptz/1", "i1"] = None
    with store.transaction() as transaction:
        transaction.write([decision(incident(), timer, hold()), cleared])
    assert store.incident("i1").pressed == 2
    assert store.timers() == []
    assert store.holds() == []


def test_a_duplicate_changes_nothing(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(incident(), caused_by=event(key="1"))])
    with store.transaction() as transaction:
        transaction.write([decision(caused_by=event(key="1"), reason=Reason.DUPLICATE)])
    assert stored_events(store, "1") == 1


def test_an_exception_undoes_the_whole_batch(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as transaction:
            transaction.write([decision(incident(), caused_by=event(key="1"))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.incidents() == []
    assert stored_events(store, "1") == 0


def test_a_phone_may_close_one_incident_and_open_the_next_in_one_batch(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(incident("i1"))])
    with store.transaction() as transaction:
        transaction.write([decision(incident("i2"), closed("i1"))])
    assert {found.id: found.live for found in store.incidents()} == {"i1": False, "i2": True}


def test_two_open_incidents_of_one_phone_are_rejected(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.write(
            [decision(incident("i1"), incident("drill", exercise=True), incident("x", phone=""))]
        )
        transaction.write([decision(incident("y", phone=""))])
    with pytest.raises(Rejected), store.transaction() as transaction:
        transaction.write([decision(incident("i2"), caused_by=event(key="2"))])
    assert stored_events(store, "2") == 0
    assert len(store.incidents()) == 4


def test_what_belongs_to_no_incident_is_rejected(store: Store) -> None:
    with pytest.raises(Rejected), store.transaction() as transaction:
        transaction.write([decision(delivery(of="nobody"))])


@postgres_only
def test_a_key_too_long_for_an_index_is_rejected(store: Store) -> None:
    """It is the row's fault, not the database's: waiting for the database would be waiting for ever."""
    key = "".join(hashlib.sha256(f"{n}".encode()).hexdigest() for n in range(200))
    with pytest.raises(Rejected, match="index row"), store.transaction() as transaction:
        transaction.write([decision(caused_by=event(key=key))])


def test_a_rejection_says_where_but_not_what(store: Store) -> None:
    """Statements and values stay out of messages: they may hold what a caller sent."""
    with pytest.raises(StoreError) as failed, store.transaction() as transaction:
        transaction.write([decision(delivery(of="nobody", params={"token": "hush"}))])
    assert str(store) in str(failed.value)
    assert "hush" not in str(failed.value)
    assert "INSERT" not in str(failed.value)
    assert "hush" not in str(failed.value.__cause__)


def test_a_fault_that_comes_back_is_another_interval(store: Store) -> None:
    first = fault(opened_at=NOW, cleared_at=NOW + 5)
    again = fault(opened_at=NOW + 6)
    with store.transaction() as transaction:
        transaction.write([decision(fault()), decision(first), decision(again)])
        assert transaction.load(needs(subjects={"ami/pbx1"})).faults == {("ami/pbx1", "blind"): again}
    assert store.faults(open_only=False) == [again, first]
    assert store.faults() == [again]


def test_the_story_keeps_its_order(store: Store) -> None:
    """Times may be equal, or run backwards where a log tells of the past."""
    lines = [
        TimelineEntry(incident="i1", at=NOW - n, event="e", reason="opened", text=f"line {n}")
        for n in range(5)
    ]
    with store.transaction() as transaction:
        transaction.write([decision(incident(), *lines[:3]), decision(*lines[3:])])
    assert store.timeline("i1") == lines


# --- leasing at birth -------------------------------------------------------------------------------


def test_new_deliveries_are_leased_by_the_same_commit(store: Store) -> None:
    routine = delivery("routine", tier=Tier.ROUTINE, created_at=NOW - 9)
    second, first = delivery("second", order=1), delivery("first", order=0)
    settled = delivery("settled", state=DeliveryState.VERIFIED, settled_at=NOW)
    later = delivery("later", next_attempt_at=NOW + 5)
    with store.transaction() as transaction:
        leased = transaction.write([decision(incident(), routine, second, first, settled, later)], LEASE)
    assert [found.id for found in leased] == ["first", "second", "routine"]
    assert {(found.state, found.leased_by) for found in leased} == {(DeliveryState.LEASED, "a")}
    by_id = {found.id: found for found in store.deliveries("i1")}
    assert [by_id[found.id] for found in leased] == leased
    assert by_id["settled"] == settled
    assert by_id["later"] == later


def test_a_delivery_superseded_within_its_batch_is_not_leased(store: Store) -> None:
    gone = delivery(state=DeliveryState.SUPERSEDED, settled_at=NOW)
    with store.transaction() as transaction:
        assert transaction.write([decision(incident(), delivery()), decision(gone)], LEASE) == []
    assert store.deliveries("i1") == [gone]


def test_without_a_node_deliveries_wait(store: Store) -> None:
    with store.transaction() as transaction:
        assert transaction.write([decision(incident(), delivery())]) == []
    assert store.deliveries("i1") == [delivery()]


def test_a_commit_leaves_a_sign_of_life(store: Store) -> None:
    assert store.last_sign("a") is None
    with store.transaction() as transaction:
        transaction.write([], LEASE)
    with store.transaction() as transaction:
        transaction.write([], Lease(node="b", now=NOW + 1))
        transaction.write([], replace(LEASE, now=NOW + 2))
    assert (store.last_sign("a"), store.last_sign("b")) == (NOW + 2, NOW + 1)


def test_a_retry_keeps_the_lease(store: Store) -> None:
    """The engine writes the row again without knowing of `lease_until`."""
    with store.transaction() as transaction:
        [leased] = transaction.write([decision(incident(), delivery(), call())], LEASE)
    with store.transaction() as transaction:
        transaction.write([decision(replace(leased, attempts=1, next_attempt_at=NOW + 2))])
    assert store.lease(Lease(node="b", now=NOW + 9)) == []
    assert [found.id for found in store.lease(Lease(node="b", now=NOW + 10))] == ["d1"]
