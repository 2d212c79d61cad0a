"""A listening TCP socket. Accepts by itself, so that a connection too many costs no TLS handshake.

Called by `connections`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip_endpoint.addresses import family_of, host_port
from bridge.protocols.sip_endpoint.drops import Drop, Drops

_AT_ONCE: Final = 32
_BACKLOG: Final = 256
_REST: Final = 0.5
"""Seconds until the next look when the process has no file descriptor left."""


class Listener:
    """Bound when it is made. Raises OSError if it cannot be."""

    def __init__(
        self,
        transport: str,
        host: str,
        port: int,
        *,
        accepted: Callable[[socket.socket, HostPort, Listener], None],
        drops: Drops,
    ) -> None:
        self.transport: Final = transport
        self.host: Final = host
        self.family: Final = family_of(host)
        self._accepted = accepted
        self._drops = drops
        self._resting: asyncio.TimerHandle | None = None
        self._socket = socket.create_server((host, port), family=self.family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self.port: Final[int] = self._socket.getsockname()[1]

    def __str__(self) -> str:
        return f"{self.transport} {self.host}:{self.port}"

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(str(error))
                return
            accepted.setblocking(False)
            self._accepted(accepted, host_port(address), self)

    def _rest(self, reason: str) -> None:
        """Wait a little: the connection stays in the queue, and would wake us in every turn."""
        self._drops.count(Drop.SOCKET, self, reason)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._resting = loop.call_later(_REST, self.start)
