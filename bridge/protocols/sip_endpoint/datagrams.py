"""All UDP sockets of an endpoint: which of them a flow is on. Called by `endpoint`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip_endpoint.addresses import family_of
from bridge.protocols.sip_endpoint.drops import Drops
from bridge.protocols.sip_endpoint.inbox import Inbox
from bridge.protocols.sip_endpoint.local_address import LocalAddresses
from bridge.protocols.sip_endpoint.settings import EndpointSettings, Listen
from bridge.protocols.sip_endpoint.udp import UdpSocket

Returned: TypeAlias = Callable[[HostPort, bytes, str], None]
"""Told which datagram came back as undeliverable: its destination, how it began, and why."""


@dataclass(frozen=True, slots=True)
class _Bound:
    socket: UdpSocket
    listen: Listen


class Datagrams:
    """One for an endpoint."""

    def __init__(
        self,
        settings: EndpointSettings,
        inbox: Inbox,
        local: LocalAddresses,
        drops: Drops,
        *,
        returned: Returned,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._local = local
        self._drops = drops
        self._returned = returned
        self._bound: list[_Bound] = []
        self._by_local: dict[HostPort, UdpSocket] = {}

    def bind(self, listen: Listen) -> HostPort:
        """Make a socket; returns its address. Raises OSError."""
        sock = UdpSocket(
            listen.host,
            listen.bound_port,
            dscp=self._settings.dscp,
            receive_buffer=self._settings.receive_buffer,
            took=lambda data, remote: self._took(data, bound, remote),
            unreachable=self._returned,
            drops=self._drops,
        )
        bound = _Bound(sock, listen)
        self._bound.append(bound)
        return sock.address

    def start(self) -> None:
        for bound in self._bound:
            bound.socket.start()

    def close(self) -> None:
        """Safe to repeat."""
        for bound in self._bound:
            bound.socket.close()
        self._bound.clear()
        self._by_local.clear()

    def flow_to(self, remote: HostPort) -> Flow | None:
        """Return the flow to an address, None if no socket is of its family."""
        usable = (bound for bound in self._bound if bound.socket.family == family_of(remote[0]))
        bound = next(usable, None)
        return self._flow(bound, remote) if bound else None

    def send(self, data: bytes, local: HostPort, remote: HostPort) -> str:
        """Send from the socket that others know as `local`. Returns why it did not leave, '' if it did."""
        sock = self._by_local.get(local) or self._likeliest(local, remote)
        return sock.send(data, remote) if sock else "no UDP socket of ours has that address family"

    def _took(self, data: bytes, bound: _Bound, remote: HostPort) -> None:
        if self._inbox.wants(data, remote):
            self._inbox.datagram(data, self._flow(bound, remote))

    def _flow(self, bound: _Bound, remote: HostPort) -> Flow:
        local = self._local.of_socket(bound.listen, bound.socket.address, remote)
        self._by_local.setdefault(local, bound.socket)
        return Flow("UDP", local, remote)

    def _likeliest(self, local: HostPort, remote: HostPort) -> UdpSocket | None:
        """Return the socket for a flow that was remembered from before a restart."""
        usable = [bound.socket for bound in self._bound if bound.socket.family == family_of(remote[0])]
        same_port = (sock for sock in usable if sock.address[1] == local[1])
        return next(same_port, usable[0] if usable else None)
