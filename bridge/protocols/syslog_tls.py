"""TLS over a socket that somebody else reads and writes: bytes in, bytes out. Called by `syslog_wire`.

Not asyncio's own TLS: it ends both directions at once, and a connection of syslog is ended in one direction
first, to see whether the server has read everything.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Final

_PIECE: Final = 16 * 1024


class TlsChannel:
    """The client's end of one TLS connection. Every method returns what is to be written to the socket.

    Raises ssl.SSLError.
    """

    def __init__(self, context: ssl.SSLContext, hostname: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self.agreed = False
        """Whether the handshake is over."""

    def shake(self, received: bytes = b"") -> bytes:
        """Go on with the handshake, with what the server said."""
        self._incoming.write(received)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
            self.agreed = True
        return self._outgoing.read()

    def encrypt(self, plain: bytes) -> bytes:
        self._tls.write(plain)
        return self._outgoing.read()

    def receive(self, received: bytes) -> bytes:
        """Take what the server says: tickets, key updates, alerts (a certificate that it refuses).

        A syslog server says nothing else (RFC 5425, 4.3); if it does, it is passed over.
        """
        self._incoming.write(received)
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):  # that is all; its farewell
            while self._tls.read(_PIECE):
                pass
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """Return the close_notify (RFC 5425, 4.4); nothing can be encrypted after it."""
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLSyscallError):
            self._tls.unwrap()
        return self._outgoing.read()
