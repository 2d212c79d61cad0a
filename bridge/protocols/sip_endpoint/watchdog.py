"""OPTIONS to ourselves, through the kernel: the proof that a call would be heard. Called by `endpoint`.

The question comes in like anybody's and goes to the user agent; any answer will do. A socket that is open
proves nothing: reference implementations were seen alive and deaf.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model import Clock
from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip.headers.via import MAGIC_COOKIE
from bridge.protocols.sip.message import Headers, Request
from bridge.protocols.sip.uri import SipUri
from bridge.protocols.sip_endpoint import settings
from bridge.protocols.sip_endpoint.addresses import family_of

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked for, not bound
_LARGEST: Final = 65_535


@dataclass(frozen=True, slots=True)
class Target:
    """A listener of ours."""

    transport: str
    address: HostPort

    def __str__(self) -> str:
        return f"{self.transport} {self.address[0]}:{self.address[1]}"


class Watchdog:
    """ours: sources that no flood limit applies to; those of our questions are in it while we wait."""

    def __init__(
        self,
        targets: Sequence[tuple[str, HostPort]],
        times: settings.Watchdog,
        clock: Clock,
        ours: set[HostPort],
    ) -> None:
        self._targets = [
            Target(transport, (_LOOPBACK.get(host, host), port)) for transport, (host, port) in targets
        ]
        self._times = times
        self._clock = clock
        self._ours = ours
        self._missed: dict[Target, int] = {}
        """How often in a row each was silent; a target is absent until it was first asked."""
        self._why: dict[Target, str] = {}

    @property
    def reason(self) -> str:
        """Why the endpoint is not healthy, '' if it is."""
        for target in self._targets:
            missed = self._missed.get(target)
            if missed is None:
                return f"{target} has not answered its own OPTIONS yet"
            if missed >= self._times.misses:
                return f"{target} does not answer its own OPTIONS: {self._why[target]} ({missed} times)"
        return ""

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.gather(*map(self._look, self._targets))
            await self._clock.sleep(self._times.interval)

    async def _look(self, target: Target) -> None:
        try:
            async with asyncio.timeout(self._times.patience):
                await (self._ask_datagram(target) if target.transport == "UDP" else self._ask_stream(target))
        except TimeoutError:
            self._miss(target, f"nothing within {self._times.patience:g} s")
        except Exception as error:  # whatever it is: a watchdog that died would call everything well
            self._miss(target, str(error) or type(error).__name__)
        else:
            self._missed[target] = 0

    def _miss(self, target: Target, why: str) -> None:
        # Not known to be well until it has answered once.
        before = self._missed.get(target, self._times.misses - 1)
        self._missed[target] = before + 1
        self._why[target] = why

    async def _ask_datagram(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(family_of(target.address[0]), socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(target.address)
            with self._known(sock.getsockname()[:2]) as local:
                question, branch = _options(target, local)
                await loop.sock_sendall(sock, question)
                while branch not in await loop.sock_recv(sock, _LARGEST):
                    pass

    async def _ask_stream(self, target: Target) -> None:
        with socket.socket(family_of(target.address[0]), socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            # Bound before it is connected, so that the listener knows it for ours.
            sock.bind((target.address[0], 0))
            with self._known(sock.getsockname()[:2]) as local:
                await asyncio.get_running_loop().sock_connect(sock, target.address)
                context = _unverified(target)
                reader, writer = await asyncio.open_connection(
                    sock=sock, ssl=context, server_hostname=target.address[0] if context else None
                )
                try:
                    question, branch = _options(target, local)
                    writer.write(question)
                    await reader.readuntil(branch)
                finally:
                    writer.transport.abort()

    @contextlib.contextmanager
    def _known(self, local: HostPort) -> Iterator[HostPort]:
        self._ours.add(local)
        try:
            yield local
        finally:
            self._ours.discard(local)


def _options(target: Target, local: HostPort) -> tuple[bytes, bytes]:
    """Return a question, and the branch by which its answer is known."""
    branch = f"{MAGIC_COOKIE}-watchdog-{secrets.token_hex(8)}"
    ours, theirs = SipUri(local[0], "watchdog", local[1]), SipUri(target.address[0], "", target.address[1])
    sent_by = str(SipUri(local[0], "", local[1])).partition(":")[2]
    headers = Headers.of(
        ("Via", f"SIP/2.0/{target.transport} {sent_by};branch={branch};rport"),
        ("Max-Forwards", 70),
        ("From", f"<{ours}>;tag={secrets.token_hex(4)}"),
        ("To", f"<{theirs}>"),
        ("Call-ID", secrets.token_hex(8)),
        ("CSeq", "1 OPTIONS"),
    )
    return bytes(Request("OPTIONS", theirs, headers)), branch.encode()


def _unverified(target: Target) -> ssl.SSLContext | None:
    """Return a context for our own certificate, which names a host, not this address."""
    if target.transport != "TLS":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
