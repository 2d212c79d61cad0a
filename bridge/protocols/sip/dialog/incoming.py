"""A call that comes in, from its INVITE to our final answer: RFC 3261 sections 9.2, 13.3 and 15, RFC 3262.

What is accepted goes on as a `session`, which the user agent starts with the invitation's `dialog` and 2xx.
The user is never asked twice, however often the telephone repeats itself: the transaction sees to that.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from bridge.protocols.sip.dialog import reliable
from bridge.protocols.sip.dialog.dialog import Dialog, DialogId
from bridge.protocols.sip.dialog.reliable import Reliable
from bridge.protocols.sip.dialog.table import Row, Table
from bridge.protocols.sip.dialog.vocabulary import (
    Cause,
    Effects,
    Fields,
    Finished,
    Over,
    Reply,
    RequestCame,
    Start,
    Stop,
    Wait,
)
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message import Request, Response, respond
from bridge.protocols.sip.transaction.timers import STANDARD, Times


class State(enum.StrEnum):
    RINGING = "ringing"
    ANSWERED = "answered"
    """A 2xx was made for it: a session now."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Invitation:
    """tag: ours, in all responses. contact: where the dialog reaches us. next_number: the next RSeq."""

    invite: Request
    tag: str
    contact: Address
    times: Times
    state: State = State.RINGING
    next_number: int = 1
    unacknowledged: Reliable | None = None
    """The reliable provisional response that waits for its PRACK."""
    answer: Response | None = None
    """Our 2xx."""

    @property
    def id(self) -> DialogId:
        return str(self.invite.call_id), self.tag, self.invite.from_.tag

    def dialog(self, response: Response) -> Dialog:
        """Return the dialog that one of our responses makes. Raises MalformedError."""
        return Dialog.of_server(self.invite, response, self.contact)


@dataclass(frozen=True, slots=True)
class Ring:
    """Say that it rings (180), or is looked after in another way (183 with a session description)."""

    status: int = 180
    fields: Fields = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer: the body is the answer to the INVITE's offer, or an offer if it had none."""

    fields: Fields = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Refuse:
    status: int
    fields: Fields = ()


Event: TypeAlias = RequestCame | Over | Ring | Accept | Refuse


def start(
    invite: Request, tag: str, contact: Address, *, first_number: int = 1, times: Times = STANDARD
) -> Invitation:
    """Return the invitation of an INVITE outside a dialog.

    tag: unguessable. first_number: of reliable provisional responses, at random up to 2**31 - 1.
    """
    return Invitation(invite, tag, contact, times, next_number=first_number)


def event(event: Event, invitation: Invitation) -> tuple[Invitation, Effects]:
    """Return the invitation after `event`, and what is to be done. Raises MalformedError, ProtocolError."""
    row = TRANSITIONS.get((invitation.state, _signal_of(event, invitation)))
    if row is None:
        return invitation, ()
    effects: Effects = ()
    if row.action is not None:
        invitation, effects = row.action(invitation, event)
    return invitation if row.to is invitation.state else replace(invitation, state=row.to), effects


class Signal(enum.Enum):
    RING = enum.auto()
    ACCEPT = enum.auto()
    REFUSE = enum.auto()
    CANCEL = enum.auto()
    BYE = enum.auto()
    PRACK = enum.auto()
    """The one that is waited for."""
    UPDATE = enum.auto()
    OTHER = enum.auto()
    """A request that has no place before the answer, or a PRACK for something else."""
    RESEND = enum.auto()
    NO_PRACK = enum.auto()
    NONE = enum.auto()
    """Nothing that this machine waits for."""


_BY_WAIT: Final = {Wait.RESEND_PROVISIONAL: Signal.RESEND, Wait.PRACK: Signal.NO_PRACK}
_BY_METHOD: Final = {
    "CANCEL": Signal.CANCEL,
    "BYE": Signal.BYE,
    "UPDATE": Signal.UPDATE,
    "ACK": Signal.NONE,
}


def _signal_of(event: Event, invitation: Invitation) -> Signal:
    match event:
        case Over(wait):
            return _BY_WAIT.get(wait, Signal.NONE)
        case Ring():
            return Signal.RING
        case Accept():
            return Signal.ACCEPT
        case Refuse():
            return Signal.REFUSE
    return _signal_of_request(event.request, invitation)


def _signal_of_request(request: Request, invitation: Invitation) -> Signal:
    waiting = invitation.unacknowledged
    if request.method == "PRACK" and waiting is not None and waiting.is_answered_by(request):
        return Signal.PRACK
    return _BY_METHOD.get(request.method, Signal.OTHER)


def _respond(invitation: Invitation, status: int, fields: Fields = (), body: bytes = b"") -> Response:
    contact: Fields = (("Contact", invitation.contact),) if 100 < status < 300 else ()
    return respond(invitation.invite, status, *contact, *fields, to_tag=invitation.tag, body=body)


def _reply(invitation: Invitation, request: Request, status: int) -> Reply:
    return Reply(request, respond(request, status, to_tag=invitation.tag))


