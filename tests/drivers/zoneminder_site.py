"""The driver at a real ZoneMinder, for the tests of what the fake pretends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bridge.drivers.zoneminder import Config, Driver
from bridge.model import Operation, Receipt, Targets
from tests.drivers.case import delivery
from tests.fake_clock import FakeClock
from tests.http.conftest import RealClock

if TYPE_CHECKING:
    from tests.parts.zoneminder import ZoneMinder

PTZ = "TANKFARM-EAST-PTZ-01"
FIXED = "TANKFARM-EAST-FIX-02"


class Site:
    """The driver, and the real thing."""

    def __init__(self, zoneminder: ZoneMinder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOSBRIDGE_TEST_ZM", zoneminder.password)
        self.zm = zoneminder
        self.clock = RealClock()
        self.driver = self.make()

    def make(self, **settings: Any) -> Driver:
        """Another driver at the same ZoneMinder."""
        own = {
            "base_url": self.zm.url,
            "user": self.zm.user,
            "password": {"env": "SOSBRIDGE_TEST_ZM"},
            # The machine that runs the tests may have other things to do.
            "timeouts": {"connect": 5, "read": 15, "total": 20},
            "alarm_wait": 5,
            "stop_wait": 10,
        }
        targets = {self.target(PTZ): frozenset({"7"}), self.target(FIXED): frozenset[str]()}
        config = Config.model_validate({**own, **settings})
        return Driver("zm", config, targets=Targets(cameras=targets), clock=self.clock)

    def target(self, camera: str) -> str:
        return str(self.zm.monitors[camera])

    async def do(self, operation: Operation, camera: str = PTZ, **fields: Any) -> Receipt:
        changes = {name: fields.pop(name) for name in ("doubtful", "attempts") if name in fields}
        sample = delivery(FakeClock(self.clock.now()), operation, self.target(camera), **fields)
        return await self.driver.perform(replace(sample, **changes))

    async def events(self, camera: str = PTZ) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self.zm.events, camera)


@asynccontextmanager
async def site_at(zoneminder: ZoneMinder, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Make the driver; at the end nothing records any more."""
    site = Site(zoneminder, monkeypatch)
    yield site
    for camera in (PTZ, FIXED):
        await site.do(Operation.STOP_RECORDING, camera)
    await site.driver.close()
