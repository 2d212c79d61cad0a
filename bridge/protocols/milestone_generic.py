"""Milestone's Generic Event: a text on a TCP connection. Called by the milestone driver for older sites.

Source: "Generic events" in the XProtect manual, and the samples TriggerGenericEvent and
TriggerGenericEventStream of github.com/milestonesys/mipsdk-samples-protocol. There is no log-in, and no
answer says whether an event matched; the data source (port 1234 or 1235) must be switched on in Management
Client.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Final

from bridge.errors import ProtocolError, Uncertain, Unreachable

LINGER: Final = 0.5
"""Seconds to wait whether the other side resets the connection, which is all it can say against a text."""
MOST_ECHO: Final = 4096


async def send_event(
    host: str, port: int, text: str, *, connect: float, total: float, line_end: bool = False
) -> None:
    """Send `text` as UTF-8 on a connection of its own, and close it.

    connect, total: seconds. line_end: end with CR LF, for a data source that separates by lines.
    Raises Unreachable if nothing was sent, Uncertain if the connection broke while it was, ProtocolError if
    the text would end its line.
    """
    data = checked_text(text).encode() + (b"\r\n" if line_end else b"")
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(connect):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise Unreachable(f"generic event at {where}: {_why(error)} (nothing was sent)") from None
    try:
        async with asyncio.timeout(total):
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            await _listen(reader)
    except (OSError, TimeoutError) as error:
        raise Uncertain(f"generic event at {where}: {_why(error)} while it was sent") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1.0)


async def check_reach(host: str, port: int, connect: float) -> str:
    """Return why no connection can be made, or nothing. Sends nothing."""
    try:
        async with asyncio.timeout(connect):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, UnicodeError) as error:
        return _why(error)
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1.0)
    return ""


def checked_text(text: str) -> str:
    """Return the text. Raises ProtocolError if it is empty or could be read as two events."""
    if not text or any(char < " " or char == "\x7f" for char in text):
        raise ProtocolError("a generic event must be one line of text")
    return text


async def _listen(reader: asyncio.StreamReader) -> None:
    """Give the other side a moment to refuse; an echo, where one is configured, is no proof of anything."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(reader.read(MOST_ECHO), LINGER)


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer within the time allowed"
    if isinstance(error, UnicodeError):  # what cannot be a name (RFC 5890 2.3.1), from the IDNA codec
        return "that is no name of a host"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else "its name cannot be resolved or the connection broke"
