"""The non-INVITE server transaction: RFC 3261 section 17.2.2. Times are values."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.message import Response
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
    TransportFailed,
)
from bridge.protocols.sip.transaction.non_invite_server import event, start
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.transaction.messages import BYE, response

TRYING, OK, GONE = (response(status, BYE) for status in (100, 200, 481))


def after(*responses: Response, reliable: bool = False) -> ServerTransaction:
    transaction, _ = start(BYE, reliable=reliable)
    for each in responses:
        transaction, _ = event(Respond(each), transaction)
    return transaction


def step(transaction: ServerTransaction, what: object) -> tuple[State, Effects]:
    following, effects = event(what, transaction)  # type: ignore[arg-type]  # events of all kinds
    return following.state, effects


def test_17_2_2_start() -> None:
    transaction, effects = start(BYE, reliable=False)
    assert (transaction.state, effects) == (State.TRYING, (Deliver(BYE),))


def test_17_2_2_trying_a_repeated_request_has_to_wait() -> None:
    assert step(after(), Received(BYE)) == (State.TRYING, ())


def test_17_2_2_a_provisional_response() -> None:
    assert step(after(), Respond(TRYING)) == (State.PROCEEDING, (Send(TRYING),))
    assert step(after(TRYING), Respond(TRYING)) == (State.PROCEEDING, (Send(TRYING),))


def test_17_2_2_proceeding_a_repeated_request_gets_the_provisional_response() -> None:
    assert step(after(TRYING), Received(BYE)) == (State.PROCEEDING, (Send(TRYING),))


@pytest.mark.parametrize("before", [(), (TRYING,)])
@pytest.mark.parametrize("final", [OK, GONE])
@pytest.mark.parametrize(("reliable", "linger"), [(False, 32.0), (True, 0.0)])
def test_17_2_2_a_final_response(
    before: tuple[Response, ...], final: Response, reliable: bool, linger: float
) -> None:
    assert step(after(*before, reliable=reliable), Respond(final)) == (
        State.COMPLETED,
        (Send(final), SetTimer(Timer.J, linger)),
    )


def test_17_2_2_completed_a_repeated_request_gets_the_final_response() -> None:
    assert step(after(OK), Received(BYE)) == (State.COMPLETED, (Send(OK),))


@pytest.mark.parametrize("late", [TRYING, OK, GONE])
def test_17_2_2_completed_other_responses_come_too_late(late: Response) -> None:
    assert step(after(OK), Respond(late)) == (State.COMPLETED, ())


def test_17_2_2_timer_j_ends_it() -> None:
    assert step(after(OK), Fired(Timer.J)) == (State.TERMINATED, (Ended(),))


@pytest.mark.parametrize("before", [(TRYING,), (OK,)])
def test_17_2_4_the_transport_fails(before: tuple[Response, ...]) -> None:
    assert step(after(*before), TransportFailed()) == (State.TERMINATED, (Failed(Failure.TRANSPORT), Ended()))
