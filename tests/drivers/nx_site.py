"""An Nx driver at the simulator's Nx server. Used by test_nx*.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bridge.drivers.nx import Config, Driver
from bridge.model import Operation, Receipt, Targets
from bridge.simulator.vms.nx import FakeDevice, FakeNx
from tests.drivers.case import HastyClock, delivery
from tests.drivers.cases_nx import FIXED, PTZ, fake_nx, settings_for
from tests.fake_clock import FakeClock


@dataclass(slots=True)
class Site:
    driver: Driver
    fake: FakeNx
    clock: FakeClock

    @property
    def camera(self) -> FakeDevice:
        return self.fake.state.devices[PTZ]

    def asked(self, word: str) -> int:
        """How many requests had `word` in their line."""
        return sum(word in str(request) for request in self.fake.requests)

    def sent(self, word: str) -> Any:
        """The body of the only request with `word` in its line."""
        [body] = [request.json() for request in self.fake.requests if word in str(request)]
        return body

    async def do(self, operation: Operation, target: str = PTZ, **fields: Any) -> Receipt:
        changes = {name: fields.pop(name) for name in ("doubtful", "attempts", "incident") if name in fields}
        sample = delivery(self.clock, operation, target, camera="PTZ-01", **fields)
        return await self.driver.perform(replace(sample, **changes))

    async def texts(self, level: str) -> list[str]:
        """What `check` finds of this level."""
        return [finding.text for finding in await self.driver.check() if finding.level == level]


@asynccontextmanager
async def site_of(
    clock: FakeClock, *, presets: tuple[str, ...] = ("post-03",), fake: FakeNx | None = None, **settings: Any
) -> AsyncIterator[Site]:
    """Start a fake and a driver; stop both at the end."""
    server = fake or fake_nx(clock)
    await server.start()
    config = Config.model_validate(settings_for(server, **settings))
    targets = Targets(
        cameras={PTZ: frozenset(presets), FIXED: frozenset()}, consoles=frozenset({"control-1"})
    )
    driver = Driver("nx", config, targets=targets, clock=clock)
    try:
        yield Site(driver, server, clock)
    finally:
        await driver.close()
        await server.stop()


__all__ = ["HastyClock", "Site", "site_of"]
