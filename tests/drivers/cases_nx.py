"""Contract cases of the nx driver, at the simulator's Nx server."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.nx import FakeDevice, FakeNx, FakeUser, recording_rule
from tests.drivers.case import SECRET, SECRET_NAME, Case, build, delivery
from tests.fake_clock import FakeClock

PTZ: Final = "c0ffee00-0000-4000-8000-000000000001"
FIXED: Final = "c0ffee00-0000-4000-8000-000000000002"
GATE: Final = "9a7e0000-0000-4000-8000-000000000007"
"""A preset of PTZ; its home is another one."""
HOME: Final = "9a7e0000-0000-4000-8000-000000000001"
BRIDGE: Final = "ab1de000-0000-4000-8000-000000000001"
OPERATOR: Final = "0be7a7e0-0000-4000-8000-000000000002"

INFO: Final = "GET /rest/v1/system/info"
LOG_IN: Final = "POST /rest/v4/login/sessions"
DEVICE: Final = f"GET /rest/v4/devices/{PTZ}"
PRESETS: Final = f"GET /rest/v4/devices/{PTZ}/ptz/presets"
ACTIVE: Final = f"GET /rest/v4/devices/{PTZ}/ptz/activeObject"
BOOKMARKS: Final = f"/rest/v4/devices/{PTZ}/bookmarks"
MAY: Final = frozenset(
    {
        *(INFO, LOG_IN, DEVICE),
        # what check() asks
        *("GET /rest/v4/users/-/permissions", "GET /rest/v4/users", "GET /rest/v4/devices", PRESETS),
        "GET /rest/v4/events/rules",
    }
)


def fake_nx(clock: FakeClock, **more: Any) -> FakeNx:
    """A site with two cameras, a rule for each, and an operator besides the bridge's user."""
    fake = FakeNx(
        clock,
        devices=[
            FakeDevice(
                PTZ, "TANKFARM-EAST-PTZ-01", {GATE: "post-03", HOME: "overview"}, home=("preset", HOME)
            ),
            FakeDevice(FIXED, "TANKFARM-EAST-FIX-02"),
        ],
        users={"sosbridge": FakeUser(SECRET, BRIDGE), "control-1": FakeUser("other", OPERATOR)},
        **more,
    )
    fake.state.rules = [recording_rule(PTZ, "PTZ-01"), recording_rule(FIXED, "FIX-02")]
    return fake


def settings_for(fake: FakeNx, **more: Any) -> dict[str, Any]:
    return {"base_url": fake.url, "user": "sosbridge", "password": {"env": SECRET_NAME}, **more}


async def _nx(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any], **fake_options: Any
) -> tuple[Driver, Any, FakeNx]:
    fake = fake_nx(clock, **fake_options)
    await fake.start(tls=server_tls)
    cameras = {PTZ: frozenset({"post-03"}), FIXED: frozenset[str]()}
    driver, config = build("nx", clock, settings_for(fake, **more), cameras, frozenset({"control-1"}))
    return driver, config, fake


async def nx_event(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _nx(clock, server_tls, more)
    acts = "POST /rest/v4/events/generic"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.EVENT_START, PTZ, camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[INFO, LOG_IN, DEVICE, acts, DEVICE, DEVICE],
        effects=lambda: len(fake.state.running),
        config=config,
        may=MAY,
    )


async def nx_old_event(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _nx(clock, server_tls, {"recording_rule": False, **more}, api=3)
    acts = "POST /api/createEvent"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.EVENT_START, PTZ, camera="PTZ-01"),
        outcome=DeliveryState.ACCEPTED,
        acts=acts,
        happy=[INFO, "POST /rest/v3/login/sessions", acts],
        effects=lambda: len(fake.state.running),
        config=config,
        may=frozenset(line.replace("/v4/", "/v3/") for line in MAY),
    )


async def nx_preset(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _nx(clock, server_tls, more)
    acts = f"POST /rest/v4/devices/{PTZ}/ptz/presets/{GATE}/activate"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.RECALL_PRESET, PTZ, camera="PTZ-01", preset="post-03"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[INFO, LOG_IN, PRESETS, acts, ACTIVE],
        effects=lambda: len(fake.state.devices[PTZ].moved),
        config=config,
        may=MAY,
    )


async def nx_home(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _nx(clock, server_tls, more)
    fake.state.devices[PTZ].active = ("preset", GATE)
    acts = f"POST /rest/v4/devices/{PTZ}/ptz/presets/{HOME}/activate"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.HOME, PTZ, camera="PTZ-01", reference=f"object:{GATE}"),
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[INFO, LOG_IN, ACTIVE, f"GET /rest/v4/devices/{PTZ}/ptz/homeObject", acts, ACTIVE],
        effects=lambda: len(fake.state.devices[PTZ].moved),
        config=config,
        may=MAY,
    )


async def nx_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await _nx(clock, server_tls, more)
    record = "b00c0000-0000-4000-8000-000000000001_5e7e7000-0000-4000-8000-000000000001"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.BOOKMARK, PTZ, camera="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=f"POST {BOOKMARKS}",
        happy=[INFO, LOG_IN, f"GET {BOOKMARKS}", f"POST {BOOKMARKS}", f"GET {BOOKMARKS}/{record}"],
        effects=lambda: len(fake.state.bookmarks),
        config=config,
        may=MAY,
    )
