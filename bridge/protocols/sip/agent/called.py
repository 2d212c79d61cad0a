"""Calls that come in, until they are answered or over: RFC 3261 section 13.3. Called by `agent`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import admission
from bridge.protocols.sip.agent.events import Accepted, Ended, Offered
from bridge.protocols.sip.agent.media import Media, description_in
from bridge.protocols.sip.agent.settings import SDP_TYPE, SUPPORTED
from bridge.protocols.sip.agent.switchboard import Call, Switchboard
from bridge.protocols.sip.bodies import caller_facts
from bridge.protocols.sip.dialog import incoming, session, session_timer
from bridge.protocols.sip.dialog import vocabulary as dialog
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.warning import SipWarning
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.sdp import Description, Local, NotAcceptableError
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip.uri import SipUri, asks_for_help

_INCOMPATIBLE_FORMAT: Final = 305
"""The code of a Warning: no media format in common (20.43)."""


def offer(board: Switchboard, name: Name, request: Request, flow: Flow) -> None:
    """Put an INVITE outside a dialog to the application. Raises MalformedError if it can make no dialog."""
    contact = board.settings.contact(flow, secure=isinstance(request.uri, SipUri) and request.uri.secure)
    tag = board.tokens.text()
    invitation = incoming.start(
        request, tag, contact, first_number=board.tokens.first_rseq(), times=board.settings.times
    )
    _check_dialog(request)
    call = Call(
        id=board.tokens.text(),
        key=(str(request.call_id), tag),
        flow=flow,
        symmetric=request.via.host != flow.remote[0],
        invitation=invitation,
        updates=admission.takes_update(request),
    )
    board.open(call)
    board.transactions.adopt(name, call)
    call.offer, flaw = _read_offer(request)
    call.unreadable = bool(flaw)
    board.emit(
        Offered(
            call=call.id,
            request=request,
            flow=flow,
            key=(str(request.call_id), request.from_.tag),
            facts=caller_facts(request),
            offer=call.offer,
            help=asks_for_help(request.uri) or asks_for_help(request.to.uri),
            hops=admission.hops_of(request),
            unreadable=flaw,
        )
    )


def _check_dialog(request: Request) -> None:
    """Read what a dialog will be made of (12.1.1). Raises MalformedError."""
    _ = request.contact, request.record_routes


def _read_offer(request: Request) -> tuple[Description | None, str]:
    try:
        return description_in(request), ""
    except ProtocolError as error:
        return None, str(error)


def _ringing(call: Call) -> incoming.Invitation:
    """Raises ProtocolError unless the call is one that we have not answered yet."""
    if call.invitation is None or call.invitation.state is not incoming.State.RINGING:
        raise ProtocolError(f"call {call.id} is not one to be answered")
    return call.invitation


def _happen(board: Switchboard, call: Call, invitation: incoming.Invitation, event: incoming.Event) -> None:
    call.invitation, effects = incoming.event(event, invitation)
    board.perform(call, effects)


# --- what the application does ---------------------------------------------------------------------------


def ring(board: Switchboard, call: Call, status: int, local: Local | None, fields: Fields) -> None:
    """local: for early media, which need an offer in the INVITE. Raises NotAcceptableError."""
    invitation = _ringing(call)
    body = b""
    if local is not None:
        if call.offer is None:
            raise NotAcceptableError("early media without an offer")
        call.media = Media(local).answering(call.offer)
        body = call.media.body
    described: Fields = (SDP_TYPE,) if body else ()
    extra: Fields = (*fields, *described, ("Allow", board.settings.allow))
    _happen(board, call, invitation, incoming.Ring(status, extra, body))


def accept(board: Switchboard, call: Call, local: Local, fields: Fields) -> None:
    """Answer with 200; with 488 where the two sides have nothing in common."""
    invitation = _ringing(call)
    try:
        call.media = _agree(call, local)
    except ProtocolError as error:
        warning = SipWarning(_INCOMPATIBLE_FORMAT, board.settings.name, admission.plain(error))
        refuse(board, call, 488, (("Warning", warning),), Cause.NOT_ACCEPTABLE)
        return
    call.offer = None
    timer = session_timer.answer(invitation.invite)
    answer_fields: Fields = (
        ("Allow", board.settings.allow),
        ("Supported", ", ".join(SUPPORTED)),
        *(() if timer is None else session_timer.fields_of_answer(timer)),
        *fields,
        SDP_TYPE,
    )
    _happen(board, call, invitation, incoming.Accept(answer_fields, call.media.body))
    _begin_session(board, call)
    board.emit(Accepted(call.id, call.media.stream))


def _agree(call: Call, local: Local) -> Media:
    """Raises NotAcceptableError."""
    if call.unreadable:
        raise NotAcceptableError("an offer that cannot be read")
    call.late_offer = call.offer is None
    media = Media(local) if call.media is None else call.media.with_local(local)
    return media.offering() if call.offer is None else media.answering(call.offer)


def _begin_session(board: Switchboard, call: Call) -> None:
    invitation = call.invitation
    if invitation is None or invitation.answer is None:
        return
    relation = invitation.dialog(invitation.answer)
    call.session, effects = session.of_server(
        invitation.invite, invitation.answer, relation, board.settings.times
    )
    board.perform(call, effects)


def refuse(board: Switchboard, call: Call, status: int, fields: Fields, cause: Cause) -> None:
    """Answer with a final response of 300 or more."""
    _happen(board, call, _ringing(call), incoming.Refuse(status, fields))
    board.end(call, Ended(call.id, cause, status))


# --- what the other side does ----------------------------------------------------------------------------


def request_came(board: Switchboard, call: Call, request: Request) -> None:
    """A PRACK, UPDATE, BYE or CANCEL before our answer, or a BYE after our refusal. Raises MalformedError."""
    if call.invitation is not None:
        _happen(board, call, call.invitation, dialog.RequestCame(request))


def timer(board: Switchboard, call: Call, wait: dialog.Wait) -> None:
    if call.invitation is not None:
        _happen(board, call, call.invitation, dialog.Over(wait))


def reply_failed(board: Switchboard, call: Call) -> None:
    """17.2.4: our answer could not be sent, and it was not a 2xx, which would be sent again."""
    if call.invitation is not None and call.session is None:
        call.invitation = replace(call.invitation, state=incoming.State.ENDED)
        board.end(call, Ended(call.id, Cause.UNREACHABLE))
