"""The INVITE client transaction: RFC 3261 section 17.1.1 with RFC 6026 section 7.2.

Timer B covers only the time until the first response of any kind; how long it may ring is for the transaction
user to say.
"""

from __future__ import annotations

from typing import Final

from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.machine import (
    Action,
    ClientTransaction,
    Effect,
    Effects,
    Event,
    Received,
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
from bridge.protocols.sip.transaction.requests import ack_of_failure
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


def start(request: Request, *, reliable: bool, times: Times = STANDARD) -> tuple[ClientTransaction, Effects]:
    """Return the transaction of an INVITE that is to be sent, and the effects that send it."""
    transaction = ClientTransaction(request, State.CALLING, reliable, times, interval=times.t1)
    effects: list[Effect] = [Send(request), SetTimer(Timer.B, times.timeout)]
    if not reliable:
        effects.append(SetTimer(Timer.A, times.t1))
    return transaction, tuple(effects)


def event(event: Event, transaction: ClientTransaction) -> tuple[ClientTransaction, Effects]:
    """Return the transaction after `event`, and what is to be done."""
    return step(TRANSITIONS, transaction, event)


def _send_ack(transaction: ClientTransaction, event: Event) -> tuple[ClientTransaction, Effects]:
    """17.1.1.3: each final response of 300 or more gets its ACK, the repeated ones too."""
    if not (isinstance(event, Received) and isinstance(event.message, Response)):
        return transaction, ()
    return transaction, (Send(ack_of_failure(transaction.request, event.message)),)


_STOP_CALLING: Final[Action[ClientTransaction]] = stopping(Timer.A, Timer.B)
_LINGER: Final[Action[ClientTransaction]] = setting(
    Timer.D, lambda tx: 0.0 if tx.reliable else tx.times.completed
)
_COLLECT: Final[Action[ClientTransaction]] = setting(Timer.M, lambda tx: tx.times.timeout)
_TWICE_AS_LATE: Final[Action[ClientTransaction]] = repeating(Timer.A, lambda tx: tx.interval * 2)

S, N, T = State, Signal, Timer

TRANSITIONS: Final[Table[ClientTransaction]] = {
    # Nobody has said anything.
    (S.CALLING, T.A): Row(S.CALLING, (send_request, _TWICE_AS_LATE)),
    (S.CALLING, T.B): Row(S.TERMINATED, (fail_by_timeout,)),
    (S.CALLING, N.PROVISIONAL): Row(S.PROCEEDING, (_STOP_CALLING, deliver)),
    (S.CALLING, N.SUCCESS): Row(S.ACCEPTED, (_STOP_CALLING, deliver, _COLLECT)),
    (S.CALLING, N.FAILURE): Row(S.COMPLETED, (_STOP_CALLING, _send_ack, deliver, _LINGER)),
    (S.CALLING, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    # It rings, or somebody looks for who should.
    (S.PROCEEDING, N.PROVISIONAL): Row(S.PROCEEDING, (deliver,)),
    (S.PROCEEDING, N.SUCCESS): Row(S.ACCEPTED, (deliver, _COLLECT)),
    (S.PROCEEDING, N.FAILURE): Row(S.COMPLETED, (_send_ack, deliver, _LINGER)),
    # A failure, which is repeated until our ACK arrives.
    (S.COMPLETED, N.FAILURE): Row(S.COMPLETED, (_send_ack,)),
    (S.COMPLETED, N.TRANSPORT): Row(S.TERMINATED, (fail_by_transport,)),
    (S.COMPLETED, T.D): Row(S.TERMINATED),
    # Answered. The same 2xx comes again until the dialog's ACK arrives; a fork may bring others.
    (S.ACCEPTED, N.SUCCESS): Row(S.ACCEPTED, (deliver,)),
    (S.ACCEPTED, T.M): Row(S.TERMINATED),
}
