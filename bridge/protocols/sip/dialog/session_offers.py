"""Offers within a call, the other side's and ours: RFC 3261 section 14, RFC 3311. Called by `session`.

One at a time on both sides together. What crosses is refused with 491, and ours is made again after a while.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.errors import ProtocolError
from bridge.protocols.sip.dialog import acceptance as accepting
from bridge.protocols.sip.dialog import session_timer
from bridge.protocols.sip.dialog.session_state import Offer, Respond, Session
from bridge.protocols.sip.dialog.session_timer import Refresher, SessionTimer, demanded
from bridge.protocols.sip.dialog.vocabulary import (
    Acknowledge,
    Ask,
    Effect,
    Effects,
    Fields,
    OfferRefused,
    OfferTaken,
    Over,
    Reply,
    RequestCame,
    Requested,
    ResponseCame,
    Start,
    Stop,
    Wait,
    Withdrawn,
)
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.session_expires import SessionExpires
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.message import respond as response_to


def reply(request: Request, status: int, *fields: tuple[str, object]) -> Reply:
    return Reply(request, response_to(request, status, *fields))


def watch(timer: SessionTimer | None) -> Effects:
    return (Stop(Wait.SESSION),) if timer is None else (Start(Wait.SESSION, timer.after),)


def took(session: Session, request: Request) -> Session:
    return replace(session, dialog=session.dialog.took(request))


# --- the other side's ------------------------------------------------------------------------------------


def refuse_crossing(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """14.2: an offer that crosses ours."""
    return took(session, event.request), (reply(event.request, 491),)


def refuse_second(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """14.2: an offer before the last one is settled. When to come again should be random: its number is."""
    fields = ("Retry-After", event.request.cseq.number % 11)
    return took(session, event.request), (reply(event.request, 500, fields),)


def refuse_brief(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """RFC 4028 section 9: the interval that is asked for is too small."""
    fields = ("Min-SE", DeltaSeconds(session_timer.SMALLEST))
    return took(session, event.request), (reply(event.request, 422, fields),)


def put_offer_to_user(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    session = replace(took(session, event.request), theirs=event.request)
    return session, (Requested(event.request),)


def refresh(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """RFC 4028 section 9: an UPDATE without an offer keeps the session alive, nothing else."""
    return _accept(took(session, event.request), Respond(event.request, 200))


def withdraw(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """9.2: the CANCEL of an offer that is not answered yet."""
    if session.theirs is None:
        return session, (reply(event.request, 481),)
    theirs = session.theirs
    effects = reply(event.request, 200), reply(theirs, 487), Withdrawn(theirs)
    return replace(session, theirs=None), effects


# --- our answers -----------------------------------------------------------------------------------------


def respond(session: Session, event: Respond) -> tuple[Session, Effects]:
    """Answer what was `Requested`."""
    if event.request.method in ("INVITE", "UPDATE"):
        if session.theirs != event.request:
            return session, ()  # withdrawn meanwhile, and answered
        session = replace(session, theirs=None)
        if 200 <= event.status < 300:
            return _accept(session, event)
    response = response_to(event.request, event.status, *event.fields, body=event.body)
    return session, (Reply(event.request, response),)


def _accept(session: Session, event: Respond) -> tuple[Session, Effects]:
    """A 2xx to an INVITE or UPDATE: the target and the session are refreshed (12.2.2, RFC 4028 section 9)."""
    timer = session_timer.answer(event.request)
    fields: Fields = (("Contact", session.dialog.contact), *event.fields)
    if timer is not None:
        fields = (*fields, *session_timer.fields_of_answer(timer))
    response = response_to(event.request, event.status, *fields, body=event.body)
    session = replace(session, dialog=session.dialog.refreshed(event.request), timer=timer)
    if event.request.method != "INVITE":
        return session, (Reply(event.request, response), *watch(timer))
    acceptance, effects = accepting.start(event.request, response, session.times)
    return replace(session, acceptance=acceptance), (*effects, *watch(timer))


# --- our requests ----------------------------------------------------------------------------------------


def offer(session: Session, event: Offer) -> tuple[Session, Effects]:
    if not session.may_offer:
        raise ProtocolError("an offer while another is under way")
    if event.method == "INVITE" and not event.body:
        raise ProtocolError("an INVITE without an offer within a call")
    dialog, request = session.dialog.request(event.method, *event.fields, *_keeping(session), body=event.body)
    return replace(session, dialog=dialog, ours=event, request=request), (Ask(request),)


def _keeping(session: Session) -> Fields:
    """RFC 4028 section 7.4: who refreshes stays who it is."""
    timer = session.timer
    if timer is None:
        return ()
    refresher = "uac" if timer.refresher is Refresher.US else "uas"
    return (
        ("Supported", session_timer.TAG),
        ("Session-Expires", SessionExpires(timer.interval, refresher)),
        ("Min-SE", DeltaSeconds(session.smallest)),
    )


def offer_again(session: Session, _event: Over) -> tuple[Session, Effects]:
    """14.1: after a 491 and a while. The other side's own offer may be under way by now: ours waits on."""
    if session.ours is None:
        return session, ()
    if session.theirs is not None or session.waits_for_ack:
        return session, (Start(Wait.GLARE, session.glare_delay(session.ours)),)
    return offer(replace(session, ours=None), session.ours)


def taken(session: Session, event: ResponseCame) -> tuple[Session, Effects]:
    """Our offer was accepted: 12.2.1.2, 13.2.2.4, RFC 4028 section 7.2."""
    timer = session_timer.agreed(event.response)
    session = replace(session, dialog=session.dialog.refreshed(event.response), timer=timer)
    session, acknowledged = acknowledge(session, event)
    effects: tuple[Effect, ...] = (*acknowledged, *watch(timer), OfferTaken(event.response))
    return replace(session, ours=None, request=None), effects


def acknowledge(session: Session, event: ResponseCame) -> tuple[Session, Effects]:
    if event.request.method != "INVITE":
        return session, ()
    ack = session.dialog.ack(event.request.cseq.number)
    return replace(session, ack=ack), (Acknowledge(ack),)


def acknowledge_again(session: Session, _event: ResponseCame) -> tuple[Session, Effects]:
    return session, () if session.ack is None else (Acknowledge(session.ack),)


def crossed(session: Session, _event: ResponseCame) -> tuple[Session, Effects]:
    if session.ours is None:
        return session, ()
    delay = session.glare_delay(session.ours)
    return replace(session, request=None), (Start(Wait.GLARE, delay),)


def refused(session: Session, event: ResponseCame) -> tuple[Session, Effects]:
    """Everything stays as it was; a larger session interval, if that was all, is granted (RFC 4028, 7.3)."""
    if event.response.status == 422 and session.ours is not None and session.timer is not None:
        smallest = demanded(event.response)
        if smallest > session.timer.interval:
            timer = replace(session.timer, interval=smallest)
            patient = replace(session, ours=None, request=None, timer=timer, smallest=smallest)
            return offer(patient, session.ours)
    return replace(session, ours=None, request=None), (OfferRefused(event.response),)
