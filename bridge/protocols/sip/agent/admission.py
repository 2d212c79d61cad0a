"""Whether a request can be taken at all: RFC 3261 section 8.2 in its order, as pure checks.

What asks for help (`urn:service:sos`) is refused only for what makes it impossible to answer. Called by
`agent`.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.settings import ACCEPTED_BODIES, OWN_METHODS, SUPPORTED, Settings
from bridge.protocols.sip.bodies import Part, parts_of
from bridge.protocols.sip.dialog import session_timer
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS
from bridge.protocols.sip.headers.media_type import SDP
from bridge.protocols.sip.headers.option_tags import OptionTags
from bridge.protocols.sip.message import MalformedError, Request, Response, respond, stateless_tag
from bridge.protocols.sip.uri import asks_for_help

_KNOWN: Final = frozenset((*OWN_METHODS, "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER"))
"""Methods that we recognize; what we recognize and do not do is 405, what we never heard of 501 (21.5.2)."""
_SCHEMES: Final = ("sip", "sips", "tel")
_NEVER_REFUSED: Final = ("ACK", "CANCEL", "BYE")
"""Whoever wants to end a call may do it in any words."""
_METHODS_WITH_KNOWN_BODIES: Final = ("INVITE", "UPDATE", "PRACK", "INFO")
"""The application knows best what it takes in others."""
_LONGEST_TEXT: Final = 100
_KNOWN_BODIES: Final = frozenset(ACCEPTED_BODIES)


def answer(request: Request, status: int, *fields: tuple[str, object]) -> Response:
    """Return a response that is the same for each repetition of the request."""
    return respond(request, status, *fields, to_tag=stateless_tag(request.headers))


def refusal(request: Request, settings: Settings) -> Response | None:
    """Return the response to a request that cannot be taken, None if it can. Raises ProtocolError (400)."""
    if request.method in _NEVER_REFUSED:
        return None
    try:
        return _by_method(request, settings) or _by_target(request, settings) or _by_form(request, settings)
    except ProtocolError:
        if asks_for_help(request.uri):
            return None
        raise


def _by_form(request: Request, settings: Settings) -> Response | None:
    return (
        _by_require(request)
        or _by_session_timer(request, settings)
        or _by_body(request)
        or _by_accept(request)
    )


def _by_method(request: Request, settings: Settings) -> Response | None:
    """8.2.1"""
    if request.method in OWN_METHODS or request.method in settings.application_methods:
        return None
    return answer(request, 405 if request.method in _KNOWN else 501, ("Allow", settings.allow))


def _by_target(request: Request, settings: Settings) -> Response | None:
    """8.2.2.1, and RFC 7332 for who passes calls on."""
    if request.uri.scheme not in _SCHEMES and not asks_for_help(request.uri):
        return answer(request, 416)
    if settings.passes_on and not request.to.tag and hops_of(request) == 0:
        return None if asks_for_help(request.uri) else answer(request, 483)
    return None


def hops_of(request: Request) -> int:
    """Return the hops that a request has left; without a word on it, as many as one may begin with."""
    try:
        return DEFAULT_MAX_FORWARDS if request.max_forwards is None else request.max_forwards.hops
    except MalformedError:
        return 0


def takes_update(message: Request | Response) -> bool:
    """Whether the other side says that it knows UPDATE (RFC 3311); nonsense says nothing."""
    try:
        return "UPDATE" in message.allow
    except MalformedError:
        return False


def _by_require(request: Request) -> Response | None:
    """8.2.2.3"""
    unknown = tuple(tag for tag in request.require if tag not in SUPPORTED)
    return answer(request, 420, ("Unsupported", OptionTags(unknown))) if unknown else None


def _by_session_timer(request: Request, settings: Settings) -> Response | None:
    """RFC 4028 section 9. Within a call the session sees to it."""
    if request.method != "INVITE" or request.to.tag or asks_for_help(request.uri):
        return None
    if not session_timer.too_small(request, settings.smallest_interval):
        return None
    return answer(request, 422, ("Min-SE", DeltaSeconds(settings.smallest_interval)))


def _by_body(request: Request) -> Response | None:
    """8.2.3: a body that we do not know, and may not ignore."""
    if not request.body or request.method not in _METHODS_WITH_KNOWN_BODIES:
        return None
    encodings = [name for name in request.content_encoding if name.lower() != "identity"]
    if encodings:
        return answer(request, 415, ("Accept-Encoding", "identity"))
    if request.content_type is not None and request.content_type.name == SDP.name:
        return None
    if asks_for_help(request.uri) or any(map(_may_stay, parts_of(request))):
        return None
    return answer(request, 415, *accepted())


def _by_accept(request: Request) -> Response | None:
    """21.4.7: a caller who would not understand our session description (RFC 4475 section 3.3.15)."""
    if request.method != "INVITE" or "Accept" not in request.headers or asks_for_help(request.uri):
        return None
    return None if any(kind.accepts(SDP.name) for kind in request.accept) else answer(request, 406)


def _may_stay(part: Part) -> bool:
    return part.content_type.name in _KNOWN_BODIES or part.optional


def plain(error: ProtocolError) -> str:
    """Return what an error says as it may stand in a header."""
    return "".join(char if " " <= char <= "~" else "?" for char in str(error)[:_LONGEST_TEXT])


def accepted() -> Fields:
    return (("Accept", ", ".join(ACCEPTED_BODIES)),)
