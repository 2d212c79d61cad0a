"""What a server can do wrong, down to the byte. Called by `server.py`; tests and drills order the faults."""

from __future__ import annotations

import asyncio
import enum
import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

HUGE_BODY: Final = 200 * 1024 * 1024
BLOCK: Final = 64 * 1024


class Fault(enum.Enum):
    """One way to go wrong. From `LIE` on, nothing is done; the others come after the request took effect."""

    SILENT = "accept the request and never answer"
    HEADERS_ONLY = "send the headers of the answer, then nothing"
    TRICKLE = "send the answer a byte at a time"
    RESET = "reset the connection"
    TRUNCATED = "send half of the body and close"
    HUGE = "send 200 MB before the answer ends"
    WRONG_TYPES = "answer with valid JSON of another shape"
    LIE = "answer yes and do nothing"
    STATUS = "refuse with a status"
    HTML = "answer 200 with a web page"
    REDIRECT = "send the client elsewhere"


@dataclass(slots=True, kw_only=True)
class Rule:
    """One ordered fault. `times` counts down; None means for ever."""

    fault: Fault
    path: str = ""
    """Only for requests whose path contains this."""
    method: str = ""
    times: int | None = None
    status: int = 500
    retry_after: str = ""
    empty: bool = False
    """Refuse without a body."""
    interval: float = 1.0
    """Seconds between two bytes of `TRICKLE`."""
    location: str = "http://elsewhere.invalid/"


class Faults:
    """The faults ordered at one server. The first rule that fits a request is used."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def order(self, rule: Rule) -> None:
        self._rules.append(rule)

    def clear(self) -> None:
        self._rules.clear()

    def take(self, method: str, path: str) -> Rule | None:
        """Return the rule for this request, and count it."""
        for rule in self._rules:
            if rule.path in path and rule.method in ("", method) and rule.times != 0:
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None


async def send_badly(
    rule: Rule, whole: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send `whole` (an answer with its headers) in the way of `rule`. The connection ends with it."""
    head, _, body = whole.partition(b"\r\n\r\n")
    match rule.fault:
        case Fault.SILENT:
            await reader.read()
        case Fault.HEADERS_ONLY:
            await _send(writer, head + b"\r\n\r\n")
            await reader.read()
        case Fault.TRICKLE:
            for byte in whole:
                await _send(writer, bytes([byte]))
                await asyncio.sleep(rule.interval)
        case Fault.RESET:
            _reset(writer)
        case Fault.TRUNCATED:
            # Without Content-Length, so that only the JSON shows that something is missing.
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close"
            await _send(writer, head + b"\r\n\r\n" + body[: len(body) // 2])
        case Fault.HUGE:
            async for block in _huge():
                await _send(writer, block)
        case _:
            raise ValueError(f"{rule.fault} is not about bytes")


def wrong_types() -> bytes:
    """Valid JSON that answers no question anybody asked."""
    return json.dumps(
        [{"status": ["yes"], "result": {}, "events": 7, "monitors": "none", "id": None}]
    ).encode()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _huge() -> AsyncIterator[bytes]:
    yield f"HTTP/1.1 200 OK\r\nContent-Length: {HUGE_BODY}\r\n\r\n".encode()
    block = b" " * BLOCK
    for _ in range(HUGE_BODY // BLOCK):
        yield block


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    # Lingering for 0 s makes close() send RST instead of FIN (socket(7)).
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
