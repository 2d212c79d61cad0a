"""Responses as the rules for servers want them (RFC 3261 section 8.2.6).

Called by whoever answers a request, and by `framing`'s callers for what cannot be read.
"""

from __future__ import annotations

import hashlib
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import require_token
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.malformed import MalformedError
from bridge.protocols.sip.message.message import Request, Response
from bridge.protocols.sip.message.status import reason_of

_COPIED: Final[tuple[str, ...]] = ("Via", "From", "To", "Call-ID", "CSeq")
_DIALOG_METHODS: Final = frozenset(("INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE"))
_LONGEST_TEXT: Final = 100


def respond(
    request: Request,
    status: int,
    *fields: tuple[str, object],
    reason: str = "",
    to_tag: str = "",
    body: bytes = b"",
) -> Response:
    """Return the response to `request` with `fields` added to those that every response copies.

    to_tag: added where the request has none; a 100 takes none. Required for all other statuses by section
    8.2.6.2, so ProtocolError without it.
    """
    copied = _COPIED
    if status == 100:
        copied = (*copied, "Timestamp")
    elif status < 300 and request.method in _DIALOG_METHODS:
        copied = (*copied, "Record-Route")
    headers = request.headers.only(copied)
    if status > 100 and not request.to.tag:
        if not to_tag:
            raise ProtocolError("a response needs a tag for its To")
        # Whatever stands behind a To is a parameter of it, in angle brackets or not (section 20).
        headers = headers.setting("To", f"{headers.first('To')};tag={require_token(to_tag, 'a tag')}")
    return Response(status, headers.adding(*fields) if fields else headers, body, reason)


def answer_to(malformed: MalformedError) -> Response | None:
    """Return the response to a request that cannot be read, None where it must not or cannot have one.

    Made without a transaction: the tag is derived from the request, so that a retransmission gets the same
    (section 8.2.7). The reason phrase says what is wrong.
    """
    if not malformed.answerable:
        return None
    headers = malformed.headers.only(_COPIED)
    to = malformed.headers.first("To")
    if to is not None:
        headers = headers.setting("To", _tagged(to, stateless_tag(malformed.headers)))
    text = "".join(char if " " <= char <= "~" else "?" for char in str(malformed)[:_LONGEST_TEXT])
    return Response(malformed.status, headers, reason=f"{reason_of(malformed.status)} ({text})")


def _tagged(to: str, tag: str) -> str:
    try:
        address = Address.parse(to)
    except ProtocolError:
        return to
    return to if address.tag else str(address.with_tag(tag))


def stateless_tag(headers: Headers) -> str:
    """Return a tag that is the same for each repetition of a request (section 8.2.7)."""
    text = "\n".join(value for name in _COPIED for value in headers.all(name))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
