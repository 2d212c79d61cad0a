"""uvicorn inside our loop: it starts, refuses, gives way and ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from bridge.errors import ConfigError
from bridge.web import Metrics, WebServer, create_app
from bridge.web.server import _ShortConnection
from tests.web.statuses import healthy


def make_app() -> FastAPI:
    return create_app(healthy, Metrics())


@contextlib.asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[int]:
    """Serve the application; yields the port."""
    server = WebServer(make_app(), port=port)
    try:
        yield await server.start()
    finally:
        await server.stop()


async def is_alive(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=5) as client:
        return (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200


async def test_it_starts_on_loopback_serves_and_stops() -> None:
    tasks = asyncio.all_tasks()
    server = WebServer(make_app(), port=0)
    port = await server.start()
    assert await is_alive(port)
    await server.stop()
    await server.stop()
    assert asyncio.all_tasks() == tasks
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))


async def test_the_port_can_be_had_again_at_once() -> None:
    async with serving() as port:
        assert await is_alive(port)
    async with serving(port) as again:
        assert again == port
        assert await is_alive(port)


async def test_an_idle_keep_alive_connection_does_not_hold_up_the_end() -> None:
    server = WebServer(make_app(), port=0)
    port = await server.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        await client.get(f"http://127.0.0.1:{port}/livez")
        async with asyncio.timeout(1.5):
            await server.stop()


async def test_our_signal_handlers_stay() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with serving():
        assert {number: signal.getsignal(number) for number in before} == before


async def test_wait_ends_with_the_server() -> None:
    server = WebServer(make_app(), port=0)
    await server.start()
    waiting = asyncio.create_task(server.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    await server.stop()
    await waiting


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            await WebServer(make_app(), port=port).start()
    assert str(refused.value) == (
        f"the web server cannot listen on 127.0.0.1 port {port}: another program (or another sosbridge)"
        " listens there: stop it, or set web.listen"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on {host} port 0: "):
        await WebServer(make_app(), host=host, port=0).start()


# --- clients that keep a connection without asking ----------------------------------------------------


async def test_more_idle_connections_than_allowed_do_not_keep_a_probe_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_ShortConnection, "most", 3)
    async with serving() as port:
        stack = contextlib.ExitStack()
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(6)]
        for one in idle:
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        assert await is_alive(port)
        closed = [await is_closed(one) for one in idle]
        stack.close()
    assert closed[:4] == [True, True, True, True], "the oldest gave way"


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_a_connection_that_does_not_ask_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Whether it never asked, stopped in the middle, or was answered and then sent half a request more."""
    monkeypatch.setattr(_ShortConnection, "ask_within", 0.1)
    async with serving() as port, connection(port) as (reader, writer):
        writer.write(sent)
        if sent.endswith(b"\r\n\r\n"):
            assert (await reader.readuntil(b"alive\n")).startswith(b"HTTP/1.1 200")
            writer.write(b"GET /li")
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/one\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"INVITE sip:9110@pbx SIP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000,
    ],
)
async def test_what_is_not_http_is_refused_and_forgotten(sent: bytes) -> None:
    async with serving() as port:
        answer = b""
        async with connection(port) as (reader, writer), asyncio.timeout(20):
            writer.write(sent)
            with contextlib.suppress(ConnectionResetError):
                answer = await reader.read()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        assert await is_alive(port)


@contextlib.asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 1), 0.1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
