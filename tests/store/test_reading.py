"""What people and the start-up read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from bridge.model import DeliveryState, IncidentState, Operation, Tier, Timer
from bridge.store import Counts, Lease, NoSuchIncident, Reader, Store
from tests.store.rows import NOW, call, closed, decision, delivery, fault, hold, incident


def fill(store: Store, *values: object) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(*values)])


def test_the_newest_incidents_come_first_page_by_page(store: Store) -> None:
    fill(store, *(incident(f"i{n}", f"P-{n}", opened_at=NOW + n // 2) for n in range(5)))
    first = store.incidents(limit=3)
    assert [found.id for found in first] == ["i4", "i3", "i2"]
    assert [found.id for found in store.incidents(limit=3, before=first[-1])] == ["i1", "i0"]


def test_incidents_of_some_states(store: Store) -> None:
    fill(store, incident("open"), closed("closed"))
    assert [found.id for found in store.incidents([IncidentState.CLOSED])] == ["closed"]


def test_an_incident_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    fill(store, incident("ab1"), closed("ab2"), closed("b%_"))
    assert store.incident("ab1").id == "ab1"
    assert store.incident("b%").id == "b%_"
    for beginning, why in (("ab", "several incidents begin"), ("%", "no incident begins")):
        with pytest.raises(NoSuchIncident, match=f"{why}.*sosbridge incidents list"):
            store.incident(beginning)


def test_an_empty_beginning_names_nothing_even_where_there_is_but_one(store: Store) -> None:
    fill(store, incident())
    with pytest.raises(NoSuchIncident):
        store.incident("")


def test_what_an_incident_owns_comes_in_order(store: Store) -> None:
    late, early = call("c2", dialing_at=NOW + 1), call("c1", key="1.0")
    second, first = delivery("a", order=1), delivery("b", order=0)
    fill(store, incident(), closed("other", "P-2"), late, early, second, first, call("c3", "other", key="3"))
    assert store.calls("i1") == [early, late]
    assert store.deliveries("i1") == [first, second]


def test_faults_and_blind_intervals(store: Store) -> None:
    over = fault("ami/pbx1", "blind", NOW, cleared_at=NOW + 5)
    still = fault("ami/pbx2", "blind", NOW + 1)
    other = fault("phone/P-1", "offline", NOW + 2)
    fill(store, over, still, other)
    assert store.faults() == [other, still]
    assert store.faults(what="offline") == [other]
    assert store.faults(open_only=False, limit=2) == [other, still]
    assert store.blind_intervals(NOW + 4) == [still, over]
    assert store.blind_intervals(NOW + 5) == [still]
    assert store.lasting("offline", NOW + 9) == [other]


def test_timers(store: Store) -> None:
    assert store.next_timer_at() is None
    late = Timer(incident="i1", name="b", due_at=NOW + 9)
    early = Timer(incident="i1", name="a", due_at=NOW + 4)
    fill(store, incident(), late, early)
    assert store.timers() == [early, late]
    assert store.due_timers(NOW + 4) == [early]
    assert store.next_timer_at() == NOW + 4


def test_counts_are_of_what_lives(store: Store) -> None:
    assert store.counts() == Counts(incidents={}, deliveries={}, faults={})
    fill(
        store,
        *(incident("i1"), closed("i2", "P-2"), incident("i3", "P-3", tier=Tier.ROUTINE)),
        *(delivery("d1"), delivery("d2"), delivery("d3", state=DeliveryState.FAILED, settled_at=NOW)),
        *(fault(), fault("x", cleared_at=NOW + 1), fault("y", "offline")),
    )
    store.lease(Lease(node="a", now=NOW), limit=1)
    assert store.counts() == Counts(
        incidents={
            (Tier.EMERGENCY, IncidentState.OPEN): 1,
            (Tier.ROUTINE, IncidentState.OPEN): 1,
        },
        deliveries={
            (Tier.EMERGENCY, DeliveryState.PENDING): 1,
            (Tier.EMERGENCY, DeliveryState.LEASED): 1,
        },
        faults={"blind": 1, "offline": 1},
    )


def test_holds_by_resource_first_come_first(store: Store) -> None:
    later, first = hold("b", "i2", since=NOW + 1, held=False), hold("b", "i1")
    fill(store, incident("i1"), incident("i2", "P-2"), later, first, hold("a", "i2"))
    assert store.holds() == [hold("a", "i2"), first, later]


UNDONE: Final[dict[str, Any]] = {"operation": Operation.STOP_RECORDING, "step": "stop/1", "order": 9}


@pytest.mark.parametrize(
    ("state", "listed"),
    [
        (DeliveryState.FAILED, True),
        (DeliveryState.EXPIRED, True),
        (DeliveryState.UNCERTAIN, True),
        (DeliveryState.VERIFIED, False),
        (DeliveryState.ACCEPTED, False),
        (DeliveryState.SUPERSEDED, False),
        (DeliveryState.PENDING, False),
        (DeliveryState.LEASED, False),
    ],
)
def test_an_incident_whose_undo_ended_in_vain_may_have_left_something_on(
    store: Store, state: DeliveryState, listed: bool
) -> None:
    fill(store, closed("i1"), delivery("start"), delivery("stop", state=state, **UNDONE))
    assert store.left_on(NOW, NOW + 60) == (["i1"] if listed else [])


def test_an_undo_whose_time_is_up_was_in_vain_too(store: Store) -> None:
    fill(store, closed("i1"), delivery("stop", deadline=NOW + 50, **UNDONE))
    assert store.left_on(NOW, NOW + 49) == []
    assert store.left_on(NOW, NOW + 50) == ["i1"]


def test_left_on_is_asked_of_closed_incidents_of_late_and_of_the_last_undo(store: Store) -> None:
    fill(
        store,
        *(closed("old"), closed("lives", "P-2"), closed("done", "P-3"), closed("more", "P-4")),
        delivery("a", "old", state=DeliveryState.FAILED, **UNDONE),
        delivery("b", "lives", state=DeliveryState.FAILED, **UNDONE),
        *(delivery(f"c-{name}", name, state=DeliveryState.FAILED, **UNDONE) for name in ("done", "more")),
        delivery("again", "done", state=DeliveryState.VERIFIED, **{**UNDONE, "order": 10}),
        delivery("other", "more", state=DeliveryState.VERIFIED, target="2", **{**UNDONE, "order": 10}),
        incident("lives", "P-2", closed_at=None),
        replace(closed("old"), closed_at=NOW - 10),
    )
    assert store.left_on(NOW, NOW + 60) == ["more"]


def test_a_start_that_failed_leaves_nothing_on(store: Store) -> None:
    fill(store, closed("i1"), delivery("start", state=DeliveryState.FAILED))
    assert store.left_on(NOW, NOW + 60) == []


def test_a_reader_sees_commits_at_once_and_never_waits_for_a_writer(store: Store, url: str) -> None:
    with Reader(url) as reader:
        with store.transaction() as transaction:
            transaction.write([decision(incident())])
            assert reader.incidents() == []
        assert reader.incidents() == [incident()]


def test_a_sound_database_passes_the_quick_check(store: Store) -> None:
    fill(store, incident())
    assert store.quick_check() == []
