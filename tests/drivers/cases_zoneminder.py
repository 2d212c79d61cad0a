"""Contract cases of the zoneminder driver, at the simulator's ZoneMinder."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.zoneminder import FakeUser, FakeZoneMinder
from tests.drivers.case import SECRET, SECRET_NAME, Case, build, delivery
from tests.fake_clock import FakeClock

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


async def zm_extend(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    fake.state.monitors[1].forced = True
    fake.open_events(1)
    acts = "PUT /zm/api/events/1.json"
    read = "GET /zm/api/events/index/Id:1.json"
    ended = {"closed_by": "A. Operator", "close_reason": "resolved", "reference": "event:1"}
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.EXTEND_BOOKMARK, "1", camera="PTZ-01", **ended),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, read, acts, read],
        effects=lambda: sum("closed by A. Operator" in event["Notes"] for event in fake.state.events),
        config=config,
        may=ZM_MAY,
    )


async def zm_lock(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _zoneminder(clock, server_tls, more)
    fake.state.monitors[1].forced = True
    fake.open_events(1)
    acts = "PUT /zm/api/events/1.json"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.LOCK_EVIDENCE, "1", camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, LATEST, acts, "GET /zm/api/events/index/Id:1.json"],
        effects=lambda: sum(event["Archived"] for event in fake.state.events),
        config=config,
        may=ZM_MAY,
    )
