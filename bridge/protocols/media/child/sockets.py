"""Sockets of a leg: a pair of ports, and a connected twin of the RTP socket.

A connected UDP socket is cheaper (no address goes through Python, and the kernel keeps the route), hears
nothing from strangers, and learns when the other side's port is closed. Its unconnected original stays bound
beside it: Linux gives a datagram to the connected socket it belongs to and everything else to the original,
which counts strangers and finds phones behind NAT.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import Any, Final

from bridge.errors import ProtocolError

_TWIN_BUFFER: Final = 256 * 1024
_STRANGERS_BUFFER: Final = 32 * 1024
"""Small: a flood from elsewhere is dropped by the kernel."""

SocketAddress = tuple[Any, ...]
"""(address, port) or, with IPv6, (address, port, flow, scope)."""


class NoPort(ProtocolError):
    """The address is not ours, or its range of ports is used up."""


class Ports:
    """Pairs of ports from a range. Taken in turn, so that a late packet of an old call meets no new one."""

    def __init__(self, first: int, last: int, dscp: int) -> None:
        """first, last: both included; a pair begins with an even port."""
        self._pairs = range(first + first % 2, last, 2)
        self._next = int.from_bytes(os.urandom(4), "big") % max(1, len(self._pairs))
        self._dscp = dscp

    def take(self, address: str) -> tuple[socket.socket, socket.socket]:
        """Return the RTP and the RTCP socket, bound and not blocking. Raises NoPort."""
        family = family_of(address)
        for _ in self._pairs:
            port = self._pairs[self._next]
            self._next = (self._next + 1) % len(self._pairs)
            try:
                rtp = self._bound(family, address, port)
            except OSError as error:
                _raise_unless_used(error, address)
                continue
            try:
                return rtp, self._bound(family, address, port + 1)
            except OSError as error:
                rtp.close()
                _raise_unless_used(error, address)
        first, last = self._pairs.start, self._pairs.stop
        raise NoPort(f"no free pair of ports between {first} and {last} on {address}")

    def twin(self, original: socket.socket) -> socket.socket:
        """Return a second socket on the same port, to be connected at once (`connect_twin`)."""
        twin = socket.socket(original.family, socket.SOCK_DGRAM)
        try:
            # Only for this moment: otherwise another process could share the port unseen.
            _share_port(original, share=True)
            _share_port(twin, share=True)
            self._prepare(twin, _TWIN_BUFFER)
            twin.bind(original.getsockname())
        except OSError:
            twin.close()
            raise
        finally:
            _share_port(original, share=False)
        _share_port(twin, share=False)
        return twin

    def _bound(self, family: int, address: str, port: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._prepare(sock, _STRANGERS_BUFFER)
            sock.bind((address, port))
        except OSError:
            sock.close()
            raise
        return sock

    def _prepare(self, sock: socket.socket, buffer: int) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, self._dscp << 2)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, self._dscp << 2)


def connect_twin(twin: socket.socket, party: SocketAddress) -> None:
    """Connect it, and drop what strangers sent before it was. Raises OSError."""
    twin.connect(party)
    with suppress(OSError):
        while True:
            twin.recv(1)


def family_of(address: str) -> int:
    """Return AF_INET or AF_INET6. Raises ProtocolError for what is no address."""
    return _parsed(address)[0]


def canonical(address: str) -> str:
    """Return the address as `recvfrom` writes it. Raises ProtocolError for what is none."""
    family, packed, scope = _parsed(address)
    return socket.inet_ntop(family, packed) + scope


def is_unspecified(address: str) -> bool:
    """0.0.0.0 or ::, the old way to say "send nothing" (RFC 3264 section 8.4)."""
    return not any(_parsed(address)[1])


def _parsed(address: str) -> tuple[int, bytes, str]:
    plain, percent, scope = address.partition("%")
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            return family, socket.inet_pton(family, plain), percent + scope
    raise ProtocolError(f"{address[:64]!r} is no IP address")


def _share_port(sock: socket.socket, *, share: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, share)


def _raise_unless_used(error: OSError, address: str) -> None:
    """A port in use is no error, the next one may be free; an address that is not ours stays wrong."""
    if error.errno != errno.EADDRINUSE:
        raise NoPort(f"cannot listen on {address}: {error.strerror}") from error
