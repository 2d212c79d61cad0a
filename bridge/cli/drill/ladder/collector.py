"""A syslog server of the ladder drill that is away at first: TCP, octet counting (RFC 6587, 3.4.1)."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final

from bridge.protocols.syslog import BOM

_ID: Final = re.compile(rb' id="([^"]+)"')


class Collector:
    """port: its own from the beginning, though nobody listens there before `start`."""

    def __init__(self) -> None:
        self.messages: Final[list[bytes]] = []
        self._server: asyncio.Server | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def ids(self) -> list[bytes]:
        """The `id` of each message, in the order in which they came."""
        return [match[1] for message in self.messages if (match := _ID.search(message))]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._read, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while length := await reader.readuntil(b" "):
                self.messages.append(await reader.readexactly(int(length)))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def text_of(message: bytes) -> str:
    """Return what a message says to people, without header and structured data."""
    return message.partition(b'"] ')[2].removeprefix(BOM).decode()
