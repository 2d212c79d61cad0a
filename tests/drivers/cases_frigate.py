"""Contract cases of the frigate driver, at the simulator's Frigate."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import Driver, Operation
from bridge.simulator.vms.frigate import FakeCamera, FakeFrigate, FakeUser
from bridge.simulator.vms.frigate_plant import FakeEvent
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, Deed, build, makers
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


def add_event(fake: FakeFrigate) -> None:
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
        },
        stored_at=0.0,
    )
    fake.state.events.append(event)


END: Final = f"PUT /api/events/{NUMBER}/end"
DESCRIBE: Final = f"POST /api/events/{NUMBER}/description"
RETAIN: Final = f"POST /api/events/{NUMBER}/retain"

CASES: Final = makers(
    frigate,
    CHECKS,
    {
        "frigate-start": Deed(
            operation=Operation.START_RECORDING,
            target=CAMERA,
            params={"camera": "PTZ-01"},
            acts=CREATE,
            happy=(LOG_IN, CREATE, EVENT, EVENT, EVENT),
            effects=lambda fake: len(fake.state.events),
            # a second event, for a repeat that is told a lie
            may=frozenset({"GET /api/events/1767225600.500000-000002"}),
        ),
        "frigate-stop": Deed(
            operation=Operation.STOP_RECORDING,
            target=CAMERA,
            params={"camera": "PTZ-01"},
            before=add_event,
            acts=END,
            happy=(LOG_IN, OPEN, EVENT, END, EVENT, EVENT, EVENT),
            effects=lambda fake: sum(event.end_time is not None for event in fake.state.events),
        ),
        "frigate-bookmark": Deed(
            operation=Operation.BOOKMARK,
            target=CAMERA,
            params={"camera": "PTZ-01"},
            before=add_event,
            acts=DESCRIBE,
            happy=(LOG_IN, OPEN, DESCRIBE, EVENT),
            effects=lambda fake: sum("description" in event.row["data"] for event in fake.state.events),
        ),
        "frigate-lock": Deed(
            operation=Operation.LOCK_EVIDENCE,
            target=CAMERA,
            params={"reference": f"event:{NUMBER}"},
            before=add_event,
            acts=RETAIN,
            happy=(LOG_IN, EVENT, RETAIN, EVENT),
            effects=lambda fake: sum(event.row["retain_indefinitely"] for event in fake.state.events),
        ),
    },
)
