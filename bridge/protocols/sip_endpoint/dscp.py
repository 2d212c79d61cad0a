"""Marking packets so that switches let them pass first (RFC 2474, RFC 4594).

Called for every SIP socket here, and by media for its RTP sockets.
"""

from __future__ import annotations

import socket
from typing import Final

CS3: Final = 24
"""SIP, as telephones and switches of most makers have it (RFC 4594 section 3.1 names CS5)."""
EF: Final = 46
"""Voice (RFC 3246)."""


def mark(sock: socket.socket, dscp: int) -> None:
    """Mark what `sock` sends with a code point of 0 to 63. Raises ValueError on another, OSError."""
    if not 0 <= dscp <= 63:
        raise ValueError(f"a DSCP must be 0 to 63, not {dscp}")
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
