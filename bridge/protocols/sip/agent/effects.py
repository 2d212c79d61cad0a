"""What the user agent asks of the endpoint: to send, and to wait. What it tells is in `events`.

The endpoint keeps no state of its own but its sockets and one clock: a timer that fires and a message that
could not be sent come back to the agent under the name they have here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocols.sip.agent.events import Event
from bridge.protocols.sip.dialog.vocabulary import Wait
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip.transaction.timers import Timer


@dataclass(frozen=True, slots=True)
class TransactionTimer:
    transaction: Name
    timer: Timer


@dataclass(frozen=True, slots=True)
class CallTimer:
    call: str
    wait: Wait


@dataclass(frozen=True, slots=True)
class RequestTimer:
    """How long the application may think about a request."""

    request: str


TimerId: TypeAlias = TransactionTimer | CallTimer | RequestTimer


@dataclass(frozen=True, slots=True)
class Send:
    """Put a message on its way. If that fails, tell `Agent.transport_failed` the name of the transaction.

    transaction: None for what nobody waits for: an ACK, an answer made without a state.
    """

    message: Request | Response
    flow: Flow
    transaction: Name | None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Call `Agent.timer` with `timer` after so many seconds, 0 for at once; it replaces one of that name."""

    timer: TimerId
    after: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: TimerId


Effect: TypeAlias = Send | SetTimer | CancelTimer | Event
