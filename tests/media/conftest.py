"""The media that the tests run against: our own process and, where it is here, rtpengine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bridge.protocols.media.builtin import BuiltinMedia
from bridge.protocols.media.facade import Media, MediaEvent, MediaReady
from bridge.protocols.media.rtpengine import RtpengineMedia, RtpengineSettings
from bridge.protocols.media.settings import ChildSettings
from tests.media.party import Party
from tests.parts.availability import need
from tests.parts.ports import free_block, give_back
from tests.parts.rtpengine import Rtpengine
from tests.waiting import until

E = TypeVar("E", bound=MediaEvent)
PORTS = 40


class RealClock:
    """`model.Clock` by the system's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Studio:
    """A running media and what it told."""

    media: Any
    events: list[MediaEvent] = field(default_factory=list)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def told(self, kind: type[E], *, count: int = 1, seconds: float = 20.0) -> E:
        """Wait for the `count`-th event of a kind."""
        await until(lambda: len(self.of(kind)) >= count, seconds)
        return self.of(kind)[count - 1]

    async def seat(self, leg: str, party: Party, **remote: Any) -> None:
        """Open a leg for a party and tell each of the other."""
        party.media = await self.media.open(leg, address=party.address)
        await self.media.set_remote(leg, party.remote(**remote))


@asynccontextmanager
async def running(media: Media, studio: Studio) -> AsyncIterator[Studio]:
    task = asyncio.create_task(media.run())
    try:
        await studio.told(MediaReady)
        yield studio
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def child_settings(**changes: Any) -> Iterator[ChildSettings]:
    first = free_block(PORTS)
    try:
        yield ChildSettings(**({"first_port": first, "last_port": first + PORTS - 1} | changes))
    finally:
        give_back(first, PORTS)


@asynccontextmanager
async def builtin_studio(**changes: Any) -> AsyncIterator[Studio]:
    """Our own process with these settings."""
    keep = changes.pop("keep_relaying", False)
    with child_settings(**changes) as settings:
        studio = Studio(None)
        media = BuiltinMedia(settings, clock=RealClock(), on_event=studio.events.append, keep_relaying=keep)
        studio.media = media
        async with running(media, studio):
            yield studio


@pytest.fixture
async def builtin() -> AsyncIterator[Studio]:
    async with builtin_studio(silence_after=0.6) as studio:
        yield studio


@pytest.fixture
async def rtpengine() -> AsyncIterator[Studio]:
    async with rtpengine_studio() as studio:
        yield studio


@asynccontextmanager
async def rtpengine_studio() -> AsyncIterator[Studio]:
    need("rtpengine")
    engine = await asyncio.to_thread(Rtpengine)
    try:
        settings = RtpengineSettings(
            port=engine.port, digits_port=engine.digits_port, recordings=engine.folder, silence_after=1.5
        )
        studio = Studio(None)
        media = RtpengineMedia(settings, clock=RealClock(), on_event=studio.events.append)
        studio.media = media
        async with running(media, studio):
            yield studio
    finally:
        await asyncio.to_thread(engine.close)


@pytest.fixture(params=["builtin", "rtpengine"])
async def studio(request: pytest.FixtureRequest) -> AsyncIterator[Studio]:
    """Both media, one after the other."""
    context = builtin_studio(silence_after=1.5) if request.param == "builtin" else rtpengine_studio()
    async with context as running_studio:
        yield running_studio


async def joined(studio: Studio, phone: Party, dispatcher: Party) -> None:
    await studio.seat("phone", phone)
    await studio.seat("dispatcher", dispatcher)
    await studio.media.join("phone", "dispatcher")


async def counted(studio: Studio, leg: str, **wanted: int) -> None:
    """Wait until the leg's statistics say so."""
    for _ in range(200):
        statistics = await studio.media.statistics(leg)
        found = {name: getattr(statistics, name) for name in wanted}
        if found == wanted:
            return
        await asyncio.sleep(0.01)
    assert found == wanted
