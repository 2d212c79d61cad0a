"""A link, and a server at its other end that does as it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.protocols.http import HttpLink
from bridge.protocols.http_settings import HttpSettings, Timeouts, TlsSettings
from bridge.simulator.vms.server import Answer, FakeServer, Request


class RealClock:
    """Sockets do not wait for a fake clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Echo(FakeServer):
    """Answers every request with `say`, and counts what took effect in `state`."""

    state: list[str]

    def __init__(self) -> None:
        super().__init__(RealClock())
        self.state = []
        self.say = Answer.json({"ok": True})

    async def answer(self, request: Request) -> Answer:
        self.state.append(str(request))
        return self.say


@pytest.fixture
async def server() -> AsyncIterator[Echo]:
    echo = Echo()
    await echo.start()
    yield echo
    await echo.stop()


MakeLink = Callable[..., HttpLink]


@pytest.fixture
async def link_to() -> AsyncIterator[MakeLink]:
    """Make links with short waits; the test's end closes them."""
    links: list[HttpLink] = []

    def make(
        url: str,
        *,
        connect: float = 0.5,
        read: float = 0.4,
        total: float = 0.6,
        tls: TlsSettings | None = None,
        max_body: int = 65_536,
    ) -> HttpLink:
        settings = HttpSettings(
            base_url=url,
            timeouts=Timeouts(connect=connect, read=read, total=total),
            tls=tls or TlsSettings(),
            max_body=max_body,
        )
        links.append(HttpLink(settings, name="vms", clock=RealClock()))
        return links[-1]

    yield make
    for link in links:
        await link.close()
