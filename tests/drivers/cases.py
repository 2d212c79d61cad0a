"""What the contract suite needs of a driver: the driver, its fake, a sample delivery, what may be requested.

A new driver adds its cases to `CASES` and passes every test of test_contract.py.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.config.instances import DRIVERS, module_of
from bridge.model import Delivery, DeliveryState, Driver, Operation, Targets, Tier
from bridge.simulator.vms.http import GenericVms
from bridge.simulator.vms.server import FakeServer
from bridge.simulator.vms.zoneminder import FakeUser, FakeZoneMinder
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
    kind: str, clock: FakeClock, settings: Mapping[str, Any], cameras: Mapping[str, frozenset[str]]
) -> tuple[Driver, Any]:
    """Make the driver as the app does."""
    module = module_of(DRIVERS, kind)
    assert module is not None
    config = module.Config.model_validate(settings)
    driver: Driver = module.Driver("vms", config, targets=Targets(cameras=cameras), clock=clock)
    return driver, config


# --- generic HTTP -------------------------------------------------------------------------------------

HTTP_REQUESTS: Final[dict[str, Any]] = {
    "show": {
        "method": "PUT",
        "path": "/api/monitors/{target}/layout",
        "json": {"cameras": "{cameras:list}", "incident": "{incident}"},
        "capability": "repeatable",
        "read_back": {
            "path": "/api/monitors/{target}/layout",
            "expect": {"json": {"/cameras": "{cameras:list}", "/incident": "{incident}"}},
        },
    },
    "bookmark": {
        "path": "/api/cameras/{target}/bookmarks",
        "json": {"incident": "{incident}", "text": "{title}"},
        "capability": "ask_first",
        "expect": {"json": {"/ok": True}},
        "read_back": {
            "path": "/api/cameras/{target}/bookmarks/{incident}",
            "expect": {"json": {"/incident": "{incident}"}},
        },
    },
    "popup": {
        "method": "PUT",
        "path": "/api/monitors/{target}/alarms/{incident}",
        "json": {"title": "{title}"},
        "capability": "repeatable",
    },
}


async def _http(
    clock: FakeClock,
    operation: Operation,
    target: str,
    server_tls: ssl.SSLContext | None,
    more: Mapping[str, Any],
) -> tuple[Driver, Any, GenericVms, Delivery]:
    fake = GenericVms(clock, cameras=["11"], screens=["control-1"], authorization=f"Bearer {SECRET}")
    await fake.start(tls=server_tls)
    settings = {
        "base_url": fake.url,
        "auth": {"kind": "bearer", "token": {"env": SECRET_NAME}},
        "requests": HTTP_REQUESTS,
        "health": {"path": "/api/status"},
        "camera_check": {"path": "/api/cameras/{target}"},
        **more,
    }
    driver, config = build("http", clock, settings, {"11": frozenset({"7"})})
    return driver, config, fake, delivery(clock, operation, target, cameras="11,12", camera="PTZ-01")


CHECKS: Final = frozenset({"GET /api/status", "GET /api/cameras/11"})


async def http_show(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.SHOW, "control-1", server_tls, more)
    layout = "/api/monitors/control-1/layout"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.VERIFIED,
        acts=f"PUT {layout}",
        happy=[f"PUT {layout}", f"GET {layout}"],
        effects=lambda: len(fake.state.layouts),
        config=config,
        may=CHECKS,
    )


async def http_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.BOOKMARK, "11", server_tls, more)
    path = "/api/cameras/11/bookmarks"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.VERIFIED,
        acts=f"POST {path}",
        happy=[f"POST {path}", f"GET {path}/{INCIDENT}"],
        effects=lambda: len(fake.state.bookmarks),
        config=config,
        may=CHECKS,
    )


async def http_popup(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.POPUP, "control-1", server_tls, more)
    path = f"/api/monitors/control-1/alarms/{INCIDENT}"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.ACCEPTED,
        acts=f"PUT {path}",
        happy=[f"PUT {path}"],
        effects=lambda: len(fake.state.popups),
        config=config,
        may=CHECKS,
    )


# --- ZoneMinder ---------------------------------------------------------------------------------------

LOG_IN: Final = "POST /zm/api/host/login.json"
STATUS: Final = "GET /zm/api/monitors/alarm/id:1/command:status.json"
LATEST: Final = "GET /zm/api/events/index/MonitorId:1.json"
ZM_MAY: Final = frozenset(
    {
        *(STATUS, LATEST, "GET /zm/api/monitors/1.json"),
        # what check() asks
        *("GET /zm/api/host/daemonCheck.json", "GET /zm/api/monitors.json", "GET /zm/api/controls.json"),
        *("GET /zm/api/users.json", "PUT /zm/api/events/0.json"),
    }
)


async def _zoneminder(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, FakeZoneMinder]:
    fake = FakeZoneMinder(
        clock,
        monitors={1: "TANKFARM-EAST-PTZ-01", 2: "TANKFARM-EAST-FIX-02"},
        users={"sosbridge": FakeUser(SECRET)},
        dead_wait=5.0,
    )
    await fake.start(tls=server_tls)
    settings = {
        "base_url": fake.base_url,
        "user": "sosbridge",
        "password": {"env": SECRET_NAME},
        **({"alarm_wait": 0.3} if "timeouts" in more else {}),
        **more,
    }
    driver, config = build("zoneminder", clock, settings, {"1": frozenset({"7"}), "2": frozenset()})
    return driver, config, fake


async def zm_start(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    acts = "GET /zm/api/monitors/alarm/id:1/command:on.json"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.START_RECORDING, "1", camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, acts, STATUS],
        effects=lambda: len(fake.state.events),
        config=config,
        may=ZM_MAY,
    )


async def zm_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    fake.state.monitors[1].forced = True
    fake.open_events(1)
    acts = "PUT /zm/api/events/1.json"
    read_back = "GET /zm/api/events/index/Id:1.json"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.BOOKMARK, "1", camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, LATEST, acts, read_back],
        effects=lambda: sum(event["Archived"] for event in fake.state.events),
        config=config,
        may=ZM_MAY,
    )


async def zm_preset(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.RECALL_PRESET, "1", camera="PTZ-01", preset="7"),
        outcome=DeliveryState.ACCEPTED,
        acts="GET /zm/index.php",
        happy=[LOG_IN, "GET /zm/index.php"],
        effects=lambda: len(fake.state.monitors[1].moved),
        config=config,
        may=ZM_MAY,
    )


async def zm_stop(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    fake.state.monitors[1].forced = True
    fake.open_events(1)
    acts = "GET /zm/api/monitors/alarm/id:1/command:off.json"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.STOP_RECORDING, "1", camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, acts, STATUS, STATUS, STATUS],
        effects=lambda: int(not fake.state.monitors[1].forced),
        config=config,
        may=ZM_MAY,
    )


CASES: Final[dict[str, Maker]] = {
    "http-show": http_show,
    "http-bookmark": http_bookmark,
    "http-popup": http_popup,
    "zoneminder-start": zm_start,
    "zoneminder-stop": zm_stop,
    "zoneminder-bookmark": zm_bookmark,
    "zoneminder-preset": zm_preset,
}
