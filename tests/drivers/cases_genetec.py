"""Contract cases of the genetec driver, at the simulator's Security Center."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.genetec import FakeGenetec
from bridge.simulator.vms.genetec_site import FakeInstance
from tests.drivers.case import SECRET, SECRET_NAME, Case, build, delivery
from tests.fake_clock import FakeClock

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


async def genetec_show(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await security_center(clock, server_tls, more)
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.SHOW, "65", cameras=PTZ, views="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=DISPLAY,
        happy=[GET_TILE, DISPLAY, GET_TILE],
        effects=lambda: len(fake.state.tiles),
        config=config,
        may=MAY,
    )


async def genetec_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await security_center(clock, server_tls, more)
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.BOOKMARK, PTZ, camera="PTZ-01", opened_ts=repr(clock.now())),
        outcome=DeliveryState.ACCEPTED,
        acts=BOOKMARK,
        happy=[BOOKMARK],
        # A repeat writes an equal mark at the same moment.
        effects=lambda: len(set(fake.state.bookmarks)),
        config=config,
        may=MAY,
    )


async def genetec_event(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await security_center(clock, server_tls, more)
    acts = f"POST /WebSdk/events/RaiseCustomEvent/5000/{PTZ}"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.EVENT_START, PTZ, camera="PTZ-01"),
        outcome=DeliveryState.ACCEPTED,
        acts=acts,
        happy=[acts],
        effects=lambda: len(set(fake.state.raised)),
        config=config,
        may=MAY,
    )


async def genetec_popup(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await security_center(clock, server_tls, more)
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.POPUP, "65", cameras=PTZ, views="PTZ-01"),
        outcome=DeliveryState.VERIFIED,
        acts=TRIGGER,
        happy=[ACTIVITY, TRIGGER, ACTIVITY],
        effects=lambda: len(fake.state.instances),
        config=config,
        may=MAY,
    )


async def genetec_close_popup(
    clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any
) -> Case:
    driver, config, fake = await security_center(clock, server_tls, more)
    fake.state.instances.append(FakeInstance(id=1, alarm=ALARM, source="", triggered_at=clock.now()))
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.CLOSE_POPUP, "65", reference=f"alarm:1@{ALARM}"),
        outcome=DeliveryState.VERIFIED,
        acts=ACKNOWLEDGE,
        happy=[ACTIVITY, ACKNOWLEDGE, ACTIVITY],
        effects=lambda: sum(instance.state == "Acked" for instance in fake.state.instances),
        config=config,
        may=MAY,
    )
