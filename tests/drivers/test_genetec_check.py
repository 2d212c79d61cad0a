"""What `check` finds at a Security Center, and what `inventory` lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.errors import Retryable
from bridge.model import Inventory, Stocked, VmsCamera, VmsConsole, Watcher
from bridge.simulator.vms.faults import Fault, Rule
from tests.drivers.case import HastyClock
from tests.drivers.cases_genetec import ALARM, DESK, FIXED, OPERATOR, PTZ, SCREEN
from tests.drivers.genetec_plant import Plant, running

UNKNOWN = "00000001-0000-babe-0000-00000000dead"


@pytest.fixture
async def plant(hasty: HastyClock) -> AsyncIterator[Plant]:
    async with running(hasty) as made:
        yield made


async def texts(plant: Plant, level: str) -> list[str]:
    return [finding.text for finding in await plant.driver.check() if finding.level == level]


async def test_check_says_what_is_well(plant: Plant) -> None:
    assert await texts(plant, "ok") == [
        "the Web SDK takes user sosbridge and the application id",
        f"camera TANKFARM-EAST-PTZ-01 ({PTZ}) is online",
        f"camera TANKFARM-EAST-FIX-02 ({FIXED}) is online",
        "custom event 5000 is defined",
        "custom event 5001 is defined",
        "monitor 65 belongs to a Security Desk that runs: CONTROL-1: Monitor 1",
        f"alarm SOS ({ALARM}): 0 instances are active, and reports can be read",
        "user Ann can be sent messages",
    ]
    assert await texts(plant, "error") == await texts(plant, "warning") == []


async def test_check_changes_nothing(plant: Plant) -> None:
    await plant.driver.check()
    state = plant.fake.state
    assert not any((state.tiles, state.instances, state.raised, state.bookmarks, state.messages))
    assert {request.method for request in plant.fake.requests} == {"GET"}


async def test_check_by_the_older_serializer(plant: Plant) -> None:
    plant.fake.older = True
    assert await texts(plant, "error") == []
    assert len(await texts(plant, "ok")) == 8


@pytest.mark.parametrize(
    ("guid", "change", "level", "words"),
    [
        (PTZ, {"online": False}, "error", f"camera TANKFARM-EAST-PTZ-01 ({PTZ}) is offline (NotRunning)"),
        (PTZ, {"kind": "Door"}, "error", f"TANKFARM-EAST-PTZ-01 ({PTZ}) is no camera but of type Door"),
        (ALARM, {"kind": "Door"}, "error", f"SOS ({ALARM}) is no alarm but of type Door"),
        (OPERATOR, {"kind": "Door"}, "error", f"Ann ({OPERATOR}) is no user but of type Door"),
        (
            ALARM,
            {"properties": {"AutoAcknowledgmentDelay": "00:01:00"}},
            "warning",
            f"alarm SOS ({ALARM}) acknowledges itself: an SOS would leave the screens",
        ),
        (DESK, {"online": False}, "warning", "monitor 65: no Security Desk runs there now: what is shown"),
        (SCREEN, {"kind": "Door"}, "error", "there is no monitor with the logical id 65"),
    ],
)
async def test_check_of_an_entity(
    plant: Plant, guid: str, change: dict[str, Any], level: str, words: str
) -> None:
    if guid == SCREEN:
        plant.fake.state.entities[DESK].properties["Monitors"] = []
    plant.fake.state.entities[guid] = replace(plant.fake.state.entities[guid], **change)
    [text] = await texts(plant, level)
    assert text.startswith(words)


async def test_check_of_a_camera_that_is_not_there(plant: Plant) -> None:
    plant.targets = replace(
        plant.targets, cameras={PTZ: frozenset(), UNKNOWN: frozenset(), "12": frozenset()}
    )
    plant.configure()
    unknown, numbered, there = await texts(plant, "error")
    assert numbered.startswith("there is no camera 12, or the user may not see it: '12' is not a GUID")
    assert unknown.startswith(f"there is no camera {UNKNOWN}")
    assert there == (
        "cameras that the user sees, at most 10:"
        f" {PTZ} (TANKFARM-EAST-PTZ-01), {FIXED} (TANKFARM-EAST-FIX-02)"
    )


async def test_check_of_alarms_and_operators_that_are_not_there(plant: Plant) -> None:
    plant.configure(alarm=UNKNOWN, operators={"65": [UNKNOWN]})
    alarm, user = await texts(plant, "error")
    assert alarm.startswith(f"there is no alarm {UNKNOWN}, or the user may not see it")
    assert user.startswith(f"there is no user {UNKNOWN}, or ours may not see it")


async def test_check_of_events(plant: Plant) -> None:
    plant.configure(zones={"EAST": {"start": 5010}}, routine_events={"stop": 5021})
    plant.fake.state.custom_events[7] = "gate 5010"
    where = "(Config Tool: System, General settings, Events)"
    assert await texts(plant, "error") == [
        f"custom event 5010 is not defined {where}",
        f"custom event 5021 is not defined {where}",
    ]


async def test_check_of_consoles(plant: Plant) -> None:
    plant.targets = replace(plant.targets, consoles=frozenset({"65", "66", "desk"}))
    plant.configure(alarm=None, alarms={"65": ALARM})
    missing, named, *without = await texts(plant, "error")
    assert missing.startswith("there is no monitor with the logical id 66")
    assert named == "console 'desk' is not the logical id of a monitor"
    assert without == [
        "console 66 has no alarm: nothing pops up there",
        "console desk has no alarm: nothing pops up there",
    ]


async def test_check_of_presets(plant: Plant) -> None:
    plant.targets = replace(plant.targets, cameras={PTZ: frozenset({"7", "gate"})})
    plant.configure(events={})
    assert await texts(plant, "error") == [f"camera {PTZ}: preset 'gate' is not a number"]
    [warning] = await texts(plant, "warning")
    assert warning.startswith("presets are used, but there is neither a command recall_preset")


async def test_check_of_what_is_answered_with_a_page(plant: Plant) -> None:
    """A role may answer an unknown entity with HTTP 400 as well as with Fail."""
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=400, path="/entity", times=2))
    ptz, fixed, _ = await texts(plant, "error")
    assert ptz.startswith(f"there is no camera {PTZ}")
    assert fixed.startswith(f"there is no camera {FIXED}")


async def test_check_of_what_may_not_be_seen(plant: Plant) -> None:
    """A missing privilege is not a missing camera."""
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path="/entity", times=1))
    [text] = await texts(plant, "error")
    assert "HTTP 403" in text


async def test_check_without_an_alarm(plant: Plant) -> None:
    plant.configure(alarm=None)
    assert await texts(plant, "error") == []


async def test_check_without_the_licence(plant: Plant) -> None:
    plant.fake.licensed = False
    [text] = await texts(plant, "error")
    assert "part number" in text


async def test_check_at_another_address(plant: Plant) -> None:
    plant.configure(base_url=plant.fake.url + "/Other")
    [text] = await texts(plant, "error")
    assert "HTTP 404: base_url must be the Web-based SDK role's address" in text


async def test_inventory(plant: Plant) -> None:
    driver = plant.driver
    assert isinstance(driver, Stocked)
    assert isinstance(driver, Watcher)
    plant.fake.state.add("Monitor", UNKNOWN, "Monitor 9", logical_id=9)
    offline = {"ApplicationType": "SecurityDesk", "Monitors": [UNKNOWN]}
    plant.fake.state.add(
        "Application", UNKNOWN.replace("dead", "beef"), "AWAY", online=False, properties=offline
    )
    tool = {"ApplicationType": "ConfigTool", "Monitors": [UNKNOWN]}
    plant.fake.state.add("Application", UNKNOWN.replace("dead", "cafe"), "TOOL", properties=tool)
    assert await driver.inventory() == Inventory(
        cameras=(
            VmsCamera(id=PTZ, name="TANKFARM-EAST-PTZ-01"),
            VmsCamera(id=FIXED, name="TANKFARM-EAST-FIX-02"),
        ),
        consoles=(VmsConsole(id="65", name="CONTROL-1: Monitor 1"),),
    )


async def test_an_inventory_where_applications_cannot_be_read(plant: Plant) -> None:
    plant.fake.unreadable.add("ApplicationType")
    plant.fake.state.add("Monitor", UNKNOWN, "Monitor 9", logical_id=9)
    found = await plant.driver.inventory()
    assert found.consoles == (VmsConsole(id="65", name="Monitor 1"), VmsConsole(id="9", name="Monitor 9"))


@pytest.mark.parametrize(
    ("column", "lacking", "errors"),
    [
        ("AutoAcknowledgmentDelay", [], 0),
        ("ApplicationType", ["monitor 65"], 1),
        ("CustomEvents", ["custom event 5000", "custom event 5001"], 1),
    ],
)
async def test_check_goes_on_after_what_cannot_be_read(
    plant: Plant, column: str, lacking: list[str], errors: int
) -> None:
    """Another version may have another name for it."""
    whole = await texts(plant, "ok")
    plant.fake.unreadable.add(column)
    assert await texts(plant, "ok") == [text for text in whole if not text.startswith((*lacking, "-"))]
    assert len(await texts(plant, "error")) == errors


async def test_check_ends_where_nothing_answers_any_more(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_after_the_first(method: str, path: str) -> Rule | None:
        return Rule(fault=Fault.RESET) if len(plant.fake.requests) > 1 else None

    monkeypatch.setattr(plant.fake.faults, "take", drop_after_the_first)
    assert len(await texts(plant, "error")) == 1
    assert len(plant.fake.requests) == 2


async def test_inventory_of_many_pages(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with one row more than asked for is followed by another one."""
    monkeypatch.setattr("bridge.protocols.genetec.PAGE_SIZE", 10)
    for number in range(10, 34):
        plant.fake.state.add("Camera", f"00000001-0000-babe-0000-0000000000{number}", f"camera {number}")
    found = await plant.driver.inventory()
    assert len({camera.id for camera in found.cameras}) == len(found.cameras) == 26
    pages = [request for request in plant.fake.requests if "Camera" in request.query.get("q", "")]
    assert len(pages) == 3


async def test_an_inventory_that_is_cut_short(plant: Plant) -> None:
    plant.fake.says["EntityConfiguration"] = "TooManyResults"
    with pytest.raises(Retryable, match="toomanyresults"):
        await plant.driver.inventory()
