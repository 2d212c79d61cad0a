"""The Events and State WebSocket of the XProtect that `milestone.py` serves (events-ws/v1, and its samples).

Speaks RFC 6455 on the connection that the HTTP server hands over. Sessions outlive a broken connection, so
that a client can resume: answer 200 and the events it missed; a new session is answered with 201.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.milestone_plant import FakeCamera
from bridge.simulator.vms.server import Request

RECORDING: Final = {
    True: "4577f552-765a-438c-bc7d-e5ff1f754bc3",
    False: "79a94f89-92de-4fca-8a43-5561d407423d",
}
COMMUNICATION: Final = {
    True: "dd3e6464-7dc0-405a-a92f-6150587563e8",
    False: "0ee90664-2924-42a0-a816-4129d0ecabdc",
}
_MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass(slots=True)
class _Session:
    sources: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def wants(self, event: dict[str, Any]) -> bool:
        kind, _, camera = event["source"].partition("/")
        return kind == "cameras" and camera in self.sources and event["type"] in self.types


@dataclass(slots=True)
class FakeFeed:
    """Connections, sessions, and everything that has happened."""

    clock: Clock
    cameras: dict[str, FakeCamera]
    sessions: dict[str, _Session] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    """The commands that arrived, in order."""
    log: list[dict[str, Any]] = field(default_factory=list)
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)
    _open: dict[asyncio.StreamWriter, str] = field(default_factory=dict)
    """connection -> its session."""

    @property
    def connections(self) -> int:
        return len(self._open)

    def recycle(self, *, forget: bool = False) -> None:
        """Drop every connection without a word; `forget`: the sessions too."""
        for writer in tuple(self._open):
            writer.transport.abort()
        if forget:
            self.sessions.clear()

    def publish(self) -> None:
        """Tell everybody what has changed since the last time."""
        news = [event for event in self._states() if self._is_news(event)]
        self.log += news
        for writer, name in self._open.items():
            self._send_events(writer, self.sessions.get(name), news)

    async def serve(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Shake hands and answer commands until the connection ends (RFC 6455 1.3, 5.2)."""
        key = request.headers.get("sec-websocket-key", "")
        proof = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()  # noqa: S324 -- RFC
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {proof}\r\n\r\n".encode()
        )
        self._open[writer] = ""
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._frame(reader, writer):
                    pass
        finally:
            self._open.pop(writer, None)

    async def _frame(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, second = await reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        mask = await reader.readexactly(4)
        data = bytes(byte ^ mask[n % 4] for n, byte in enumerate(await reader.readexactly(length)))
        match first & 0x0F:
            case 8:
                writer.write(_framed(_CLOSE, data))
                return False
            case 9:
                writer.write(_framed(_PONG, data))
            case 1:
                self._obey(json.loads(data), writer)
        await writer.drain()
        return True

    def _obey(self, said: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self.commands.append(said["command"])
        missed: list[dict[str, Any]] = []
        answer: dict[str, Any] = {"commandId": said["commandId"], "status": 200}
        match said["command"]:
            case "startSession":
                missed, more = self._start(said, writer)
                answer |= more
            case "addSubscription":
                [wanted] = said["filters"]
                session = self.sessions[self._open[writer]]
                session.sources = frozenset(wanted["sourceIds"])
                session.types = frozenset(wanted["eventTypes"])
                answer["subscriptionId"] = "subscription-1"
            case "getState":
                session = self.sessions[self._open[writer]]
                answer["states"] = [event for event in self._states() if session.wants(event)]
            case _:
                answer |= {"status": 400, "error": {"errorText": "unknown command"}}
        _send(writer, answer)
        self._send_events(writer, self.sessions.get(self._open[writer]), missed)

    def _start(
        self, said: dict[str, Any], writer: asyncio.StreamWriter
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        ids = [event["id"] for event in self.log]
        name, last = said["sessionId"], said["eventId"]
        if name in self.sessions and last in ids:
            self._open[writer] = name
            return self.log[ids.index(last) + 1 :], {"sessionId": name}
        name = f"session-{len(self.commands)}"
        self.sessions[name] = _Session()
        self._open[writer] = name
        return [], {"sessionId": name, "status": 201, "inactiveTimeoutSeconds": 30}

    def _send_events(
        self, writer: asyncio.StreamWriter, session: _Session | None, events: Iterable[dict[str, Any]]
    ) -> None:
        wanted = [event for event in events if session and session.wants(event)]
        if wanted:
            _send(writer, {"events": wanted})

    def _states(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for camera in self.cameras.values():
            for group, types, state in (
                ("recording", RECORDING, camera.recording),
                ("communication", COMMUNICATION, camera.online),
            ):
                at = datetime.fromtimestamp(self.clock.now(), UTC).isoformat()
                found.append(
                    {
                        "id": f"event-{len(self.log)}-{len(found)}",
                        "type": types[state],
                        "source": f"cameras/{camera.id}",
                        "time": at,
                        "stategroupid": group,
                    }
                )
        return found

    def _is_news(self, event: dict[str, Any]) -> bool:
        key, state = (event["source"], event["stategroupid"]), str(event["type"])
        known = self._seen.get(key)
        self._seen[key] = state
        return known != state


def _send(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    writer.write(_framed(_TEXT, json.dumps(said).encode()))


def _framed(opcode: int, data: bytes) -> bytes:
    """One unmasked frame (RFC 6455 5.2), as servers send it."""
    if len(data) < 126:
        return struct.pack("!BB", 0x80 | opcode, len(data)) + data
    return struct.pack("!BBH", 0x80 | opcode, 126, len(data)) + data
