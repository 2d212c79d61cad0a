"""What uvicorn has to say comes out like every other line."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from bridge.supervision.logs.noise import BURST
from bridge.supervision.status import Status
from bridge.web import Metrics, WebServer, create_app
from tests.logs.conftest import LogTo, Written
from tests.web.statuses import healthy


async def test_a_request_that_fails_is_one_line_with_its_traceback(log_to: LogTo) -> None:
    written = log_to()

    def broken() -> Status:
        raise RuntimeError("cannot ask: password=hunter2hunter2")

    server = WebServer(create_app(broken, Metrics()), port=0)
    port = await server.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        await client.get(f"http://127.0.0.1:{port}/livez")
    await server.stop()
    [line] = served(written)
    assert line["level"] == "error"
    assert line["exception"].splitlines()[-1] == "RuntimeError: cannot ask: password=***"
    assert "hunter2" not in written.text


async def test_requests_are_not_logged_and_rubbish_is_limited(log_to: LogTo) -> None:
    written = log_to()
    server = WebServer(create_app(healthy, Metrics()), port=0)
    port = await server.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        await client.get(f"http://127.0.0.1:{port}/livez?token=hunter2hunter2")
    for _ in range(BURST + 5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"rubbish\x1b[2J\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
    await server.stop()
    assert [line["event"] for line in served(written)] == ["Invalid HTTP request received."] * BURST
    assert "hunter2" not in written.text


def served(written: Written) -> list[dict[str, Any]]:
    """The server's lines; the client of this test has its own."""
    return [line for line in written.objects if not line["logger"].startswith("httpx")]
