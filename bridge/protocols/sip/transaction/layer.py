"""All transactions of one endpoint: which message belongs to which, and what comes of it.

Without sockets and clocks like the machines themselves. The endpoint brings messages, fired timers and failed
sends; the user agent brings requests and responses. Every call gives the effects with the name of their
transaction, under which the endpoint keeps where its messages go, and its timers, until `Ended`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridge.errors import ProtocolError
from bridge.protocols.sip.message import Request, Response, respond, stateless_tag
from bridge.protocols.sip.transaction import (
    invite_client,
    invite_server,
    non_invite_client,
    non_invite_server,
)
from bridge.protocols.sip.transaction.machine import (
    ClientTransaction,
    Deliver,
    Effects,
    Ended,
    Event,
    Fired,
    Received,
    Respond,
    Send,
    ServerTransaction,
    TransportFailed,
)
from bridge.protocols.sip.transaction.matching import Key, client_key, server_key
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


class Side(enum.StrEnum):
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Name:
    """Names a transaction while it lives."""

    side: Side
    key: Key


Outcome: TypeAlias = tuple[Name | None, Effects]
"""A transaction, None for a message that belongs to none, and what is to be done."""

NOTHING: Final[Outcome] = (None, ())


class TransactionLayer:
    """Owned by one endpoint, called from one thread."""

    def __init__(self, times: Times = STANDARD) -> None:
        self._times = times
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._first_paths: dict[Key, Key] = {}
        """Identity of a request outside a dialog -> its transaction: the same by another path is a loop."""

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    def send(self, request: Request, *, reliable: bool) -> Outcome:
        """Begin a client transaction. Raises ProtocolError if its branch is in use; ACK has none."""
        key = client_key(request)
        if request.method == "ACK" or key in self._clients:
            raise ProtocolError(f"no transaction can be made for this {request.method}")
        start = invite_client.start if request.method == "INVITE" else non_invite_client.start
        self._clients[key], effects = start(request, reliable=reliable, times=self._times)
        return Name(Side.CLIENT, key), effects

    def respond(self, name: Name, response: Response) -> Outcome:
        """Answer a request that came in. Nothing happens if its transaction has ended."""
        return self._happen(name, Respond(response))

    def fire(self, name: Name, timer: Timer) -> Outcome:
        """Say that a timer has run out."""
        return self._happen(name, Fired(timer))

    def fail(self, name: Name) -> Outcome:
        """Say that what a transaction sent did not get through."""
        return self._happen(name, TransportFailed())

    def abandon(self, name: Name) -> Outcome:
        """Forget a transaction before its time: nobody waits for it any more."""
        if name.side is Side.CLIENT:
            return name, (Ended(),) if self._clients.pop(name.key, None) else ()
        transaction = self._servers.pop(name.key, None)
        if transaction is None:
            return name, ()
        self._first_paths.pop(_identity(transaction.request), None)
        return name, (Ended(),)

    def receive(self, message: Request | Response, *, reliable: bool) -> Outcome:
        """Take a message from the wire."""
        if isinstance(message, Response):
            return self._receive_response(message)
        name = Name(Side.SERVER, server_key(message))
        if name.key in self._servers:
            return self._happen(name, Received(message))
        if message.method == "ACK":
            # That of a 2xx: a dialog waits for it (section 13.3.1.4).
            return None, (Deliver(message),)
        return self._begin(name, message, reliable=reliable)

    def invite_of(self, cancel: Request) -> Name | None:
        """Return the transaction that a CANCEL is for (section 9.2), None if there is none (answer 481)."""
        key = server_key(cancel, "INVITE")
        return Name(Side.SERVER, key) if key in self._servers else None

    def request_of(self, name: Name) -> Request | None:
        """Return the request of a living transaction."""
        transaction = self._transaction(name)
        return transaction.request if transaction else None

    def _receive_response(self, response: Response) -> Outcome:
        """A response of no transaction is dropped, and so is one with another hop's Via (section 8.1.3.3)."""
        name = Name(Side.CLIENT, client_key(response))
        vias = response.headers.all("Via")
        if name.key not in self._clients or len(vias) != 1 or "," in vias[0]:
            return NOTHING
        return self._happen(name, Received(response))

    def _begin(self, name: Name, request: Request, *, reliable: bool) -> Outcome:
        identity = _identity(request)
        if identity and self._first_paths.setdefault(identity, name.key) != name.key:
            return None, (Send(respond(request, 482, to_tag=stateless_tag(request.headers))),)
        start = invite_server.start if request.method == "INVITE" else non_invite_server.start
        self._servers[name.key], effects = start(request, reliable=reliable, times=self._times)
        return name, effects

    def _transaction(self, name: Name) -> ClientTransaction | ServerTransaction | None:
        if name.side is Side.CLIENT:
            return self._clients.get(name.key)
        return self._servers.get(name.key)

    def _happen(self, name: Name, event: Event) -> Outcome:
        if name.side is Side.CLIENT:
            effects = self._happen_to_client(name.key, event)
        else:
            effects = self._happen_to_server(name.key, event)
        return name, effects

    def _happen_to_client(self, key: Key, event: Event) -> Effects:
        if key not in self._clients:
            return ()
        transaction = self._clients[key]
        happen = invite_client.event if transaction.request.method == "INVITE" else non_invite_client.event
        self._clients[key], effects = happen(event, transaction)
        if _ended(effects):
            del self._clients[key]
        return effects

    def _happen_to_server(self, key: Key, event: Event) -> Effects:
        if key not in self._servers:
            return ()
        transaction = self._servers[key]
        happen = invite_server.event if transaction.request.method == "INVITE" else non_invite_server.event
        self._servers[key], effects = happen(event, transaction)
        if _ended(effects):
            del self._servers[key]
            self._first_paths.pop(_identity(transaction.request), None)
        return effects


def _ended(effects: Effects) -> bool:
    return any(isinstance(effect, Ended) for effect in effects)


def _identity(request: Request) -> Key:
    """Return what two copies of a request outside a dialog have in common (8.2.2.2), () within one."""
    if request.to.tag or not request.from_.tag:
        return ()
    return request.from_.tag, str(request.call_id), str(request.cseq)
