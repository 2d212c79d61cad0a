"""What ICMP says about the datagrams of a UDP socket: Linux's error queue (ip(7), IP_RECVERR).

Without it an unconnected socket never learns that nobody listens at the other end. Called by `udp`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Final, TypeAlias

from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip_endpoint.addresses import host_port

# From <linux/in.h>, <linux/in6.h> and <linux/errqueue.h>; Python 3.11 does not name them.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_EXTENDED_ERROR: Final = struct.Struct("=IBBBBII")
_FROM_ICMP: Final = 2
_FROM_ICMP6: Final = 3
_UNREACHABLE: Final = {_FROM_ICMP: 3, _FROM_ICMP6: 1}
"""The ICMP type `destination unreachable`; others, an expired hop count among them, are ignored (18.4)."""

_AT_ONCE: Final = 64
_QUOTED: Final = 1024
"""Bytes of our own datagram that a report brings back, at most."""

Report: TypeAlias = tuple[HostPort, bytes, str]
"""Who cannot be reached, how the datagram began that did not arrive, and why."""


def ask_for_errors(sock: socket.socket) -> None:
    """Let the kernel keep a queue of errors for `sock`. `read_errors` must then be called for each."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def read_errors(sock: socket.socket) -> list[Report | None]:
    """Take the reports that wait, 64 at most; None stands for one about something else."""
    reports: list[Report | None] = []
    while len(reports) < _AT_ONCE:
        try:
            quoted, ancillary, _, address = sock.recvmsg(_QUOTED, 512, socket.MSG_ERRQUEUE)
        except OSError:
            break
        reason = _reason(ancillary)
        reports.append((host_port(address), quoted, reason) if reason and address else None)
    return reports


def _reason(ancillary: list[tuple[int, int, bytes]]) -> str:
    """Return why the destination of a datagram is unreachable, '' if the report is about something else."""
    for level, kind, data in ancillary:
        if (level, kind) not in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            continue
        code, origin, icmp_type, *_ = _EXTENDED_ERROR.unpack_from(data)
        # "Fragmentation needed" is no end of the way: the next datagram goes in pieces.
        if _UNREACHABLE.get(origin) == icmp_type and code != errno.EMSGSIZE:
            return os.strerror(code)
    return ""
