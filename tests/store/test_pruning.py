"""What is old goes, what lives or is needed stays, and the evidence that is left is whole."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.model import DeliveryState, IncidentState, Kind, Tier, TimelineEntry, Timer
from bridge.store import DAY, Cuts, Keep, Lease, Store, chain, schema
from bridge.store.checking import check_chains
from bridge.store.limits import PATIENT
from bridge.store.verify import verify
from tests.store.rows import NOW, call, decision, delivery, event, fault, hold, incident

KEEP = Keep(emergency=1000, routine=100, faults=500)
OLD = NOW - 2000 * DAY
CUTS = KEEP.cuts(NOW)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """One that waits for a busy machine."""
    with Store(url, limits=PATIENT) as opened:
        yield opened


def happened(store: Store, name: str, at: float = OLD, *more: Any, **changes: Any) -> None:
    """An incident of one call, with a story of two lines, an action and a receipt; closed unless said."""
    values = {"state": IncidentState.CLOSED, "closed_at": at + 60, "opened_at": at, **changes}
    key = f"call of {name}"
    first, receipt = (
        event(key=key, received_at=at),
        event(kind=Kind.DELIVERY_SETTLED, source="outbox", key=name, incident=name, received_at=at),
    )
    lines = [
        TimelineEntry(incident=name, at=at, event=first.id, reason="opened", text=f"{n}") for n in range(2)
    ]
    settled = delivery(f"d {name}", name, state=DeliveryState.VERIFIED, settled_at=at)
    with store.transaction() as transaction:
        transaction.write(
            [
                decision(
                    incident(name, f"P {name}", **values),
                    call(f"c {name}", name, key, dialing_at=at),
                    settled,
                    *lines,
                    caused_by=first,
                ),
                decision(*more, caused_by=receipt),
            ],
            Lease(node="a", now=at),
        )


def prune(store: Store, cuts: Cuts = CUTS, forwarders: Sequence[str] | None = None) -> dict[str, int]:
    pruning = store.pruning(cuts, by="test", now=NOW, forwarders=forwarders)
    while batches := pruning.find():
        for batch in batches:
            pruning.take(batch)
    return {name: count for name, count in pruning.taken.items() if count}


def sound(store: Store) -> bool:
    return list(verify(store._database)) == []


def test_all_of_an_old_incident_goes(store: Store) -> None:
    happened(store, "old")
    happened(store, "new", NOW - DAY)
    assert prune(store) == {"incidents": 1, "calls": 1, "deliveries": 1, "timeline": 2, "events": 2}
    assert [each.id for each in store.incidents()] == ["new"]
    assert [entry.event.key for entry in store.journal()] == ["call of new", "new"]
    assert sound(store)
    assert prune(store) == {}


def test_each_tier_has_its_time(store: Store) -> None:
    for days in (101, 99, 1001, 999):
        for tier in Tier:
            happened(store, f"{tier} {days}", NOW - days * DAY, tier=tier, closed_at=NOW - days * DAY)
    prune(store)
    kept = {each.id for each in store.incidents()}
    assert kept == {"routine 99", "emergency 99", "emergency 101", "emergency 999"}
    assert sound(store)


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ((), {"state": IncidentState.CLEARING, "closed_at": None}),
        ((delivery("late", "i"),), {}),
        ((delivery("late", "i", state=DeliveryState.LEASED, leased_by="b"),), {}),
        ((Timer(incident="i", name="picture", due_at=NOW),), {}),
        ((hold(of="i"),), {}),
        ((fault("incident/i"),), {}),
    ],
    ids=["not closed", "to be done", "being done", "a timer", "a hold", "a fault"],
)
def test_what_lives_stays(store: Store, more: Sequence[Any], changes: dict[str, Any]) -> None:
    happened(store, "i", OLD, *more, **changes)
    assert prune(store) == {}
    assert len(store.journal()) == 2


def test_a_fault_goes_once_it_is_mended_for_long(store: Store) -> None:
    mended = fault("ami/a", opened_at=OLD, cleared_at=OLD + 60)
    lasting = fault("ami/b", opened_at=OLD)
    young = fault("ami/c", opened_at=OLD, cleared_at=NOW - 400 * DAY)
    for each in (mended, lasting, young):
        with store.transaction() as transaction:
            cause = event(key=f"fault of {each.subject}", kind=Kind.FAULT, received_at=OLD)
            transaction.write([decision(replace(each, cleared_at=None), caused_by=cause)])
            if each.cleared_at:
                transaction.write([decision(each, caused_by=replace(cause, kind=Kind.FAULT_CLEARED))])
    assert prune(store) == {"faults": 1, "fault_changes": 2, "events": 2}
    assert {each.subject for each in store.faults(open_only=False)} == {"ami/b", "ami/c"}
    assert sound(store)


def test_a_call_of_nobody_goes_with_its_events(store: Store) -> None:
    for key, at in (("1", OLD), ("2", NOW)):
        with store.transaction() as transaction:
            alone = call(f"c{key}", "", key, dialing_at=at, ended_at=at + 5)
            transaction.write([decision(alone, caused_by=event(key=key, received_at=at))])
    assert prune(store) == {"calls": 1, "events": 1}
    assert [entry.event.key for entry in store.journal()] == ["2"]
    assert sound(store)


def test_what_a_forwarder_has_not_told_stays(store: Store) -> None:
    place = store.forwarding("siem", "a")
    cursor = place.take(NOW, from_beginning=True)
    assert cursor is not None
    happened(store, "i", OLD, fault("ami/a", opened_at=OLD, cleared_at=OLD + 1))
    assert prune(store) == {"faults": 1}
    assert len(place.after(cursor, 10)) == 3
    assert prune(store, forwarders=["another"]) == {
        "incidents": 1,
        "calls": 1,
        "deliveries": 1,
        "timeline": 2,
        "fault_changes": 1,
        "events": 2,
    }
    assert sound(store)


def test_it_is_told_before(store: Store) -> None:
    happened(store, "i")
    happened(store, "r", tier=Tier.ROUTINE)
    would = store.pruning(CUTS, by="test", now=NOW).would_go()
    assert would == {"emergency": 1, "routine": 1, "calls": 2, "deliveries": 2, "timeline": 4, "faults": 0}
    assert len(store.incidents()) == 2


# --- the evidence that is left ----------------------------------------------------------------------


def test_in_any_order_the_rest_is_whole(store: Store) -> None:
    """Incidents go one by one; gaps beside one another become one."""
    names = [f"i{number}" for number in range(12)]
    for name in names:
        happened(store, name)
    random.Random(7).shuffle(names)
    for name in names:
        with store._database.write() as connection:
            mine = schema.timeline.c.incident == name
            seqs = connection.scalars(sa.select(schema.timeline.c.seq).where(mine)).all()
            gone = chain.remove(connection, schema.timeline, seqs)
            record = dict.fromkeys(schema.COUNTED, 0) | {"timeline": gone, "at": NOW, "by": "test"}
            chain.append(connection, {schema.prunings: [record]})
        with store._database.read() as connection:
            assert list(check_chains(connection)) == []
    with store._database.read() as connection:
        [whole] = chain.gaps(connection, schema.timeline)
    assert (whole.rows, whole.before) == (24, chain.GENESIS)
    happened(store, "afterwards")
    with store._database.read() as connection:
        assert list(check_chains(connection)) == []


def test_two_nodes_at_once_count_once(store: Store) -> None:
    for number in range(3):
        happened(store, f"i{number}")
    one, other = (store.pruning(CUTS, by=node, now=NOW) for node in "ab")
    found = one.find(), other.find()
    for batch in (*found[0], *found[1]):
        one.take(batch)
    assert one.taken["incidents"] == 3
    assert list(other.find()) != []  # what belongs to nobody any more
    prune(store)
    assert sound(store)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM gaps WHERE name = 'timeline'",
        "UPDATE gaps SET rows = rows + 1 WHERE name = 'timeline'",
        "UPDATE gaps SET after = before WHERE name = 'timeline'",
        "UPDATE prunings SET timeline = 0",
        "DELETE FROM prunings",
    ],
)
def test_a_pruning_that_was_none_is_found(store: Store, statement: str) -> None:
    happened(store, "old")
    happened(store, "new", NOW)
    prune(store)
    with store._database.write() as connection:
        connection.exec_driver_sql(statement)
    assert not sound(store)


def test_a_deletion_dressed_up_as_pruned_needs_a_record(store: Store) -> None:
    happened(store, "old")
    happened(store, "new", NOW)
    with store._database.write() as connection:
        chain.remove(connection, schema.timeline, [1])
    [finding] = verify(store._database)
    assert finding.text == "1 rows are missing as pruned, but 0 were pruned"


def test_many_go_in_small_batches(store: Store) -> None:
    for number in range(23):
        happened(store, f"i{number}")
    pruning = store.pruning(CUTS, by="test", now=NOW)
    assert [len(batch.keys) for batch in pruning.find()] == [5, 5, 5, 5, 3]
    prune(store)
    assert store.journal() == []
    assert sound(store)
