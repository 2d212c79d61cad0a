"""What else ONVIF cameras are asked: pictures, outputs, what they have, and what is wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.drivers.onvif import Config, Driver, capabilities_of
from bridge.errors import CameraMissing, DeliveryError, Permanent, Retryable, Unreachable, Unsent
from bridge.model import Capability, DeliveryState, Finding, Operation, Targets, VmsCamera
from bridge.simulator.vms import onvif_camera_words as words
from bridge.simulator.vms.faults import Fault, Rule
from tests.drivers.case import SECRET_NAME, HastyClock
from tests.drivers.onvif_site import JPEG, Site, intervene


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    site = Site(hasty)
    await site.start()
    yield site
    await site.stop()


# --- pictures and outputs ---------------------------------------------------------------------------


@pytest.mark.parametrize("authentication", ["wss", "digest", "none"])
async def test_a_snapshot_proves_that_it_lives(site: Site, authentication: str) -> None:
    site.habits.authentication = authentication
    site.habits.host_told = "192.168.1.64"
    receipt = await site.do(site.driver(), Operation.PROVE_LIVE)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == f"a snapshot of {len(JPEG)} bytes"
    assert site.fake.state.snapshots == 1


async def test_without_snapshots_nothing_is_proven(site: Site) -> None:
    site.habits.snapshot = None
    receipt = await site.do(site.driver(), Operation.PROVE_LIVE)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.recalled == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no signal</html>",
        b"<html>no signal</html>" * 100,
        b"\xff\xd8\xff",
        JPEG[:511],
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=len,
)
async def test_a_snapshot_that_is_none(site: Site, body: bytes) -> None:
    site.habits.snapshot = body
    with pytest.raises(CameraMissing, match="its snapshot is no picture"):
        await site.do(site.driver(), Operation.PROVE_LIVE)


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_snapshot_that_is_refused(site: Site, status: int) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=status, path="/snapshot.jpg", retry_after="2"))
    with pytest.raises(CameraMissing, match="gives no picture") as caught:
        await site.do(site.driver(), Operation.PROVE_LIVE)
    assert caught.value.retry_after == (2.0 if status == 503 else None)


async def test_a_snapshot_that_may_not_be_had(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=401, path="/snapshot.jpg"))
    with pytest.raises(Permanent, match=r"snapshot.jpg: refused, HTTP 401"):
        await site.do(site.driver(), Operation.PROVE_LIVE)


@pytest.mark.parametrize("begins", [b"\xff\xd8\xff\xdb", b"\x89PNG\r\n\x1a\n"], ids=["jpeg", "png"])
async def test_pictures(site: Site, begins: bytes) -> None:
    site.habits.snapshot = begins + bytes(1000)
    assert (await site.do(site.driver(), Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


async def test_a_snapshot_that_is_too_large(site: Site) -> None:
    """The camera is there, and the only one: no reason to give all of them up."""
    site.habits.snapshot = JPEG + bytes(9 * 1024 * 1024)
    driver = site.driver("ptz-1")
    with pytest.raises(CameraMissing, match="larger than 8388608 bytes: it gives no picture") as caught:
        await site.do(driver, Operation.PROVE_LIVE)
    assert not isinstance(caught.value, Unreachable)
    assert (await site.do(driver)).outcome is DeliveryState.VERIFIED


async def test_an_answer_that_is_too_large(site: Site) -> None:
    driver = site.driver("ptz-1")
    site.fake.faults.order(Rule(fault=Fault.HUGE, path="GetPresets"))
    with pytest.raises(Retryable, match="larger than 8388608 bytes") as caught:
        await site.do(driver)
    assert not isinstance(caught.value, Unreachable)


async def test_a_snapshot_for_which_there_is_no_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """That says nothing about the camera."""
    driver = site.driver("ptz-1")
    end = site.clock.now() + 10
    intervene(monkeypatch, site.fake, "GetSnapshotUri", after=lambda: site.clock.step(11))
    with pytest.raises(Unsent):
        await site.do(driver, Operation.PROVE_LIVE, deadline=end)


async def test_outputs(site: Site) -> None:
    driver = site.driver(relay="out-1")
    for operation, active in ((Operation.EVENT_START, True), (Operation.EVENT_STOP, False)):
        assert (await site.do(driver, operation)).outcome is DeliveryState.ACCEPTED
        assert site.fake.state.relays["out-1"] is active
    with pytest.raises(Permanent, match="RelayToken"):
        await site.do(site.driver(relay="out-9"), Operation.EVENT_START)


async def test_a_camera_without_output_beside_one_that_has_one(site: Site) -> None:
    own = {"url": site.fake.url, "user": "x", "password": {"env": SECRET_NAME}}
    config = Config.model_validate({"cameras": {"a": {**own, "relay": "out-1"}, "b": own}})
    assert capabilities_of(config)[Operation.EVENT_START] is Capability.REPEATABLE
    driver = Driver("cams", config, targets=Targets(), clock=site.clock)
    with pytest.raises(Permanent, match="no `relay` is configured for this camera"):
        await site.do(driver, Operation.EVENT_START, target="b")
    await driver.close()


# --- one camera and all of them ---------------------------------------------------------------------


async def test_one_camera_away_is_a_missing_camera(site: Site) -> None:
    driver = site.driver()
    await site.fake.stop()
    for _ in range(3):
        with pytest.raises(CameraMissing, match="connection refused") as caught:
            await site.do(driver)
        assert not isinstance(caught.value, Unreachable)
    assert (await site.do(driver, target="ptz-2")).outcome is DeliveryState.VERIFIED


async def test_with_the_last_camera_the_whole_system_is_away(site: Site) -> None:
    driver = site.driver()
    await site.cameras["ptz-2"].stop()
    with pytest.raises(CameraMissing):
        await site.do(driver, target="ptz-2")
    await site.fake.stop()
    with pytest.raises(Unreachable):
        await site.do(driver)
    await site.fake.start()
    assert (await site.do(driver)).outcome is DeliveryState.VERIFIED
    with pytest.raises(CameraMissing):
        await site.do(driver, target="ptz-2")


async def test_an_unknown_camera(site: Site) -> None:
    with pytest.raises(Permanent, match="no camera 'ptz-9'; there is ptz-1, ptz-2"):
        await site.do(site.driver(), target="ptz-9")


async def test_inventory(site: Site) -> None:
    driver = site.driver(profile="main")
    await site.cameras["ptz-2"].stop()
    presets = {"3": "Post 03", "4": "Post 04", "9": "Home"}
    assert (await driver.inventory()).cameras == (
        VmsCamera(id="ptz-1", name="ptz-1", ptz=True, presets=presets),
        VmsCamera(id="ptz-2", name="ptz-2"),
    )
    await site.fake.stop()
    with pytest.raises(DeliveryError):
        await driver.inventory()
    fixed = site.driver("ptz-1", profile="overview")
    await site.fake.start()
    assert (await fixed.inventory()).cameras == (VmsCamera(id="ptz-1", name="ptz-1"),)


# --- check ------------------------------------------------------------------------------------------


async def checked(driver: Driver) -> dict[str, list[str]]:
    """What check finds, by level, without the camera's name."""
    found: list[Finding] = await driver.check()
    levels = ("ok", "warning", "error")
    return {
        level: [f.text.removeprefix("camera ptz-1: ") for f in found if f.level == level] for level in levels
    }


