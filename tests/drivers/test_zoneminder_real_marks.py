"""At a real ZoneMinder 1.36.33: the end in the notes, what is locked, and whether a camera is live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from bridge.errors import CameraMissing
from bridge.model import DeliveryState, Operation
from tests.drivers.case import INCIDENT
from tests.drivers.zoneminder_site import FIXED, PTZ, Site, site_at

if TYPE_CHECKING:
    from tests.parts.zoneminder import ZoneMinder

pytestmark = pytest.mark.real("zoneminder")


@pytest.fixture
async def site(zoneminder: ZoneMinder, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with site_at(zoneminder, monkeypatch) as made:
        yield made


async def test_lock_before_anything_is_marked(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING)
    locked = await site.do(Operation.LOCK_EVIDENCE)
    assert (locked.outcome, locked.reference) == (DeliveryState.VERIFIED, started.reference)
    event = (await site.events())[-1]
    assert str(event["Archived"]) == "1"
    assert INCIDENT not in (event["Notes"] or "")


async def test_the_end_is_written_into_a_finished_recording(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, reference=started.reference)
    await site.do(Operation.STOP_RECORDING)
    ended = {
        "acknowledged_by": "Å. Operator",
        "closed_by": "B. Chief",
        "close_reason": "found <safe> & sound",
    }
    for _ in range(2):
        extended = await site.do(Operation.EXTEND_BOOKMARK, reference=started.reference, **ended)
        assert (extended.outcome, extended.reference) == (DeliveryState.VERIFIED, started.reference)
    event = (await site.events())[-1]
    first, *others = event["Notes"].splitlines()
    assert first.startswith(f"incident {INCIDENT} lasted until ")
    assert first.endswith("acknowledged by Å. Operator, closed by B. Chief, because: found <safe> & sound")
    assert not any("lasted until" in line for line in others)
    assert f"incident {INCIDENT}" in others
    assert event["EndDateTime"] is not None


async def test_live_and_not(site: Site) -> None:
    proof = (await site.do(Operation.PROVE_LIVE, FIXED)).proof
    assert proof.startswith(f"{FIXED}: Connected, ")
    await asyncio.to_thread(site.zm.cameras[FIXED].stop)
    try:
        deadline = time.monotonic() + 60
        while float((await asyncio.to_thread(site.zm.status, FIXED))["CaptureFPS"] or 0) > 0:
            assert time.monotonic() < deadline, "ZoneMinder does not notice"
            await asyncio.sleep(0.2)
        for operation in (Operation.PROVE_LIVE, Operation.START_RECORDING):
            with pytest.raises(CameraMissing, match="gives no pictures"):
                await site.do(operation, FIXED)
    finally:
        await asyncio.to_thread(site.zm.cameras[FIXED].start)
    await asyncio.to_thread(site.zm.wait_recording_ready, FIXED)
    assert (await site.do(Operation.PROVE_LIVE, FIXED)).outcome is DeliveryState.VERIFIED


async def test_inventory(site: Site) -> None:
    cameras = {camera.name: camera for camera in (await site.driver.inventory()).cameras}
    assert {PTZ, FIXED} <= set(cameras)
    assert (cameras[PTZ].id, cameras[PTZ].ptz) == (site.target(PTZ), True)
    assert not cameras[FIXED].ptz
