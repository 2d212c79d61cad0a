"""rtpengine's control protocol "ng": bencoded dictionaries over UDP, a cookie before each.

The daemon remembers cookies and answers a repeated one as before without doing it again, so that a lost
datagram is repeated safely. Called by `rtpengine`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final, Self

from bridge.errors import ProtocolError, Retryable
from bridge.protocols.media.bencode import Plain, decode, encode
from bridge.protocols.media.facade import MediaRefused

TRIES: Final = (0.2, 0.4, 0.8)
"""Seconds to wait for the answer of each try."""
_LARGEST: Final = 65_535


class NgClient:
    """One socket to one daemon."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._waiting: dict[bytes, asyncio.Future[dict[str, Plain]]] = {}
        asyncio.get_running_loop().add_reader(sock, self._read)

    @classmethod
    async def connect(cls, host: str, port: int) -> Self:
        """host: an IP address. Raises Retryable when there is no way to it."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.connect((host, port))
        except OSError as error:
            sock.close()
            raise Retryable(f"rtpengine at {host}:{port}: {error.strerror}") from error
        return cls(sock)

    async def ask(self, command: str, **fields: Plain) -> dict[str, Plain]:
        """Send a command (words joined by _ become spaces, names by - stay) and return its answer.

        Raises MediaRefused with the daemon's reason, Retryable when it does not answer: nothing can be known
        of it then, but every command that we send may be repeated.
        """
        cookie = os.urandom(8).hex().encode()
        body = encode(
            {"command": command, **{name.replace("_", "-"): value for name, value in fields.items()}}
        )
        answer = self._waiting[cookie] = asyncio.get_running_loop().create_future()
        try:
            for patience in TRIES:
                self._send(cookie + b" " + body)
                done, _ = await asyncio.wait([answer], timeout=patience)
                if done:
                    return _checked(answer.result())
        finally:
            del self._waiting[cookie]
        raise Retryable(f"rtpengine does not answer {command!r}")

    def close(self) -> None:
        """Free the socket."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError:
            return  # nobody there yet: the next try, or the timeout, tells

    def _read(self) -> None:
        try:
            cookie, _, body = self._socket.recv(_LARGEST).partition(b" ")
            answer = self._waiting.get(cookie)
            content = decode(body)
        except (OSError, ProtocolError):
            return
        if answer is not None and not answer.done() and isinstance(content, dict):
            answer.set_result(content)


def _checked(answer: dict[str, Plain]) -> dict[str, Plain]:
    if answer.get("result") == b"error":
        reason = answer.get("error-reason", b"")
        raise MediaRefused(
            f"rtpengine: {reason.decode(errors='replace') if isinstance(reason, bytes) else reason}"
        )
    return answer
