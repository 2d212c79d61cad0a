"""One TCP or TLS connection: bytes to messages, keep-alives, and when it is to be closed.

Called by `connections`, which opens and accepts it. TLS or not is the business of asyncio's transport.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.framing import KeepAlive, Limits, StreamFramer
from bridge.protocols.sip.message import MalformedError
from bridge.protocols.sip_endpoint import settings
from bridge.protocols.sip_endpoint.addresses import host_port
from bridge.protocols.sip_endpoint.drops import Drop, Drops
from bridge.protocols.sip_endpoint.dscp import mark
from bridge.protocols.sip_endpoint.inbox import Inbox

_PING: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections of an endpoint share."""

    inbox: Inbox
    drops: Drops
    limits: settings.Connections
    framing: Limits
    dscp: int


class Connection(asyncio.Protocol):
    """name: unique, the mark in its flows. local_of: what to write into Via and Contact.

    kept: opened by us to somebody we want to stay connected to: pinged, not closed for being idle.
    """

    def __init__(
        self,
        name: str,
        transport: str,
        around: Surroundings,
        *,
        kept: bool,
        local_of: Callable[[HostPort], HostPort],
        ended: Callable[[Connection, str], None],
    ) -> None:
        self.name: Final = name
        self._kind = transport
        self._around = around
        self._kept = kept
        self._local_of = local_of
        self._ended = ended
        self._framer = StreamFramer(around.framing)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        """Loop time of the last whole message or keep-alive: a trickle of bytes keeps nothing open."""
        self._reason = ""
        self.flow = Flow(transport, ("", 0), ("", 0), name)
        self.gone: Final = asyncio.Event()

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> str:
        """Write bytes. Returns why they will not arrive, '' if they may."""
        if self._transport is None or self._transport.is_closing():
            return "the connection is closed"
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._around.limits.unsent:
            self._around.drops.count(Drop.UNREAD, self.flow.remote)
            self.cut("the other side does not read")
            return "the other side does not read"
        return ""

    def close(self, reason: str) -> None:
        """Close it after what was written has left."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.close()

    def cut(self, reason: str) -> None:
        """Close it at once."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    # --- called by asyncio ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        names = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if not all(names):  # gone before we looked
            self.cut("the connection was closed at once")
            return
        local, remote = map(host_port, names)
        self.flow = Flow(self._kind, self._local_of(local), remote, self.name)
        self._set_options(transport.get_extra_info("socket"))
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self._timer = loop.call_later(self._period, self._look)

    def data_received(self, data: bytes) -> None:
        self._framer.receive(data)
        while self._take():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        self.gone.set()
        self._ended(self, self._reason or (f"the connection broke: {exc}" if exc else "the connection ended"))

    # --- within -----------------------------------------------------------------------------------------

    def _take(self) -> bool:
        """Take what is complete. Returns whether there may be more behind a broken message."""
        try:
            for message in self._framer.messages():
                self._heard = asyncio.get_running_loop().time()
                if isinstance(message, KeepAlive):
                    self.send(message.reply)
                elif not self._around.inbox.admits(self.flow.remote):
                    self.cut("too many messages")
                else:
                    self._around.inbox.message(message, self.flow)
                if not self.open:
                    return False
        except MalformedError as error:
            self._around.inbox.malformed(error, self.flow)
            if not self._around.inbox.admits(self.flow.remote):
                self.cut("too many messages")
            elif error.fatal:
                self.close("what came was no SIP")
            return not error.fatal and self.open
        return False

    @property
    def _period(self) -> float:
        return self._around.limits.ping if self._kept else self._around.limits.idle

    def _look(self) -> None:
        """Ping our own connections; close others that have been silent for too long."""
        loop = asyncio.get_running_loop()
        silent = loop.time() - self._heard
        wait = self._period
        if self._kept:
            self.send(_PING)
        elif silent >= self._period:
            self._around.drops.count(Drop.IDLE, self.flow.remote)
            self.close("idle for too long")
            return
        else:
            wait -= silent
        self._timer = loop.call_later(wait, self._look)

    def _set_options(self, sock: socket.socket) -> None:
        limits = self._around.limits
        # A connection that broke meanwhile refuses them, and will be reported as lost.
        with contextlib.suppress(OSError):
            mark(sock, self._around.dscp)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.unacknowledged * 1000))
