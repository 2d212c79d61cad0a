"""An ARI that does what a test wants: no answer, wrong answers, events at the right moment.

async with FakePbx() as pbx:
    pbx.url                          # for `base_url`
    pbx.emit("ChannelCreated", channel=...)
    pbx.channels.append(...)         # what GET /channels answers
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from aiohttp import WSMsgType, web

USER, PASSWORD = "watch", "watch-secret"
_AUTHORIZATION = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def channel(
    uniqueid: str, *, exten: str = "9110", endpoint: str = "1001", state: str = "Ring"
) -> dict[str, Any]:
    """A channel as ARI shows it, of a call that its phone began."""
    return {
        "id": uniqueid,
        "name": f"PJSIP/{endpoint}-{uniqueid.rpartition('.')[2].zfill(8)}",
        "state": state,
        "caller": {"name": "", "number": endpoint},
        "connected": {"name": "", "number": ""},
        "dialplan": {"context": "phones", "exten": exten, "priority": 1, "app_name": "Dial"},
        "channelvars": {"CHANNEL(linkedid)": uniqueid},
    }


class FakePbx:
    """`deaf`: it answers no ping. `status`: what the handshake is answered with, instead of the upgrade."""

    def __init__(self) -> None:
        self.channels: list[dict[str, Any]] = []
        self.bridges: list[dict[str, Any]] = []
        self.endpoints: list[dict[str, Any]] = []
        self.globals: dict[str, str] = {}
        self.modules: set[str] = set()
        """Those that are loaded, as far as anybody asks."""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and query of all but the WebSockets."""
        self.apps: list[str] = []
        """Application of each WebSocket so far."""
        self.deaf = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.before_channels: Callable[[], None] = lambda: None
        """Called before the list of channels is answered."""
        self.refusals: dict[str, int] = {}
        """Method and path -> the status of the refusal."""
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connected(self) -> int:
        return len(self._sockets)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/ari/events", self._events)
        application.router.add_route("*", "/ari/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        [(_, self._port)] = self._runner.addresses
        return self

    async def __aexit__(self, *_: object) -> None:
        self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    def emit(self, type_: str, **body: Any) -> None:
        """Send one event to everybody."""
        self.send(json.dumps({"type": type_, **body}))

    def send(self, text: str | bytes) -> None:
        for socket in tuple(self._sockets):
            coroutine = socket.send_str(text) if isinstance(text, str) else socket.send_bytes(text)
            task = asyncio.ensure_future(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self) -> None:
        """Cut all connections, as a cable does that is cut by somebody polite (RST)."""
        for socket in tuple(self._sockets):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.status:
            return web.Response(status=self.status, headers=self.headers)
        if request.headers.get("Authorization") != _AUTHORIZATION:
            return web.json_response({"message": "Authentication required"}, status=401)
        assert request.query["subscribeAll"] == "true"
        self.apps.append(request.query["app"])
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and not self.deaf:
                    await socket.pong(message.data)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _answer(self, request: web.Request) -> web.Response:
        path = f"/{request.match_info['path']}"
        self.requests.append((request.method, path, dict(request.query)))
        if request.headers.get("Authorization") != _AUTHORIZATION:
            return web.json_response({"message": "Authentication required"}, status=401)
        if status := self.refusals.get(f"{request.method} {path}"):
            return web.json_response({"message": "refused"}, status=status)
        if request.method == "DELETE":
            return web.json_response({"message": "Write access denied"}, status=403)
        if path.startswith("/asterisk/modules/"):
            loaded = path.rpartition("/")[2] in self.modules
            return web.json_response({"status": "Running"}, status=200 if loaded else 404)
        return web.json_response(self._known(path, request.query))

    def _known(self, path: str, query: Mapping[str, str]) -> Any:
        if path == "/channels":
            self.before_channels()
        return {
            "/channels": self.channels,
            "/bridges": self.bridges,
            "/endpoints": self.endpoints,
            "/asterisk/variable": {"value": self.globals.get(query.get("variable", ""), "")},
            "/asterisk/info": {"system": {"version": "22.0.0"}},
        }[path]
