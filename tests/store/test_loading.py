"""What a batch is decided on: exactly what `Needs` says, whatever else is stored, in few statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.engine import Decision, Needs, Reason, State
from bridge.model import (
    Call,
    Delivery,
    DeliveryState,
    Event,
    Fault,
    Hold,
    Incident,
    IncidentState,
    Tier,
    Timer,
)
from bridge.store import Lease, Store, schema, wire
from tests.store.conftest import empty
from tests.store.kinds import postgres_only, sqlite_only
from tests.store.rows import (
    NOW,
    call,
    closed,
    decision,
    delivery,
    event,
    fault,
    hold,
    incident,
    needs,
)

# --- against a model in memory ----------------------------------------------------------------------


@dataclass
class World:
    """Everything that was ever decided, in dicts: what the store has to agree with."""

    events: dict[str, Event] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict)
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)
    faults: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def apply(self, made: Decision) -> None:
        if made.reason is Reason.DUPLICATE:
            return
        self.events[made.event.id] = made.event
        self.incidents |= made.incidents
        self.calls |= made.calls
        self.deliveries |= made.deliveries
        self.faults |= made.faults
        self.timers = {key: t for key, t in (self.timers | made.timers).items() if t is not None}
        self.holds = {key: h for key, h in (self.holds | made.holds).items() if h is not None}

    def expected(self, what: Needs) -> State:
        """What the docstring of `Needs` says, in the plainest words."""
        found_calls = [c for c in self.calls.values() if (c.source, c.key) in what.call_keys]
        named = {
            *what.incidents,
            *(c.incident for c in found_calls if c.incident),
            *(d.incident for d in self.deliveries.values() if d.id in what.deliveries),
            *(i.id for i in self.incidents.values() if i.live and i.phone in what.phones),
        }
        contested = what.resources | {h.resource for h in self.holds.values() if h.incident in named}
        rivals = [h for h in self.holds.values() if h.resource in contested]
        acting = [d for d in self.deliveries.values() if not d.state.settled and d.resource in contested]
        named |= {h.incident for h in rivals if not self.is_firm(h)}
        seen = {*named, *(h.incident for h in rivals), *(d.incident for d in acting)}
        subjects = what.subjects | {f"incident/{name}" for name in named}
        return State(
            known={e.id for e in self.events.values() if (e.source, e.key) in what.event_keys},
            incidents={key: i for key, i in self.incidents.items() if key in seen},
            calls={k: c for k, c in self.calls.items() if c in found_calls or c.incident in named},
            deliveries={k: d for k, d in self.deliveries.items() if d in acting or d.incident in named},
            timers={key: t for key, t in self.timers.items() if t.incident in named},
            holds={k: h for k, h in self.holds.items() if h.incident in named or h.resource in contested},
            faults={k: f for k, f in self.faults.items() if f.subject in subjects and f.cleared_at is None},
        )

    def is_firm(self, hold: Hold) -> bool:
        """An emergency that is no exercise and has it: nothing that others do changes that."""
        return hold.held and hold.tier is Tier.EMERGENCY and not self.incidents[hold.incident].exercise


T = TypeVar("T")

PHONES = ("P-1", "P-2", "P-3")
INCIDENTS = tuple(f"i{number}" for number in range(6))
RESOURCES = ("ptz/1", "ptz/2", "screen/wall/desk")
KEYS = ("1.1", "1.2", "1.3")
SUBJECTS = ("ami/pbx1", "driver/zm", "incident/i1")


def subsets(values: tuple[Any, ...]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(values), max_size=2)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Decision]]:
    """Decisions that an engine could make: every incident exists first, one is live per phone."""
    opening = [
        incident(name, PHONES[number % 3]) if number < 3 else closed(name, PHONES[number % 3])
        for number, name in enumerate(INCIDENTS)
    ]
    every = [[decision(*opening, caused_by=event(key="0"))]]
    for number in range(draw(st.integers(1, 3))):
        steps = draw(st.integers(1, 4))
        every.append([draw(decisions(f"{number}/{step}")) for step in range(steps)])
    return every


@st.composite
def decisions(draw: st.DrawFn, name: str) -> Decision:
    owner = st.sampled_from(INCIDENTS)
    key = draw(st.sampled_from([*KEYS, name]))
    reason = draw(st.sampled_from([Reason.JOINED, Reason.JOINED, Reason.DUPLICATE]))
    made = decision(caused_by=event(key=key, dialled=name), reason=reason)
    for _ in range(draw(st.integers(0, 3))):
        who = draw(owner)
        row_id = f"{draw(st.integers(0, 5))}"
        match draw(st.integers(0, 5)):
            case 0:
                stored = opening_of(who)
                made.incidents[who] = replace(stored, pressed=draw(st.integers(1, 9)))
            case 1:
                made.calls[row_id] = call(
                    row_id, draw(st.sampled_from([who, ""])), draw(st.sampled_from(KEYS))
                )
            case 2:
                state = draw(st.sampled_from(DeliveryState))
                resource = draw(st.sampled_from(["", *RESOURCES]))
                row = delivery(who + row_id, who, state=state, resource=resource)
                made.deliveries[row.id] = row
            case 3:
                timer = Timer(incident=who, name=row_id, due_at=draw(st.floats(0, 9)))
                made.timers[who, row_id] = draw(st.sampled_from([timer, None]))
            case 4:
                resource = draw(st.sampled_from(RESOURCES))
                held = replace(
                    hold(resource, who), tier=draw(st.sampled_from(Tier)), held=draw(st.booleans())
                )
                made.holds[resource, who] = draw(st.sampled_from([held, None]))
            case _:
                subject = draw(st.sampled_from(SUBJECTS))
                cleared = draw(st.sampled_from([None, NOW + 9]))
                made.faults[subject, "blind"] = fault(subject, cleared_at=cleared)
    return made


def opening_of(name: str) -> Incident:
    number = INCIDENTS.index(name)
    return incident(name, PHONES[number % 3]) if number < 3 else closed(name, PHONES[number % 3])


any_needs = st.builds(
    Needs,
    event_keys=st.frozensets(st.tuples(st.just("asterisk/pbx1"), st.sampled_from(KEYS)), max_size=2),
    call_keys=st.frozensets(st.tuples(st.just("asterisk/pbx1"), st.sampled_from(KEYS)), max_size=2),
    phones=subsets(PHONES),
    incidents=subsets((*INCIDENTS, "nobody")),
    deliveries=subsets(("i00", "i11", "i42")),
    resources=subsets(RESOURCES),
    subjects=subsets(SUBJECTS),
)


@given(made=batches(), what=any_needs)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_loaded_is_what_was_decided(store: Store, made: list[list[Decision]], what: Needs) -> None:
    with store._database.write() as connection:
        empty(connection)
    world = World()
    for batch in made:
        kept = [one for one in batch if one.event.id not in world.events]
        with store.transaction() as transaction:
            transaction.write(kept)
        for one in kept:
            world.apply(one)
    with store.transaction() as transaction:
        assert transaction.load(what) == world.expected(what)


# --- cases ------------------------------------------------------------------------------------------


def test_of_an_emergency_that_keeps_its_camera_little_is_loaded(store: Store) -> None:
    """With 400 of them on one screen, the next SOS must not stand behind all that they own."""
    with store.transaction() as transaction:
        transaction.write(
            [
                decision(
                    incident("mine", "P-1"),
                    incident("other", "P-2"),
                    hold("ptz/1", "other"),
                    hold("ptz/2", "other"),
                    call("c2", "other", key="1.2"),
                    delivery("d1", "other", resource="ptz/1", state=DeliveryState.VERIFIED),
                    delivery("d2", "other", resource="ptz/1"),
                    Timer(incident="other", name="post_roll", due_at=NOW),
                )
            ]
        )
        state = transaction.load(needs(phones={"P-1"}, resources={"ptz/1"}))
    assert set(state.incidents) == {"mine", "other"}
    assert set(state.holds) == {("ptz/1", "other")}
    assert set(state.deliveries) == {"d2"}
    assert (state.calls, state.timers) == ({}, {})


def test_a_routine_holder_comes_with_everything_it_owns(store: Store) -> None:
    """A preempted incident is told, and gets the camera back later: its rows must be there."""
    with store.transaction() as transaction:
        transaction.write(
            [
                decision(
                    incident("mine", "P-1"),
                    incident("other", "P-2"),
                    replace(hold("ptz/1", "other"), tier=Tier.ROUTINE),
                    hold("ptz/2", "other"),
                    call("c2", "other", key="1.2"),
                    delivery("d2", "other", resource="ptz/1"),
                    Timer(incident="other", name="post_roll", due_at=NOW),
                    fault("incident/other", "recording_cap"),
                )
            ]
        )
        state = transaction.load(needs(phones={"P-1"}, resources={"ptz/1"}))
    assert set(state.incidents) == {"mine", "other"}
    assert set(state.holds) == {("ptz/1", "other"), ("ptz/2", "other")}
    assert set(state.calls) == {"c2"}
    assert set(state.deliveries) == {"d2"}
    assert set(state.timers) == {("other", "post_roll")}
    assert set(state.faults) == {("incident/other", "recording_cap")}


@pytest.mark.parametrize("state", DeliveryState)
def test_a_closed_incident_counts_while_it_may_still_act_on_a_resource(
    store: Store, state: DeliveryState
) -> None:
    """Its late stop must not switch off what a new incident needs."""
    with store.transaction() as transaction:
        stop = delivery(of="over", resource="ptz/1", state=state)
        transaction.write([decision(closed("over"), stop)])
        found = transaction.load(needs(resources={"ptz/1"}))
    assert set(found.incidents) == (set() if state.settled else {"over"})


def test_a_key_of_another_source_is_not_ours(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.write([decision(incident(), call(source="asterisk/pbx2"), call("c2", key="9.9"))])
        state = transaction.load(needs(call_keys={("asterisk/pbx1", "1.1"), ("asterisk/pbx2", "9.9")}))
    assert state == State()


def test_a_caller_with_nul_and_broken_bytes_is_found_again(store: Store) -> None:
    odd = "unknown/\x00\udcff\u241b"
    with store.transaction() as transaction:
        transaction.write([decision(incident(phone=odd), caused_by=event(key=odd, caller=odd))])
        state = transaction.load(needs(phones={odd}, event_keys={("asterisk/pbx1", odd)}))
    assert [found.phone for found in state.incidents.values()] == [odd]
    assert state.known == {event(key=odd, caller=odd).id}


# --- cost -------------------------------------------------------------------------------------------


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """Collect the statements that are sent, by SQLAlchemy or past it."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    def noting(send: Callable[[sa.Connection, str, Any], T]) -> Callable[[sa.Connection, str, Any], T]:
        def noted(connection: sa.Connection, sql: str, values: Any) -> T:
            if connection.engine is engine:
                seen.append(sql)
            return send(connection, sql, values)

        return noted

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wire, "query", noting(wire.query))
            patch.setattr(wire, "change", noting(wire.change))
            yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def batch_of(size: int) -> tuple[Needs, list[Decision]]:
    """The needs of `size` calls of as many phones at one shared screen, and what is decided."""
    numbers = range(size)
    made = [
        decision(
            incident(f"i{n}", f"P-{n}"),
            call(f"c{n}", f"i{n}", key=f"{n}"),
            delivery(f"d{n}", f"i{n}", resource="screen/wall/desk"),
            Timer(incident=f"i{n}", name="picture", due_at=NOW + 4),
            hold("screen/wall/desk", f"i{n}"),
            fault(f"P-{n}", "unknown_phone"),
            caused_by=event(key=f"{n}"),
        )
        for n in numbers
    ]
    made[0].timers["i0", "post_roll"] = made[0].holds["ptz/1", "i0"] = None
    keys = {("asterisk/pbx1", f"{n}") for n in numbers}
    what = needs(
        event_keys=keys,
        call_keys=keys,
        phones={f"P-{n}" for n in numbers},
        incidents={f"i{n}" for n in numbers},
        deliveries={f"d{n}" for n in numbers},
        resources={"screen/wall/desk", "ptz/1"},
        subjects={f"P-{n}" for n in numbers},
    )
    return what, made


