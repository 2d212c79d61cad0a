"""A genetec driver at its fake, for the tests of what is particular to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.drivers.genetec import Config, Driver
from bridge.model import Operation, Receipt, Targets
from bridge.simulator.vms.genetec import FakeGenetec
from tests.drivers.case import SECRET, delivery
from tests.drivers.cases_genetec import FIXED, PTZ, SETTINGS, populate
from tests.fake_clock import FakeClock

FIELDS = ("doubtful", "attempts", "incident", "tier", "id", "created_at", "started_at")
"""What `Plant.do` sets in the delivery itself; everything else is one of its params."""


@dataclass(slots=True)
class Plant:
    fake: FakeGenetec
    clock: FakeClock
    targets: Targets
    drivers: list[Driver] = field(default_factory=list)

    @property
    def driver(self) -> Driver:
        return self.drivers[-1]

    def configure(self, **settings: Any) -> None:
        """Another driver, as after a restart."""
        config = Config.model_validate({"base_url": self.fake.base_url, **SETTINGS, **settings})
        self.drivers.append(Driver("sc", config, targets=self.targets, clock=self.clock))

    @property
    def seen(self) -> list[str]:
        return [str(request) for request in self.fake.requests]

    def asked(self, word: str) -> int:
        """How many requests had `word` in their line."""
        return sum(word in line for line in self.seen)

    async def do(self, operation: Operation, target: str = PTZ, **fields: Any) -> Receipt:
        changes = {name: fields.pop(name) for name in FIELDS if name in fields}
        said = {"tier": str(changes["tier"])} if "tier" in changes else {}
        sample = delivery(self.clock, operation, target, **{**said, **fields})
        return await self.driver.perform(replace(sample, **changes))


@contextlib.asynccontextmanager
async def running(clock: FakeClock) -> AsyncIterator[Plant]:
    fake = FakeGenetec(clock, user="sosbridge", application_id=SECRET, password=SECRET)
    populate(fake)
    await fake.start()
    targets = Targets(cameras={PTZ: frozenset({"7"}), FIXED: frozenset()}, consoles=frozenset({"65"}))
    plant = Plant(fake, clock, targets)
    plant.configure()
    try:
        yield plant
    finally:
        for driver in plant.drivers:
            await driver.close()
        await fake.stop()
