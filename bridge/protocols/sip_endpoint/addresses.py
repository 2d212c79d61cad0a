"""Addresses between the kernel's way of writing them and ours. Called by all that has a socket here."""

from __future__ import annotations

import socket
from typing import TypeAlias

from bridge.protocols.sip.flow import HostPort


def family_of(host: str) -> socket.AddressFamily:
    """Return the address family of an IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


KernelAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]


def kernel_address(address: HostPort) -> KernelAddress:
    """Return an address as sockets take it: the `%scope` of a link-local host has a place of its own."""
    host, percent, scope = address[0].partition("%")
    if not percent:
        return address
    return host, address[1], 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


def host_port(address: KernelAddress) -> HostPort:
    """Return what the kernel calls an address as (host, port); a link-local host keeps its `%scope`."""
    if len(address) == 4 and address[3]:
        return f"{address[0].partition('%')[0]}%{address[3]}", address[1]
    return address[0], address[1]
