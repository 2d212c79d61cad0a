"""The non-INVITE client transaction: RFC 3261 section 17.1.2."""

from __future__ import annotations

from typing import Final

from bridge.protocols.sip.message import Request
from bridge.protocols.sip.transaction.machine import (
    Action,
    ClientTransaction,
    Effect,
    Effects,
    Event,
    Row,
    Send,
    SetTimer,
    Signal,
    State,
    Table,
    deliver,
    fail_by_timeout,
    fail_by_transport,
    repeating,
    send_request,
    setting,
    step,
    stopping,
)
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


def start(request: Request, *, reliable: bool, times: Times = STANDARD) -> tuple[ClientTransaction, Effects]:
    """Return the transaction of a request that is to be sent, and the effects that send it."""
    transaction = ClientTransaction(request, State.TRYING, reliable, times, interval=times.t1)
    effects: list[Effect] = [Send(request), SetTimer(Timer.F, times.timeout)]
    if not reliable:
        effects.append(SetTimer(Timer.E, times.t1))
    return transaction, tuple(effects)


def event(event: Event, transaction: ClientTransaction) -> tuple[ClientTransaction, Effects]:
    """Return the transaction after `event`, and what is to be done."""
    return step(TRANSITIONS, transaction, event)


_STOP_TRYING: Final[Action[ClientTransaction]] = stopping(Timer.E, Timer.F)
_LINGER: Final[Action[ClientTransaction]] = setting(Timer.K, lambda tx: 0.0 if tx.reliable else tx.times.t4)
_TWICE_AS_LATE: Final[Action[ClientTransaction]] = repeating(
    Timer.E, lambda tx: min(tx.interval * 2, tx.times.t2)
)
_EVERY_T2: Final[Action[ClientTransaction]] = repeating(Timer.E, lambda tx: tx.times.t2)

S, N, T = State, Signal, Timer
_ANSWERED: Final = Row(S.COMPLETED, (_STOP_TRYING, deliver, _LINGER))

TRANSITIONS: Final[Table[ClientTransaction]] = {
    # Nobody has said anything.
    (S.TRYING, T.E): Row(S.TRYING, (send_request, _TWICE_AS_LATE)),
    (S.TRYING, T.F): Row(S.TERMINATED, (fail_by_timeout,)),
    (S.TRYING, N.PROVISIONAL): Row(S.PROCEEDING, (deliver,)),
    (S.TRYING, N.SUCCESS): _ANSWERED,
    (S.TRYING, N.FAILURE): _ANSWERED,
    (S.TRYING, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # Somebody is at it; the request is still repeated, for the final response may get lost.
    (S.PROCEEDING, T.E): Row(S.PROCEEDING, (send_request, _EVERY_T2)),
    (S.PROCEEDING, T.F): Row(S.TERMINATED, (fail_by_timeout,)),
    (S.PROCEEDING, N.PROVISIONAL): Row(S.PROCEEDING, (deliver,)),
    (S.PROCEEDING, N.SUCCESS): _ANSWERED,
    (S.PROCEEDING, N.FAILURE): _ANSWERED,
    (S.PROCEEDING, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # Repeated responses end here.
    (S.COMPLETED, T.K): Row(S.TERMINATED),
}
