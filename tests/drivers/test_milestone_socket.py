"""The WebSocket at servers that do wrong: redirects, refusals, frames that are none, silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bridge.protocols import milestone_feed
from bridge.protocols.milestone_feed import CameraFeed, TokenSource
from tests.drivers.cases_milestone import PTZ
from tests.http.conftest import RealClock
from tests.waiting import until

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Hurried(RealClock):
    """Waits a hundredth of what it is asked to, and says what that was."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(seconds / 100)


class Gateway:
    """A server whose only page does as it is told, and a feed that listens there."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.arrived: list[web.Request] = []
        self.clock = Hurried()
        self.dropped: list[str] = []
        self.fetched = 0
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.arrived.append(request)
        return await self._serve(request)

    async def token(self) -> str:
        self.fetched += 1
        return f"token-{self.fetched}"

    def feed(self) -> CameraFeed:
        return CameraFeed(
            self.url,
            tokens=TokenSource(self.token, self.dropped.append),
            tls=None,
            cameras=frozenset({PTZ}),
            clock=self.clock,
        )

    async def asked(self, times: int) -> None:
        await until(lambda: len(self.arrived) >= times)


@asynccontextmanager
async def gateway(serve: Serve) -> AsyncIterator[Gateway]:
    made = Gateway(serve)
    application = web.Application()
    application.router.add_get("/{path:.*}", made.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(made: Gateway) -> AsyncIterator[CameraFeed]:
    feed = made.feed()
    feed.start()
    try:
        yield feed
    finally:
        await feed.close()


async def live(feed: CameraFeed) -> None:
    await until(lambda: feed.live)


async def opened(request: web.Request, *, autoping: bool = True) -> web.WebSocketResponse:
    """Shake hands, and answer the three commands that make a session."""
    socket = web.WebSocketResponse(autoping=autoping)
    await socket.prepare(request)
    for _ in range(3):
        said = await socket.receive_json()
        status = 201 if said["command"] == "startSession" else 200
        await socket.send_json(
            {"commandId": said["commandId"], "status": status, "sessionId": "s", "states": []}
        )
    return socket


async def test_a_redirect_is_not_followed() -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async with gateway(nothing) as elsewhere:

        async def away(request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(elsewhere.url)

        async with gateway(away) as made, listening(made) as feed:
            await made.asked(2)
            assert "put the final address into base_url" in feed.trouble
            assert elsewhere.arrived == []


@pytest.mark.parametrize(
    "frame", ["[" * 200_000, "[]", "nothing", '{"events": 7}', '{"events": [7]}', "\x00"]
)
async def test_a_frame_that_is_none_ends_in_another_connection(frame: str) -> None:
    async def spoil(request: web.Request) -> web.StreamResponse:
        socket = await opened(request)
        await socket.send_str(frame)
        await socket.receive()
        return socket

    async with gateway(spoil) as made, listening(made):
        await made.asked(3)


async def test_a_defect_of_our_own_ends_in_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        socket = await opened(request)
        await socket.receive()
        return socket

    def broken(*_: object, **__: object) -> None:
        raise LookupError("token-1")

    monkeypatch.setattr(CameraFeed, "_apply", broken)
    async with gateway(serve) as made, listening(made) as feed:
        await made.asked(2)
        assert feed.trouble == "a defect: LookupError"


async def test_a_refused_token_is_dropped_once() -> None:
    """Every request of the driver uses the same token: a loop would log in without end."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    async with gateway(refuse) as made, listening(made) as feed:
        await made.asked(3)
        assert made.dropped == ["token-1"]
        assert feed.trouble == "the gateway refuses the WebSocket: HTTP 401"
    assert made.clock.pauses[1:] == [60.0] * len(made.clock.pauses[1:])
    assert made.clock.pauses[0] < 60.0


async def test_a_connection_without_pongs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milestone_feed, "HEARTBEAT", 0.1)

    async def deaf(request: web.Request) -> web.StreamResponse:
        socket = await opened(request, autoping=False)
        assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        await socket.receive()
        return socket

    async with gateway(deaf) as made, listening(made):
        await made.asked(2)


async def test_a_state_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that works it out answers no ping meanwhile, and pings us."""
    monkeypatch.setattr(milestone_feed, "HEARTBEAT", 0.05)
    monkeypatch.setattr(milestone_feed, "ANSWER_WITHIN", 5.0)
    assert milestone_feed.STATE_WITHIN >= 180

    async def slow(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        for _ in range(3):
            said = await socket.receive_json()
            if said["command"] == "getState":
                await asyncio.sleep(0.5)
                await socket.ping(b"alive?")
                assert (await socket.receive()).type is aiohttp.WSMsgType.PONG
            status = 201 if said["command"] == "startSession" else 200
            await socket.send_json({"commandId": said["commandId"], "status": status, "states": []})
        while (await socket.receive()).type is aiohttp.WSMsgType.PING:
            await socket.pong()
        return socket

    async with gateway(slow) as made, listening(made) as feed:
        await live(feed)
        await asyncio.sleep(0.4)  # pings that are answered keep it
        assert feed.live
        assert len(made.arrived) == 1
