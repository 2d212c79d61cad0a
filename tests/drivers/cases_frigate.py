"""Contract cases of the frigate driver, at the simulator's Frigate."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.frigate import FakeCamera, FakeFrigate, FakeUser
from bridge.simulator.vms.frigate_plant import FakeEvent
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, Case, build, delivery
from tests.fake_clock import FakeClock

CAMERA: Final = "tankfarm_east_ptz"
LOG_IN: Final = "POST /api/login"
OPEN: Final = "GET /api/events"
CREATE: Final = f"POST /api/events/{CAMERA}/sos/create"
CHECKS: Final = frozenset(
    {
        *("GET /api/version", "GET /api/config", "GET /api/stats"),
        *(f"GET /api/{CAMERA}/ptz/info", OPEN),
    }
)
NUMBER: Final = "1767225600.000000-000001"
"""The first event at the moment when every test begins."""
EVENT: Final = f"GET /api/events/{NUMBER}"


async def frigate(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, FakeFrigate]:
    """The fake with two cameras, and the driver."""
    cameras = [FakeCamera(CAMERA, presets=("post-03", "gate")), FakeCamera("tankfarm_east_fix")]
    fake = FakeFrigate(clock, cameras=cameras, users={"sosbridge": FakeUser(SECRET)}, lag=0.4)
    await fake.start(tls=server_tls)
    settings = {
        "base_url": fake.url,
        "user": "sosbridge",
        "password": {"env": SECRET_NAME},
        **({"store_wait": 0.5} if "timeouts" in more else {}),
        **more,
    }
    targets = {CAMERA: frozenset({"Post-03"}), "tankfarm_east_fix": frozenset[str]()}
    driver, config = build("frigate", clock, settings, targets)
    return driver, config, fake


def add_event(fake: FakeFrigate, **row: Any) -> FakeEvent:
    """An event of the sample incident that is stored and open."""
    event = FakeEvent(
        {
            "id": NUMBER,
            "camera": CAMERA,
            "label": "sos",
            "sub_label": f"SOS [{INCIDENT[:8]}]",
            "start_time": fake.clock.now() - 5.0,
            "has_clip": True,
            "retain_indefinitely": False,
            "data": {"type": "api", "score": 0},
            **row,
        },
        stored_at=0.0,
    )
    fake.state.events.append(event)
    return event


async def frigate_start(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await frigate(clock, server_tls, more)
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.START_RECORDING, CAMERA, camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=CREATE,
        happy=[LOG_IN, CREATE, EVENT, EVENT, EVENT],
        effects=lambda: len(fake.state.events),
        config=config,
        # a second event, for a repeat that is told a lie
        may=CHECKS | {"GET /api/events/1767225600.500000-000002"},
    )


async def frigate_stop(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await frigate(clock, server_tls, more)
    add_event(fake)
    acts = f"PUT /api/events/{NUMBER}/end"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.STOP_RECORDING, CAMERA, camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, OPEN, EVENT, acts, EVENT, EVENT, EVENT],
        effects=lambda: sum(event.end_time is not None for event in fake.state.events),
        config=config,
        may=CHECKS,
    )


async def frigate_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await frigate(clock, server_tls, more)
    add_event(fake)
    acts = f"POST /api/events/{NUMBER}/description"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.BOOKMARK, CAMERA, camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, OPEN, acts, EVENT],
        effects=lambda: sum("description" in event.row["data"] for event in fake.state.events),
        config=config,
        may=CHECKS,
    )


async def frigate_lock(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await frigate(clock, server_tls, more)
    add_event(fake)
    acts = f"POST /api/events/{NUMBER}/retain"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.LOCK_EVIDENCE, CAMERA, reference=f"event:{NUMBER}"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[LOG_IN, EVENT, acts, EVENT],
        effects=lambda: sum(event.row["retain_indefinitely"] for event in fake.state.events),
        config=config,
        may=CHECKS,
    )
