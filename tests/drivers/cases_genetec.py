"""Contract cases of the genetec driver, at the simulator's Security Center."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.genetec import FakeGenetec
from bridge.simulator.vms.genetec_site import FakeInstance
from tests.drivers.case import SECRET, SECRET_NAME, Deed, build, makers
from tests.fake_clock import START, FakeClock

PTZ: Final = "00000001-0000-babe-0000-000000000001"
FIXED: Final = "00000001-0000-babe-0000-000000000002"
ALARM: Final = "000000a1-0000-0000-0000-000000000001"
OPERATOR: Final = "00000005-0000-0000-0000-000000000001"
BRIDGE: Final = "00000005-0000-0000-0000-000000000002"
DESK: Final = "00000004-0000-0000-0000-000000000001"
SCREEN: Final = "00000041-0000-0000-0000-000000000001"

GET_TILE: Final = "POST /WebSdk/action?GetTile"
DISPLAY: Final = "POST /WebSdk/action?DisplayInTile"
BOOKMARK: Final = "POST /WebSdk/action?AddCameraBookmark"
TRIGGER: Final = "GET /WebSdk/alarm?TriggerAlarm"
ACKNOWLEDGE: Final = "GET /WebSdk/alarm?AcknowledgeAlarm"
ACTIVITY: Final = "GET /WebSdk/report/AlarmActivity"
MAY: Final = frozenset(
    {
        *(GET_TILE, ACTIVITY),
        # what check() asks
        *("GET /WebSdk/", "GET /WebSdk/entity", "GET /WebSdk/report/EntityConfiguration"),
    }
)
SETTINGS: Final[Mapping[str, Any]] = {
    "user": "sosbridge",
    "password": {"env": SECRET_NAME},
    "application_id": {"env": SECRET_NAME},
    "events": {"start": 5000, "stop": 5001},
    "alarm": ALARM,
    "operators": {"65": [OPERATOR]},
}


def populate(fake: FakeGenetec) -> None:
    """Two cameras, a Security Desk that runs at monitor 65, an alarm, two events, two users."""
    site = fake.state
    site.add("Camera", PTZ, "TANKFARM-EAST-PTZ-01")
    site.add("Camera", FIXED, "TANKFARM-EAST-FIX-02")
    site.add("Monitor", SCREEN, "Monitor 1", logical_id=65)
    site.add(
        "Application",
        DESK,
        "CONTROL-1",
        properties={"ApplicationType": "SecurityDesk", "Monitors": [SCREEN]},
    )
    site.add("Alarm", ALARM, "SOS", properties={"AutoAcknowledgmentDelay": "00:00:00"})
    site.add("User", OPERATOR, "Ann")
    site.add("User", BRIDGE, "sosbridge")
    site.custom_events.update({5000: "SOS start", 5001: "SOS stop"})


async def security_center(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, FakeGenetec]:
    """The driver at its fake, which is started."""
    fake = FakeGenetec(clock, user="sosbridge", application_id=SECRET, password=SECRET)
    populate(fake)
    await fake.start(tls=server_tls)
    settings = {"base_url": fake.base_url, **SETTINGS, **more}
    cameras = {PTZ: frozenset({"7"}), FIXED: frozenset[str]()}
    driver, config = build("genetec", clock, settings, cameras, frozenset({"65"}))
    return driver, config, fake


def add_instance(fake: FakeGenetec) -> None:
    """An instance of the alarm, active from now on."""
    now = fake.clock.now()
    fake.state.instances.append(FakeInstance(id=1, alarm=ALARM, source="", triggered_at=now))


RAISE: Final = f"POST /WebSdk/events/RaiseCustomEvent/5000/{PTZ}"

CASES: Final = makers(
    security_center,
    MAY,
    {
        "genetec-show": Deed(
            operation=Operation.SHOW,
            target="65",
            params={"cameras": PTZ, "views": "PTZ-01"},
            acts=DISPLAY,
            happy=(GET_TILE, DISPLAY, GET_TILE),
            effects=lambda fake: len(fake.state.tiles),
        ),
        "genetec-bookmark": Deed(
            operation=Operation.BOOKMARK,
            target=PTZ,
            params={"camera": "PTZ-01", "opened_ts": repr(START)},
            outcome=DeliveryState.ACCEPTED,
            acts=BOOKMARK,
            happy=(BOOKMARK,),
            # A repeat writes an equal mark at the same moment.
            effects=lambda fake: len(set(fake.state.bookmarks)),
        ),
        "genetec-event": Deed(
            operation=Operation.EVENT_START,
            target=PTZ,
            params={"camera": "PTZ-01"},
            outcome=DeliveryState.ACCEPTED,
            acts=RAISE,
            happy=(RAISE,),
            effects=lambda fake: len(set(fake.state.raised)),
        ),
        "genetec-popup": Deed(
            operation=Operation.POPUP,
            target="65",
            params={"cameras": PTZ, "views": "PTZ-01"},
            acts=TRIGGER,
            happy=(ACTIVITY, TRIGGER, ACTIVITY),
            effects=lambda fake: len(fake.state.instances),
        ),
        "genetec-close-popup": Deed(
            operation=Operation.CLOSE_POPUP,
            target="65",
            params={"reference": f"alarm:1@{ALARM}"},
            before=add_instance,
            acts=ACKNOWLEDGE,
            happy=(ACTIVITY, ACKNOWLEDGE, ACTIVITY),
            effects=lambda fake: sum(instance.state == "Acked" for instance in fake.state.instances),
        ),
    },
)
