"""Hosts and ports, as URIs and Via write them (RFC 3261 section 25.1, RFC 5118).

A host is kept without the brackets of an IPv6 reference. Called by `uri`, the Via header and SDP.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import number, shorten

HOST: Final = r"(?:[A-Za-z0-9._\-]++|\[[0-9A-Fa-f:.]++\])"
"""Pattern of a host. Underscores are in no standard, and in the host names of many plants."""

_HOST: Final = re.compile(HOST)
_LARGEST_PORT: Final = 65535


def read_host(text: str) -> str:
    """Return the host that `text` names. Raises ProtocolError unless it is a name or an IP address."""
    if _HOST.fullmatch(text) is None:
        raise ProtocolError(f"no host: {shorten(text)}")
    return text if text[0] != "[" else read_ipv6(text[1:-1])


def read_ipv6(text: str) -> str:
    """Return the IPv6 address `text`. Raises ProtocolError if it is none.

    A third colon before an embedded IPv4 address is forgiven: RFC 3261's own grammar asks for it
    (RFC 5118 section 4.10).
    """
    return _checked_ipv6(text.replace(":::", "::") if "." in text else text)


def _checked_ipv6(text: str) -> str:
    try:
        # A zone (`%eth0`) means something on one machine only, and has no place in SIP.
        IPv6Address(text if "%" not in text else "")
    except ValueError:
        raise ProtocolError(f"no IPv6 address: {shorten(text)}") from None
    return text


def write_host(host: str) -> str:
    """Return `host` for the wire, an IPv6 address in brackets. Raises ProtocolError if it is none."""
    if ":" in host:
        return f"[{_checked_ipv6(host)}]"
    if _HOST.fullmatch(host) is None:
        raise ProtocolError(f"no host: {shorten(host)}")
    return host


def read_port(text: str) -> int:
    """Return the port `text` (1 to 65535). Raises ProtocolError on anything else."""
    return number(text, "a port", smallest=1, largest=_LARGEST_PORT)


def write_port(port: int | None) -> str:
    """Return `:port`, or nothing where there is none. Raises ProtocolError outside 1 to 65535."""
    if port is None:
        return ""
    if not 1 <= port <= _LARGEST_PORT:
        raise ProtocolError(f"a port must be 1 to {_LARGEST_PORT}, not {port}")
    return f":{port}"