def _ring(invitation: Invitation, event: Ring) -> tuple[Invitation, Effects]:
    response = _respond(invitation, event.status, event.fields, event.body)
    required = reliable.TAG in invitation.invite.require
    if not required or event.status == 100 or invitation.unacknowledged is not None:
        # One reliable response at a time (RFC 3262 section 3); what comes meanwhile may get lost.
        return invitation, (Reply(invitation.invite, response),)
    sent = reliable.made_reliable(response, invitation.next_number, invitation.times.t1)
    waiting = replace(invitation, unacknowledged=sent, next_number=invitation.next_number + 1)
    waits = Start(Wait.RESEND_PROVISIONAL, sent.interval), Start(Wait.PRACK, invitation.times.timeout)
    return waiting, (Reply(invitation.invite, sent.response), *waits)


def _send_again(invitation: Invitation, _event: Over) -> tuple[Invitation, Effects]:
    if invitation.unacknowledged is None:
        return invitation, ()
    sent = invitation.unacknowledged.later()
    again = Reply(invitation.invite, sent.response), Start(Wait.RESEND_PROVISIONAL, sent.interval)
    return replace(invitation, unacknowledged=sent), again


_NO_LONGER: Final = (Stop(Wait.RESEND_PROVISIONAL), Stop(Wait.PRACK))


def _stop(invitation: Invitation) -> Effects:
    return _NO_LONGER if invitation.unacknowledged is not None else ()


def _acknowledged(invitation: Invitation, event: RequestCame) -> tuple[Invitation, Effects]:
    done = replace(invitation, unacknowledged=None)
    return done, (*_NO_LONGER, _reply(invitation, event.request, 200))


def _accept(invitation: Invitation, event: Accept) -> tuple[Invitation, Effects]:
    """Make the 2xx; the session sends it, and sends it again."""
    answer = _respond(invitation, 200, event.fields, event.body)
    return replace(invitation, answer=answer, unacknowledged=None), _stop(invitation)


def _refuse(invitation: Invitation, event: Refuse) -> tuple[Invitation, Effects]:
    response = _respond(invitation, event.status, event.fields)
    return invitation, (*_stop(invitation), Reply(invitation.invite, response))


def _give_up(invitation: Invitation, event: RequestCame) -> tuple[Invitation, Effects]:
    """9.2 and 15.1.2: the CANCEL or BYE is answered, and the INVITE with 487."""
    cause = Cause.CANCELLED if event.request.method == "CANCEL" else Cause.BYE
    return invitation, (
        *_stop(invitation),
        _reply(invitation, event.request, 200),
        Reply(invitation.invite, _respond(invitation, 487)),
        Finished(cause, event.request),
    )


def _no_prack(invitation: Invitation, _event: Over) -> tuple[Invitation, Effects]:
    """RFC 3262 section 3: the INVITE is rejected."""
    refusal = Reply(invitation.invite, _respond(invitation, 504))
    return invitation, (Stop(Wait.RESEND_PROVISIONAL), refusal, Finished(Cause.NO_PRACK))


def _too_late(invitation: Invitation, event: RequestCame) -> tuple[Invitation, Effects]:
    """9.2: the CANCEL of what has its final answer changes nothing, and is answered all the same."""
    return invitation, (_reply(invitation, event.request, 200),)


def _update(invitation: Invitation, event: RequestCame) -> tuple[Invitation, Effects]:
    """RFC 3311 section 5.2: no new offer before the first one is answered."""
    if not event.request.body:
        contact = ("Contact", invitation.contact)
        return invitation, (Reply(event.request, respond(event.request, 200, contact)),)
    again = ("Retry-After", event.request.cseq.number % 11)
    return invitation, (Reply(event.request, respond(event.request, 500, again)),)


def _unknown(invitation: Invitation, event: RequestCame) -> tuple[Invitation, Effects]:
    return invitation, (_reply(invitation, event.request, 481),)


S, N = State, Signal

TRANSITIONS: Final[Table[State, Invitation]] = {
    (S.RINGING, N.RING): Row(S.RINGING, _ring),
    (S.RINGING, N.RESEND): Row(S.RINGING, _send_again),
    (S.RINGING, N.PRACK): Row(S.RINGING, _acknowledged),
    (S.RINGING, N.NO_PRACK): Row(S.ENDED, _no_prack),
    (S.RINGING, N.ACCEPT): Row(S.ANSWERED, _accept),
    (S.RINGING, N.REFUSE): Row(S.ENDED, _refuse),
    (S.RINGING, N.CANCEL): Row(S.ENDED, _give_up),
    (S.RINGING, N.BYE): Row(S.ENDED, _give_up),
    (S.RINGING, N.UPDATE): Row(S.RINGING, _update),
    (S.RINGING, N.OTHER): Row(S.RINGING, _unknown),
    (S.ANSWERED, N.CANCEL): Row(S.ANSWERED, _too_late),
    (S.ENDED, N.CANCEL): Row(S.ENDED, _too_late),
    (S.ENDED, N.BYE): Row(S.ENDED, _unknown),
    (S.ENDED, N.UPDATE): Row(S.ENDED, _unknown),
    (S.ENDED, N.OTHER): Row(S.ENDED, _unknown),
}
