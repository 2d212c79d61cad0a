"""Sends one command through Frigate's web socket `/ws`. Called by `frigate.py`.

PTZ and the recording switch of versions before 0.18 have no REST call. The socket takes what MQTT takes, as
`{"topic": ..., "payload": ...}` (docs.frigate.video/integrations/mqtt; frigate/comms/ws.py), and says nothing
to it: not when it did it, nor when it dropped it for want of rights. So the closing handshake is waited for:
it comes after what was sent before it (RFC 6455 7.1.4), and so proves that the command was read.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from types import SimpleNamespace
from typing import Final

import aiohttp

from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unreachable
from bridge.protocols.http import Refused
from bridge.protocols.http_settings import HttpSettings

PATH: Final = "/ws"
MOST_BYTES: Final = 4 * 1024 * 1024
"""Frigate tells every client everything; what is larger ends the connection."""

BROKEN: Final = frozenset({None, aiohttp.WSCloseCode.ABNORMAL_CLOSURE})
"""Close codes without a closing handshake."""
TRY_LATER: Final = frozenset({408, 425, 429})


class SocketRefused(Refused):
    """The upgrade was answered with a status that means no."""


class _RedirectedError(Exception):
    """Redirects are not followed: the token must not go elsewhere."""


class CommandSocket:
    """One connection for each command: presets are recalled seldom. name: the driver instance's."""

    def __init__(self, settings: HttpSettings, *, name: str) -> None:
        self._url = "ws" + settings.base_url.removeprefix("http") + PATH
        self._tls = settings.tls.context() if settings.encrypted else None
        self._timeouts = settings.timeouts
        self._name = name
        self._closed = asyncio.Event()

    async def send(self, topic: str, payload: str, *, token: str, budget: float) -> None:
        """Send one command within `budget` seconds. Returns once Frigate has read it.

        Raises Unreachable or SocketRefused (nothing was sent), Retryable, or Uncertain (it left, and the
        connection did not end as it should).
        """
        if budget <= 0 or self._closed.is_set():
            raise Retryable(f"{self._name}: {topic}: not sent: no time left")
        command = asyncio.ensure_future(self._send(topic, payload, token, budget))
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({command, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not command.done():
                raise Uncertain(f"{self._name}: {topic}: the driver was closed meanwhile")
            await command
        finally:
            closing.cancel()
            command.cancel()
            await asyncio.gather(command, closing, return_exceptions=True)

    def close(self) -> None:
        """End what is under way."""
        self._closed.set()

    async def _send(self, topic: str, payload: str, token: str, budget: float) -> None:
        what = f"{self._name}: {topic} by {PATH}"
        sent = False
        try:
            async with asyncio.timeout(budget), self._session() as session:
                socket = await self._open(session, token)
                sent = True
                await socket.send_str(json.dumps({"topic": topic, "payload": payload}))
                await socket.close()
                closed = socket.close_code
        except Exception as error:
            raise self._explain(what, error, sent=sent) from None
        if closed in BROKEN:
            raise Uncertain(f"{what}: sent, but the connection broke")

    def _session(self) -> aiohttp.ClientSession:
        watch = aiohttp.TraceConfig()
        watch.on_request_redirect.append(_refuse_redirect)
        return aiohttp.ClientSession(trace_configs=[watch], trust_env=False)

    async def _open(self, session: aiohttp.ClientSession, token: str) -> aiohttp.ClientWebSocketResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context: ssl.SSLContext | bool = True if self._tls is None else self._tls
        return await session.ws_connect(self._url, headers=headers, ssl=context, max_msg_size=MOST_BYTES)

    def _explain(self, what: str, error: Exception, *, sent: bool) -> DeliveryError:
        """What a failure means. Never `str(error)`: it may hold the request."""
        if sent:
            return Uncertain(f"{what}: sent, but the connection broke")
        match error:
            case aiohttp.WSServerHandshakeError(status=status):
                return _refused(what, status)
            case _RedirectedError():
                return SocketRefused(f"{what}: a redirect: put the final address into base_url", 302)
            case aiohttp.ClientConnectorCertificateError():
                return Permanent(f"{what}: its certificate is not accepted; set tls.ca")
            case aiohttp.ClientError() | OSError():  # a TimeoutError is an OSError
                return Unreachable(f"{what}: no connection within the time allowed (nothing was sent)")
        raise error


def _refused(what: str, status: int) -> DeliveryError:
    if status in TRY_LATER or status >= 500:
        return Retryable(f"{what}: HTTP {status} (nothing was sent)")
    return SocketRefused(f"{what}: HTTP {status}", status)


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object
) -> None:
    raise _RedirectedError
