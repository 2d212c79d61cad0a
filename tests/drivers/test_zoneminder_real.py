"""The driver at a real ZoneMinder 1.36.33: what the fake pretends must be true here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from bridge.errors import Permanent, Retryable, Unreachable
from bridge.model import DeliveryState, Operation, Receipt
from bridge.simulator.vms.onvif_camera import FakeOnvifCamera, FakePreset
from tests.drivers.case import INCIDENT, delivery
from tests.drivers.zoneminder_site import FIXED, PTZ, Site, site_at
from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from tests.parts.zoneminder import ZoneMinder

pytestmark = pytest.mark.real("zoneminder")


@pytest.fixture
async def site(zoneminder: ZoneMinder, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with site_at(zoneminder, monkeypatch) as made:
        yield made


async def test_force_bookmark_verify_stop(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING)
    assert started.outcome is DeliveryState.VERIFIED
    assert started.proof.startswith("status 2 (alarm), event ")
    number = int(started.reference.removeprefix("event:"))
    assert await site.driver.still_held(Operation.START_RECORDING, site.target(PTZ)) is True

    marked = await site.do(Operation.BOOKMARK, reference=started.reference)
    assert (marked.outcome, marked.reference) == (DeliveryState.VERIFIED, started.reference)
    event = (await site.events())[-1]
    assert event["Id"] == number
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert INCIDENT in event["Notes"]
    assert event["EndDateTime"] is None

    stopped = await site.do(Operation.STOP_RECORDING)
    assert stopped.outcome is DeliveryState.VERIFIED
    assert await site.driver.still_held(Operation.START_RECORDING, site.target(PTZ)) is False
    event = (await site.events())[-1]
    assert event["EndDateTime"] is not None
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert INCIDENT in event["Notes"]
    assert str(event["Archived"]) == "1"


async def test_a_repeat_after_a_crash_makes_no_second_recording(site: Site) -> None:
    first = await site.do(Operation.START_RECORDING)
    again = await site.do(Operation.START_RECORDING, doubtful=True)
    assert again.reference == first.reference
    assert again.proof.startswith("found forced already")
    for _ in range(2):
        await site.do(Operation.BOOKMARK, doubtful=True, title="SOS Ä <b> & 'x' € " + "x" * 80)
    notes = (await site.events())[-1]["Notes"]
    assert notes.count(INCIDENT) == 1


async def test_the_alarm_is_lost_when_the_stream_restarts(site: Site) -> None:
    first = await site.do(Operation.START_RECORDING)
    await asyncio.to_thread(site.zm.restart_capture, PTZ)
    held: bool | None = True
    deadline = time.monotonic() + 20
    while held is not False:
        assert time.monotonic() < deadline, "the loss was never seen"
        await asyncio.sleep(0.2)
        held = await site.driver.still_held(Operation.START_RECORDING, site.target(PTZ))
    await asyncio.to_thread(site.zm.wait_recording_ready, PTZ)
    second = await site.do(Operation.START_RECORDING)
    assert second.outcome is DeliveryState.VERIFIED
    assert second.reference != first.reference


async def test_dead_camera(site: Site) -> None:
    """Told within seconds, not forced again, and recording as soon as the pictures are back."""
    await asyncio.to_thread(site.zm.cameras[FIXED].stop)
    try:
        deadline = time.monotonic() + 20
        while float((await asyncio.to_thread(site.zm.status, FIXED))["CaptureFPS"] or 0) > 0:
            assert time.monotonic() < deadline, "ZoneMinder does not notice"
            await asyncio.sleep(0.2)
        began = time.monotonic()
        with pytest.raises(Retryable, match="gives no pictures"):
            await site.do(Operation.START_RECORDING, FIXED)
        assert time.monotonic() - began < 10
        findings = await site.driver.check()
        assert any(f.level == "error" and "gives no pictures" in f.text for f in findings)
    finally:
        await asyncio.to_thread(site.zm.cameras[FIXED].start)
    await asyncio.to_thread(site.zm.wait_recording_ready, FIXED)
    receipt = await site.do(Operation.START_RECORDING, FIXED, attempts=2)
    assert receipt.outcome is DeliveryState.VERIFIED


async def test_presets_reach_the_camera(site: Site) -> None:
    site.zm.cameras[PTZ].commands.clear()
    receipt = await site.do(Operation.RECALL_PRESET, preset="7")
    assert receipt.outcome is DeliveryState.ACCEPTED
    deadline = time.monotonic() + 15
    while "gotoserverpresetno=7" not in site.zm.cameras[PTZ].commands:
        assert time.monotonic() < deadline, site.zm.cameras[PTZ].commands
        await asyncio.sleep(0.1)


# --- PTZ by ONVIF: the camera itself says what arrived -------------------------------------------------


class OnvifMonitor:
    """A monitor of ZoneMinder's own ONVIF control type, and the camera that it moves."""

    def __init__(self, site: Site, camera: FakeOnvifCamera) -> None:
        self.site = site
        self.camera = camera
        self.number = ""

    def add(self) -> None:
        """Function None: only the control is of interest."""
        [kind] = [
            row["Control"]["Id"]
            for row in self.site.zm.api("controls.json")["controls"]
            if row["Control"]["Protocol"] == "onvif"
        ]
        host = self.camera.url.removeprefix("http://")
        settings = {
            "Name": "ONVIF-PTZ",
            "Type": "Ffmpeg",
            "Function": "None",
            "Path": "rtsp://127.0.0.1:9/none",
            "Width": "320",
            "Height": "240",
            "Controllable": "1",
            "ControlId": str(kind),
            "ControlAddress": f"http://{self.camera.access.user}:{self.camera.access.password}@{host}/onvif/ptz",
            "ControlDevice": "main",
        }
        data = {f"Monitor[{name}]": value for name, value in settings.items()}
        self.site.zm.api("monitors.json", method="POST", data=data)
        rows = [row["Monitor"] for row in self.site.zm.api("monitors.json")["monitors"]]
        [self.number] = [str(row["Id"]) for row in rows if row["Name"] == "ONVIF-PTZ"]

    def remove(self) -> None:
        self.site.zm.api(f"monitors/{self.number}.json", method="DELETE")

    async def do(self, operation: Operation, **fields: Any) -> Receipt:
        """Order it at ZoneMinder, and wait until the camera was asked for anything."""
        before = len(self.camera.requests)
        sample = delivery(FakeClock(self.site.clock.now()), operation, self.number, **fields)
        receipt = await self.site.driver.perform(sample)
        async with asyncio.timeout(20):
            await self.camera.received(before + 1)
        return receipt


