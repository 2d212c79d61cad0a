"""Our 2xx to an INVITE until its ACK comes: RFC 3261 section 13.3.1.4. Called by `incoming` and `session`.

The transaction does not repeat a 2xx, for the proxies on the way do not either: the user agent does, on every
transport.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from bridge.protocols.sip.dialog.vocabulary import (
    Confirmed,
    Effects,
    Over,
    Reply,
    RequestCame,
    Start,
    Stop,
    Wait,
)
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.timers import Times


class State(enum.StrEnum):
    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    GIVEN_UP = "given up"
    """No ACK for 64 * T1: the dialog is confirmed, the session must be ended with BYE."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    invite: Request
    response: Response
    times: Times
    interval: float
    state: State = State.WAITING


def start(invite: Request, response: Response, times: Times) -> tuple[Acceptance, Effects]:
    """Return what waits for the ACK, and the effects that send the 2xx."""
    acceptance = Acceptance(invite, response, times, times.t1)
    waits = Start(Wait.RESEND, times.t1), Start(Wait.ACK, times.timeout)
    return acceptance, (Reply(invite, response), *waits)


def event(event: RequestCame | Over, acceptance: Acceptance) -> tuple[Acceptance, Effects]:
    """Return what it is after an ACK or a timer, and what is to be done; anything else changes nothing."""
    if acceptance.state is not State.WAITING:
        return acceptance, ()
    match event:
        case Over(Wait.RESEND):
            interval = min(acceptance.interval * 2, acceptance.times.t2)
            again = Reply(acceptance.invite, acceptance.response), Start(Wait.RESEND, interval)
            return replace(acceptance, interval=interval), again
        case Over(Wait.ACK):
            return replace(acceptance, state=State.GIVEN_UP), (Stop(Wait.RESEND),)
        case RequestCame(request) if is_ack_of(acceptance, request):
            return replace(acceptance, state=State.ACKNOWLEDGED), (*_STOP, Confirmed(request))
    return acceptance, ()


_STOP: Final = (Stop(Wait.RESEND), Stop(Wait.ACK))


def is_ack_of(acceptance: Acceptance | None, request: Request) -> bool:
    """Whether a request is the ACK that is waited for."""
    return (
        acceptance is not None
        and request.method == "ACK"
        and request.cseq.number == acceptance.invite.cseq.number
    )
