"""Calls that we make, until they are answered or over: RFC 3261 sections 8.1.3, 9.1 and 13.2.

Challenges (22.2) and session intervals that are too small (RFC 4028 section 7.3) are answered with another
INVITE of the same call; a 3xx is a refusal, for nobody who was not asked is ever called.
Called by `agent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import admission, talking
from bridge.protocols.sip.agent.events import Answered, Ended, Ringing
from bridge.protocols.sip.agent.login import Login, Proofs
from bridge.protocols.sip.agent.media import Media, description_in
from bridge.protocols.sip.agent.settings import SDP_TYPE, SUPPORTED, Settings
from bridge.protocols.sip.agent.switchboard import Action, Call, Switchboard
from bridge.protocols.sip.dialog import outgoing, session, session_timer
from bridge.protocols.sip.dialog import vocabulary as dialog
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS, MaxForwards
from bridge.protocols.sip.headers.session_expires import SessionExpires
from bridge.protocols.sip.message import Headers, Request, Response
from bridge.protocols.sip.sdp import Local, NotAcceptableError, Stream
from bridge.protocols.sip.transaction.machine import Failure
from bridge.protocols.sip.uri import SipUri, Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to call, and as whom.

    uri: the Request-URI. flow: where the INVITE is sent, and where from. to, from_: without tags; `to` is
    the URI where it is not given. routes: proxies on the way (8.1.2). symmetric: the other side is behind a
    NAT, so all of the call goes by `flow`, whatever its Contact says. hops: Max-Forwards, of a call that is
    passed on what it had left. late_offer: leave the offer to the other side. fields: more header fields.
    """

    uri: Uri
    flow: Flow
    from_: Address
    to: Address | None = None
    login: Login | None = None
    routes: tuple[Address, ...] = ()
    symmetric: bool = False
    hops: int = DEFAULT_MAX_FORWARDS
    late_offer: bool = False
    fields: Fields = ()


def invite(board: Switchboard, call_id: str, target: Target, local: Local) -> None:
    """Begin a call. Raises ProtocolError if there is one with that id, or if it cannot be written."""
    tag = board.tokens.text()
    sip_call_id = board.tokens.text()
    secure = isinstance(target.uri, SipUri) and target.uri.secure
    contact = board.settings.contact(target.flow, secure=secure)
    media = Media(local) if target.late_offer else Media(local).offering()
    request = _compose(board.settings, target, (sip_call_id, tag), contact, media.body)
    bytes(request)  # what cannot be written is found out before there is a call
    call = Call(
        id=call_id,
        key=(sip_call_id, tag),
        flow=target.flow,
        symmetric=target.symmetric,
        media=media,
        late_offer=target.late_offer,
        proofs=Proofs(target.login),
    )
    board.open(call)
    _start(board, call, request, contact)


def _compose(
    settings: Settings, target: Target, key: tuple[str, str], contact: Address, body: bytes
) -> Request:
    """8.1.1"""
    interval = settings.session_interval
    timer = session_timer.fields_of_offer(interval, settings.smallest_interval) if interval else ()
    headers = Headers.of(
        *(("Route", route) for route in target.routes),
        ("Max-Forwards", MaxForwards(target.hops)),
        ("From", target.from_.with_tag(key[1])),
        ("To", target.to or Address(target.uri)),
        ("Call-ID", key[0]),
        ("CSeq", CSeq(1, "INVITE")),
        ("Contact", contact),
        ("Allow", settings.allow),
        ("User-Agent", settings.name),
        *target.fields,
        *((SDP_TYPE,) if body else ()),
    ).setting("Supported", ", ".join(SUPPORTED))
    for name, value in timer:
        headers = headers if name == "Supported" else headers.setting(name, value)
    return Request("INVITE", target.uri, headers, body)


def _start(board: Switchboard, call: Call, request: Request, contact: Address) -> None:
    call.outgoing, _ = outgoing.start(request, contact, board.settings.times)
    call.invite = board.ask(call, request)


def _happen(board: Switchboard, call: Call, event: outgoing.Event) -> None:
    if call.outgoing is not None:
        call.outgoing, effects = outgoing.event(event, call.outgoing)
        board.perform(call, effects)


# --- what the other side does ----------------------------------------------------------------------------


