"""Contract cases of the zoneminder driver, at the simulator's ZoneMinder."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.zoneminder import FakeUser, FakeZoneMinder
from tests.drivers.case import SECRET, SECRET_NAME, Deed, build, makers
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


async def zoneminder(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, FakeZoneMinder]:
    """The driver at its fake, which is started."""
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


def force(fake: FakeZoneMinder) -> None:
    """The alarm of monitor 1 is forced: its event 1 is open."""
    fake.state.monitors[1].forced = True
    fake.open_events(1)


ALARM_ON: Final = "GET /zm/api/monitors/alarm/id:1/command:on.json"
ALARM_OFF: Final = "GET /zm/api/monitors/alarm/id:1/command:off.json"
EDIT: Final = "PUT /zm/api/events/1.json"
READ: Final = "GET /zm/api/events/index/Id:1.json"
CONTROL: Final = "GET /zm/index.php"
ENDED: Final = {"closed_by": "A. Operator", "close_reason": "resolved", "reference": "event:1"}

CASES: Final = makers(
    zoneminder,
    ZM_MAY,
    {
        "zoneminder-start": Deed(
            operation=Operation.START_RECORDING,
            target="1",
            params={"camera": "PTZ-01"},
            acts=ALARM_ON,
            happy=(LOG_IN, ALARM_ON, STATUS),
            effects=lambda fake: len(fake.state.events),
        ),
        "zoneminder-stop": Deed(
            operation=Operation.STOP_RECORDING,
            target="1",
            params={"camera": "PTZ-01"},
            before=force,
            acts=ALARM_OFF,
            happy=(LOG_IN, ALARM_OFF, STATUS, STATUS, STATUS),
            effects=lambda fake: int(not fake.state.monitors[1].forced),
        ),
        "zoneminder-bookmark": Deed(
            operation=Operation.BOOKMARK,
            target="1",
            params={"camera": "PTZ-01"},
            before=force,
            acts=EDIT,
            happy=(LOG_IN, LATEST, EDIT, READ),
            effects=lambda fake: sum(event["Archived"] for event in fake.state.events),
        ),
        "zoneminder-extend": Deed(
            operation=Operation.EXTEND_BOOKMARK,
            target="1",
            params={"camera": "PTZ-01", **ENDED},
            before=force,
            acts=EDIT,
            happy=(LOG_IN, READ, EDIT, READ),
            effects=lambda fake: sum("closed by A. Operator" in e["Notes"] for e in fake.state.events),
        ),
        "zoneminder-lock": Deed(
            operation=Operation.LOCK_EVIDENCE,
            target="1",
            params={"camera": "PTZ-01"},
            before=force,
            acts=EDIT,
            happy=(LOG_IN, LATEST, EDIT, READ),
            effects=lambda fake: sum(event["Archived"] for event in fake.state.events),
        ),
        "zoneminder-preset": Deed(
            operation=Operation.RECALL_PRESET,
            target="1",
            params={"camera": "PTZ-01", "preset": "7"},
            outcome=DeliveryState.ACCEPTED,
            acts=CONTROL,
            happy=(LOG_IN, CONTROL),
            effects=lambda fake: len(fake.state.monitors[1].moved),
        ),
    },
)
