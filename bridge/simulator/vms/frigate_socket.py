"""The server's side of a web socket (RFC 6455), as much as the fake Frigate needs: short texts, no pings."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Final

MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT: Final = 0x1
CLOSE: Final = 0x8


def accept_key(key: str) -> str:
    """The answer to `Sec-WebSocket-Key` (RFC 6455 4.2.2)."""
    digest = hashlib.sha1((key + MAGIC).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def text_frame(text: str) -> bytes:
    """One unmasked text message of less than 126 bytes (RFC 6455 5.2)."""
    payload = text.encode()
    return bytes([0x80 | TEXT, len(payload)]) + payload


async def messages(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Yield every text message until the client closes, and close in turn. Raises IncompleteReadError."""
    while True:
        opcode, payload = await _frame(reader)
        if opcode == CLOSE:
            writer.write(bytes([0x80 | CLOSE, len(payload)]) + payload)
            await writer.drain()
            return
        if opcode == TEXT:
            yield payload


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One frame, unmasked (RFC 6455 5.2). Messages here are never fragmented."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    elif length == 127:
        length = int.from_bytes(await reader.readexactly(8), "big")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
