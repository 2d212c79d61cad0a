"""What the contract suite needs of a driver: the driver, its fake, a sample delivery, what may be requested.

Called by each driver's cases (cases_*.py), which `cases.py` collects.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from bridge.config.instances import DRIVERS, module_of
from bridge.model import Delivery, DeliveryState, Driver, Operation, Targets, Tier
from bridge.simulator.vms.server import FakeServer
from tests.fake_clock import FakeClock

SECRET: Final = "pa55-phrase&/=?"
SECRET_NAME: Final = "SOSBRIDGE_TEST_VMS"
INCIDENT: Final = "5b0c7f0e-1111-5222-8333-944455556666"


class HastyClock(FakeClock):
    """Sleeping costs no time of ours: the clock jumps ahead at once."""

    async def sleep(self, seconds: float) -> None:
        self._move_to(self.monotonic() + max(0.0, seconds))
        await asyncio.sleep(0)


@dataclass(slots=True, kw_only=True)
class Case:
    """One driver, doing one thing, at its fake."""

    driver: Driver
    fake: FakeServer
    clock: FakeClock
    delivery: Delivery
    outcome: DeliveryState
    """What the happy path ends in."""
    acts: str
    """The request that does it, as `METHOD /path`."""
    happy: list[str]
    """Every request of the happy path, in order."""
    effects: Callable[[], int]
    """How often it happened at the fake."""
    config: Any
    may: frozenset[str] = frozenset()
    """Requests that the other tests may see as well."""

    def seen(self) -> list[str]:
        return [str(request) for request in self.fake.requests]

    def unexpected(self) -> set[str]:
        """Requests that nobody should have sent."""
        return set(self.seen()) - {*self.happy, *self.may}


HURRY: Final[Mapping[str, Any]] = {"timeouts": {"connect": 0.3, "read": 0.3, "total": 0.3}}
"""Settings for tests that wait for an answer that never comes."""

Maker = Callable[..., Awaitable[Case]]
"""(clock, tls for the server, settings of the driver besides its own) -> Case, with the fake started."""

Fake = TypeVar("Fake", bound=FakeServer)
Start = Callable[[FakeClock, ssl.SSLContext | None, Mapping[str, Any]], Awaitable[tuple[Driver, Any, Fake]]]
"""(clock, tls for the server, settings besides the driver's own) -> driver, its config, the fake it is at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed(Generic[Fake]):
    """One thing that a driver does at its fake: a row of the driver's table of cases.

    outcome, acts, happy, effects, may: as in `Case`.
    """

    operation: Operation
    target: str
    params: Mapping[str, str] = field(default_factory=dict)
    """What the delivery says besides what every one says."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the driver that the deed needs besides those of every case."""
    before: Callable[[Fake], object] | None = None
    """Makes at the fake what must be there already."""
    outcome: DeliveryState = DeliveryState.VERIFIED
    acts: str
    happy: tuple[str, ...]
    effects: Callable[[Fake], int]
    may: frozenset[str] = frozenset()
    """Besides what the other tests may see in every case."""


def makers(start: Start[Fake], may: frozenset[str], deeds: Mapping[str, Deed[Fake]]) -> dict[str, Maker]:
    """Return what makes the case of each deed. may: what the other tests may see as well."""
    return {name: maker(start, may, deed) for name, deed in deeds.items()}


def maker(start: Start[Fake], may: frozenset[str], deed: Deed[Fake]) -> Maker:
    """The same for one."""

    async def make(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
        driver, config, fake = await start(clock, server_tls, {**deed.settings, **more})
        if deed.before is not None:
            deed.before(fake)
        return Case(
            driver=driver,
            fake=fake,
            clock=clock,
            delivery=delivery(clock, deed.operation, deed.target, **deed.params),
            outcome=deed.outcome,
            acts=deed.acts,
            happy=list(deed.happy),
            effects=lambda: deed.effects(fake),
            config=config,
            may=may | deed.may,
        )

    return make


def delivery(clock: FakeClock, operation: Operation, target: str, **params: str) -> Delivery:
    """A sample delivery for an SOS, with what every action carries."""
    return Delivery(
        id="0d2e6a9c-aaaa-5bbb-8ccc-dddddddddddd",
        incident=INCIDENT,
        step="sos/1",
        driver="vms",
        operation=operation,
        target=target,
        params={
            "incident": INCIDENT,
            "tier": "emergency",
            "phone": "EAST-03",
            "extension": "4103",
            "location": "TANKFARM-EAST-POST-03",
            "spoken": "East tank farm, post three",
            "opened_at": "2026-01-01 01:00:00+01:00",
            "acknowledged_by": "",
            "exercise": "",
            "title": "SOS TANKFARM-EAST-POST-03",
            **params,
        },
        tier=Tier.EMERGENCY,
        order=0,
        state=DeliveryState.LEASED,
        attempts=1,
        created_at=clock.now(),
        deadline=clock.now() + 300,
    )


def build(
    kind: str,
    clock: FakeClock,
    settings: Mapping[str, Any],
    cameras: Mapping[str, frozenset[str]],
    consoles: frozenset[str] = frozenset(),
) -> tuple[Driver, Any]:
    """Make the driver as the app does."""
    module = module_of(DRIVERS, kind)
    assert module is not None
    config = module.Config.model_validate(settings)
    targets = Targets(cameras=cameras, consoles=consoles)
    driver: Driver = module.Driver("vms", config, targets=targets, clock=clock)
    return driver, config
