"""A milestone driver at its fake, for the tests of what is particular to it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.drivers.milestone import Config, Driver
from bridge.model import Clock, Operation, Receipt, Targets
from bridge.simulator.vms.milestone import FakeMilestone
from tests.drivers.case import SECRET, delivery
from tests.drivers.cases_milestone import FIXED, MONITOR, PTZ, RULES, SETTINGS
from tests.fake_clock import FakeClock

TARGETS: Final = Targets(
    cameras={PTZ: frozenset({"post-03"}), FIXED: frozenset[str]()}, consoles=frozenset({MONITOR})
)


@dataclass(slots=True)
class Site:
    driver: Driver
    fake: FakeMilestone
    clock: Clock

    def asked(self, word: str) -> int:
        """How many requests had `word` in their line."""
        return sum(word in str(request) for request in self.fake.requests)

    def sent(self, word: str) -> Any:
        """The body of the last request that had `word` in its line."""
        return next(request.json() for request in reversed(self.fake.requests) if word in str(request))

    async def do(self, operation: Operation, target: str = PTZ, **fields: Any) -> Receipt:
        names = ("doubtful", "attempts", "incident", "id", "created_at")
        changes = {name: fields.pop(name) for name in names if name in fields}
        if (within := fields.pop("within", None)) is not None:
            changes["deadline"] = self.clock.now() + within
        sample = delivery(FakeClock(self.clock.now()), operation, target, **fields)
        return await self.driver.perform(replace(sample, **changes))

    def restarted(self) -> Site:
        """The same after a restart of the bridge: a driver that remembers nothing, the caller's to close."""
        config = Config.model_validate({**SETTINGS, "base_url": self.fake.url})
        driver = Driver("xp", config, targets=TARGETS, clock=self.clock)
        return Site(driver, self.fake, self.clock)

    async def texts(self, level: str) -> list[str]:
        return [finding.text for finding in await self.driver.check() if finding.level == level]


@asynccontextmanager
async def site_at(
    clock: Clock,
    *,
    unruled: tuple[str, ...] = (),
    server_tls: ssl.SSLContext | None = None,
    **settings: Any,
) -> AsyncIterator[Site]:
    """Start a fake and a driver with these settings besides the usual; both end with the block.

    unruled: user-defined events that no rule answers. settings: None takes a usual one away.
    """
    fake = FakeMilestone(clock, users={"sosbridge": SECRET}, rules=RULES, events=unruled)
    await fake.start(tls=server_tls)
    both = {**SETTINGS, "base_url": fake.url, **settings}
    config = Config.model_validate({name: value for name, value in both.items() if value is not None})
    driver = Driver("xp", config, targets=TARGETS, clock=clock)
    try:
        yield Site(driver, fake, clock)
    finally:
        await driver.close()
        await fake.stop()
