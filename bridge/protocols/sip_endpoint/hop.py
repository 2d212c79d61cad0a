"""Where a request is to go, as a configuration or a Contact says it. Called by `endpoint` and its callers."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import SosBridgeError


@dataclass(frozen=True, slots=True)
class Hop:
    """The next host on the way: a name or an IP address without brackets.

    transport: `UDP`, `TCP` or `TLS`. large_over: the transport for requests that are too long for a
    datagram, where the other side has one (RFC 3261 section 18.1.1); '' sends them by UDP all the same.
    server_name: whom the certificate must name (TLS), '' for `host`.
    """

    host: str
    port: int
    transport: str = "UDP"
    large_over: str = ""
    server_name: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport} {host}:{self.port}"


class NotSentError(SosBridgeError):
    """A message did not leave, and will not. The text says why."""
