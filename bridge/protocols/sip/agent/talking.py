"""Calls that stand: hold and other new offers, keys, refreshes, the end. RFC 3261 sections 12.2, 14 and 15.

Called by `agent`. An offer of the other side is answered at once, with what the application said of our media
last; so hold is always granted, and a call never hangs on somebody's decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import admission
from bridge.protocols.sip.agent.digits import RELAY, read_digit, write_digit
from bridge.protocols.sip.agent.events import (
    Confirmed,
    Digit,
    Renegotiated,
    RenegotiationRefused,
)
from bridge.protocols.sip.agent.media import Media, description_in
from bridge.protocols.sip.agent.settings import SDP_TYPE
from bridge.protocols.sip.agent.switchboard import Action, Call, Switchboard
from bridge.protocols.sip.dialog import session
from bridge.protocols.sip.dialog import vocabulary as dialog
from bridge.protocols.sip.dialog.session_state import Event, HangUp, Offer, Respond, Session
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.message import Request, Response, respond
from bridge.protocols.sip.sdp import Local
from bridge.protocols.sip.transaction.machine import Failure


def _standing(call: Call) -> tuple[Session, Media]:
    """Raises ProtocolError unless the call was answered."""
    if call.session is None or call.media is None:
        raise ProtocolError(f"call {call.id} is not answered")
    return call.session, call.media


def _happen(board: Switchboard, call: Call, event: Event) -> None:
    if call.session is not None:
        call.session, effects = session.event(event, call.session)
        board.perform(call, effects)


# --- what the application does ---------------------------------------------------------------------------


def renegotiate(board: Switchboard, call: Call, local: Local) -> None:
    """Offer other media with a re-INVITE. Raises ProtocolError while an offer is under way."""
    standing, media = _standing(call)
    if not standing.may_offer:
        raise ProtocolError(f"an offer in call {call.id} while another is under way")
    proposed = media.with_local(local).offering()
    _happen(board, call, Offer("INVITE", (SDP_TYPE,), proposed.body, board.tokens.chance()))
    call.proposed = proposed


def send_digit(board: Switchboard, call: Call, digit: str, milliseconds: int) -> None:
    """Tell by INFO that a key is pressed. Raises ProtocolError."""
    standing, _ = _standing(call)
    body = write_digit(digit, milliseconds)
    relation, info = standing.dialog.request("INFO", ("Content-Type", RELAY), body=body)
    call.session = replace(standing, dialog=relation)
    board.ask(call, info)


def hang_up(board: Switchboard, call: Call, fields: Fields, cause: Cause = Cause.HUNG_UP) -> None:
    _happen(board, call, HangUp(fields, cause))


# --- what the other side does ----------------------------------------------------------------------------


def request_came(board: Switchboard, call: Call, request: Request) -> None:
    """Raises MalformedError."""
    _happen(board, call, dialog.RequestCame(request))


def response_came(board: Switchboard, call: Call, asked: Request, response: Response) -> None:
    proofs = call.proofs.challenged(response)
    if proofs is not None:
        call.proofs = proofs
        _ask_again(board, call, asked)
        return
    if response.final and call.proofs.attempts:
        call.proofs = replace(call.proofs, attempts=0)
    try:
        _happen(board, call, dialog.ResponseCame(asked, response))
    except ProtocolError:
        # Half of it cannot be read; what it says about the session is lost, and everything stays as it was.
        _happen(board, call, dialog.ResponseCame(asked, bare(response)))


def bare(response: Response) -> Response:
    """Return a response without what need not be in it."""
    return replace(
        response, headers=response.headers.only(("Via", "From", "To", "Call-ID", "CSeq")), body=b""
    )


def request_failed(board: Switchboard, call: Call, asked: Request, failure: Failure) -> None:
    _happen(board, call, dialog.RequestFailed(asked, failure))


def timer(board: Switchboard, call: Call, wait: dialog.Wait) -> None:
    _happen(board, call, dialog.Over(wait))


def _ask_again(board: Switchboard, call: Call, asked: Request) -> None:
    """22.2: the same request under the next number, now with credentials; a BYE too, when all is over."""
    standing = call.session
    if standing is None:
        return
    number = (standing.dialog.local_number or 0) + 1
    again = replace(asked, headers=asked.headers.setting("CSeq", CSeq(number, asked.method)))
    call.session = replace(
        standing,
        dialog=replace(standing.dialog, local_number=number),
        request=again if standing.request is asked else standing.request,
    )
    board.ask(call, again)


# --- what comes of it ------------------------------------------------------------------------------------


def answer(board: Switchboard, call: Call, request: Request) -> None:
    """Answer a request within a call, one before its answer too. Raises MalformedError."""
    match request.method:
        case "INVITE" | "UPDATE":
            _answer_offer(board, call, request)
        case "INFO":
            _answer_info(board, call, request)
        case "OPTIONS":
            board.reply(request, respond(request, 200, *board.settings.capabilities()))
        case _:
            board.put_to_application(request, call)


def _requested(board: Switchboard, call: Call, effect: dialog.Requested) -> None:
    answer(board, call, effect.request)


def _answer_offer(board: Switchboard, call: Call, request: Request) -> None:
    _, media = _standing(call)
    try:
        offer = description_in(request)
        agreed = media.offering() if offer is None else media.answering(offer)
    except ProtocolError:
        _happen(board, call, Respond(request, 488))
        return
    changed = agreed.stream is not None and agreed.stream != media.stream
    call.media = agreed
    call.late_offer = offer is None
    fields: Fields = (SDP_TYPE, ("Allow", board.settings.allow))
    _happen(board, call, Respond(request, 200, fields, agreed.body))
    if changed and agreed.stream is not None:
        board.emit(Renegotiated(call.id, agreed.stream))


def _answer_info(board: Switchboard, call: Call, request: Request) -> None:
    """RFC 6086 section 4.2.2: what we do not understand is 415, an empty one only asks whether we live."""
    digit = read_digit(request)
    if digit is None and request.body:
        board.reply(request, respond(request, 415, *admission.accepted(), to_tag=call.key[1]))
        return
    board.reply(request, respond(request, 200, to_tag=call.key[1]))
    if digit is not None:
        board.emit(Digit(call.id, *digit))


def _confirmed(board: Switchboard, call: Call, effect: dialog.Confirmed) -> None:
    """13.2.2.4: the ACK of our 200, with the answer if the offer was in it."""
    first, call.confirmed = not call.confirmed, True
    before = None if call.media is None else call.media.stream
    if call.late_offer and not _take_answer(call, effect.ack) and first:
        hang_up(board, call, (), Cause.NOT_ACCEPTABLE)
        return
    stream = None if call.media is None else call.media.stream
    if first:
        board.emit(Confirmed(call.id, stream))
    elif stream is not None and stream != before:
        board.emit(Renegotiated(call.id, stream))


def _take_answer(call: Call, message: Request | Response) -> bool:
    """Take the answer to our offer; if there is none, or none that we can do, everything stays as it was."""
    call.late_offer = False
    try:
        description = description_in(message)
        if description is None or call.media is None:
            return False
        call.media = call.media.answered(description)
    except ProtocolError:
        return False
    return True


def _offer_taken(board: Switchboard, call: Call, effect: dialog.OfferTaken) -> None:
    """14.1: our offer is in force, or the session was only refreshed (RFC 3311)."""
    proposed, call.proposed = call.proposed, None
    if proposed is None:
        return
    standing, call.media = call.media, proposed
    if not _take_answer(call, effect.response):
        call.media = standing and standing.after_refusal_of(proposed)
        board.emit(RenegotiationRefused(call.id, effect.response))
    elif call.media.stream is not None and (standing is None or call.media.stream != standing.stream):
        board.emit(Renegotiated(call.id, call.media.stream))


def _offer_refused(board: Switchboard, call: Call, effect: dialog.OfferRefused) -> None:
    proposed, call.proposed = call.proposed, None
    if proposed is not None and call.media is not None:
        call.media = call.media.after_refusal_of(proposed)
        board.emit(RenegotiationRefused(call.id, effect.response))


def _refresh(board: Switchboard, call: Call, _effect: dialog.RefreshDue) -> None:
    """RFC 4028 section 7.4: by UPDATE where the other side takes it, else by the same offer once more."""
    standing, media = _standing(call)
    if not standing.may_offer:
        return  # what is under way refreshes the session as well
    if call.updates:
        _happen(board, call, Offer("UPDATE", (), b"", board.tokens.chance()))
    else:
        renegotiate(board, call, media.local)


def _ignore(_board: Switchboard, _call: Call, _effect: dialog.Withdrawn) -> None:
    """Offers are answered at once, so there is none to be withdrawn."""


ACTIONS: Final[Mapping[type[dialog.Effect], Action]] = {
    dialog.Requested: _requested,
    dialog.Withdrawn: _ignore,
    dialog.Confirmed: _confirmed,
    dialog.OfferTaken: _offer_taken,
    dialog.OfferRefused: _offer_refused,
    dialog.RefreshDue: _refresh,
}
