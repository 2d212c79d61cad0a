"""What of panoramisk an AMI session stands on, with everything replaced that loses, repeats or hides.

Kept: opening the connection (`Manager.connect`), the table of open actions with their numbering and the
collecting of list answers (`Action`, `AMIProtocol.handle_message`). Replaced: bytes to messages and back,
login, ping, reconnecting, repeating of actions, dispatching of events, the end of a connection. Why, with
what was measured: docs/decisions/0003-panoramisk-wrapped.md. Used by `ami_session` only.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from bridge.errors import ProtocolError, Retryable, Uncertain
from bridge.protocols.ami import Headers, Message, Parser, encode_action
from bridge.protocols.ami_account import Account

UNACKNOWLEDGED_MS: Final = 4000
"""TCP_USER_TIMEOUT: the kernel gives the connection up when sent bytes stay unacknowledged this long. Its own
default is about 15 minutes."""


class Listener(Protocol):
    """Who is told what arrives. Called from the event loop's read; must only note it."""

    def heard(self) -> None:
        """Some bytes came."""

    def take(self, message: Message) -> None:
        """An event, or the late answer to nothing."""

    def reject(self, error: ProtocolError) -> None:
        """A block of input that could not be read."""

    def abandon(self, why: str) -> None:
        """The connection has ended."""


class PendingAction(Action):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's open action, which collects the answer. What completes it is what Asterisk says of it:
    panoramisk's own guesses take "successfully queued" for the start of a list."""

    def __init__(self, name: str, headers: Headers, action_id: str) -> None:
        """Raises ProtocolError where the action would not arrive as it is written."""
        super().__init__({"Action": name, **({"ActionID": action_id} if action_id else {})})
        self.payload = encode_action(name, headers, action_id=self.id)

    @property
    def multi(self) -> bool:
        return bool(self.responses[0].get("EventList").lower() == "start")

    @property
    def completed(self) -> bool:
        return not self.multi or self.responses[-1].get("EventList").lower() in ("complete", "cancelled")


class Wire(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One TCP connection, from the banner to its end."""

    def __init__(self, listener: Listener, tap: Callable[[bytes], None] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.parser = Parser()
        self.transport: asyncio.Transport | None = None
        self.responses: dict[str, PendingAction] = {}
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the socket is closed."""
        self._listener = listener
        self._tap = tap
        self._cut = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def data_received(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap(data)
        self._listener.heard()
        for item in self.parser.feed(data):
            if isinstance(item, ProtocolError):
                self._listener.reject(item)
            elif item.action_id in self.responses:
                self.handle_message(item)
            elif item.event:
                self._listener.take(item)
            # else it answers an action that was given up
        if self.parser.version and not self.greeted.done():
            self.greeted.set_result(None)

    def send(self, data: PendingAction, as_list: object = None) -> asyncio.Future[Any]:
        del as_list  # panoramisk's Manager passes it; here the answer itself tells
        if data.id in self.responses:
            raise ProtocolError(f"the ActionID {data.id} is in use")
        if self._cut or self.transport is None:
            raise Retryable(f"{data['Action']} not sent: the connection has ended")
        self.responses[data.id] = data
        self.transport.write(data.payload)
        return data.future  # type: ignore[no-any-return]  # panoramisk has no types

    def forget(self, action: PendingAction) -> None:
        """Nobody waits for this answer any more; another action of the same ActionID is not touched."""
        if self.responses.get(action.id) is action:
            del self.responses[action.id]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        self._listener.abandon(f"the connection broke: {exc}" if exc else "the PBX closed the connection")

    def cut(self, why: str) -> None:
        """End the connection at once, whatever is still unsent, and fail everything that waits for it."""
        self._cut = True
        if self.transport is not None:
            self.transport.abort()
        elif not self.gone.done():
            self.gone.set_result(None)
        error = Uncertain(f"the connection ended before the answer: {why}")
        fail(self.greeted, error)
        for action in self.responses.values():
            fail(action.future, error)

    def close(self) -> None:
        """panoramisk's way to end; it would put open actions aside to send them again later."""
        self.cut("closed")


class OneConnection(Manager):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's manager for exactly one connection: it neither logs in, pings, reconnects nor repeats."""

    def __init__(self, account: Account, wire: Wire) -> None:
        super().__init__(
            host=account.host,
            port=account.port,
            ssl=account.tls or False,
            protocol_factory=lambda: wire,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, connecting: asyncio.Task[Any]) -> None:
        """The attempt is over. A failure belongs to whoever awaits it, and is not repeated from here."""
        if not connecting.cancelled() and connecting.exception() is None:
            super().connection_made(connecting)
            self.pinger.cancel()


def fail(future: asyncio.Future[Any], error: Exception) -> None:
    """Let whoever waits for `future` see `error`; that nobody may be waiting any more is no news."""
    if not future.done():
        future.set_exception(error)
        future.exception()
