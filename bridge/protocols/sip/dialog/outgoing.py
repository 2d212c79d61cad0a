"""A call that we make, from its INVITE to the end of all its answers: RFC 3261 sections 9.1 and 13.2.

A proxy may have forked it: the first 2xx is the call, every other gets its ACK and a BYE. What was answered
goes on as a `session`; this machine lives on for the 2xx that come again, and for the late ones.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from bridge.protocols.sip.dialog import reliable
from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.dialog.table import Row, Table
from bridge.protocols.sip.dialog.vocabulary import (
    Abandon,
    Acknowledge,
    Answered,
    Ask,
    Cancel,
    Cause,
    Effects,
    Fields,
    Finished,
    Over,
    Progress,
    Refused,
    RequestFailed,
    ResponseCame,
    Start,
    Stop,
    Wait,
)
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.timers import STANDARD, Times

_MOST_BRANCHES: Final = 30
"""Nobody rings more telephones for one call; a stranger who invents tags shall not fill the memory."""


class State(enum.StrEnum):
    CALLING = "calling"
    PROCEEDING = "proceeding"
    GIVING_UP = "giving up"
    """We want no answer any more, but may not cancel before somebody has said something (9.1)."""
    CANCELLING = "cancelling"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the places that the INVITE has reached, by the tag of its To."""

    dialog: Dialog
    last_number: int | None = None
    """The RSeq that was acknowledged last."""
    ack: Request | None = None
    """The ACK of its 2xx, to be sent once more whenever the 2xx comes once more."""


@dataclass(frozen=True, slots=True)
class Call:
    """invite: without Via. contact: where its dialogs reach us."""

    invite: Request
    contact: Address
    times: Times
    state: State = State.CALLING
    branches: tuple[Branch, ...] = ()
    chosen: str = ""
    """The tag of the branch that answered first."""
    farewell: Fields = ()
    """For the CANCEL that waits."""

    def branch(self, tag: str) -> Branch | None:
        return next((branch for branch in self.branches if branch.dialog.remote.tag == tag), None)

    def having(self, branch: Branch) -> Call:
        """Return the call with `branch` in the place of the one with its tag."""
        others = tuple(
            known for known in self.branches if known.dialog.remote.tag != branch.dialog.remote.tag
        )
        return replace(self, branches=(*others, branch))


@dataclass(frozen=True, slots=True)
class HangUp:
    """We want no answer any more. fields: for the CANCEL."""

    fields: Fields = ()


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """Our answer to the offer in the 2xx, of an INVITE that had none: it goes into the ACK (13.2.1)."""

    fields: Fields
    body: bytes


Event: TypeAlias = ResponseCame | RequestFailed | Over | HangUp | AnswerOffer


def start(invite: Request, contact: Address, times: Times = STANDARD) -> tuple[Call, Effects]:
    """Return the call that an INVITE makes, and the effect that sends it."""
    return Call(invite, contact, times), (Ask(invite),)


def event(event: Event, call: Call) -> tuple[Call, Effects]:
    """Return the call after `event`, and what is to be done. Raises MalformedError on a response that is."""
    row = TRANSITIONS.get((call.state, _signal_of(event, call)))
    if row is None:
        return call, ()
    effects: Effects = ()
    if row.action is not None:
        call, effects = row.action(call, event)
    return call if row.to is call.state else replace(call, state=row.to), effects


class Signal(enum.Enum):
    PROVISIONAL = enum.auto()
    SUCCESS = enum.auto()
    FAILURE = enum.auto()
    NO_RESPONSE = enum.auto()
    HANG_UP = enum.auto()
    ANSWER_OFFER = enum.auto()
    CANCELLED = enum.auto()
    LATE = enum.auto()
    NONE = enum.auto()
    """Nothing that this machine waits for."""


_BY_WAIT: Final = {Wait.CANCELLED: Signal.CANCELLED, Wait.LATE_ANSWERS: Signal.LATE}


def _signal_of(event: Event, call: Call) -> Signal:
    match event:
        case Over(wait):
            return _BY_WAIT.get(wait, Signal.NONE)
        case HangUp():
            return Signal.HANG_UP
        case AnswerOffer():
            return Signal.ANSWER_OFFER
        case RequestFailed(request):
            return Signal.NO_RESPONSE if request == call.invite else Signal.NONE
    return _signal_of_response(event.response)


def _signal_of_response(response: Response) -> Signal:
    if response.cseq.method != "INVITE":
        return Signal.NONE  # to a PRACK, a CANCEL or the BYE of a late answer: nothing follows from it
    if response.provisional:
        return Signal.PROVISIONAL
    return Signal.SUCCESS if response.successful else Signal.FAILURE


