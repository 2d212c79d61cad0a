"""Which message belongs to which transaction: RFC 3261 sections 17.1.3 and 17.2.3. Called by `layer`."""

from __future__ import annotations

from typing import TypeAlias

from bridge.protocols.sip.message import Request, Response

Key: TypeAlias = tuple[str, ...]


def client_key(message: Request | Response) -> Key:
    """Return the key of the client transaction of a request that we send, or of a response to it.

    The branch, which is ours, and the method of CSeq: a CANCEL has the branch of its INVITE.
    """
    return message.via.branch, message.cseq.method


def server_key(request: Request, method: str = "") -> Key:
    """Return the key of the server transaction of a request that came in.

    method: instead of the request's own; `INVITE` finds what a CANCEL is for. An ACK has the key of its
    INVITE. The sent-by is in it because a stranger may use another's branch.

    Of an RFC 2543 client, whose branch means nothing, everything counts that stays the same when it repeats
    itself. The To tag is left out: the ACK has the one of our response, its INVITE had none.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    if via.branch_is_unique:
        return via.branch, via.host.lower(), str(via.port), method
    number = str(request.cseq.number)
    return "", str(via), str(request.uri), request.from_.tag, str(request.call_id), number, method