def cost(store: Store, size: int) -> int:
    what, made = batch_of(size)
    with statements(store._database.writer) as seen:
        for _ in range(2):  # inserted first, then changed
            with store.transaction() as transaction:
                transaction.load(what)
                transaction.write(made, Lease(node="a", now=NOW))
            made = [replace_event(one) for one in made]
    return len(seen)


def replace_event(made: Decision) -> Decision:
    return replace(made, event=replace(made.event, dialled="9111"))


def test_a_batch_of_300_takes_as_many_statements_as_one(store: Store) -> None:
    alone = cost(store, 1)
    with store._database.write() as connection:
        empty(connection)
    together = cost(store, 300)
    assert together == alone
    assert together <= 2 * 30


@sqlite_only
def test_no_query_reads_a_whole_table(store: Store) -> None:
    """Where SQLite must scan, every SOS would cost more than the one before."""
    what, made = batch_of(3)
    with statements(store._database.writer) as deciding:
        with store.transaction() as transaction:
            transaction.write(made, Lease(node="a", now=NOW))
            transaction.load(what)
        store.lease(Lease(node="a", now=NOW))
    with statements(store._database.reader) as polling:
        store.counts()
        store.blind_intervals(NOW)
        store.last_sign("a")
        store.due_timers(NOW)
    queries = [query for query in deciding + polling if re.match("SELECT|UPDATE|DELETE", query)]
    assert len(queries) > 20
    with store._database.read() as connection:
        for query in queries:
            nulls = dict.fromkeys(re.findall(r":(\w+)", query))
            plan = [step for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", nulls)]
            scans = [step for step in plan if step.startswith("SCAN") and not OF_WHAT_LIVES.search(step)]
            assert scans == [], query


OF_WHAT_LIVES = re.compile("CONSTANT|json_each|ix_incidents_live|ix_deliveries_unsettled|ix_faults_open")
"""The words asked for; and indices that hold nothing but what is open, so that to read all of one is no more
than to read that."""


@postgres_only
def test_postgres_uses_the_partial_indices(store: Store) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            f"EXPLAIN SELECT id FROM incidents WHERE {schema.LIVE} AND phone IN ('P-1', 'P-2')"
        )
        assert "ix_incidents_live_phone" in "\n".join(line for [line] in plan)


def test_history_stays_out_of_sight(store: Store) -> None:
    past = [
        decision(closed(f"old{n}"), call(f"c{n}", f"old{n}", key=f"old{n}"), delivery(f"d{n}", f"old{n}"))
        for n in range(50)
    ]
    with store.transaction() as transaction:
        transaction.write(past)
        assert transaction.load(needs(phones={"P-1"})) == State()
    assert len(store.incidents([IncidentState.CLOSED])) == 50
