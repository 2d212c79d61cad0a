"""The non-INVITE server transaction: RFC 3261 section 17.2.2."""

from __future__ import annotations

from typing import Final

from bridge.protocols.sip.message import Request
from bridge.protocols.sip.transaction.machine import (
    Action,
    Deliver,
    Effects,
    Event,
    Row,
    ServerTransaction,
    Signal,
    State,
    Table,
    fail_by_transport,
    send_again,
    send_response,
    setting,
    step,
)
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


def start(request: Request, *, reliable: bool, times: Times = STANDARD) -> tuple[ServerTransaction, Effects]:
    """Return the transaction of a request that came in, and the effects that begin it."""
    return ServerTransaction(request, State.TRYING, reliable, times), (Deliver(request),)


def event(event: Event, transaction: ServerTransaction) -> tuple[ServerTransaction, Effects]:
    """Return the transaction after `event`, and what is to be done."""
    return step(TRANSITIONS, transaction, event)


_ABSORB: Final[Action[ServerTransaction]] = setting(
    Timer.J, lambda tx: 0.0 if tx.reliable else tx.times.timeout
)

S, N, T = State, Signal, Timer
_ANSWER: Final = Row(S.COMPLETED, (send_response, _ABSORB))

TRANSITIONS: Final[Table[ServerTransaction]] = {
    # Not answered yet; the request, if it comes again, has to wait.
    (S.TRYING, N.PROVISIONAL): Row(S.PROCEEDING, (send_response,)),
    (S.TRYING, N.SUCCESS): _ANSWER,
    (S.TRYING, N.FAILURE): _ANSWER,
    # A provisional response was sent.
    (S.PROCEEDING, N.REQUEST): Row(S.PROCEEDING, (send_again,)),
    (S.PROCEEDING, N.PROVISIONAL): Row(S.PROCEEDING, (send_response,)),
    (S.PROCEEDING, N.SUCCESS): _ANSWER,
    (S.PROCEEDING, N.FAILURE): _ANSWER,
    (S.PROCEEDING, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # The request, if it comes again, gets the same answer.
    (S.COMPLETED, N.REQUEST): Row(S.COMPLETED, (send_again,)),
    (S.COMPLETED, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    (S.COMPLETED, T.J): Row(S.TERMINATED),
}
