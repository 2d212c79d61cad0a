"""A dialog: RFC 3261 section 12. A value; whatever happens to it makes a new one.

Called by the machines of this package. Requests are made without Via, which the transport puts on top.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self, TypeAlias

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS, MaxForwards
from bridge.protocols.sip.message import Headers, Request, Response
from bridge.protocols.sip.uri import SipUri, Uri

DialogId: TypeAlias = tuple[str, str, str]
"""Call-ID, local tag, remote tag (section 12)."""

_REFRESHES_TARGET: Final = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"))
"""Methods whose Contact is where the dialog leads from then on (section 12.2, RFC 3311)."""


class OutOfOrderError(ProtocolError):
    """A request that is older than one that came before it: to be answered with 500 (12.2.2)."""


def id_in_request(request: Request) -> DialogId:
    """Return the dialog a request that came in is in; without a local tag it is in none."""
    return str(request.call_id), request.to.tag, request.from_.tag


def id_in_response(response: Response) -> DialogId:
    """Return the dialog a response to our request is in, or makes."""
    return str(response.call_id), response.from_.tag, response.to.tag


@dataclass(frozen=True, slots=True)
class Dialog:
    """What both sides must agree on, as we see it.

    local, remote: From and To of our requests, tags included. target: where our requests go. routes: through
    which proxies. contact: where we want to be reached. Numbers are None until the first request.
    """

    call_id: CallId
    local: Address
    remote: Address
    target: Uri
    routes: tuple[Address, ...]
    contact: Address
    local_number: int | None = None
    remote_number: int | None = None
    confirmed: bool = False
    """Made by a 2xx; by a provisional response it is early."""

    @classmethod
    def of_server(cls, request: Request, response: Response, contact: Address) -> Self:
        """Return the dialog that our response to `request` makes (12.1.1). Raises MalformedError.

        A request without Contact, as RFC 2543 allowed, is followed to its From.
        """
        peer = request.contact
        return cls(
            call_id=request.call_id,
            local=response.to,
            remote=request.from_,
            target=request.from_.uri if peer is None else peer.uri,
            routes=request.record_routes,
            contact=contact,
            remote_number=request.cseq.number,
            confirmed=response.successful,
        )

    @classmethod
    def of_client(cls, request: Request, response: Response, contact: Address) -> Self:
        """Return the dialog that a response to our `request` makes (12.1.2). Raises MalformedError."""
        peer = response.contact
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            target=request.uri if peer is None else peer.uri,
            routes=tuple(reversed(response.record_routes)),
            contact=contact,
            local_number=request.cseq.number,
            confirmed=response.successful,
        )

    @property
    def id(self) -> DialogId:
        return str(self.call_id), self.local.tag, self.remote.tag

    @property
    def next_hop(self) -> Uri:
        """Where our requests are sent to: the first route, else the target (12.2.1.1, 8.1.2)."""
        return self.routes[0].uri if self.routes else self.target

    def request(self, method: str, *fields: tuple[str, object], body: bytes = b"") -> tuple[Self, Request]:
        """Return the dialog and the next request in it (12.2.1.1)."""
        number = 1 if self.local_number is None else self.local_number + 1
        dialog = replace(self, local_number=number)
        return dialog, dialog._compose(method, number, *fields, body=body)

    def ack(self, number: int, *fields: tuple[str, object], body: bytes = b"") -> Request:
        """Return the ACK of a 2xx to our INVITE of that number (13.2.2.4)."""
        return self._compose("ACK", number, *fields, body=body)

    def _compose(self, method: str, number: int, *fields: tuple[str, object], body: bytes) -> Request:
        uri, routes = self._path()
        headers = Headers.of(
            *(("Route", route) for route in routes),
            ("Max-Forwards", MaxForwards(DEFAULT_MAX_FORWARDS)),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", CSeq(number, method)),
            *((("Contact", self.contact),) if method in _REFRESHES_TARGET else ()),
            *fields,
        )
        return Request(method, uri, headers, body)

    def _path(self) -> tuple[Uri, tuple[Address, ...]]:
        """Return Request-URI and Routes; a strict router wants itself in the first and the target last."""
        if not self.routes:
            return self.target, ()
        first = self.routes[0].uri
        if not isinstance(first, SipUri) or first.loose:
            return self.target, self.routes
        return first.bare(), (*self.routes[1:], Address(self.target))

    def took(self, request: Request) -> Self:
        """Return the dialog after a request of the other side came in (12.2.2).

        Raises OutOfOrderError for one that is older than the last. ACK and CANCEL have the number of their
        INVITE, and are not counted.
        """
        if request.method in ("ACK", "CANCEL"):
            return self
        number = request.cseq.number
        if self.remote_number is not None and number < self.remote_number:
            raise OutOfOrderError(f"request {number} after {self.remote_number}")
        return replace(self, remote_number=number)

    def refreshed(self, message: Request | Response) -> Self:
        """Return the dialog after a request that refreshes its target was accepted (12.2.1.2 and 12.2.2).

        message: the other side's request, or its 2xx to ours. The route set never changes. Raises
        MalformedError.
        """
        peer = message.contact if message.cseq.method in _REFRESHES_TARGET else None
        return self if peer is None else replace(self, target=peer.uri)

    def now_confirmed(self, response: Response) -> Self:
        """Return the dialog after the 2xx: an early one is confirmed, and its routes are that of the 2xx.

        Only for the client's side: section 13.2.2.4 computes the route set anew. Raises MalformedError.
        """
        dialog = replace(self, confirmed=True, routes=tuple(reversed(response.record_routes)))
        return dialog.refreshed(response)