def response_came(board: Switchboard, call: Call, asked: Request, response: Response) -> None:
    """An answer to our INVITE."""
    if _try_again(board, call, response):
        return
    try:
        _happen(board, call, dialog.ResponseCame(asked, response))
    except ProtocolError:
        # What it says besides its status is lost: an early dialog leads to where the INVITE went, and a call
        # without a session description is acknowledged and ended.
        _happen(board, call, dialog.ResponseCame(asked, talking.bare(response)))


def request_failed(board: Switchboard, call: Call, asked: Request, failure: Failure) -> None:
    _happen(board, call, dialog.RequestFailed(asked, failure))


def timer(board: Switchboard, call: Call, wait: dialog.Wait) -> None:
    _happen(board, call, dialog.Over(wait))


def _try_again(board: Switchboard, call: Call, response: Response) -> bool:
    """Send another INVITE if that may help."""
    current = call.outgoing
    if current is None or current.state not in (outgoing.State.CALLING, outgoing.State.PROCEEDING):
        return False
    headers = current.invite.headers
    proofs = call.proofs.challenged(response)
    if proofs is not None:
        call.proofs = proofs
    elif response.status == 422:
        smallest = session_timer.demanded(response)
        wanted = current.invite.session_expires
        if wanted is None or smallest <= wanted.seconds:
            return False
        headers = headers.setting("Session-Expires", SessionExpires(smallest))
        headers = headers.setting("Min-SE", DeltaSeconds(smallest))
    else:
        return False
    headers = headers.setting("CSeq", CSeq(current.invite.cseq.number + 1, "INVITE"))
    _start(board, call, replace(current.invite, headers=headers), current.contact)
    return True


# --- what comes of it ------------------------------------------------------------------------------------


def _progress(board: Switchboard, call: Call, effect: dialog.Progress) -> None:
    board.emit(Ringing(call.id, effect.response, _early_stream(call, effect.response)))


def _early_stream(call: Call, response: Response) -> Stream | None:
    """Return the stream of early media, None without; an answer that makes no sense may yet be put right."""
    if call.media is None or call.late_offer:
        return None
    try:
        answer = description_in(response)
        if answer is None:
            return None
        media = call.media.answered(answer)
    except ProtocolError:
        return None
    call.early[response.to.tag] = media
    return media.stream


def _answered(board: Switchboard, call: Call, effect: dialog.Answered) -> None:
    """13.2.2.4: the call stands. Who has nothing in common with us is acknowledged, and hung up on."""
    call.session, effects = session.of_client(effect.dialog, effect.response, board.settings.times)
    call.updates = admission.takes_update(effect.response)
    call.confirmed = True
    board.perform(call, effects)
    try:
        call.media = _agreed(call, effect.response)
    except ProtocolError:
        if call.late_offer:
            _happen(board, call, outgoing.AnswerOffer((), b""))
        talking.hang_up(board, call, (), Cause.NOT_ACCEPTABLE)
        return
    if call.late_offer:
        _happen(board, call, outgoing.AnswerOffer((SDP_TYPE,), call.media.body))
        call.late_offer = False
    call.early.clear()
    board.emit(Answered(call.id, effect.response, call.media.stream))


def _agreed(call: Call, response: Response) -> Media:
    """Raises ProtocolError."""
    description = description_in(response)
    if call.media is None:
        raise NotAcceptableError("a call without media")
    if description is None:
        early = call.early.get(response.to.tag)
        if early is None:
            raise NotAcceptableError("a 200 without a session description")
        return early
    return call.media.answering(description) if call.late_offer else call.media.answered(description)


_CAUSES: Final = {Failure.TIMEOUT: Cause.NO_ANSWER, Failure.TRANSPORT: Cause.UNREACHABLE}


def _refused(board: Switchboard, call: Call, effect: dialog.Refused) -> None:
    if effect.response is not None:
        board.end(call, Ended(call.id, Cause.REFUSED, effect.response.status, effect.response))
    elif effect.failure is not None:
        board.end(call, Ended(call.id, _CAUSES[effect.failure]))


def hang_up(board: Switchboard, call: Call, fields: Fields) -> None:
    """9.1: give up; the CANCEL waits until somebody has said something."""
    _happen(board, call, outgoing.HangUp(fields))


ACTIONS: Final[Mapping[type[dialog.Effect], Action]] = {
    dialog.Progress: _progress,
    dialog.Answered: _answered,
    dialog.Refused: _refused,
}
