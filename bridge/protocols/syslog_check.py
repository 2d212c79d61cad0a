"""What `sosbridge check` can prove of a syslog server without sending it anything. Called by `cli.check`."""

from __future__ import annotations

from bridge.errors import Unreachable
from bridge.model import Clock, Finding
from bridge.protocols.syslog_settings import SyslogServer, Transport
from bridge.protocols.syslog_wire import wire_to


class SyslogCheck:
    """One server. Raises ConfigError where its TLS files cannot be used."""

    def __init__(self, server: SyslogServer, clock: Clock) -> None:
        self.name = f"syslog/{server.name}"
        self._server = server
        self._wire = wire_to(server, clock)

    async def check(self) -> list[Finding]:
        """Connect, and say what that proves."""
        try:
            await self._wire.open()
            if self._server.transport is not Transport.UDP:
                await self._wire.settle()  # a certificate of ours may be refused after the handshake
        except Unreachable as error:
            return [Finding(level="error", subject=self.name, text=str(error))]
        return [self._proof(), *self._warnings()]

    def _proof(self) -> Finding:
        address = self._server.address
        if self._server.transport is Transport.UDP:
            text = f"{address} is where messages are sent; by UDP nobody can prove that they arrive"
        else:
            text = f"{address} takes connections, and ends them in order; nothing was sent"
        return Finding(level="ok", subject=self.name, text=text)

    def _warnings(self) -> list[Finding]:
        if self._server.transport is Transport.TLS and not self._server.tls.verify:
            text = "tls.verify is false: anybody could read what is told"
            return [Finding(level="warning", subject=self.name, text=text)]
        return []

    async def close(self) -> None:
        await self._wire.close()
