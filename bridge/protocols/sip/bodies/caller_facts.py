"""What an INVITE says about its caller besides who it is, as plain text for an event's attributes.

Called by the SIP trigger. Never raises: a call for help is not lost because its position cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies.parts import parts_of
from bridge.protocols.sip.bodies.pidf import one_line, read_pidf
from bridge.protocols.sip.headers.media_type import SDP
from bridge.protocols.sip.message.message import Request

T = TypeVar("T")

PIDF: Final = "application/pidf+xml"
_TEXTS: Final = {
    "subject": "Subject",
    "priority": "Priority",
    "user_agent": "User-Agent",
    "organization": "Organization",
}


def caller_facts(request: Request) -> Mapping[str, str]:
    """Return what was said, each value one line of at most 200 characters of untrusted text.

    `subject`, `priority`, `user_agent`, `organization`; `call_info` and `geolocation` (URIs, which nobody
    fetches); the position in the body as `pidf.read_pidf` names it. What is missing has no key.
    """
    facts = {key: one_line(request.headers.first(name) or "") for key, name in _TEXTS.items()}
    facts["call_info"] = one_line(" ".join(str(info.uri) for info in _or_none(lambda: request.call_infos)))
    facts["geolocation"] = one_line(
        " ".join(str(place.uri) for place in _or_none(lambda: request.geolocations) if not place.content_id)
    )
    for position in _positions(request):
        facts = {**position, **facts}
    return {key: value for key, value in facts.items() if value}


def _or_none(read: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
    try:
        return read()
    except ProtocolError:
        return ()


def _positions(request: Request) -> Iterator[Mapping[str, str]]:
    if SDP.name == (request.headers.first("Content-Type") or "").lower():
        return  # nearly always, and nothing else in it
    for part in _or_none(lambda: parts_of(request)):
        if part.content_type.name == PIDF:
            try:
                yield read_pidf(part.body)
            except ProtocolError:
                continue