@pytest.fixture
async def onvif(site: Site) -> AsyncIterator[OnvifMonitor]:
    presets = {"1": FakePreset("Gate", (0.1, 0.1, 0.0)), "7": FakePreset("Post 03", (0.5, -0.25, 0.4))}
    camera = FakeOnvifCamera(site.clock, user="zm", password="of-the-camera", presets=presets)
    await camera.start()
    monitor = OnvifMonitor(site, camera)
    await asyncio.to_thread(monitor.add)
    yield monitor
    await asyncio.to_thread(monitor.remove)
    await camera.stop()


async def test_a_preset_and_home_arrive_at_an_onvif_camera(onvif: OnvifMonitor) -> None:
    recalled = await onvif.do(Operation.RECALL_PRESET, preset="7")
    assert recalled.outcome is DeliveryState.ACCEPTED
    home = await onvif.do(Operation.HOME)
    assert home.outcome is DeliveryState.ACCEPTED
    assert onvif.camera.state.recalled == ["7", "home"]
    asked = [str(request) for request in onvif.camera.requests]
    assert asked == ["POST /onvif/ptz/GotoPreset", "POST /onvif/ptz/GotoHomePosition"]


async def test_a_preset_that_the_camera_refuses_is_accepted_at_most(onvif: OnvifMonitor) -> None:
    """ZoneMinder says Ok; the camera has answered with a fault."""
    receipt = await onvif.do(Operation.RECALL_PRESET, preset="9")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "which ZoneMinder always says" in receipt.proof
    assert onvif.camera.state.recalled == []
    deadline = time.monotonic() + 15
    while "NoToken" not in await asyncio.to_thread(onvif.site.zm.log):
        assert time.monotonic() < deadline, "the camera's fault is not in ZoneMinder's log"
        await asyncio.sleep(0.2)


async def test_check(site: Site) -> None:
    findings = await site.driver.check()
    assert [finding for finding in findings if finding.level == "error"] == []
    assert findings[0].text == "ZoneMinder 1.36.33: logged in"


async def test_wrong_password(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSBRIDGE_TEST_ZM_WRONG", "not-the-password")
    driver = site.make(password={"env": "SOSBRIDGE_TEST_ZM_WRONG"})
    sample = delivery(FakeClock(site.clock.now()), Operation.START_RECORDING, site.target(PTZ))
    with pytest.raises(Permanent, match="ZoneMinder refuses the user admin") as caught:
        await driver.perform(sample)
    assert "not-the-password" not in str(caught.value)
    [finding] = await driver.check()
    assert finding.level == "error"
    await driver.close()


async def test_the_web_server_is_down_and_back(site: Site) -> None:
    await asyncio.to_thread(site.zm.stop_web)
    try:
        with pytest.raises(Unreachable, match="connection refused"):
            await site.do(Operation.START_RECORDING)
    finally:
        await asyncio.to_thread(site.zm.start_web)
    assert (await site.do(Operation.START_RECORDING)).outcome is DeliveryState.VERIFIED
