"""Which address of ours the other side sees: for Via and Contact. Called by `endpoint`."""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from bridge.model import Clock
from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip_endpoint.addresses import family_of, kernel_address
from bridge.protocols.sip_endpoint.settings import Listen

_FRESH: Final = 60.0
_MOST: Final = 1024
_WILDCARDS: Final = ("0.0.0.0", "::")  # noqa: S104 - asked for, not bound
_ANY_PORT: Final = 9


class LocalAddresses:
    """What the listeners are known as. A wildcard's address is the one that the kernel would send from."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listening: list[tuple[Listen, HostPort]] = []
        self._sources: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def add(self, listen: Listen, bound: HostPort) -> None:
        """Know a listener, with the port it really has."""
        self._listening.append((listen, bound))

    def of_socket(self, listen: Listen, bound: HostPort, remote: HostPort) -> HostPort:
        """Return how `remote` knows the UDP socket of `listen`, which is bound to `bound`."""
        return listen.advertise or self._unless_wildcard(bound[0], remote), bound[1]

    def of_connection(self, transport: str, local: HostPort) -> HostPort:
        """Return where the other end of a connection of `local` can reach us again: at a listener."""
        for listen, bound in self._listening:
            same_family = family_of(bound[0]) == family_of(local[0])
            same_place = bound[0] in (local[0], *_WILDCARDS)
            if listen.transport == transport and same_family and same_place:
                return listen.advertise or local[0], bound[1]
        return local

    def listening(self, transports: Sequence[str] = ("UDP", "TCP", "TLS")) -> list[tuple[str, HostPort]]:
        """Return transport and bound address of each listener."""
        return [
            (listen.transport, bound) for listen, bound in self._listening if listen.transport in transports
        ]

    def _unless_wildcard(self, host: str, remote: HostPort) -> str:
        if host not in _WILDCARDS:
            return host
        now = self._clock.monotonic()
        known = self._sources.get(remote[0])
        if known is not None and now - known[1] < _FRESH:
            return known[0]
        if len(self._sources) >= _MOST:
            self._sources.popitem(last=False)
        source = _source_towards(remote[0])
        self._sources[remote[0]] = source, now
        return source


def _source_towards(host: str) -> str:
    """Return the address that the kernel puts on packets to `host`. Sends nothing."""
    family = family_of(host)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(kernel_address((host, _ANY_PORT)))
        except OSError:  # no route: nothing will arrive there anyhow
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])
