"""Random walks through the plant: whatever happens in whatever order, the invariants hold.

After each event `invariants.check` looks at all rows, and the event is decided twice, see `Database`. At the
end everything is brought to rest and decided again from the record. `SOSBRIDGE_WALKS=5000 pytest
tests/engine/test_machine.py` walks longer, and elsewhere each time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.engine import effects
from bridge.engine.table import TRANSITIONS, Row, Signal
from bridge.model import Call, Delivery, Hold, IncidentState, Kind, Operation
from bridge.response import Plan
from tests.engine.control_room import ControlRoom, Dialled
from tests.engine.site import DESK, MORE, WATCH, WITH_FALLBACK
from tests.engine.test_replay import fold_in_batches
from tests.engine.test_table import UNREACHABLE

WALKS: Final = int(os.environ.get("SOSBRIDGE_WALKS", "0"))

phones = st.sampled_from(["P-03", "P-04", "P-05", "P-11", "1999"])
own_phones = st.sampled_from(["P-03", "P-04", "P-05"])
extensions = st.sampled_from(["9110", "9110", "9117", "20"])
people = st.sampled_from(["anna", "bert"])
numbers = st.integers(min_value=0, max_value=10_000)
yes_or_no = st.sampled_from(["", "", "", "yes"])
CALL_EVENTS: Final = (Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED, Kind.CALL_ENDED)


class Plant(RuleBasedStateMachine):
    """Every rule is something that happens in a plant, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.room = ControlRoom(WITH_FALLBACK)

    @initialize(plan=st.sampled_from([WITH_FALLBACK, MORE]))
    def begins(self, plan: Plan) -> None:
        self.room = ControlRoom(plan)

    # --- calls ----------------------------------------------------------------------------------------

    @rule(phone=phones, dialled=extensions, exercise=yes_or_no)
    def dials(self, phone: str, dialled: str, exercise: str) -> None:
        self.room.press(phone, dialled, exercise=exercise)

    @rule(phone=own_phones)
    def is_called(self, phone: str) -> None:
        self.room.ring(phone)

    @precondition(lambda self: self.room.database.rows.calls)
    @rule(number=numbers, to=st.sampled_from([DESK, "2002", ""]))
    def is_connected(self, number: int, to: str) -> None:
        call = self._a_call(number)
        self.room.says(Kind.CALL_ANSWERED, call)
        self.room.says(Kind.CALL_CONNECTED, call, connected_to=to)

    @precondition(lambda self: self.room.database.rows.calls)
    @rule(number=numbers, kind=st.sampled_from([Kind.CALL_ENDED, Kind.CALL_ENDED, Kind.CALL_FAILED]))
    def is_over(self, number: int, kind: Kind) -> None:
        self.room.says(kind, self._a_call(number), ended_by="caller")

    @rule(
        phone=phones,
        dialled=extensions,
        order=st.permutations(CALL_EVENTS),
        missed=st.sets(st.sampled_from(CALL_EVENTS), max_size=3),
    )
    def calls_in_a_blind_interval(
        self, phone: str, dialled: str, order: list[Kind], missed: set[Kind]
    ) -> None:
        call = self.room.call(phone, dialled)
        for kind in order:
            if kind not in missed:
                at = self.room.now + CALL_EVENTS.index(kind)
                self.room.says(kind, call, at=at, connected_to=DESK, recovered="yes")

    @precondition(lambda self: self.room.database.rows.calls)
    @rule(number=numbers, phone=phones, dialled=extensions)
    def repeats_a_key(self, number: int, phone: str, dialled: str) -> None:
        key = self._a_call(number).key
        self.room.says(Kind.CALL_DIALING, self.room.call(phone, dialled, key=key))

    def _a_call(self, number: int) -> Dialled:
        rows = list(self.room.database.rows.calls.values())
        return dialled_as(rows[number % len(rows)])

    @rule(
        phone=phones,
        ago=st.sampled_from([30.0, 3600.0, 100_000.0]),
        owed=st.sampled_from(["missed", "review"]),
    )
    def a_log_tells_of(self, phone: str, ago: float, owed: str) -> None:
        """A call that nobody saw."""
        call = self.room.call(phone)
        self.room.finds(call, at=self.room.now - ago, owed=owed)

    @precondition(lambda self: self.room.database.rows.calls)
    @rule(number=numbers, apart=st.sampled_from([0.0, 0.0, 5.0, -3600.0]))
    def a_log_repeats(self, number: int, apart: float) -> None:
        """A call that was seen live, or was filed before; or its key, used at another time."""
        calls = list(self.room.database.rows.calls.values())
        call = calls[number % len(calls)]
        if call.direction == "out":
            self.room.finds(dialled_as(call), at=call.dialing_at + apart)

    # --- buttons and people -----------------------------------------------------------------------------

    @rule(
        phone=own_phones,
        kind=st.sampled_from([Kind.SOS, Kind.OFF_HOOK, Kind.SOS_CLEARED, Kind.TAMPER]),
        exercise=yes_or_no,
    )
    def contact_of(self, phone: str, kind: Kind, exercise: str) -> None:
        attributes = {"phone": phone, "exercise": exercise}
        self.room.event(kind, source="relay", attributes=attributes)

    @precondition(lambda self: self.room.database.rows.incidents)
    @rule(
        number=numbers, kind=st.sampled_from([Kind.ACKNOWLEDGED, Kind.ACKNOWLEDGED, Kind.RESOLVED]), by=people
    )
    def somebody_says(self, number: int, kind: Kind, by: str) -> None:
        incidents = list(self.room.database.rows.incidents)
        self.room.event(kind, incident=incidents[number % len(incidents)], attributes={"by": by})

    @precondition(lambda self: bool(waiting_for_a_camera(self.room)))
    @rule(number=numbers, by=people)
    def somebody_swaps(self, number: int, by: str) -> None:
        """Gives a camera to one of those who wait for it, whether or not that may be."""
        holds = waiting_for_a_camera(self.room)
        hold = holds[number % len(holds)]
        attributes = {"by": by, "resource": hold.resource}
        self.room.event(Kind.SWAPPED, incident=hold.incident, attributes=attributes)

    @precondition(lambda self: self.room.database.rows.calls)
    @rule(number=numbers, kind=st.sampled_from([Kind.ACKNOWLEDGED, Kind.DISPATCH_STARTED]))
    def the_pbx_reports(self, number: int, kind: Kind) -> None:
        self.room.event(kind, attributes={"call_key": self._a_call(number).key, "by": "dispatcher-1"})

    # --- drivers ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.room.database.asked)
    @rule(
        number=numbers,
        state=st.sampled_from(
            ["verified", "verified", "accepted", "failed", "uncertain", "expired", "superseded", "retry"]
        ),
        doubtful=yes_or_no,
    )
    def settles(self, number: int, state: str, doubtful: str) -> None:
        """Any delivery: one under way, or one that was settled or superseded meanwhile."""
        rows = list(self.room.database.rows.deliveries.values())
        self.room.settle_delivery(rows[number % len(rows)], state, doubtful=doubtful)

    @precondition(lambda self: bool(at_cameras(self.room)))
    @rule(number=numbers, state=st.sampled_from(["retry", "retry", "expired"]))
    def finds_a_camera_missing(self, number: int, state: str) -> None:
        rows = at_cameras(self.room)
        self.room.settle_delivery(rows[number % len(rows)], state, missing="yes")

    @rule(state=st.sampled_from(["verified", "failed"]))
    def settles_everything(self, state: str) -> None:
        self.room.settle_all(state)

    @precondition(lambda self: self.room.database.asked)
    @rule(number=numbers)
    def is_found_off(self, number: int) -> None:
        rows: list[Delivery] = [row for row in self.room.database.asked if row.resource]
        if rows:
            row = rows[number % len(rows)]
            self.room.event(
                Kind.HOLD_LOST, source="outbox", incident=row.incident, attributes={"resource": row.resource}
            )

    @rule(driver=st.sampled_from(["zm", "wall", "dispatch"]), up=st.booleans())
    def link(self, driver: str, up: bool) -> None:
        self.room.link(driver, up=up)

    @rule(kind=st.sampled_from([Kind.LINK_LOST, Kind.LINK_RESTORED]))
    def the_pbx_is_watched(self, kind: Kind) -> None:
        attributes = {"subject": WATCH, "what": "blind", "text": "no answer"}
        self.room.event(kind, source="bridge", attributes=attributes)

    @precondition(lambda self: bool(calls_to_dispatch(self.room)))
    @rule(number=numbers, state=st.sampled_from(["verified", "accepted", "failed", "uncertain", "retry"]))
    def dispatch_is_called(self, number: int, state: str) -> None:
        rows = calls_to_dispatch(self.room)
        self.room.settle_delivery(rows[number % len(rows)], state)

    @rule()
    def the_bridge_begins_anew(self) -> None:
        for incident in list(self.room.database.rows.incidents):
            self.room.event(Kind.LEFT_ON, source="bridge", incident=incident)

    # --- time -------------------------------------------------------------------------------------------

    # Never none at all: as no two batches are decided at the same instant, a timer is never set anew for the
    # instant at which it fired.
    @rule(seconds=st.sampled_from([0.001, 0.5, 2.0, 5.0, 8.0, 20.0, 61.0, 700.0, 15_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.room.after(seconds)

    @precondition(lambda self: self.room.history)
    @rule(number=numbers)
    def is_heard_again(self, number: int) -> None:
        rows = self.room.database.copy()
        decision = self.room.accept(self.room.history[number % len(self.room.history)][0])
        assert decision is not None
        assert decision.reason == "duplicate"
        assert self.room.database.rows == rows
        self.room.history.pop()
        self.room.decisions.pop()

    def teardown(self) -> None:
        room = self.room
        room.forget()
        self._come_to_rest()
        rows = room.database.rows
        assert all(incident.state is IncidentState.CLOSED for incident in rows.incidents.values())
        assert (rows.holds, rows.timers) == ({}, {})
        replayed = fold_in_batches(room.history, room.database.plan, random.Random(1))
        assert replayed == room.decisions

    def _come_to_rest(self) -> None:
        """Everybody hangs up, somebody resolves, time passes."""
        for call in list(self.room.database.rows.calls.values()):
            if call.live:
                self.room.says(Kind.CALL_ENDED, dialled_as(call), ended_by="caller")
        for incident in list(self.room.database.rows.incidents.values()):
            self.room.event(Kind.RESOLVED, incident=incident.id, attributes={"by": "anna"})
        while (timer := self.room.next_timer()) is not None:
            self.room.after(max(0.0, timer.due_at - self.room.now))


def waiting_for_a_camera(room: ControlRoom) -> list[Hold]:
    holds = room.database.rows.holds.values()
    return [hold for hold in holds if hold.resource.startswith("ptz/") and not hold.held]


def at_cameras(room: ControlRoom) -> list[Delivery]:
    """What is under way at a camera."""
    rows = room.database.rows.deliveries.values()
    return [row for row in rows if "camera" in row.params and not row.state.settled]


def calls_to_dispatch(room: ControlRoom) -> list[Delivery]:
    """What is under way at whoever rings dispatch."""
    rows = room.database.rows.deliveries.values()
    return [row for row in rows if row.operation is Operation.NOTIFY and not row.state.settled]


def dialled_as(call: Call) -> Dialled:
    return Dialled(call.key, call.endpoint, call.caller, call.dialled, call.direction)


class Walked(Mapping[tuple[IncidentState | None, Signal], Row]):
    """The table, with a memory of the rows that were used."""

    def __init__(self) -> None:
        self.rows: set[tuple[IncidentState | None, Signal]] = set()

    def __getitem__(self, key: tuple[IncidentState | None, Signal]) -> Row:
        self.rows.add(key)
        return TRANSITIONS[key]

    def __iter__(self) -> Iterator[tuple[IncidentState | None, Signal]]:
        return iter(TRANSITIONS)

    def __len__(self) -> int:
        return len(TRANSITIONS)


def test_whatever_happens_the_invariants_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = Walked()
    monkeypatch.setattr(effects, "TRANSITIONS", walked)
    run_state_machine_as_test(
        Plant,
        settings=settings(
            max_examples=WALKS or 80,
            stateful_step_count=40,
            deadline=None,
            derandomize=not WALKS,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    assert not walked.rows & UNREACHABLE.keys()
    assert len(walked.rows) >= 30, "the walks see most of the table"
