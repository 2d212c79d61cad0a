"""Sockets to a syslog server, and what the kernel knows about them. Called by `syslog_wire`. Linux."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Iterator
from typing import Final

from bridge.errors import Unreachable
from bridge.protocols.syslog_settings import SyslogServer

KEEPALIVE: Final = 30
"""Seconds of silence after which the kernel asks whether the other side is still there."""
NO_PROGRESS: Final = 60
"""Seconds after which a connection is given up whose bytes nobody acknowledges (TCP_USER_TIMEOUT)."""


async def connected(server: SyslogServer, kind: socket.SocketKind) -> socket.socket:
    """Return a socket connected to the first of the server's addresses that takes it. Raises OSError."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(server.host, server.port, type=kind)
    failure = OSError("it has no address")
    for family, type_, protocol, _, address in addresses:
        link = socket.socket(family, type_, protocol)
        try:
            link.setblocking(False)
            if kind is socket.SOCK_STREAM:
                _keep_alive(link)
            await loop.sock_connect(link, address)
        except OSError as error:
            link.close()
            failure = error
        except BaseException:
            link.close()
            raise
        else:
            return link
    raise failure


def _keep_alive(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE // 3)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, NO_PROGRESS * 1000)


def unacknowledged(link: socket.socket) -> int:
    """Return how many bytes the other side's kernel has not acknowledged (SIOCOUTQ, tcp(7))."""
    counted: bytes = fcntl.ioctl(link, termios.TIOCOUTQ, struct.pack("i", 0))
    [count] = struct.unpack("i", counted)
    return int(count)


def raise_error_of(link: socket.socket) -> None:
    """Raise what the kernel has learned meanwhile: a reset, an ICMP error."""
    if number := link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def told(server: SyslogServer) -> Iterator[None]:
    """Turn what goes wrong into Unreachable, with the server's address and the reason in words."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(f"{server.address} does not answer in time") from error
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"{server.address}: its certificate is refused: {error.verify_message}") from error
    except ssl.SSLError as error:
        reason = (error.reason or "it does not speak TLS").lower().replace("_", " ")
        raise Unreachable(f"{server.address}: TLS: {reason}") from error
    except OSError as error:
        raise Unreachable(f"{server.address}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    if isinstance(error, BrokenPipeError) or (isinstance(error, ConnectionResetError) and error.errno):
        return "it broke the connection"
    return error.strerror or str(error)
