"""The requests that belong to an INVITE: its ACK after a failure, and its CANCEL.

RFC 3261 sections 9.1 and 17.1.1.3. The ACK of a 2xx is no part of the transaction; the dialog makes it.
Called by `invite_client` and by whoever gives up a call.
"""

from __future__ import annotations

from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS, MaxForwards
from bridge.protocols.sip.message import Request, Response


def ack_of_failure(invite: Request, response: Response) -> Request:
    """Return the ACK for a final response of 300 or more: the response's To, all else the INVITE's."""
    return _sibling(invite, "ACK", response.headers.first("To") or "")


def cancel_of(invite: Request) -> Request:
    """Return the CANCEL. It may be sent only after a provisional response (section 9.1)."""
    return _sibling(invite, "CANCEL", invite.headers.first("To") or "")


def _sibling(invite: Request, method: str, to: str) -> Request:
    """Return a request with the INVITE's Request-URI, top Via, From, Call-ID, number and Routes."""
    headers = (
        invite.headers.only(("From", "Call-ID", "Route"))
        .setting("Via", invite.via)
        .setting("To", to)
        .setting("CSeq", CSeq(invite.cseq.number, method))
        .setting("Max-Forwards", MaxForwards(DEFAULT_MAX_FORWARDS))
    )
    return Request(method, invite.uri, headers)
