"""All TCP and TLS connections of an endpoint: accepted, opened, counted.

Called by `endpoint`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge.errors import ConfigError
from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip_endpoint import settings
from bridge.protocols.sip_endpoint.connection import Connection, Surroundings
from bridge.protocols.sip_endpoint.drops import Drop
from bridge.protocols.sip_endpoint.flood import Flood
from bridge.protocols.sip_endpoint.hop import NotSentError
from bridge.protocols.sip_endpoint.listener import Listener


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom a connection that we open leads to. kept: whether it is to stay open while it is silent."""

    transport: str
    address: HostPort
    server_name: str
    kept: bool

    def __str__(self) -> str:
        return f"{self.transport} {self.address[0]}:{self.address[1]}"


@dataclass(frozen=True, slots=True, eq=False)
class _Seat:
    """The place that one connection takes, from its acceptance on."""

    host: str
    stranger: bool


LocalOf: TypeAlias = Callable[[str, HostPort], HostPort]
"""(transport, own address of a connection) -> what to write into Via and Contact."""


class Connections:
    """ended: told of every connection that was usable and is no longer, with the reason."""

    def __init__(
        self,
        around: Surroundings,
        tls: settings.Tls,
        flood: Flood,
        *,
        local_of: LocalOf,
        ended: Callable[[str, str], None],
    ) -> None:
        self._around = around
        self._tls = tls
        self._flood = flood
        self._local_of = local_of
        self._told_ended = ended
        self._server_context: ssl.SSLContext | None = None
        self._client_context: ssl.SSLContext | None = None
        self._numbers = itertools.count(1)
        self._open: dict[Hashable, Connection] = {}
        self._by_destination: dict[Destination, Connection] = {}
        self._opening: dict[Destination, asyncio.Task[Connection]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._per_source: Counter[str] = Counter()
        self._of_strangers = 0
        self._seats: dict[_Seat, None] = {}

    def __len__(self) -> int:
        """How many are open or being made."""
        return len(self._seats) + len(self._by_destination) + len(self._opening)

    def listen(self, listen: settings.Listen) -> Listener:
        """Bind a listening socket. Raises OSError, and ConfigError for a bad certificate."""
        if listen.transport == "TLS" and self._server_context is None:
            self._server_context = self._tls.server_context()
        return Listener(
            listen.transport,
            listen.host,
            listen.bound_port,
            accepted=self._accept,
            drops=self._around.drops,
        )

    def find(self, name: Hashable) -> Connection | None:
        """Return an open connection by the mark in its flows."""
        connection = self._open.get(name)
        return connection if connection and connection.open else None

    async def to(self, destination: Destination) -> Connection:
        """Return the connection to `destination`, opened unless it is there. Raises NotSentError."""
        connection = self._by_destination.get(destination)
        if connection is not None and connection.open:
            return connection
        opening = self._opening.get(destination)
        if opening is None:
            if len(self) >= self._around.limits.most:
                self._around.drops.count(Drop.CONNECTIONS, destination)
                raise NotSentError(f"{destination}: too many connections are open")
            opening = self._opening[destination] = self._run(self._connect(destination))
            opening.add_done_callback(lambda _: self._opening.pop(destination, None))
        # One caller that gives up must not take the connection from the others.
        return await asyncio.shield(opening)

    async def close(self) -> None:
        """Close all of them, and wait until they are."""
        await asyncio.sleep(0)  # lets every task begin that owns an accepted socket
        open_ones = list(self._open.values())
        for connection in open_ones:
            connection.cut("the endpoint stops")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in open_ones:
            await connection.gone.wait()

    # --- those that come in -----------------------------------------------------------------------------

    def _accept(self, sock: socket.socket, remote: HostPort, listener: Listener) -> None:
        # The watchdog's question takes no place away from a telephone behind the same address.
        ours = remote in self._around.inbox.ours
        host = "the watchdog" if ours else remote[0]
        stranger = not ours and not self._flood.is_allowed(host)
        if self._is_one_too_many(host, stranger=stranger):
            self._around.drops.count(Drop.CONNECTIONS, remote)
            sock.close()
            return
        seat = _Seat(host, stranger)
        self._seats[seat] = None
        self._per_source[host] += 1
        self._of_strangers += stranger
        self._run(self._take(sock, remote, listener, seat))

    def _is_one_too_many(self, host: str, *, stranger: bool) -> bool:
        limits = self._around.limits
        from_there = self._per_source.get(host, 0)
        if len(self) >= limits.most:
            return True
        if not stranger:
            return from_there >= limits.most_of_one_source
        return self._of_strangers >= limits.most_of_strangers or from_there >= limits.most_of_one_stranger

    def _leave(self, seat: _Seat) -> None:
        """Count a connection as gone; a second time nothing happens."""
        if seat not in self._seats:
            return
        del self._seats[seat]
        self._of_strangers -= seat.stranger
        self._per_source[seat.host] -= 1
        if not self._per_source[seat.host]:
            del self._per_source[seat.host]

    async def _take(self, sock: socket.socket, remote: HostPort, listener: Listener, seat: _Seat) -> None:
        def ended(connection: Connection, reason: str) -> None:
            self._leave(seat)
            self._forget(connection, reason)

        secure = listener.transport == "TLS"
        connection = self._make(listener.transport, kept=False, ended=ended)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=self._server_context if secure else None,
                ssl_handshake_timeout=self._around.limits.handshake if secure else None,
                ssl_shutdown_timeout=self._around.limits.handshake if secure else None,
            )
        except BaseException as error:
            # No `connection_lost` comes for what never was a connection to us.
            self._leave(seat)
            if not isinstance(error, OSError):
                raise
            self._around.drops.count(Drop.HANDSHAKE, remote, str(error))

    # --- those that we open -----------------------------------------------------------------------------

    async def _connect(self, destination: Destination) -> Connection:
        def ended(connection: Connection, reason: str) -> None:
            if self._by_destination.get(destination) is connection:
                del self._by_destination[destination]
            self._forget(connection, reason)

        secure = destination.transport == "TLS"
        host, port = destination.address
        connection = self._make(destination.transport, kept=destination.kept, ended=ended)
        try:
            async with asyncio.timeout(self._around.limits.connect):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    host,
                    port,
                    ssl=self._trusted() if secure else None,
                    server_hostname=destination.server_name if secure else None,
                )
        except TimeoutError:
            seconds = self._around.limits.connect
            raise NotSentError(f"{destination}: no connection within {seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise NotSentError(
                f"{destination}: its certificate is not believed: {error.verify_message}"
            ) from None
        except (OSError, OverflowError, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise NotSentError(f"{destination}: no connection: {reason}") from None
        if connection.open:
            self._by_destination[destination] = connection
        return connection

    def _trusted(self) -> ssl.SSLContext:
        if self._client_context is None:
            try:
                self._client_context = self._tls.client_context()
            except ConfigError as error:
                raise NotSentError(str(error)) from error
        return self._client_context

    # --- both -------------------------------------------------------------------------------------------

    def _make(self, transport: str, *, kept: bool, ended: Callable[[Connection, str], None]) -> Connection:
        name = f"{transport.lower()}-{next(self._numbers)}"

        def local_of(local: HostPort) -> HostPort:
            # Called when the connection is usable, before its first message.
            self._open[name] = connection
            return self._local_of(transport, local)

        connection = Connection(name, transport, self._around, kept=kept, local_of=local_of, ended=ended)
        return connection

    def _forget(self, connection: Connection, reason: str) -> None:
        self._open.pop(connection.name, None)
        self._told_ended(connection.name, reason)

    def _run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, for the caller may have given up
