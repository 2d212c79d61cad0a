"""How the onvif driver gets in: both digests, clocks that are off, addresses that lead nowhere, settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.drivers.onvif import Config
from bridge.errors import Permanent
from bridge.model import DeliveryState
from tests.drivers.case import SECRET, SECRET_NAME, HastyClock
from tests.drivers.onvif_site import AT_POST_3, Site


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    site = Site(hasty)
    await site.start()
    yield site
    await site.stop()


# --- authentication and addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "habits",
    [
        {"clock_offset": 7200.0},
        {"clock_offset": -86400.0 * 365},
        {"authentication": "none"},
        {"authentication": "digest"},
        {"authentication": "digest", "algorithms": ("MD5",)},
        {"authentication": "digest", "algorithms": ("SHA-512-256", "SHA-256")},
        {"authentication": "digest", "tells_time": False},
        {"host_told": "10.9.8.7:8000"},
        {"knows_services": False},
        {"namespaces": False},
        {"tells_movement": False},
    ],
    ids=str,
)
async def test_cameras_that_differ(site: Site, habits: dict[str, Any]) -> None:
    for name, value in habits.items():
        setattr(site.habits, name, value)
    receipt = await site.do(site.driver())
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "preset 3 (Post 03): stands at 0.5,-0.25,0.4"
    assert receipt.reference == AT_POST_3
    assert site.fake.state.recalled == ["3"]


async def test_the_password_is_never_sent(site: Site) -> None:
    await site.do(site.driver())
    assert not [request for request in site.fake.requests if SECRET.encode() in request.body]
    # and what asks for the time carries no proof of it
    assert b"UsernameToken" not in site.fake.requests[0].body


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_camera_that_lost_its_clock(site: Site, status: int) -> None:
    """It is refused, the clock is asked again, and then it works."""
    site.habits.refusal_status = status
    driver = site.driver()
    await site.do(driver)
    site.habits.clock_offset = -1e9
    assert (await site.do(driver, preset="4")).outcome is DeliveryState.VERIFIED
    assert site.sent("GetSystemDateAndTime") == 2


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_wrong_password_is_tried_twice_and_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    site.habits.refusal_status = status
    monkeypatch.setenv(SECRET_NAME, "wrong-password")
    with pytest.raises(Permanent, match=f"refused, HTTP {status}: Sender/NotAuthorized.*user sosbridge"):
        await site.do(site.driver())
    assert site.sent("GetServices") == 2


async def test_nonces_that_a_restart_made_unknown(site: Site) -> None:
    site.habits.authentication = "digest"
    driver = site.driver()
    await site.do(driver)
    site.fake.access.forget_nonces()
    assert (await site.do(driver, preset="4")).outcome is DeliveryState.VERIFIED
    assert site.sent("GetPresets") == 3


async def test_only_basic_is_offered(site: Site) -> None:
    """The password would be readable: it is refused."""
    site.habits.authentication, site.habits.algorithms = "digest", ()
    with pytest.raises(Permanent, match="HTTP 401"):
        await site.do(site.driver())
    assert not any(
        "basic" in request.headers.get("authorization", "").lower() for request in site.fake.requests
    )


# --- configuration ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "http://u:p@cam"}, "must not hold credentials"),
        ({"url": "cam"}, "must begin with http"),
        ({"url": "http://cam/a/../b"}, "must not climb"),
        ({"url": "http://cam/x?y=1"}, "must not hold a query"),
        ({"user": ""}, "at least 1 character"),
        ({"password": "plain"}, "a secret is never written here"),
        ({"preset": "3"}, "Extra inputs"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], problem: str) -> None:
    good = {"url": "http://cam", "user": "u", "password": {"env": "X"}}
    assert (
        Config.model_validate({"cameras": {"a": good}}).cameras["a"].device_service == "/onvif/device_service"
    )
    with pytest.raises(ValidationError, match=problem) as caught:
        Config.model_validate({"cameras": {"a": {**good, **settings}}})
    assert "u:p@" not in str(caught.value)
    assert "plain" not in str(caught.value)


def test_the_device_service_may_be_elsewhere() -> None:
    good = {"url": "https://cam:8443/onvif/devices", "user": "u", "password": {"env": "X"}}
    camera = Config.model_validate({"cameras": {"a": good}}).cameras["a"]
    assert (camera.origin, camera.device_service) == ("https://cam:8443", "/onvif/devices")
