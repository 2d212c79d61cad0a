"""Contract cases of the nx driver, at the simulator's Nx server."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.nx import FakeDevice, FakeNx, FakeUser, recording_rule
from tests.drivers.case import SECRET, SECRET_NAME, Deed, build, makers
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


async def nx_server(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any], **fake_options: Any
) -> tuple[Driver, Any, FakeNx]:
    """The driver at its fake, which is started."""
    fake = fake_nx(clock, **fake_options)
    await fake.start(tls=server_tls)
    cameras = {PTZ: frozenset({"post-03"}), FIXED: frozenset[str]()}
    driver, config = build("nx", clock, settings_for(fake, **more), cameras, frozenset({"control-1"}))
    return driver, config, fake


def stand_at_gate(fake: FakeNx) -> None:
    fake.state.devices[PTZ].active = ("preset", GATE)


CREATE: Final = "POST /rest/v4/events/generic"
OLD_CREATE: Final = "POST /api/createEvent"
TO_GATE: Final = f"POST /rest/v4/devices/{PTZ}/ptz/presets/{GATE}/activate"
TO_HOME: Final = f"POST /rest/v4/devices/{PTZ}/ptz/presets/{HOME}/activate"
GET_HOME: Final = f"GET /rest/v4/devices/{PTZ}/ptz/homeObject"
OLD_MAY: Final = frozenset(line.replace("/v4/", "/v3/") for line in MAY)
RECORD: Final = "b00c0000-0000-4000-8000-000000000001_5e7e7000-0000-4000-8000-000000000001"

CASES: Final = makers(
    nx_server,
    MAY,
    {
        "nx-event": Deed(
            operation=Operation.EVENT_START,
            target=PTZ,
            params={"camera": "PTZ-01"},
            acts=CREATE,
            happy=(INFO, LOG_IN, DEVICE, CREATE, DEVICE, DEVICE),
            effects=lambda fake: len(fake.state.running),
        ),
        "nx-preset": Deed(
            operation=Operation.RECALL_PRESET,
            target=PTZ,
            params={"camera": "PTZ-01", "preset": "post-03"},
            acts=TO_GATE,
            happy=(INFO, LOG_IN, PRESETS, TO_GATE, ACTIVE),
            effects=lambda fake: len(fake.state.devices[PTZ].moved),
        ),
        "nx-home": Deed(
            operation=Operation.HOME,
            target=PTZ,
            params={"camera": "PTZ-01", "reference": f"object:{GATE}"},
            before=stand_at_gate,
            acts=TO_HOME,
            happy=(INFO, LOG_IN, ACTIVE, GET_HOME, TO_HOME, ACTIVE),
            effects=lambda fake: len(fake.state.devices[PTZ].moved),
        ),
        "nx-bookmark": Deed(
            operation=Operation.BOOKMARK,
            target=PTZ,
            params={"camera": "PTZ-01"},
            acts=f"POST {BOOKMARKS}",
            happy=(INFO, LOG_IN, f"GET {BOOKMARKS}", f"POST {BOOKMARKS}", f"GET {BOOKMARKS}/{RECORD}"),
            effects=lambda fake: len(fake.state.bookmarks),
        ),
    },
) | makers(
    partial(nx_server, api=3),
    OLD_MAY,
    {
        "nx-old-event": Deed(
            operation=Operation.EVENT_START,
            target=PTZ,
            params={"camera": "PTZ-01"},
            settings={"recording_rule": False},
            outcome=DeliveryState.ACCEPTED,
            acts=OLD_CREATE,
            happy=(INFO, "POST /rest/v3/login/sessions", OLD_CREATE),
            effects=lambda fake: len(fake.state.running),
        ),
    },
)
