"""Contract cases of the onvif driver, at the simulator's camera."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.onvif_camera import FakeOnvifCamera, FakePreset, Habits
from tests.drivers.case import SECRET, SECRET_NAME, Deed, Start, build, maker
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


def camera_with(habits: Habits, **own: Any) -> Start[FakeOnvifCamera]:
    """What starts a fake camera, and makes the driver for it as `ptz-1`. own: settings of the camera."""

    async def start(
        clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
    ) -> tuple[Driver, Any, FakeOnvifCamera]:
        fake = FakeOnvifCamera(
            clock,
            user="sosbridge",
            password=SECRET,
            presets=PRESETS,
            relays=("out-1",),
            habits=replace(habits),  # its own: tests change them
        )
        await fake.start(tls=server_tls)
        camera = {"url": fake.url, "user": "sosbridge", "password": {"env": SECRET_NAME}, **own}
        wait = {"move_wait": 0.6} if "timeouts" in more else {}
        settings = {"cameras": {"ptz-1": camera}, **wait, **more}
        driver, config = build("onvif", clock, settings, {"ptz-1": frozenset({"3"})})
        return driver, config, fake

    return start


def stand_at_post_03(fake: FakeOnvifCamera) -> None:
    fake.state.steer(PRESETS["3"].place, fake.clock.now())


USUAL: Final = Habits(refusal_status=401)
BLIND: Final = Habits(tells_position=False, authentication="digest")
"""A camera that does not tell where it stands, and wants HTTP Digest."""
SWITCH: Final = "POST /onvif/device_service/SetRelayOutputState"

CASES: Final = {
    "onvif-recall": maker(
        camera_with(USUAL),
        MAY,
        Deed(
            operation=Operation.RECALL_PRESET,
            target="ptz-1",
            params={"camera": "PTZ-01", "preset": "3"},
            acts=GOTO,
            happy=(*LOG_IN, PROFILES, GET_PRESETS, STATUS, GOTO, STATUS),
            effects=lambda fake: len(fake.state.recalled),
        ),
    ),
    "onvif-blind": maker(
        camera_with(BLIND),
        MAY,
        Deed(
            operation=Operation.RECALL_PRESET,
            target="ptz-1",
            params={"camera": "PTZ-01", "preset": "Post 03"},
            outcome=DeliveryState.ACCEPTED,
            acts=GOTO,
            happy=(*LOG_IN, LOG_IN[1], PROFILES, GET_PRESETS, STATUS, GOTO),
            effects=lambda fake: len(fake.state.recalled),
        ),
    ),
    "onvif-home": maker(
        camera_with(USUAL, home_preset="Home"),
        MAY,
        Deed(
            operation=Operation.HOME,
            target="ptz-1",
            params={"camera": "PTZ-01", "reference": "position:0.5,-0.25,0.4"},
            before=stand_at_post_03,
            acts=GOTO,
            happy=(*LOG_IN, PROFILES, GET_PRESETS, STATUS, GOTO, STATUS),
            effects=lambda fake: len(fake.state.recalled),
        ),
    ),
    "onvif-event": maker(
        camera_with(USUAL, relay="out-1"),
        MAY,
        Deed(
            operation=Operation.EVENT_START,
            target="ptz-1",
            params={"camera": "PTZ-01"},
            outcome=DeliveryState.ACCEPTED,
            acts=SWITCH,
            happy=(LOG_IN[0], SWITCH),
            effects=lambda fake: sum(fake.state.relays.values()),
        ),
    ),
}
