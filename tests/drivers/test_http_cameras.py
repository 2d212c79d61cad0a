"""Cameras and consoles by configured requests: live or missing, moved by others, listed, checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from bridge.drivers.http import Config, Driver
from bridge.errors import CameraMissing, Permanent, Retryable
from bridge.model import DeliveryState, Operation, Receipt, Targets, VmsCamera, VmsConsole
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.http import GenericVms
from tests.drivers.case import HastyClock, delivery

REQUESTS: Final[Mapping[str, Any]] = {
    "prove_live": {
        "method": "GET",
        "path": "/api/cameras/{target}",
        "expect": {"json": {"/live": True}},
        "capability": "repeatable",
    },
    "start_recording": {
        "method": "PUT",
        "path": "/api/cameras/{target}/recording",
        "json": {"on": True},
        "capability": "repeatable",
        "missing_status": [409, 503],
    },
    "recall_preset": {
        "method": "PUT",
        "path": "/api/cameras/{target}/position",
        "json": {"preset": "{preset}"},
        "capability": "repeatable",
        "read_back": {"path": "/api/cameras/{target}", "expect": {"json": {"/preset": "{preset}"}}},
        "reference": "/preset",
    },
    "home": {
        "method": "DELETE",
        "path": "/api/cameras/{target}/position",
        "capability": "repeatable",
        "only_if": {"path": "/api/cameras/{target}", "expect": {"json": {"/preset": "{reference}"}}},
    },
}


@dataclass(slots=True)
class Site:
    driver: Driver
    fake: GenericVms
    clock: HastyClock

    async def do(self, operation: Operation, target: str = "11", **params: str) -> Receipt:
        return await self.driver.perform(delivery(self.clock, operation, target, **params))


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    fake = GenericVms(hasty, cameras=["11", "12"], screens=["control-1"])
    await fake.start()
    settings = {
        "base_url": fake.url,
        "requests": REQUESTS,
        "health": {"path": "/api/status"},
        "console_check": {"path": "/api/monitors/{target}/layout"},
        "inventory": {
            "cameras": {"path": "/api/cameras", "rows": "/items", "id": "/id", "name": "/name"},
            "consoles": {"path": "/api/monitors", "rows": "/items", "id": "/id", "name": "/title"},
        },
    }
    targets = Targets(consoles=frozenset({"control-1", "control-2"}))
    driver = Driver("wall", Config.model_validate(settings), targets=targets, clock=hasty)
    yield Site(driver, fake, hasty)
    await driver.close()
    await fake.stop()


async def test_a_live_camera(site: Site) -> None:
    receipt = await site.do(Operation.PROVE_LIVE)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "answered: GET /api/cameras/11: /live is true"


async def test_a_camera_that_is_not_live(site: Site) -> None:
    site.fake.state.offline.add("11")
    with pytest.raises(CameraMissing, match="camera 11: /live should be true, and there is false"):
        await site.do(Operation.PROVE_LIVE)


async def test_an_answer_that_proves_nothing(site: Site) -> None:
    """A log-in page says nothing about the camera: not missing, and not live."""
    site.fake.faults.order(Rule(fault=Fault.HTML))
    with pytest.raises(Retryable, match="web page") as caught:
        await site.do(Operation.PROVE_LIVE)
    assert not isinstance(caught.value, CameraMissing)


@pytest.mark.parametrize("status", [409, 503])
async def test_a_status_that_says_missing(site: Site, status: int) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=status))
    with pytest.raises(CameraMissing, match=f"camera 11: HTTP {status}"):
        await site.do(Operation.START_RECORDING)


async def test_other_statuses_stay_what_they_are(site: Site) -> None:
    with pytest.raises(Permanent, match="404"):
        await site.do(Operation.START_RECORDING, "99")


async def test_home_when_the_camera_stands_where_it_was_sent(site: Site) -> None:
    recalled = await site.do(Operation.RECALL_PRESET, preset="7")
    assert recalled.reference == "7"
    receipt = await site.do(Operation.HOME, reference=recalled.reference)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.presets == {}


@pytest.mark.parametrize("reference", ["7", ""])
async def test_home_is_not_sent_when_somebody_moved_it(site: Site, reference: str) -> None:
    site.fake.state.presets["11"] = "3"
    receipt = await site.do(Operation.HOME, reference=reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert receipt.proof.startswith("somebody else has changed it since: left as it is")
    assert site.fake.state.presets == {"11": "3"}
    assert [request.method for request in site.fake.requests] == ["GET"]


async def test_inventory(site: Site) -> None:
    found = await site.driver.inventory()
    assert found.cameras == (VmsCamera(id="11", name="camera 11"), VmsCamera(id="12", name="camera 12"))
    assert found.consoles == (VmsConsole(id="control-1", name="control-1"),)


async def test_an_inventory_of_another_shape(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.WRONG_TYPES))
    with pytest.raises(Retryable, match="there is no list at /items"):
        await site.driver.inventory()


async def test_no_inventory_is_configured(site: Site, hasty: HastyClock) -> None:
    settings = {"base_url": site.fake.url, "requests": REQUESTS, "health": {"path": "/api/status"}}
    driver = Driver("wall", Config.model_validate(settings), targets=Targets(), clock=hasty)
    with pytest.raises(Permanent, match=r"set inventory\.cameras"):
        await driver.inventory()
    await driver.close()


async def test_consoles_are_checked_one_by_one(site: Site) -> None:
    site.fake.state.layouts["control-1"] = {}
    texts = [(finding.level, finding.text) for finding in await site.driver.check()]
    assert ("ok", "console control-1: answered as expected") in texts
    [wrong] = [text for level, text in texts if level == "error"]
    assert wrong.startswith("console control-2: wall: GET /api/monitors/control-2/layout")
    [blind] = [text for level, text in texts if level == "warning"]
    assert blind == "accepted at best, never verified, for want of a read_back: home, start_recording"
