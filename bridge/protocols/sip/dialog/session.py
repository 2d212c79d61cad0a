"""An established call: what happens in its dialog after the first 2xx (RFC 3261 sections 12.2, 14, 15).

The other side's requests are checked, and answered where the standard says how; what needs a decision (a
new offer, an INFO) is put to the user as `Requested`, who says `Respond`. Offers are in `session_offers`,
what a session is in `session_state`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.protocols.sip.dialog import acceptance as accepting
from bridge.protocols.sip.dialog import session_offers as offers
from bridge.protocols.sip.dialog import session_timer
from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.dialog.session_state import (
    Event,
    HangUp,
    Session,
    Signal,
    State,
    signal_of,
)
from bridge.protocols.sip.dialog.table import Row, Table
from bridge.protocols.sip.dialog.vocabulary import (
    Ask,
    Cause,
    Effects,
    Fields,
    Finished,
    Over,
    RefreshDue,
    RequestCame,
    Requested,
    Start,
    Stop,
    Wait,
    Withdrawn,
)
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.timers import STANDARD, Times


def of_server(
    invite: Request, answer: Response, dialog: Dialog, times: Times = STANDARD
) -> tuple[Session, Effects]:
    """Return the session that our 2xx `answer` begins, and the effects that send it until its ACK comes."""
    acceptance, effects = accepting.start(invite, answer, times)
    timer = session_timer.granted(answer)
    session = Session(dialog, times, owns_call_id=False, acceptance=acceptance, timer=timer)
    return session, (*effects, *offers.watch(timer))


def of_client(dialog: Dialog, answer: Response, times: Times = STANDARD) -> tuple[Session, Effects]:
    """Return the session that a 2xx to our INVITE begins."""
    timer = session_timer.agreed(answer)
    return Session(dialog, times, owns_call_id=True, timer=timer), offers.watch(timer)


def resumed(session: Session) -> Effects:
    """Return what is to be done for a session that another process began; how old it is, nobody knows."""
    if session.timer is None:
        return ()
    us = session.timer.refresher is session_timer.Refresher.US
    return (Start(Wait.SESSION, 0.0 if us else session.timer.after),)


def event(event: Event, session: Session) -> tuple[Session, Effects]:
    """Return the session after `event`, and what is to be done.

    Raises MalformedError on a message that cannot be read, ProtocolError on an offer while another is under
    way: `Session.may_offer` tells.
    """
    row = TRANSITIONS.get((session.state, signal_of(event, session)))
    if row is None:
        return session, ()
    effects: Effects = ()
    if row.action is not None:
        session, effects = row.action(session, event)
    return session if row.to is session.state else replace(session, state=row.to), effects


# --- the other side's requests ---------------------------------------------------------------------------


def _refuse_old(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """12.2.2: a request that is older than the last."""
    return session, (offers.reply(event.request, 500),)


def _unknown(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    return session, (offers.reply(event.request, 481),)


def _put_to_user(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    return offers.took(session, event.request), (Requested(event.request),)


def _bye(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    """15.1.2: what is still open is answered with 487."""
    return _closed(session), (
        offers.reply(event.request, 200),
        *_close(session),
        Finished(Cause.BYE, event.request),
    )


def _follow_acceptance(session: Session, event: RequestCame | Over) -> tuple[Session, Effects]:
    """13.3.1.4: the ACK of our 2xx has come, or it is time to send the 2xx again."""
    if session.acceptance is None:
        return session, ()
    acceptance, effects = accepting.event(event, session.acceptance)
    return replace(session, acceptance=acceptance), effects


# --- the end ---------------------------------------------------------------------------------------------


def _close(session: Session) -> Effects:
    """Answer what is open, and stop every timer."""
    open_offer = (
        () if session.theirs is None else (offers.reply(session.theirs, 487), Withdrawn(session.theirs))
    )
    return (*open_offer, *map(Stop, (Wait.RESEND, Wait.ACK, Wait.GLARE, Wait.SESSION)))


def _closed(session: Session) -> Session:
    return replace(session, theirs=None, ours=None)


def _end(session: Session, cause: Cause, fields: Fields = ()) -> tuple[Session, Effects]:
    dialog, bye = session.dialog.request("BYE", *fields)
    return replace(_closed(session), dialog=dialog), (*_close(session), Ask(bye), Finished(cause))


def _hang_up(session: Session, event: HangUp) -> tuple[Session, Effects]:
    return _end(session, event.cause, event.fields)


def _hang_up_later(session: Session, event: HangUp) -> tuple[Session, Effects]:
    """15: the called side sends no BYE before the ACK of its 2xx."""
    return replace(session, farewell=event), ()


def _hang_up_now(session: Session, event: RequestCame) -> tuple[Session, Effects]:
    session, acknowledged = _follow_acceptance(session, event)
    farewell = session.farewell or HangUp()
    session, effects = _end(session, farewell.cause, farewell.fields)
    return session, (*acknowledged, *effects)


def _no_ack(session: Session, _event: Over) -> tuple[Session, Effects]:
    """13.3.1.4: the dialog is confirmed all the same, and ended."""
    return _end(session, Cause.NO_ACK)


def _gone(session: Session, _event: Event) -> tuple[Session, Effects]:
    """12.2.1.2: 481, 408 or nothing at all. The BYE is for a proxy that only seemed to be the other side."""
    return _end(session, Cause.GONE)


def _expired(session: Session, _event: Over) -> tuple[Session, Effects]:
    """RFC 4028 section 10: the other side did not refresh the session."""
    return _end(session, Cause.EXPIRED)


def _refresh_due(session: Session, _event: Over) -> tuple[Session, Effects]:
    """RFC 4028 section 10. What is refused is tried again, until the other side gives the session up."""
    again = () if session.timer is None else (Start(Wait.SESSION, session.timer.after / 2),)
    return session, (*again, RefreshDue())


S, N = State, Signal

TRANSITIONS: Final[Table[State, Session]] = {
    (S.ACTIVE, N.ACK): Row(S.ACTIVE, _follow_acceptance),
    (S.ACTIVE, N.RESEND): Row(S.ACTIVE, _follow_acceptance),
    (S.ACTIVE, N.NO_ACK): Row(S.ENDED, _no_ack),
    (S.ACTIVE, N.BYE): Row(S.ENDED, _bye),
    (S.ACTIVE, N.OLD): Row(S.ACTIVE, _refuse_old),
    (S.ACTIVE, N.THEIR_OFFER): Row(S.ACTIVE, offers.put_offer_to_user),
    (S.ACTIVE, N.CROSSING_OFFER): Row(S.ACTIVE, offers.refuse_crossing),
    (S.ACTIVE, N.SECOND_OFFER): Row(S.ACTIVE, offers.refuse_second),
    (S.ACTIVE, N.TOO_BRIEF): Row(S.ACTIVE, offers.refuse_brief),
    (S.ACTIVE, N.REFRESH): Row(S.ACTIVE, offers.refresh),
    (S.ACTIVE, N.CANCEL): Row(S.ACTIVE, offers.withdraw),
    (S.ACTIVE, N.STRAY): Row(S.ACTIVE, _unknown),
    (S.ACTIVE, N.REQUEST): Row(S.ACTIVE, _put_to_user),
    (S.ACTIVE, N.RESPOND): Row(S.ACTIVE, offers.respond),
    (S.ACTIVE, N.OFFER): Row(S.ACTIVE, offers.offer),
    (S.ACTIVE, N.OFFER_AGAIN): Row(S.ACTIVE, offers.offer_again),
    (S.ACTIVE, N.TAKEN): Row(S.ACTIVE, offers.taken),
    (S.ACTIVE, N.TAKEN_AGAIN): Row(S.ACTIVE, offers.acknowledge_again),
    (S.ACTIVE, N.CROSSED): Row(S.ACTIVE, offers.crossed),
    (S.ACTIVE, N.REFUSED): Row(S.ACTIVE, offers.refused),
    (S.ACTIVE, N.GONE): Row(S.ENDED, _gone),
    (S.ACTIVE, N.REFRESH_DUE): Row(S.ACTIVE, _refresh_due),
    (S.ACTIVE, N.EXPIRED): Row(S.ENDED, _expired),
    (S.ACTIVE, N.HANG_UP): Row(S.ENDED, _hang_up),
    (S.ACTIVE, N.HANG_UP_LATER): Row(S.LEAVING, _hang_up_later),
    # We want to hang up, but the ACK of our 2xx is still to come.
    (S.LEAVING, N.ACK): Row(S.ENDED, _hang_up_now),
    (S.LEAVING, N.RESEND): Row(S.LEAVING, _follow_acceptance),
    (S.LEAVING, N.NO_ACK): Row(S.ENDED, _no_ack),
    (S.LEAVING, N.BYE): Row(S.ENDED, _bye),
    (S.LEAVING, N.OLD): Row(S.LEAVING, _refuse_old),
    (S.LEAVING, N.THEIR_OFFER): Row(S.LEAVING, offers.refuse_second),
    (S.LEAVING, N.CROSSING_OFFER): Row(S.LEAVING, offers.refuse_second),
    (S.LEAVING, N.SECOND_OFFER): Row(S.LEAVING, offers.refuse_second),
    (S.LEAVING, N.TOO_BRIEF): Row(S.LEAVING, offers.refuse_second),
    (S.LEAVING, N.REFRESH): Row(S.LEAVING, offers.refuse_second),
    (S.LEAVING, N.CANCEL): Row(S.LEAVING, offers.withdraw),
    (S.LEAVING, N.STRAY): Row(S.LEAVING, _unknown),
    (S.LEAVING, N.REQUEST): Row(S.LEAVING, _put_to_user),
    (S.LEAVING, N.RESPOND): Row(S.LEAVING, offers.respond),
    (S.LEAVING, N.TAKEN_AGAIN): Row(S.LEAVING, offers.acknowledge_again),
    (S.LEAVING, N.GONE): Row(S.ENDED, _gone),
    # Over. Whatever still comes is answered: a dialog that is not there.
    **{
        (S.ENDED, signal): Row(S.ENDED, _unknown)
        for signal in (N.BYE, N.OLD, N.THEIR_OFFER, N.CROSSING_OFFER, N.SECOND_OFFER, N.CANCEL)
    },
    **{(S.ENDED, signal): Row(S.ENDED, _unknown) for signal in (N.TOO_BRIEF, N.REFRESH, N.STRAY)},
    (S.ENDED, N.RESPOND): Row(S.ENDED, offers.respond),
    (S.ENDED, N.REQUEST): Row(S.ENDED, _unknown),
    (S.ENDED, N.TAKEN): Row(S.ENDED, offers.acknowledge),
    (S.ENDED, N.TAKEN_AGAIN): Row(S.ENDED, offers.acknowledge_again),
}
