"""What happens to a call, and what is to be done: events and effects of the machines of this package.

A request that came in stands for its server transaction, a request we made for its client transaction: the
user agent finds them (`transaction.matching`). Tags, sequence numbers and everything else that must be
unguessable come from the user agent too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.machine import Failure

Fields: TypeAlias = tuple[tuple[str, object], ...]


class Wait(enum.StrEnum):
    """What a timer of a call is for."""

    RESEND = "resend"
    """Send the 2xx again (13.3.1.4)."""
    ACK = "ack"
    """No ACK for the 2xx by then."""
    RESEND_PROVISIONAL = "resend provisional"
    """Send the reliable provisional response again (RFC 3262)."""
    PRACK = "prack"
    """No PRACK for it by then."""
    CANCELLED = "cancelled"
    """No final response after our CANCEL by then (9.1)."""
    LATE_ANSWERS = "late answers"
    """How long other branches of a fork may still answer (13.2.2.4)."""
    GLARE = "glare"
    """Offer again after a 491 (14.1)."""
    SESSION = "session"
    """Refresh the session, or give it up (RFC 4028)."""
    FORGET = "forget"
    """The call is over: whatever of it still lives by then is forgotten."""


# --- what happens ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestCame:
    """A request from the other side."""

    request: Request


@dataclass(frozen=True, slots=True)
class ResponseCame:
    """A response to a request of ours."""

    request: Request
    response: Response


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """No response to a request of ours ever came (8.1.3.1)."""

    request: Request
    failure: Failure


@dataclass(frozen=True, slots=True)
class Over:
    """A timer has run out."""

    wait: Wait


# --- what is to be done ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a request that came in."""

    request: Request
    response: Response


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request of ours, in a transaction of its own; the transport puts Via on top."""

    request: Request


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Send an ACK for a 2xx, which has no transaction."""

    ack: Request


@dataclass(frozen=True, slots=True)
class Cancel:
    """Send the CANCEL of our INVITE (9.1). fields: a Reason, that it was answered elsewhere for example."""

    invite: Request
    fields: Fields = ()


@dataclass(frozen=True, slots=True)
class Abandon:
    """Forget the transaction of our INVITE: nobody has answered our CANCEL (9.1)."""

    invite: Request


@dataclass(frozen=True, slots=True)
class Start:
    """Let a timer run out after so many seconds; it replaces one of that name."""

    wait: Wait
    after: float


@dataclass(frozen=True, slots=True)
class Stop:
    wait: Wait


# --- what the user is told -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """Our call rings, or is looked after in some other way; with a dialog if the response made one."""

    response: Response
    dialog: Dialog | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Our call was answered. An offer in the response wants an answer, which goes into the ACK."""

    response: Response
    dialog: Dialog


@dataclass(frozen=True, slots=True)
class Refused:
    """Our call was not answered: `response` says why, `failure` if nobody said anything at all."""

    response: Response | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The other side has acknowledged our 2xx; an answer to the offer in it is in the ACK."""

    ack: Request


class Cause(enum.StrEnum):
    """Why a call has ended."""

    CANCELLED = "cancelled"
    """The caller gave up before we answered."""
    BYE = "bye"
    HUNG_UP = "hung up"
    """We did."""
    NO_ACK = "no ack"
    """Our answer was never acknowledged."""
    NO_PRACK = "no prack"
    EXPIRED = "expired"
    """The other side did not refresh the session."""
    GONE = "gone"
    """The other side knows nothing of the dialog any more (481, or no response: 12.2.1.2)."""
    REJECTED = "rejected"
    """We did not want it."""
    CHALLENGED = "challenged"
    """We want to know first who calls; who can prove it calls again."""
    REFUSED = "refused"
    """The other side did not want it."""
    NO_ANSWER = "no answer"
    """Nobody said anything at all."""
    UNREACHABLE = "unreachable"
    """A message could not be sent, or nobody was there to take it."""
    NOT_ACCEPTABLE = "not acceptable"
    """The two sides have no way of talking in common."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The call is over. `request` is the BYE or CANCEL that ended it, for its Reason."""

    cause: Cause
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """A request within a call that only the user can answer: a new offer (INVITE, UPDATE), INFO, OPTIONS."""

    request: Request


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was `Requested` was cancelled, and is answered."""

    request: Request


@dataclass(frozen=True, slots=True)
class OfferTaken:
    """Our offer within a call was accepted; the answer is in the response."""

    response: Response


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our offer was not accepted: everything stays as it was (14.1)."""

    response: Response


@dataclass(frozen=True, slots=True)
class RefreshDue:
    """It is for us to refresh the session, with an offer that changes nothing (RFC 4028)."""


Effect: TypeAlias = (
    Reply
    | Ask
    | Acknowledge
    | Cancel
    | Abandon
    | Start
    | Stop
    | Progress
    | Answered
    | Refused
    | Confirmed
    | Finished
    | Requested
    | Withdrawn
    | OfferTaken
    | OfferRefused
    | RefreshDue
)
Effects: TypeAlias = tuple[Effect, ...]
