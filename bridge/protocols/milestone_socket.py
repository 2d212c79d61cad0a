"""One connection to Milestone's Events and State WebSocket: JSON objects go out and come in.

Called by `milestone_feed`. Pings are answered and sent here and not by aiohttp: a server that works out the
state of a big site for a minute or two answers none meanwhile, and must not be cut off for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import structlog

from bridge.errors import DeliveryError, ProtocolError

_log = structlog.get_logger(__name__)

CONNECT_WITHIN: Final = 10.0
MOST_BYTES: Final = 4 * 1024 * 1024


class _RedirectedError(Exception):
    """Redirects are not followed: the token must not go elsewhere."""


class FeedSocket:
    """An open connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, said: dict[str, Any]) -> None:
        await self._socket.send_json(said)

    async def message(self, idle: float | None = None) -> dict[str, Any]:
        """Return the next message.

        idle: seconds of silence after which a ping is sent; without it silence is no matter. Raises
        TimeoutError if nothing comes for as long again, ProtocolError for what is no JSON object.
        """
        asked = False
        while True:
            try:
                message = await self._socket.receive(idle)
            except TimeoutError:
                if asked:
                    raise
                asked = True
                await self._socket.ping()
                continue
            if message.type is aiohttp.WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                return _decoded(message)
            asked = False


@contextlib.asynccontextmanager
async def connected(url: str, token: str, tls: ssl.SSLContext | None) -> AsyncIterator[FeedSocket]:
    """Connect with a token in the handshake: it is checked there and never again.

    Raises what `explained` explains.
    """
    async with _client() as client:
        async with asyncio.timeout(CONNECT_WITHIN):
            socket = await client.ws_connect(
                url,
                headers={"Authorization": f"Bearer {token}"},
                ssl=tls if tls is not None else True,
                autoping=False,
                max_msg_size=MOST_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        async with socket:
            yield FeedSocket(socket)


def explained(error: Exception) -> str:
    """Why a connection ended. What nobody thought of is logged, without its text: it may hold the token."""
    match error:
        case aiohttp.WSServerHandshakeError(status=status):
            return f"the gateway refuses the WebSocket: HTTP {status}"
        case _RedirectedError():
            return "the gateway redirects the WebSocket: put the final address into base_url"
        case aiohttp.ClientError() | OSError() | DeliveryError() | ProtocolError():
            return str(error) or type(error).__name__
    _log.error("Milestone's WebSocket ended by a defect", kind=type(error).__name__)
    return f"a defect: {type(error).__name__}"


def _client() -> aiohttp.ClientSession:
    """A client that takes no proxy from the environment, keeps no cookie and follows no redirect."""
    watch = aiohttp.TraceConfig()
    watch.on_request_redirect.append(_refuse_redirect)
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(cookie_jar=jar, trace_configs=[watch], trust_env=False)


async def _refuse_redirect(
    _client: aiohttp.ClientSession,
    _context: SimpleNamespace,
    _seen: aiohttp.TraceRequestRedirectParams,
) -> None:
    raise _RedirectedError


def _decoded(message: aiohttp.WSMessage) -> dict[str, Any]:
    """Return the JSON object of a text message. Raises ProtocolError for everything else."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise ProtocolError("the gateway closed the connection, or sent what is not text")
    try:
        said = json.loads(message.data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ProtocolError("the gateway sent what is not a JSON object")
    return said
