"""Contract cases of the http driver, at the generic video system of the simulator."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.http import GenericVms
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, Deed, build, makers
from tests.fake_clock import FakeClock

HTTP_REQUESTS: Final[dict[str, Any]] = {
    "show": {
        "method": "PUT",
        "path": "/api/monitors/{target}/layout",
        "json": {"cameras": "{cameras:list}", "incident": "{incident}"},
        "capability": "repeatable",
        "read_back": {
            "path": "/api/monitors/{target}/layout",
            "expect": {"json": {"/cameras": "{cameras:list}", "/incident": "{incident}"}},
        },
    },
    "bookmark": {
        "path": "/api/cameras/{target}/bookmarks",
        "json": {"incident": "{incident}", "text": "{title}"},
        "capability": "ask_first",
        "expect": {"json": {"/ok": True}},
        "read_back": {
            "path": "/api/cameras/{target}/bookmarks/{incident}",
            "expect": {"json": {"/incident": "{incident}"}},
        },
    },
    "popup": {
        "method": "PUT",
        "path": "/api/monitors/{target}/alarms/{incident}",
        "json": {"title": "{title}"},
        "capability": "repeatable",
    },
}


async def generic_system(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, GenericVms]:
    """The driver at its fake, which is started."""
    fake = GenericVms(clock, cameras=["11"], screens=["control-1"], authorization=f"Bearer {SECRET}")
    await fake.start(tls=server_tls)
    settings = {
        "base_url": fake.url,
        "auth": {"kind": "bearer", "token": {"env": SECRET_NAME}},
        "requests": HTTP_REQUESTS,
        "health": {"path": "/api/status"},
        "camera_check": {"path": "/api/cameras/{target}"},
        **more,
    }
    driver, config = build("http", clock, settings, {"11": frozenset({"7"})})
    return driver, config, fake


CHECKS: Final = frozenset({"GET /api/status", "GET /api/cameras/11"})
SAID: Final = {"cameras": "11,12", "camera": "PTZ-01"}
LAYOUT: Final = "/api/monitors/control-1/layout"
BOOKMARKS: Final = "/api/cameras/11/bookmarks"
ALARM: Final = f"PUT /api/monitors/control-1/alarms/{INCIDENT}"

CASES: Final = makers(
    generic_system,
    CHECKS,
    {
        "http-show": Deed(
            operation=Operation.SHOW,
            target="control-1",
            params=SAID,
            acts=f"PUT {LAYOUT}",
            happy=(f"PUT {LAYOUT}", f"GET {LAYOUT}"),
            effects=lambda fake: len(fake.state.layouts),
        ),
        "http-bookmark": Deed(
            operation=Operation.BOOKMARK,
            target="11",
            params=SAID,
            acts=f"POST {BOOKMARKS}",
            happy=(f"POST {BOOKMARKS}", f"GET {BOOKMARKS}/{INCIDENT}"),
            effects=lambda fake: len(fake.state.bookmarks),
        ),
        "http-popup": Deed(
            operation=Operation.POPUP,
            target="control-1",
            params=SAID,
            outcome=DeliveryState.ACCEPTED,
            acts=ALARM,
            happy=(ALARM,),
            effects=lambda fake: len(fake.state.popups),
        ),
    },
)
