"""Via (RFC 3261 section 20.42): the way back, one value for each hop, the last hop first.

Parameters `rport` (RFC 3581) and `received` (RFC 3261 section 18.2.1) included. Called by `message` and by
the transport, which writes `received` and asks where a response goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import (
    TOKEN_CHARS,
    number,
    require_token,
    shorten,
    split_list,
)
from bridge.protocols.sip.hosts import HOST, read_host, read_ipv6, read_port, write_host, write_port
from bridge.protocols.sip.params import NONE, Parameters
from bridge.protocols.sip.uri import SIP_PORT, SIPS_PORT

MAGIC_COOKIE: Final = "z9hG4bK"

_HOP: Final = re.compile(
    rf"[ \t]*+[sS][iI][pP][ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)"
    rf"[ \t]++({HOST})[ \t]*+(?::[ \t]*+([0-9]++)[ \t]*+)?+"
)


@lru_cache(maxsize=1024)
def _read_hop(text: str) -> tuple[str, str, int | None]:
    """Read transport, host and port. A telephone writes the same ones into every message."""
    match = _HOP.fullmatch(text)
    if match is None:
        raise ProtocolError(f"no Via: {shorten(text)}")
    transport, host, port = match.groups()
    return transport.upper(), read_host(host), read_port(port) if port else None


@dataclass(frozen=True, slots=True)
class Via:
    """One hop. `transport` is upper case (`UDP`), `host` without brackets, `port` None if not given."""

    transport: str
    host: str
    port: int | None = None
    params: Parameters = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one value. Raises ProtocolError, also on a port outside 1 to 65535."""
        hop, semicolon, params = text.partition(";")
        transport, host, port = _read_hop(hop)
        return cls(transport, host, port, Parameters.parse(semicolon + params) if params else NONE)

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Read a line of several values. Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line)))

    def __str__(self) -> str:
        require_token(self.transport, "a transport")
        if self.transport != self.transport.upper():
            raise ProtocolError(f"a transport must be upper case: {shorten(self.transport)}")
        return f"SIP/2.0/{self.transport} {write_host(self.host)}{write_port(self.port)}{self.params}"

    @property
    def branch(self) -> str:
        """The branch parameter, or nothing."""
        return self.params.get("branch")

    @property
    def branch_is_unique(self) -> bool:
        """Whether the branch alone names the transaction (section 8.1.1.7).

        Not so for an RFC 2543 peer's branch, nor for the bare cookie of RFC 4475 section 3.2.1.
        """
        return self.branch.startswith(MAGIC_COOKIE) and len(self.branch) > len(MAGIC_COOKIE)

    @property
    def received(self) -> str:
        """The address the request came from, without brackets, or nothing. Raises ProtocolError."""
        text = self.params.get("received")
        if not text or text[0] == "[":
            return read_host(text) if text else ""
        return read_ipv6(text) if ":" in text else read_host(text)

    @property
    def rport(self) -> int | None:
        """The port the request came from, if a server wrote it. Raises ProtocolError outside 1 to 65535."""
        text = self.params.get("rport")
        return read_port(text) if text else None

    @property
    def wants_rport(self) -> bool:
        """Whether the client asks for symmetric response routing (RFC 3581 section 3)."""
        return "rport" in self.params

    @property
    def maddr(self) -> str:
        return self.params.get("maddr")

    @property
    def ttl(self) -> int | None:
        """Time to live for multicast. Raises ProtocolError outside 0 to 255."""
        return number(self.params.get("ttl"), "ttl", largest=255) if "ttl" in self.params else None

    def with_received(self, address: str, port: int) -> Self:
        """Return this Via as a server writes it that got the request from `address` and `port`.

        `rport` only if it was asked for; then `received` always, else only where it differs from the
        sent-by host (RFC 3261 section 18.2.1, RFC 3581 section 4).
        """
        params = self.params
        if self.wants_rport:
            params = params.with_("rport", str(port))
        if self.wants_rport or address != self.host:
            params = params.with_("received", address)
        if params is self.params:
            return self
        return type(self)(self.transport, self.host, self.port, params)

    def response_goes_to(self) -> tuple[str, int]:
        """Return host and port for a response over an unreliable transport (RFC 3261 section 18.2.2).

        Raises ProtocolError where `received` names no host.
        """
        default = SIPS_PORT if self.transport in ("TLS", "WSS") else SIP_PORT
        if self.maddr:
            return read_host(self.maddr), self.port or default
        return self.received or self.host, self.rport or self.port or default
