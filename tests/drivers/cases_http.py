"""Contract cases of the http driver, at the generic video system of the simulator."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import Delivery, DeliveryState, Driver, Operation
from bridge.simulator.vms.http import GenericVms
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, Case, build, delivery
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


async def _http(
    clock: FakeClock,
    operation: Operation,
    target: str,
    server_tls: ssl.SSLContext | None,
    more: Mapping[str, Any],
) -> tuple[Driver, Any, GenericVms, Delivery]:
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
    return driver, config, fake, delivery(clock, operation, target, cameras="11,12", camera="PTZ-01")


CHECKS: Final = frozenset({"GET /api/status", "GET /api/cameras/11"})


async def http_show(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.SHOW, "control-1", server_tls, more)
    layout = "/api/monitors/control-1/layout"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.VERIFIED,
        acts=f"PUT {layout}",
        happy=[f"PUT {layout}", f"GET {layout}"],
        effects=lambda: len(fake.state.layouts),
        config=config,
        may=CHECKS,
    )


async def http_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.BOOKMARK, "11", server_tls, more)
    path = "/api/cameras/11/bookmarks"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.VERIFIED,
        acts=f"POST {path}",
        happy=[f"POST {path}", f"GET {path}/{INCIDENT}"],
        effects=lambda: len(fake.state.bookmarks),
        config=config,
        may=CHECKS,
    )


async def http_popup(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    driver, config, fake, sample = await _http(clock, Operation.POPUP, "control-1", server_tls, more)
    path = f"/api/monitors/control-1/alarms/{INCIDENT}"
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=sample,
        outcome=DeliveryState.ACCEPTED,
        acts=f"PUT {path}",
        happy=[f"PUT {path}"],
        effects=lambda: len(fake.state.popups),
        config=config,
        may=CHECKS,
    )
