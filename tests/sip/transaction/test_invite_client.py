"""The INVITE client transaction: RFC 3261 section 17.1.1, RFC 6026 section 7.2. Times are values."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.transaction.invite_client import event, start
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
from bridge.protocols.sip.transaction.requests import ack_of_failure
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.transaction.messages import INVITE, request, response

RINGING, OK, BUSY = response(180), response(200), response(486)


def calling(*, reliable: bool = False) -> ClientTransaction:
    return start(INVITE, reliable=reliable)[0]


def after(*statuses: int, reliable: bool = False) -> ClientTransaction:
    transaction = calling(reliable=reliable)
    for status in statuses:
        transaction, _ = event(Received(response(status)), transaction)
    return transaction


def step(transaction: ClientTransaction, what: object) -> tuple[State, Effects]:
    following, effects = event(what, transaction)  # type: ignore[arg-type]  # events of all kinds
    return following.state, effects


class TestCalling:
    def test_17_1_1_2_start_on_an_unreliable_transport(self) -> None:
        transaction, effects = start(INVITE, reliable=False)

        assert transaction.state is State.CALLING
        assert effects == (Send(INVITE), SetTimer(Timer.B, 32.0), SetTimer(Timer.A, 0.5))

    def test_17_1_1_2_start_on_a_reliable_transport(self) -> None:
        assert start(INVITE, reliable=True)[1] == (Send(INVITE), SetTimer(Timer.B, 32.0))

    def test_17_1_1_2_timer_a_doubles_each_time(self) -> None:
        transaction = calling()
        intervals = []
        for _ in range(6):
            transaction, effects = event(Fired(Timer.A), transaction)
            assert effects[0] == Send(INVITE)
            assert isinstance(effects[1], SetTimer)
            intervals.append(effects[1].after)
        assert intervals == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]

    def test_17_1_1_2_timer_b_is_a_timeout(self) -> None:
        assert step(calling(), Fired(Timer.B)) == (State.TERMINATED, (Failed(Failure.TIMEOUT), Ended()))

    def test_17_1_1_2_a_provisional_response_stops_the_repetitions(self) -> None:
        assert step(calling(), Received(RINGING)) == (
            State.PROCEEDING,
            (StopTimer(Timer.A), StopTimer(Timer.B), Deliver(RINGING)),
        )

    def test_rfc_6026_7_2_a_2xx_leads_to_accepted_with_timer_m(self) -> None:
        assert step(calling(), Received(OK)) == (
            State.ACCEPTED,
            (StopTimer(Timer.A), StopTimer(Timer.B), Deliver(OK), SetTimer(Timer.M, 32.0)),
        )

    @pytest.mark.parametrize(("reliable", "linger"), [(False, 32.0), (True, 0.0)])
    def test_17_1_1_2_a_failure_is_acknowledged(self, reliable: bool, linger: float) -> None:
        assert step(calling(reliable=reliable), Received(BUSY)) == (
            State.COMPLETED,
            (
                StopTimer(Timer.A),
                StopTimer(Timer.B),
                Send(ack_of_failure(INVITE, BUSY)),
                Deliver(BUSY),
                SetTimer(Timer.D, linger),
            ),
        )

    def test_17_1_4_the_transport_fails(self) -> None:
        assert step(calling(), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))


class TestProceeding:
    def test_17_1_1_2_further_provisional_responses_are_passed_on(self) -> None:
        assert step(after(180), Received(RINGING)) == (State.PROCEEDING, (Deliver(RINGING),))

    def test_17_1_1_2_it_may_ring_for_ever(self) -> None:
        assert step(after(180), Fired(Timer.B)) == (State.PROCEEDING, ())
        assert step(after(180), Fired(Timer.A)) == (State.PROCEEDING, ())

    def test_rfc_6026_7_2_a_2xx(self) -> None:
        assert step(after(180), Received(OK)) == (State.ACCEPTED, (Deliver(OK), SetTimer(Timer.M, 32.0)))

    def test_17_1_1_2_a_failure(self) -> None:
        assert step(after(180), Received(BUSY)) == (
            State.COMPLETED,
            (Send(ack_of_failure(INVITE, BUSY)), Deliver(BUSY), SetTimer(Timer.D, 32.0)),
        )


class TestCompleted:
    def test_17_1_1_2_a_repeated_failure_is_acknowledged_and_told_nobody(self) -> None:
        assert step(after(486), Received(BUSY)) == (State.COMPLETED, (Send(ack_of_failure(INVITE, BUSY)),))

    @pytest.mark.parametrize("status", [180, 200])
    def test_other_responses_come_too_late(self, status: int) -> None:
        assert step(after(486), Received(response(status))) == (State.COMPLETED, ())

    def test_17_1_1_2_timer_d_ends_it(self) -> None:
        assert step(after(486), Fired(Timer.D)) == (State.TERMINATED, (Ended(),))

    def test_17_1_1_2_the_ack_cannot_be_sent(self) -> None:
        assert step(after(486), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))


class TestAccepted:
    def test_rfc_6026_7_2_every_2xx_is_passed_on(self) -> None:
        """The repeated one needs another ACK, that of another fork a BYE: the dialogs see to both."""
        other = response(200, tag="t2")
        assert step(after(200), Received(OK)) == (State.ACCEPTED, (Deliver(OK),))
        assert step(after(200), Received(other)) == (State.ACCEPTED, (Deliver(other),))

    @pytest.mark.parametrize("status", [180, 486])
    def test_other_responses_come_too_late(self, status: int) -> None:
        assert step(after(200), Received(response(status))) == (State.ACCEPTED, ())

    def test_rfc_6026_7_2_timer_m_ends_it(self) -> None:
        assert step(after(200), Fired(Timer.M)) == (State.TERMINATED, (Ended(),))


class TestAck:
    def test_17_1_1_3_what_is_in_it(self) -> None:
        invite = request(
            "INVITE", ("Route", "<sip:p1;lr>"), ("Route", "<sip:p2;lr>"), ("Via", "SIP/2.0/UDP behind")
        )
        ack = ack_of_failure(invite, response(486, tag="t9"))

        assert (ack.method, ack.uri) == ("ACK", invite.uri)
        assert list(ack.headers) == [
            ("Via", "SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK1"),
            ("Route", "<sip:p1;lr>"),
            ("Route", "<sip:p2;lr>"),
            ("Max-Forwards", "70"),
            ("From", '"Post 03" <sip:9103@plant.example.com>;tag=f1'),
            ("To", "<sip:9110@plant.example.com>;tag=t9"),
            ("Call-ID", "c1"),
            ("CSeq", "1 ACK"),
        ]
        bytes(ack)
