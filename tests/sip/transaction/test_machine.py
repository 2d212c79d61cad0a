"""What holds for all four machines, whatever happens to them in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.sip.transaction import (
    invite_client,
    invite_server,
    non_invite_client,
    non_invite_server,
)
from bridge.protocols.sip.transaction.machine import (
    Ended,
    Event,
    Fired,
    Received,
    Respond,
    Send,
    SetTimer,
    Signal,
    State,
    StopTimer,
    TransportFailed,
    signal_of,
)
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.properties import thoroughly
from tests.sip.transaction.messages import BYE, INVITE, ack, response

STATUSES = (100, 180, 183, 200, 202, 302, 404, 486, 503, 603)
COMMON: list[Event] = [TransportFailed(), *map(Fired, Timer)]


@dataclass(frozen=True)
class Machine:
    module: ModuleType
    events: list[Event]
    repeating: Timer | None
    """The timer that sends again, which a reliable transport must never have."""

    def start(self, *, reliable: bool) -> Any:
        return self.module.start(INVITE if "non" not in self.module.__name__ else BYE, reliable=reliable)

    @property
    def event(self) -> Callable[[Event, Any], tuple[Any, tuple[object, ...]]]:
        return self.module.event  # type: ignore[no-any-return]  # every machine has it


CLIENT: list[Event] = [*COMMON, *(Received(response(status)) for status in STATUSES)]
SERVER: list[Event] = [
    *COMMON,
    *(Respond(response(status)) for status in STATUSES),
    Received(INVITE),
    Received(ack()),
]
MACHINES = {
    "INVITE client": Machine(invite_client, CLIENT, Timer.A),
    "non-INVITE client": Machine(non_invite_client, CLIENT, Timer.E),
    "INVITE server": Machine(invite_server, SERVER, Timer.G),
    "non-INVITE server": Machine(non_invite_server, SERVER, None),
}


@pytest.mark.parametrize("name", MACHINES)
@thoroughly
@given(data=st.data(), reliable=st.booleans())
def test_any_events_in_any_order(name: str, data: st.DataObject, reliable: bool) -> None:
    machine = MACHINES[name]
    transaction, effects = machine.start(reliable=reliable)
    running = {effect.timer for effect in effects if isinstance(effect, SetTimer)}
    for what in data.draw(st.lists(st.sampled_from(machine.events), max_size=12)):
        if isinstance(what, Fired):
            if what.timer not in running:
                continue
            running.remove(what.timer)
        before = transaction
        transaction, effects = machine.event(what, transaction)
        for effect in effects:
            if isinstance(effect, SetTimer):
                assert effect.after >= 0
                running.add(effect.timer)
            elif isinstance(effect, StopTimer):
                running.discard(effect.timer)
            elif isinstance(effect, Send):
                bytes(effect.message)
        ended = transaction.state is State.TERMINATED
        assert (Ended() in effects) is (ended and before.state is not State.TERMINATED)
        if before.state is State.TERMINATED:
            assert (transaction, effects) == (before, ())
        if not ended and transaction.state not in (State.PROCEEDING, State.TRYING):
            assert running, "a transaction that nothing will ever end"
    assert not (reliable and machine.repeating in running)


@pytest.mark.parametrize("name", MACHINES)
def test_what_has_no_row_changes_nothing(name: str) -> None:
    machine = MACHINES[name]
    transaction, _ = machine.start(reliable=False)
    for state in State:
        for what in machine.events:
            if (state, signal_of(what)) not in machine.module.TRANSITIONS:
                there = replace(transaction, state=state)
                assert machine.event(what, there) == (there, ())


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_but_the_last_can_be_left(name: str) -> None:
    table = MACHINES[name].module.TRANSITIONS
    states = {state for state, _ in table}
    targets = {row.to for row in table.values()}

    assert targets - states == {State.TERMINATED}
    for state in states:
        assert any(row.to is not state for (at, _), row in table.items() if at is state)


def test_signals() -> None:
    assert signal_of(Received(ack())) is Signal.ACK
    assert signal_of(Received(BYE)) is Signal.REQUEST
    assert [signal_of(Received(response(status))) for status in (199, 299, 300, 699)] == [
        Signal.PROVISIONAL,
        Signal.SUCCESS,
        Signal.FAILURE,
        Signal.FAILURE,
    ]
