"""The non-INVITE client transaction: RFC 3261 section 17.1.2. Times are values."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.transaction.machine import (
    ClientTransaction,
    Deliver,
    Effects,
    Ended,
    Failed,
    Failure,
    Fired,
    Received,
    Send,
    SetTimer,
    State,
    StopTimer,
    TransportFailed,
)
from bridge.protocols.sip.transaction.non_invite_client import event, start
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.transaction.messages import BYE, response

TRYING, OK, GONE = (response(status, BYE) for status in (100, 200, 481))


def after(*statuses: int, reliable: bool = False) -> ClientTransaction:
    transaction, _ = start(BYE, reliable=reliable)
    for status in statuses:
        transaction, _ = event(Received(response(status, BYE)), transaction)
    return transaction


def step(transaction: ClientTransaction, what: object) -> tuple[State, Effects]:
    following, effects = event(what, transaction)  # type: ignore[arg-type]  # events of all kinds
    return following.state, effects


def intervals(transaction: ClientTransaction, count: int) -> list[float]:
    found = []
    for _ in range(count):
        transaction, effects = event(Fired(Timer.E), transaction)
        assert effects[0] == Send(BYE)
        assert isinstance(effects[1], SetTimer)
        found.append(effects[1].after)
    return found


class TestTrying:
    def test_17_1_2_2_start_on_an_unreliable_transport(self) -> None:
        transaction, effects = start(BYE, reliable=False)

        assert transaction.state is State.TRYING
        assert effects == (Send(BYE), SetTimer(Timer.F, 32.0), SetTimer(Timer.E, 0.5))

    def test_17_1_2_2_start_on_a_reliable_transport(self) -> None:
        assert start(BYE, reliable=True)[1] == (Send(BYE), SetTimer(Timer.F, 32.0))

    def test_17_1_2_2_timer_e_doubles_up_to_t2(self) -> None:
        assert intervals(after(), 5) == [1.0, 2.0, 4.0, 4.0, 4.0]

    def test_17_1_2_2_timer_f_is_a_timeout(self) -> None:
        assert step(after(), Fired(Timer.F)) == (State.TERMINATED, (Failed(Failure.TIMEOUT), Ended()))

    def test_17_1_2_2_a_provisional_response(self) -> None:
        assert step(after(), Received(TRYING)) == (State.PROCEEDING, (Deliver(TRYING),))

    def test_17_1_4_the_transport_fails(self) -> None:
        assert step(after(), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))


class TestProceeding:
    def test_17_1_2_2_timer_e_is_t2(self) -> None:
        assert intervals(after(100), 2) == [4.0, 4.0]

    def test_17_1_2_2_timer_f_is_a_timeout(self) -> None:
        assert step(after(100), Fired(Timer.F)) == (State.TERMINATED, (Failed(Failure.TIMEOUT), Ended()))

    def test_17_1_2_2_further_provisional_responses_are_passed_on(self) -> None:
        assert step(after(100), Received(TRYING)) == (State.PROCEEDING, (Deliver(TRYING),))

    def test_17_1_4_the_transport_fails(self) -> None:
        assert step(after(100), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))


@pytest.mark.parametrize("before", [(), (100,)])
@pytest.mark.parametrize("final", [OK, GONE])
@pytest.mark.parametrize(("reliable", "linger"), [(False, 5.0), (True, 0.0)])
def test_17_1_2_2_a_final_response(
    before: tuple[int, ...], final: object, reliable: bool, linger: float
) -> None:
    assert step(after(*before, reliable=reliable), Received(final)) == (  # type: ignore[arg-type]  # a Response
        State.COMPLETED,
        (StopTimer(Timer.E), StopTimer(Timer.F), Deliver(final), SetTimer(Timer.K, linger)),  # type: ignore[arg-type]  # a Response
    )


class TestCompleted:
    @pytest.mark.parametrize("again", [TRYING, OK, GONE])
    def test_17_1_2_2_repeated_responses_end_here(self, again: object) -> None:
        assert step(after(200), Received(again)) == (State.COMPLETED, ())  # type: ignore[arg-type]  # a Response

    def test_17_1_2_2_late_timers_and_failures_change_nothing(self) -> None:
        for what in (Fired(Timer.E), Fired(Timer.F), TransportFailed()):
            assert step(after(200), what) == (State.COMPLETED, ())

    def test_17_1_2_2_timer_k_ends_it(self) -> None:
        assert step(after(200), Fired(Timer.K)) == (State.TERMINATED, (Ended(),))
