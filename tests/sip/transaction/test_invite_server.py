"""The INVITE server transaction: RFC 3261 section 17.2.1, RFC 6026 section 7.1. Times are values."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.message import Response
from bridge.protocols.sip.transaction.invite_server import event, start
from bridge.protocols.sip.transaction.machine import (
    Deliver,
    Effects,
    Ended,
    Failed,
    Failure,
    Fired,
    Received,
    Respond,
    Send,
    ServerTransaction,
    SetTimer,
    State,
    StopTimer,
    TransportFailed,
)
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.transaction.messages import INVITE, ack, response

RINGING, OK, BUSY = response(180), response(200), response(486)


def after(*what: object, reliable: bool = False) -> ServerTransaction:
    transaction, _ = start(INVITE, reliable=reliable)
    for each in what:
        transaction, _ = event(Respond(each) if isinstance(each, Response) else each, transaction)  # type: ignore[arg-type]  # events of all kinds
    return transaction


def step(transaction: ServerTransaction, what: object) -> tuple[State, Effects]:
    following, effects = event(what, transaction)  # type: ignore[arg-type]  # events of all kinds
    return following.state, effects


class TestProceeding:
    def test_17_2_1_start(self) -> None:
        transaction, effects = start(INVITE, reliable=False)

        assert transaction.state is State.PROCEEDING
        assert effects == (Deliver(INVITE), SetTimer(Timer.TRYING, 0.2))

    def test_17_2_1_100_if_nothing_was_sent_within_200_ms(self) -> None:
        state, effects = step(after(), Fired(Timer.TRYING))

        assert (state, effects) == (State.PROCEEDING, (Send(response(100)),))

    def test_17_2_1_no_100_after_a_response(self) -> None:
        assert step(after(RINGING), Fired(Timer.TRYING)) == (State.PROCEEDING, ())

    def test_17_2_1_a_provisional_response(self) -> None:
        assert step(after(), Respond(RINGING)) == (State.PROCEEDING, (StopTimer(Timer.TRYING), Send(RINGING)))

    def test_17_2_1_a_repeated_invite_gets_the_last_provisional_response(self) -> None:
        assert step(after(response(183), RINGING), Received(INVITE)) == (State.PROCEEDING, (Send(RINGING),))
        assert step(after(Fired(Timer.TRYING)), Received(INVITE)) == (
            State.PROCEEDING,
            (Send(response(100)),),
        )

    def test_17_2_1_a_repeated_invite_before_any_response_is_no_second_alarm(self) -> None:
        assert step(after(), Received(INVITE)) == (State.PROCEEDING, ())

    def test_rfc_6026_7_1_a_2xx_leads_to_accepted_with_timer_l(self) -> None:
        assert step(after(), Respond(OK)) == (
            State.ACCEPTED,
            (StopTimer(Timer.TRYING), Send(OK), SetTimer(Timer.L, 37.0)),
        )

    def test_17_2_1_a_failure_on_an_unreliable_transport(self) -> None:
        assert step(after(RINGING), Respond(BUSY)) == (
            State.COMPLETED,
            (StopTimer(Timer.TRYING), Send(BUSY), SetTimer(Timer.G, 0.5), SetTimer(Timer.H, 32.0)),
        )

    def test_17_2_1_a_failure_on_a_reliable_transport(self) -> None:
        assert step(after(reliable=True), Respond(BUSY)) == (
            State.COMPLETED,
            (StopTimer(Timer.TRYING), Send(BUSY), SetTimer(Timer.H, 32.0)),
        )

    def test_17_2_4_the_transport_fails(self) -> None:
        assert step(after(), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))


class TestAccepted:
    def test_rfc_6026_7_1_a_repeated_invite_is_absorbed(self) -> None:
        assert step(after(OK), Received(INVITE)) == (State.ACCEPTED, ())

    def test_rfc_6026_7_1_the_2xx_is_repeated_by_the_dialog(self) -> None:
        assert step(after(OK), Respond(OK)) == (State.ACCEPTED, (Send(OK),))

    def test_rfc_6026_7_1_an_ack_is_passed_on(self) -> None:
        assert step(after(OK), Received(ack())) == (State.ACCEPTED, (Deliver(ack()),))

    @pytest.mark.parametrize("late", [RINGING, BUSY])
    def test_other_responses_come_too_late(self, late: Response) -> None:
        assert step(after(OK), Respond(late)) == (State.ACCEPTED, ())

    def test_rfc_6026_7_1_a_2xx_that_cannot_be_sent_does_not_end_it(self) -> None:
        assert step(after(OK), TransportFailed()) == (State.ACCEPTED, (Failed(Failure.TRANSPORT),))

    def test_rfc_6026_7_1_timer_l_ends_it(self) -> None:
        assert step(after(OK), Fired(Timer.L)) == (State.TERMINATED, (Ended(),))


class TestCompleted:
    def test_17_2_1_timer_g_doubles_up_to_t2(self) -> None:
        transaction = after(BUSY)
        intervals = []
        for _ in range(5):
            transaction, effects = event(Fired(Timer.G), transaction)
            assert effects[0] == Send(BUSY)
            assert isinstance(effects[1], SetTimer)
            intervals.append(effects[1].after)
        assert intervals == [1.0, 2.0, 4.0, 4.0, 4.0]

    def test_17_2_1_a_repeated_invite_gets_the_final_response(self) -> None:
        assert step(after(BUSY), Received(INVITE)) == (State.COMPLETED, (Send(BUSY),))

    def test_17_2_1_timer_h_is_a_timeout(self) -> None:
        assert step(after(BUSY), Fired(Timer.H)) == (State.TERMINATED, (Failed(Failure.TIMEOUT), Ended()))

    @pytest.mark.parametrize(("reliable", "linger"), [(False, 5.0), (True, 0.0)])
    def test_17_2_1_the_ack(self, reliable: bool, linger: float) -> None:
        assert step(after(BUSY, reliable=reliable), Received(ack())) == (
            State.CONFIRMED,
            (StopTimer(Timer.G), StopTimer(Timer.H), SetTimer(Timer.I, linger)),
        )

    @pytest.mark.parametrize("late", [RINGING, OK, response(603)])
    def test_17_2_1_other_responses_come_too_late(self, late: Response) -> None:
        assert step(after(BUSY), Respond(late)) == (State.COMPLETED, ())

    def test_17_2_4_the_transport_fails(self) -> None:
        assert step(after(BUSY), TransportFailed()) == (
            State.TERMINATED,
            (Failed(Failure.TRANSPORT), Ended()),
        )


class TestConfirmed:
    @pytest.mark.parametrize(
        "what", [Received(ack()), Received(INVITE), Fired(Timer.G), Fired(Timer.H), Respond(OK)]
    )
    def test_17_2_1_repeated_acks_and_late_timers_end_here(self, what: object) -> None:
        assert step(after(BUSY, Received(ack())), what) == (State.CONFIRMED, ())

    def test_17_2_1_timer_i_ends_it(self) -> None:
        assert step(after(BUSY, Received(ack())), Fired(Timer.I)) == (State.TERMINATED, (Ended(),))
