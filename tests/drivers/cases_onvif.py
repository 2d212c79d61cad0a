"""Contract cases of the onvif driver, at the simulator's camera."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.onvif_camera import FakeOnvifCamera, FakePreset, Habits
from tests.drivers.case import SECRET, SECRET_NAME, Case, build, delivery
from tests.fake_clock import FakeClock

PRESETS: Final = {
    "3": FakePreset("Post 03", (0.5, -0.25, 0.4)),
    "4": FakePreset("Post 04", (-0.5, -0.25, 0.4)),
    "9": FakePreset("Home", (0.0, 0.0, 0.0)),
}
LOG_IN: Final = [
    "POST /onvif/device_service/GetSystemDateAndTime",
    "POST /onvif/device_service/GetServices",
]
PROFILES: Final = "POST /onvif/media/GetProfiles"
GET_PRESETS: Final = "POST /onvif/ptz/GetPresets"
GOTO: Final = "POST /onvif/ptz/GotoPreset"
STATUS: Final = "POST /onvif/ptz/GetStatus"
MAY: Final = frozenset({*LOG_IN, PROFILES, GET_PRESETS, STATUS, "POST /onvif/device_service/GetRelayOutputs"})


async def onvif_at(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any], habits: Habits, **own: Any
) -> tuple[Driver, Any, FakeOnvifCamera]:
    """Start a fake camera, and make the driver for it as `ptz-1`. own: settings of the camera."""
    fake = FakeOnvifCamera(
        clock, user="sosbridge", password=SECRET, presets=PRESETS, relays=("out-1",), habits=habits
    )
    await fake.start(tls=server_tls)
    camera = {"url": fake.url, "user": "sosbridge", "password": {"env": SECRET_NAME}, **own}
    settings = {"cameras": {"ptz-1": camera}, **({"move_wait": 0.6} if "timeouts" in more else {}), **more}
    driver, config = build("onvif", clock, settings, {"ptz-1": frozenset({"3"})})
    return driver, config, fake


async def onvif_recall(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake = await onvif_at(clock, server_tls, more, Habits(refusal_status=401))
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.RECALL_PRESET, "ptz-1", camera="PTZ-01", preset="3"),
        outcome=DeliveryState.VERIFIED,
        acts=GOTO,
        happy=[*LOG_IN, PROFILES, GET_PRESETS, STATUS, GOTO, STATUS],
        effects=lambda: len(fake.state.recalled),
        config=config,
        may=MAY,
    )


async def onvif_blind(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    """A camera that does not tell where it stands, and wants HTTP Digest."""
    habits = Habits(tells_position=False, authentication="digest")
    driver, config, fake = await onvif_at(clock, server_tls, more, habits)
    services = LOG_IN[1]
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.RECALL_PRESET, "ptz-1", camera="PTZ-01", preset="Post 03"),
        outcome=DeliveryState.ACCEPTED,
        acts=GOTO,
        happy=[LOG_IN[0], services, services, PROFILES, GET_PRESETS, STATUS, GOTO],
        effects=lambda: len(fake.state.recalled),
        config=config,
        may=MAY,
    )


async def onvif_home(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    habits = Habits(refusal_status=401)
    driver, config, fake = await onvif_at(clock, server_tls, more, habits, home_preset="Home")
    fake.state.steer(PRESETS["3"].place, clock.now())
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(
            clock, Operation.HOME, "ptz-1", camera="PTZ-01", reference="position:0.5,-0.25,0.4"
        ),
        outcome=DeliveryState.VERIFIED,
        acts=GOTO,
        happy=[*LOG_IN, PROFILES, GET_PRESETS, STATUS, GOTO, STATUS],
        effects=lambda: len(fake.state.recalled),
        config=config,
        may=MAY,
    )


async def onvif_event(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    """An output of the camera, in the place of an event."""
    habits = Habits(refusal_status=401)
    driver, config, fake = await onvif_at(clock, server_tls, more, habits, relay="out-1")
    acts = "POST /onvif/device_service/SetRelayOutputState"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, Operation.EVENT_START, "ptz-1", camera="PTZ-01"),
        outcome=DeliveryState.ACCEPTED,
        acts=acts,
        happy=[LOG_IN[0], acts],
        effects=lambda: sum(fake.state.relays.values()),
        config=config,
        may=MAY,
    )
