"""All SIP sockets of the bridge as one thing: messages in, messages out, and whether it is well.

Made by `app`, which hands what comes in to the user agent and lets it send. Runs in one loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from bridge.errors import ProtocolError, SosBridgeError
from bridge.model import Clock
from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip_endpoint.connection import Connection, Surroundings
from bridge.protocols.sip_endpoint.connections import Connections, Destination
from bridge.protocols.sip_endpoint.datagrams import Datagrams
from bridge.protocols.sip_endpoint.drops import Drop, Drops
from bridge.protocols.sip_endpoint.flood import Flood
from bridge.protocols.sip_endpoint.hop import Hop, NotSentError
from bridge.protocols.sip_endpoint.inbox import Inbox, Received, Unreadable
from bridge.protocols.sip_endpoint.listener import Listener
from bridge.protocols.sip_endpoint.local_address import LocalAddresses
from bridge.protocols.sip_endpoint.outstanding import Failed, Outstanding
from bridge.protocols.sip_endpoint.resolver import Lookup, Resolver, system_lookup
from bridge.protocols.sip_endpoint.routing import LARGEST_DATAGRAM, way_back, with_sent_by
from bridge.protocols.sip_endpoint.settings import EndpointSettings, Listen
from bridge.protocols.sip_endpoint.watchdog import Watchdog

_MOST_WAITING: Final = 1000
"""Sends that wait for a name or a connection."""


class Endpoint:
    """received: called with each message that comes in and the flow it came on, never from within `send`.

    It may call `send` at once. unreadable: asked for what was meant by what cannot be read; None: refuse it,
    as without anybody to ask. lookup: names to addresses, blocking (tests pass their own). An endpoint that
    was stopped is not started again.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        received: Received,
        clock: Clock,
        unreadable: Unreadable = lambda _error, _flow: None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._drops = Drops(clock)
        flood = Flood(settings.flood, settings.allowed, clock)
        self._inbox = Inbox(
            received=received,
            reply=self.send,
            unreadable=unreadable,
            flood=flood,
            drops=self._drops,
            limits=settings.limits,
        )
        self._local = LocalAddresses(clock)
        self._outstanding = Outstanding(clock)
        around = Surroundings(self._inbox, self._drops, settings.connections, settings.limits, settings.dscp)
        self._connections = Connections(
            around,
            settings.tls,
            flood,
            local_of=self._local.of_connection,
            ended=self._outstanding.fail,
        )
        self._resolver = Resolver(clock, lookup)
        self._datagrams = Datagrams(
            settings, self._inbox, self._local, self._drops, returned=self._outstanding.returned
        )
        self._listeners: list[Listener] = []
        self._watchdog: Watchdog | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind all sockets, then listen. Raises OSError (with the address) or ConfigError, and holds none."""
        try:
            for listen in self._settings.listen:
                self._bind(listen)
        except BaseException:
            await self.stop()
            raise
        self._datagrams.start()
        for listener in self._listeners:
            listener.start()
        self._watchdog = Watchdog(
            self._local.listening(), self._settings.watchdog, self._clock, self._inbox.ours
        )
        self._run(self._watchdog.run())

    async def stop(self) -> None:
        """Close everything. What was not sent by now is not. Safe to repeat."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._datagrams.close()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._watchdog = None
        await self._connections.close()
        self._resolver.close()

    # --- is it well? ------------------------------------------------------------------------------------

    def healthy(self) -> bool:
        """Whether every listener has lately answered an OPTIONS of ours."""
        return not self.reason

    @property
    def reason(self) -> str:
        """Why it is not healthy, '' if it is."""
        return self._watchdog.reason if self._watchdog else "the SIP endpoint does not run"

    @property
    def drops(self) -> Mapping[Drop, int]:
        """What was not let in or did not get out, by reason, since the start."""
        return self._drops.counts

    @property
    def connections(self) -> int:
        """TCP and TLS connections, open or being made."""
        return len(self._connections)

    @property
    def listening(self) -> list[tuple[str, HostPort]]:
        """Transport and bound address of each listener."""
        return self._local.listening()

    # --- sending ----------------------------------------------------------------------------------------

    async def open(self, hop: Hop, *, size: int = 0) -> Flow:
        """Return the flow to `hop`, with our address for Via and Contact; opens a connection if need be.

        size: bytes of the request, so that a long one goes by `hop.large_over`; if that cannot be had it
        goes by UDP after all (18.1.1). Raises NotSentError: no address, no socket of that family, no
        connection.
        """
        if hop.transport == "UDP" and hop.large_over and size > LARGEST_DATAGRAM:
            with contextlib.suppress(NotSentError):
                return await self._connect(hop, hop.large_over)
        if hop.transport != "UDP":
            return await self._connect(hop, hop.transport)
        addresses = await self._resolver.addresses(hop.host)
        for address in addresses:
            if flow := self._datagrams.flow_to((address, hop.port)):
                return flow
        raise NotSentError(f"{hop}: no UDP socket of ours can reach {', '.join(addresses)}")

    def send(self, message: Request | Response, to: Flow | Hop, *, failed: Failed | None = None) -> None:
        """Send a message, now or as soon as there is a connection. Never blocks, never raises.

        A response goes back on the connection of its request or, when that is gone, by a new one to the Via
        (18.2.2); to a flow of UDP as RFC 3581 says. A request gets our address into its top Via, which must
        have its branch. failed: called later, with the reason, if the message is known not to have got
        through, up to 32 s after; called more than once for a message if more than one thing goes wrong.
        """
        if isinstance(to, Hop):
            self._wait(self._send_to_hop(message, to, failed), message, to, failed)
        elif not to.reliable:
            self._send_datagram(message, to, failed)
        else:
            self._send_stream(message, to, failed)

    async def _send_to_hop(self, message: Request | Response, hop: Hop, failed: Failed | None) -> None:
        # As it will be with our Via: a host name is at most so much longer than what stands there.
        self.send(message, await self.open(hop, size=len(bytes(message))), failed=failed)

    def _send_datagram(self, message: Request | Response, flow: Flow, failed: Failed | None) -> None:
        remote = flow.remote if isinstance(message, Request) else way_back(message, flow)
        data = self._written(message, flow, failed)
        if not data:
            return
        if reason := self._datagrams.send(data, flow.local, remote):
            self._fail(message, flow, failed, reason)
        elif failed is not None:
            self._outstanding.add(remote, failed, data)

    def _send_stream(self, message: Request | Response, flow: Flow, failed: Failed | None) -> None:
        connection = self._connections.find(flow.connection)
        if connection is not None:
            self._write(message, connection, failed)
        elif isinstance(message, Response):
            destination = Destination(flow.transport, way_back(message, flow), flow.remote[0], kept=False)
            self._wait(self._send_anew(message, destination, failed), message, flow, failed)
        elif flow.connection is None:
            destination = Destination(flow.transport, flow.remote, flow.remote[0], kept=True)
            self._wait(self._send_anew(message, destination, failed), message, flow, failed)
        else:
            self._fail(message, flow, failed, "the connection is closed")

    async def _send_anew(
        self, message: Request | Response, destination: Destination, failed: Failed | None
    ) -> None:
        self._write(message, await self._connections.to(destination), failed)

    def _write(self, message: Request | Response, connection: Connection, failed: Failed | None) -> None:
        data = self._written(message, connection.flow, failed)
        if not data:
            return
        if reason := connection.send(data):
            self._fail(message, connection.flow, failed, reason)
        elif failed is not None:
            self._outstanding.add(connection.name, failed, data)

    def _written(self, message: Request | Response, flow: Flow, failed: Failed | None) -> bytes:
        """Return the bytes for the wire; none, and a failure, for a message that must not leave."""
        try:
            return bytes(with_sent_by(message, flow) if isinstance(message, Request) else message)
        except ProtocolError as error:
            self._fail(message, flow, failed, str(error))
            return b""

    # --- within -----------------------------------------------------------------------------------------

    def _bind(self, listen: Listen) -> None:
        try:
            if listen.transport == "UDP":
                bound = self._datagrams.bind(listen)
            else:
                listener = self._connections.listen(listen)
                self._listeners.append(listener)
                bound = listen.host, listener.port
        except OSError as error:
            place = f"{listen.transport} {listen.host}:{listen.bound_port}"
            raise OSError(error.errno, f"{place}: {error.strerror}") from error
        self._local.add(listen, bound)

    async def _connect(self, hop: Hop, transport: str) -> Flow:
        """Return the flow of a connection to `hop`, tried at each of its addresses."""
        last = NotSentError(f"{hop}: no address")
        for address in await self._resolver.addresses(hop.host):
            destination = Destination(transport, (address, hop.port), hop.server_name or hop.host, kept=True)
            try:
                return (await self._connections.to(destination)).flow
            except NotSentError as error:
                last = error
        raise last

    def _wait(
        self,
        sending: Coroutine[Any, Any, None],
        message: Request | Response,
        to: Flow | Hop,
        failed: Failed | None,
    ) -> None:
        """Let a send go on by itself."""

        async def finish() -> None:
            try:
                await sending
            except SosBridgeError as error:
                self._fail(message, to, failed, str(error))

        if len(self._tasks) >= _MOST_WAITING:
            sending.close()
            self._fail(message, to, failed, "too many messages wait for a connection")
            return
        self._run(finish())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, message: Request | Response, to: Flow | Hop, failed: Failed | None, reason: str) -> None:
        what = message.method if isinstance(message, Request) else message.status
        where = to if isinstance(to, Hop) else f"{to.transport} {to.remote[0]}:{to.remote[1]}"
        self._drops.count(Drop.NOT_SENT, where, f"{what}: {reason}")
        if failed is not None:
            asyncio.get_running_loop().call_soon(failed, reason)
