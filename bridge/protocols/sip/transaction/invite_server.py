"""The INVITE server transaction: RFC 3261 section 17.2.1 with RFC 6026 section 7.1.

After a 2xx it lives on, so that a telephone which repeats its INVITE does not start a second alarm. The 2xx
itself is repeated by the dialog (section 13.3.1.4), through `Respond`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.protocols.sip.message import Request, respond
from bridge.protocols.sip.transaction.machine import (
    Action,
    Deliver,
    Effects,
    Event,
    Row,
    Send,
    ServerTransaction,
    SetTimer,
    Signal,
    State,
    Table,
    deliver,
    fail_by_timeout,
    fail_by_transport,
    repeating,
    send_again,
    send_response,
    setting,
    step,
    stopping,
)
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


def start(request: Request, *, reliable: bool, times: Times = STANDARD) -> tuple[ServerTransaction, Effects]:
    """Return the transaction of an INVITE that came in, and the effects that begin it."""
    transaction = ServerTransaction(request, State.PROCEEDING, reliable, times, interval=times.t1)
    return transaction, (Deliver(request), SetTimer(Timer.TRYING, times.trying))


def event(event: Event, transaction: ServerTransaction) -> tuple[ServerTransaction, Effects]:
    """Return the transaction after `event`, and what is to be done."""
    return step(TRANSITIONS, transaction, event)


def _send_trying(transaction: ServerTransaction, _event: Event) -> tuple[ServerTransaction, Effects]:
    """17.2.1: the other side must not repeat its INVITE while somebody thinks about it."""
    if transaction.response is not None:
        return transaction, ()
    trying = respond(transaction.request, 100)
    return replace(transaction, response=trying), (Send(trying),)


def _repeat_final(transaction: ServerTransaction, _event: Event) -> tuple[ServerTransaction, Effects]:
    """Set timer G, which a reliable transport does not need."""
    return transaction, () if transaction.reliable else (SetTimer(Timer.G, transaction.interval),)


_STOP_TRYING: Final[Action[ServerTransaction]] = stopping(Timer.TRYING)
_STOP_REPEATING: Final[Action[ServerTransaction]] = stopping(Timer.G, Timer.H)
_WAIT_FOR_ACK: Final[Action[ServerTransaction]] = setting(Timer.H, lambda tx: tx.times.timeout)
_LINGER: Final[Action[ServerTransaction]] = setting(Timer.I, lambda tx: 0.0 if tx.reliable else tx.times.t4)
_ABSORB: Final[Action[ServerTransaction]] = setting(Timer.L, lambda tx: tx.times.timeout + tx.times.t4)
"""RFC 6026 says 64 * T1, which is when a caller who hears nothing sends its INVITE for the last time; that
one may be on its way for T4, and must not become a second call."""
_TWICE_AS_LATE: Final[Action[ServerTransaction]] = repeating(
    Timer.G, lambda tx: min(tx.interval * 2, tx.times.t2)
)

S, N, T = State, Signal, Timer

TRANSITIONS: Final[Table[ServerTransaction]] = {
    # Not answered yet.
    (S.PROCEEDING, T.TRYING): Row(S.PROCEEDING, (_send_trying,)),
    (S.PROCEEDING, N.REQUEST): Row(S.PROCEEDING, (send_again,)),
    (S.PROCEEDING, N.PROVISIONAL): Row(S.PROCEEDING, (_STOP_TRYING, send_response)),
    (S.PROCEEDING, N.SUCCESS): Row(S.ACCEPTED, (_STOP_TRYING, send_response, _ABSORB)),
    (S.PROCEEDING, N.FAILURE): Row(S.COMPLETED, (_STOP_TRYING, send_response, _repeat_final, _WAIT_FOR_ACK)),
    (S.PROCEEDING, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # Answered. The INVITE, if it comes again, was answered; the dialog sees to its 2xx and its ACK.
    (S.ACCEPTED, N.SUCCESS): Row(S.ACCEPTED, (send_response,)),
    (S.ACCEPTED, N.ACK): Row(S.ACCEPTED, (deliver,)),
    (S.ACCEPTED, N.TRANSPORT): Row(S.ACCEPTED, (fail_by_transport,)),
    (S.ACCEPTED, T.L): Row(S.TERMINATED),
    # Refused; repeated until the ACK comes.
    (S.COMPLETED, N.REQUEST): Row(S.COMPLETED, (send_again,)),
    (S.COMPLETED, T.G): Row(S.COMPLETED, (send_again, _TWICE_AS_LATE)),
    (S.COMPLETED, T.H): Row(S.TERMINATED, (fail_by_timeout,)),
    (S.COMPLETED, N.ACK): Row(S.CONFIRMED, (_STOP_REPEATING, _LINGER)),
    (S.COMPLETED, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # Repeated ACKs end here.
    (S.CONFIRMED, T.I): Row(S.TERMINATED),
}