def _progress(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    """12.1.2: a provisional response with a tag makes an early dialog, a reliable one wants a PRACK."""
    response = event.response
    if response.status == 100 or not response.to.tag:
        return call, (Progress(response, None),)
    known = call.branch(response.to.tag)
    if known is None and len(call.branches) == _MOST_BRANCHES:
        return call, (Progress(response, None),)
    branch = known or Branch(Dialog.of_client(call.invite, response, call.contact))
    rack = reliable.expects(response, branch.last_number)
    if rack is None:
        repeated = reliable.TAG in response.require and branch.last_number is not None
        return call.having(branch), () if repeated else (Progress(response, branch.dialog),)
    dialog, prack = branch.dialog.request("PRACK", ("RAck", rack))
    call = call.having(replace(branch, dialog=dialog, last_number=rack.rseq))
    return call, (Ask(prack), Progress(response, dialog))


def _confirm(call: Call, response: Response) -> Dialog:
    """Return the dialog that a 2xx confirms, or makes (13.2.2.4)."""
    known = call.branch(response.to.tag)
    if known is None:
        return Dialog.of_client(call.invite, response, call.contact)
    return known.dialog.now_confirmed(response)


def _answered(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    """The first 2xx: the call. Without an offer of ours the ACK waits for our answer."""
    dialog = _confirm(call, event.response)
    ack = dialog.ack(call.invite.cseq.number) if call.invite.body else None
    call = replace(call.having(Branch(dialog, ack=ack)), chosen=dialog.remote.tag)
    sent = (Acknowledge(ack),) if ack else ()
    return call, (*sent, Start(Wait.LATE_ANSWERS, call.times.timeout), Answered(event.response, dialog))


def _answer_offer(call: Call, event: AnswerOffer) -> tuple[Call, Effects]:
    branch = call.branch(call.chosen)
    if branch is None or branch.ack is not None:
        return call, ()
    ack = branch.dialog.ack(call.invite.cseq.number, *event.fields, body=event.body)
    return call.having(replace(branch, ack=ack)), (Acknowledge(ack),)


def _answered_again(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    """13.2.2.4: the 2xx again is acknowledged again; that of another branch is also hung up."""
    branch = call.branch(event.response.to.tag)
    if branch is not None and branch.ack is not None:
        return call, (Acknowledge(branch.ack),)
    if branch is None and len(call.branches) == _MOST_BRANCHES:
        return call, ()
    if event.response.to.tag == call.chosen:
        return call, ()  # our answer to its offer is still to come
    return _acknowledge_and_bye(call, event)


def _acknowledge_and_bye(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    dialog = _confirm(call, event.response)
    ack = dialog.ack(call.invite.cseq.number)
    dialog, bye = dialog.request("BYE")
    return call.having(Branch(dialog, ack=ack)), (Acknowledge(ack), Ask(bye))


def _answered_too_late(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    """9.1: the CANCEL crossed the 2xx."""
    call, effects = _acknowledge_and_bye(call, event)
    late = Stop(Wait.CANCELLED), Start(Wait.LATE_ANSWERS, call.times.timeout)
    return call, (*effects, *late, Finished(Cause.HUNG_UP))


def _refused(call: Call, event: ResponseCame) -> tuple[Call, Effects]:
    return call, (Refused(event.response),)


def _no_response(call: Call, event: RequestFailed) -> tuple[Call, Effects]:
    return call, (Refused(None, event.failure),)


def _cancel_later(call: Call, event: HangUp) -> tuple[Call, Effects]:
    return replace(call, farewell=event.fields), ()


def _cancel(call: Call, event: Event) -> tuple[Call, Effects]:
    fields = event.fields if isinstance(event, HangUp) else call.farewell
    return call, (Cancel(call.invite, fields), Start(Wait.CANCELLED, call.times.timeout))


def _cancelled(call: Call, _event: Event) -> tuple[Call, Effects]:
    return call, (Stop(Wait.CANCELLED), Finished(Cause.HUNG_UP))


def _given_up(call: Call, _event: Over) -> tuple[Call, Effects]:
    """9.1: 64 * T1 after the CANCEL the INVITE counts as cancelled, whoever is silent."""
    return call, (Abandon(call.invite), Finished(Cause.HUNG_UP))


S, N = State, Signal

TRANSITIONS: Final[Table[State, Call]] = {
    (S.CALLING, N.PROVISIONAL): Row(S.PROCEEDING, _progress),
    (S.CALLING, N.SUCCESS): Row(S.ANSWERED, _answered),
    (S.CALLING, N.FAILURE): Row(S.ENDED, _refused),
    (S.CALLING, N.NO_RESPONSE): Row(S.ENDED, _no_response),
    (S.CALLING, N.HANG_UP): Row(S.GIVING_UP, _cancel_later),
    (S.PROCEEDING, N.PROVISIONAL): Row(S.PROCEEDING, _progress),
    (S.PROCEEDING, N.SUCCESS): Row(S.ANSWERED, _answered),
    (S.PROCEEDING, N.FAILURE): Row(S.ENDED, _refused),
    (S.PROCEEDING, N.NO_RESPONSE): Row(S.ENDED, _no_response),
    (S.PROCEEDING, N.HANG_UP): Row(S.CANCELLING, _cancel),
    (S.GIVING_UP, N.PROVISIONAL): Row(S.CANCELLING, _cancel),
    (S.GIVING_UP, N.SUCCESS): Row(S.ENDED, _answered_too_late),
    (S.GIVING_UP, N.FAILURE): Row(S.ENDED, _cancelled),
    (S.GIVING_UP, N.NO_RESPONSE): Row(S.ENDED, _cancelled),
    (S.CANCELLING, N.SUCCESS): Row(S.ENDED, _answered_too_late),
    (S.CANCELLING, N.FAILURE): Row(S.ENDED, _cancelled),
    (S.CANCELLING, N.NO_RESPONSE): Row(S.ENDED, _cancelled),
    (S.CANCELLING, N.CANCELLED): Row(S.ENDED, _given_up),
    (S.ANSWERED, N.ANSWER_OFFER): Row(S.ANSWERED, _answer_offer),
    (S.ANSWERED, N.SUCCESS): Row(S.ANSWERED, _answered_again),
    (S.ANSWERED, N.LATE): Row(S.ENDED),
    # Other branches of a fork, after we gave up.
    (S.ENDED, N.SUCCESS): Row(S.ENDED, _answered_again),
}
