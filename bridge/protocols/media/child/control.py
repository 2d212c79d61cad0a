"""The line to the parent: commands in, answers and events out. Never blocks, never grows without bound."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.media import wire
from bridge.protocols.media.child.loop import Loop

_CHUNK: Final = 64 * 1024
_BACKLOG: Final = 1024 * 1024
"""Bytes kept for a parent that does not read; it is as good as dead then, and news are dropped."""


class Control:
    """`take(line)` is called for each line; `lost()` once, when the parent is gone."""

    def __init__(
        self, loop: Loop, line: socket.socket, take: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self._loop, self._line, self._take, self._lost = loop, line, take, lost
        self._lines = wire.Lines()
        self._backlog = bytearray()
        self.connected = True
        line.setblocking(False)
        loop.add(line, self._read)

    def say(self, message: dict[str, Any]) -> None:
        """Send a message, or keep it until the parent reads again."""
        if self.connected and len(self._backlog) < _BACKLOG:
            self._backlog += wire.encode(message)
            self.flush()

    def flush(self) -> None:
        """Send what waits, as much as goes."""
        try:
            while self._backlog:
                del self._backlog[: self._line.send(self._backlog)]
        except BlockingIOError:
            return
        except OSError:
            self._hang_up()

    def _read(self) -> None:
        try:
            received = self._line.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._hang_up()
            return
        try:
            lines = self._lines.feed(received)
        except ProtocolError as error:
            self.say({"event": "fault", "text": str(error)})
            return
        for line in lines:
            self._take(line)

    def _hang_up(self) -> None:
        if not self.connected:
            return
        self.connected = False
        self._backlog.clear()
        self._loop.remove(self._line)
        self._line.close()
        self._lost()