async def test_check_of_a_good_camera(site: Site) -> None:
    found = await checked(site.driver("ptz-1", relay="out-1", home_preset="Home"))
    assert found == {
        "ok": [
            "logged in (WS-Security), profile main",
            "presets 3, Home exist, and arriving there can be verified",
            "output out-1 exists",
        ],
        "warning": [],
        "error": [],
    }
    assert site.fake.state.recalled == []
    assert not any(site.fake.state.relays.values())


@pytest.mark.parametrize(
    ("habits", "warning"),
    [
        ({"clock_offset": 90.0}, "its clock is 90 s ahead"),
        ({"clock_offset": -90.0}, "its clock is 90 s behind"),
        ({"tells_time": False, "authentication": "digest"}, "does not tell its time"),
        ({"tells_position": False}, "does not tell its position"),
        ({"tells_preset_positions": False}, "does not tell where its presets 3 are"),
        ({"pulse_relays": frozenset({"out-1"})}, "falls back by itself"),
    ],
    ids=str,
)
async def test_what_check_warns_of(site: Site, habits: dict[str, Any], warning: str) -> None:
    for name, value in habits.items():
        setattr(site.habits, name, value)
    found = await checked(site.driver("ptz-1", relay="out-1"))
    assert found["error"] == []
    assert [text for text in found["warning"] if warning in text] == found["warning"] != []


async def test_what_check_calls_wrong(site: Site) -> None:
    found = await checked(site.driver("ptz-2", presets=("3",)))
    assert found["error"] == ["there is no camera 'ptz-1'; there is ptz-2"]
    found = await checked(site.driver("ptz-1", presets=("3", "99"), relay="out-9", home_preset="98"))
    assert [text[:30] for text in found["error"]] == [
        "ptz-1: there is no preset '98'",
        "ptz-1: there is no preset '99'",
        "there is no output 'out-9'; th",
    ]
    await site.fake.stop()
    found = await checked(site.driver())
    assert len(found["error"]) == 1
    assert [text for text in found["ok"] if "camera ptz-2" in text]


async def test_a_token_that_cannot_be_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile's token with a line feed in it ends in findings and errors, and in no defect."""
    monkeypatch.setattr(words, "PROFILES", words.PROFILES.replace('token="main"', 'token="ma&#10;in"'))
    driver = site.driver("ptz-1")
    found = await checked(driver)
    assert any("control character" in text for text in found["error"])
    for asked in (driver.inventory(), site.do(driver), site.do(driver, Operation.PROVE_LIVE)):
        with pytest.raises(DeliveryError, match="control character"):
            await asked


async def test_a_user_that_cannot_be_sent(site: Site) -> None:
    driver = site.driver("ptz-1", user="a\x7fb")
    found = await checked(driver)
    assert any("control character" in text for text in found["error"])
    with pytest.raises(Permanent, match="control character"):
        await driver.inventory()


async def test_a_clock_at_the_end_of_time(site: Site) -> None:
    """A second before the year 10000, and then it goes on."""
    site.habits.clock_offset = 253_402_300_799.0 - site.clock.now()
    site.habits.authentication = "none"
    driver = site.driver("ptz-1")
    assert any("ahead" in text for text in (await checked(driver))["warning"])
    site.habits.clock_offset = 0.0
    await site.clock.sleep(5)
    assert (await site.do(driver)).outcome is DeliveryState.VERIFIED
    assert (await driver.inventory()).cameras
    assert (await checked(driver))["error"] == []
