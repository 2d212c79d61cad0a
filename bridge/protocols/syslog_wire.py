"""Ways to a syslog server, and what each can know of what has arrived. Called by `supervision.forwarder`.

Syslog has no answer. What comes nearest to one, by transport:

- TCP and TLS: we end our direction of the connection. The server reads to the end, and then ends its own. A
  server that was killed instead, or that had not read everything, ends otherwise (a reset), or does not take
  the next connection (`ends`).
- TCP and TLS to a server that does not end its direction: its kernel has acknowledged every byte.
- UDP: no ICMP error came back.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import Final, Protocol

from bridge.errors import Unreachable
from bridge.model import Clock
from bridge.protocols.syslog import octet_counted
from bridge.protocols.syslog_settings import SyslogServer, Transport
from bridge.protocols.syslog_socket import connected, raise_error_of, told, unacknowledged
from bridge.protocols.syslog_tls import TlsChannel

CONNECT_WITHIN: Final = 5.0
"""Seconds for the name, the connection and the TLS handshake together."""
SEND_WITHIN: Final = 10.0
"""Seconds that the kernel may take for a batch. It holds far more than one by itself."""
ICMP_WITHIN: Final = 0.2
"""Seconds in which a machine without a syslog server says so."""
LOOK_EVERY: Final = 0.02
_PIECE: Final = 4096


class Wire(Protocol):
    """One connection, or what stands for it.

    ends: `settle` ends the connection, and only that the server takes another one proves the whole.
    window: how many messages it may carry until `settle`.
    hold: seconds that a message may wait for `settle`.
    """

    ends: bool
    window: int
    hold: float

    async def open(self) -> None:
        """Connect. Every method raises Unreachable when it goes wrong, with the reason for a person."""

    async def send(self, messages: Sequence[bytes]) -> None: ...
    async def rest(self, seconds: float) -> None:
        """Wait; raises as soon as the connection ends."""

    async def settle(self) -> None:
        """Return when the server has everything, as surely as the transport can tell.

        May take as long as the server hangs, and may be called again after it was cancelled.
        """

    async def close(self) -> None: ...


def wire_to(server: SyslogServer, clock: Clock) -> Wire:
    """Return a wire that is not open yet. Raises ConfigError where the TLS files cannot be used."""
    if server.transport is Transport.UDP:
        return DatagramWire(server, clock)
    context = server.tls.context() if server.transport is Transport.TLS else None
    return StreamWire(server, clock, context)


class DatagramWire:
    """RFC 5426: a datagram a message, and little to know."""

    ends = False
    window = 100
    """Some 40 kB, which every receiver's buffer holds, five times a second."""
    hold = 1.0

    def __init__(self, server: SyslogServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._socket: socket.socket | None = None

    async def open(self) -> None:
        with told(self._server):
            async with asyncio.timeout(CONNECT_WITHIN):
                self._socket = await connected(self._server, socket.SOCK_DGRAM)

    async def send(self, messages: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        with told(self._server):
            async with asyncio.timeout(SEND_WITHIN):
                for message in messages:
                    await loop.sock_sendall(_open(self._socket), message)

    async def rest(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        with told(self._server):
            raise_error_of(_open(self._socket))

    async def settle(self) -> None:
        await asyncio.sleep(ICMP_WITHIN)
        await self.rest(0)

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class StreamWire:
    """RFC 6587 with octet counting, or RFC 5425 with a TLS context."""

    window = 100
    """So few that a server's kernel takes them even when the server itself hangs."""

    def __init__(self, server: SyslogServer, clock: Clock, tls: ssl.SSLContext | None) -> None:
        self.ends = server.confirm
        self.hold = 10.0 if server.confirm else 1.0
        self._server = server
        self._clock = clock
        self._context = tls
        self._socket: socket.socket | None = None
        self._tls: TlsChannel | None = None
        self._reading: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        """One writer at a time, and TLS records in the order in which they were made."""
        self._farewell_said = False

    async def open(self) -> None:
        with told(self._server):
            async with asyncio.timeout(CONNECT_WITHIN):
                self._socket = await connected(self._server, socket.SOCK_STREAM)
                if self._context is not None:
                    self._tls = TlsChannel(self._context, self._server.host)
                    await self._shake_hands(self._tls)
        self._reading = asyncio.create_task(self._read(), name=f"syslog/{self._server.name} reading")

    async def _shake_hands(self, tls: TlsChannel) -> None:
        loop, link = asyncio.get_running_loop(), _open(self._socket)
        await loop.sock_sendall(link, tls.shake())
        while not tls.agreed:
            received = await loop.sock_recv(link, _PIECE)
            if not received:
                raise ConnectionResetError("it ended the connection during the TLS handshake")
            await loop.sock_sendall(link, tls.shake(received))

    async def _read(self) -> None:
        """Read to the end of the connection: the end is what matters, and a reset would hide behind words
        that nobody reads."""
        loop, link = asyncio.get_running_loop(), _open(self._socket)
        while received := await loop.sock_recv(link, _PIECE):
            if self._tls is not None:
                async with self._writing:
                    answer = self._tls.receive(received)
                    if answer and not self._farewell_said:
                        await self._write(answer)

    async def send(self, messages: Sequence[bytes]) -> None:
        self._require_reading()
        stream = b"".join(map(octet_counted, messages))
        with told(self._server):
            async with asyncio.timeout(SEND_WITHIN), self._writing:
                await self._write(stream if self._tls is None else self._tls.encrypt(stream))

    async def _write(self, stream: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(_open(self._socket), stream)

    async def rest(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({sleeping, self._read_on()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
        self._require_reading()

    async def settle(self) -> None:
        if self.ends:
            await self._end()
        else:
            await self._wait_for_acknowledgement()

    async def _end(self) -> None:
        with told(self._server):
            if not self._farewell_said:
                self._farewell_said = True
                async with asyncio.timeout(SEND_WITHIN), self._writing:
                    await self._write(b"" if self._tls is None else self._tls.farewell())
                _open(self._socket).shutdown(socket.SHUT_WR)
            await asyncio.shield(self._read_on())
            raise_error_of(_open(self._socket))
            async with asyncio.timeout(SEND_WITHIN):  # its end may overtake the last acknowledgement
                await self._acknowledged()

    async def _wait_for_acknowledgement(self) -> None:
        waiting = asyncio.ensure_future(self._acknowledged())
        try:
            await asyncio.wait({waiting, self._read_on()}, return_when=asyncio.FIRST_COMPLETED)
            self._require_reading()
        finally:
            waiting.cancel()

    async def _acknowledged(self) -> None:
        """Return once the other side's kernel has every byte. There is nothing to wait on: it is asked."""
        while unacknowledged(_open(self._socket)):
            await self._clock.sleep(LOOK_EVERY)

    def _read_on(self) -> asyncio.Task[None]:
        if self._reading is None:
            raise Unreachable(f"{self._server.address} is not connected")
        return self._reading

    def _require_reading(self) -> None:
        reading = self._read_on()
        if reading.done():
            with told(self._server):
                reading.result()
                raise ConnectionResetError("it ended the connection")

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _open(link: socket.socket | None) -> socket.socket:
    if link is None:
        raise OSError("it is not connected")
    return link
