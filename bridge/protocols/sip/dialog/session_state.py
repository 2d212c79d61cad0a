"""What a session is, what can happen to it, and what each event is to its table. Called by `session`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.protocols.sip.dialog import acceptance as accepting
from bridge.protocols.sip.dialog import session_timer
from bridge.protocols.sip.dialog.acceptance import Acceptance
from bridge.protocols.sip.dialog.dialog import Dialog, OutOfOrderError
from bridge.protocols.sip.dialog.session_timer import Refresher, SessionTimer
from bridge.protocols.sip.dialog.vocabulary import (
    Cause,
    Fields,
    Over,
    RequestCame,
    RequestFailed,
    ResponseCame,
    Wait,
)
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.timers import Times


class State(enum.StrEnum):
    ACTIVE = "active"
    LEAVING = "leaving"
    """We want to hang up, but may not before the ACK of our 2xx (section 15)."""
    ENDED = "ended"


# --- what the user does ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HangUp:
    """fields: for the BYE, a Reason for example. cause: what it is to be called."""

    fields: Fields = ()
    cause: Cause = Cause.HUNG_UP


@dataclass(frozen=True, slots=True)
class Offer:
    """Change the session: an INVITE with an offer, or an UPDATE, with one or to refresh.

    chance: from 0 to 1 at random, so that after a 491 both sides do not come again at the same time.
    """

    method: str
    fields: Fields
    body: bytes
    chance: float


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer what was `Requested`, with a final response. Contact and session timer are added."""

    request: Request
    status: int
    fields: Fields = ()
    body: bytes = b""


Event: TypeAlias = RequestCame | ResponseCame | RequestFailed | Over | HangUp | Offer | Respond


@dataclass(frozen=True, slots=True)
class Session:
    """owns_call_id: whether we made the Call-ID, which decides who waits longer after a glare (14.1)."""

    dialog: Dialog
    times: Times
    owns_call_id: bool
    state: State = State.ACTIVE
    timer: SessionTimer | None = None
    acceptance: Acceptance | None = None
    """Our last 2xx to an INVITE."""
    theirs: Request | None = None
    """The other side's offer that the user has not answered."""
    ours: Offer | None = None
    """Our offer, from when it is made until it is taken or refused, waits after a glare included."""
    request: Request | None = None
    """The request it is in, while it is unanswered."""
    ack: Request | None = None
    """Our last ACK of a 2xx within the call."""
    farewell: HangUp | None = None
    """The end that waits for the ACK."""
    smallest: int = session_timer.SMALLEST
    """The shortest session interval that both sides put up with, in seconds (RFC 4028 section 7.4)."""

    @property
    def waits_for_ack(self) -> bool:
        return self.acceptance is not None and self.acceptance.state is accepting.State.WAITING

    @property
    def may_offer(self) -> bool:
        """Whether no offer of either side is under way (14.1, RFC 3311 section 5.1)."""
        return self.ours is None and self.theirs is None and not self.waits_for_ack

    def glare_delay(self, offer: Offer) -> float:
        """Seconds until a crossed offer is made again (14.1), in steps of 10 ms."""
        delay = 2.1 + 1.9 * offer.chance if self.owns_call_id else 2.0 * offer.chance
        return round(delay, 2)


class Signal(enum.Enum):
    ACK = enum.auto()
    BYE = enum.auto()
    OLD = enum.auto()
    """A request that is older than the last."""
    THEIR_OFFER = enum.auto()
    CROSSING_OFFER = enum.auto()
    """One that crosses ours."""
    SECOND_OFFER = enum.auto()
    """One before their last is settled."""
    TOO_BRIEF = enum.auto()
    """One that asks for a session interval that is too small."""
    REFRESH = enum.auto()
    """An UPDATE without an offer."""
    CANCEL = enum.auto()
    STRAY = enum.auto()
    """A request that belongs to something else: PRACK."""
    REQUEST = enum.auto()
    """Any other."""
    TAKEN = enum.auto()
    """A 2xx to our offer."""
    TAKEN_AGAIN = enum.auto()
    CROSSED = enum.auto()
    """491 to our offer."""
    REFUSED = enum.auto()
    GONE = enum.auto()
    """A response, or the lack of one, that says that there is no such dialog."""
    RESPOND = enum.auto()
    OFFER = enum.auto()
    OFFER_AGAIN = enum.auto()
    HANG_UP = enum.auto()
    HANG_UP_LATER = enum.auto()
    RESEND = enum.auto()
    NO_ACK = enum.auto()
    REFRESH_DUE = enum.auto()
    EXPIRED = enum.auto()
    NONE = enum.auto()
    """Nothing that this machine waits for."""


_BY_WAIT: Final = {Wait.RESEND: Signal.RESEND, Wait.ACK: Signal.NO_ACK, Wait.GLARE: Signal.OFFER_AGAIN}
_BY_METHOD: Final = {"BYE": Signal.BYE, "CANCEL": Signal.CANCEL, "PRACK": Signal.STRAY}
_NO_SUCH_DIALOG: Final = (408, 481)


def signal_of(event: Event, session: Session) -> Signal:
    match event:
        case RequestCame(request):
            return _of_request(request, session)
        case ResponseCame():
            return _of_response(event.request, event.response, session)
        case RequestFailed(request):
            return Signal.NONE if request.method == "BYE" else Signal.GONE
        case Over(wait):
            return _of_wait(wait, session)
        case HangUp():
            return Signal.HANG_UP_LATER if session.waits_for_ack else Signal.HANG_UP
    return Signal.OFFER if isinstance(event, Offer) else Signal.RESPOND


def _of_request(request: Request, session: Session) -> Signal:
    if request.method == "ACK":
        awaited = session.waits_for_ack and accepting.is_ack_of(session.acceptance, request)
        return Signal.ACK if awaited else Signal.NONE
    try:
        session.dialog.took(request)
    except OutOfOrderError:
        return Signal.OLD
    return _of_new_request(request, session)


def _of_new_request(request: Request, session: Session) -> Signal:
    if request.method in ("INVITE", "UPDATE") and session_timer.too_small(request, session_timer.SMALLEST):
        return Signal.TOO_BRIEF
    if request.method == "INVITE" or (request.method == "UPDATE" and request.body):
        if session.theirs is not None or session.waits_for_ack:
            return Signal.SECOND_OFFER
        return Signal.THEIR_OFFER if session.request is None else Signal.CROSSING_OFFER
    if request.method == "UPDATE":
        return Signal.REFRESH
    return _BY_METHOD.get(request.method, Signal.REQUEST)


def _of_response(request: Request, response: Response, session: Session) -> Signal:
    if response.provisional or request.method == "BYE":
        return Signal.NONE
    if response.status in _NO_SUCH_DIALOG:
        return Signal.GONE
    if request != session.request:
        repeated = request.method == "INVITE" and response.successful
        return Signal.TAKEN_AGAIN if repeated else Signal.NONE
    if response.successful:
        return Signal.TAKEN
    return Signal.CROSSED if response.status == 491 else Signal.REFUSED


def _of_wait(wait: Wait, session: Session) -> Signal:
    if wait is not Wait.SESSION:
        return _BY_WAIT.get(wait, Signal.NONE)
    if session.timer is None:
        return Signal.NONE
    return Signal.REFRESH_DUE if session.timer.refresher is Refresher.US else Signal.EXPIRED
