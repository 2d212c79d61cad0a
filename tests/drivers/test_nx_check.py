"""What `sosbridge check` says of an Nx server, and what `import` finds there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.errors import DeliveryError
from bridge.model import VmsCamera, VmsConsole
from bridge.simulator.vms.nx import recording_rule
from tests.drivers.case import HastyClock
from tests.drivers.cases_nx import BRIDGE, FIXED, GATE, HOME, OPERATOR, PTZ, fake_nx
from tests.drivers.nx_site import Site, site_of


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_of(hasty) as made:
        yield made


async def test_all_is_well(site: Site) -> None:
    assert await site.texts("ok") == [
        "default 6.1.0.42000: logged in, REST v4",
        f"camera TANKFARM-EAST-PTZ-01 ({PTZ}): Online",
        f"camera TANKFARM-EAST-FIX-02 ({FIXED}): Online",
        f"camera TANKFARM-EAST-PTZ-01 ({PTZ}): recorded by the rule for captions with PTZ-01",
        f"camera TANKFARM-EAST-FIX-02 ({FIXED}): recorded by the rule for captions with FIX-02",
    ]
    assert await site.texts("warning") + await site.texts("error") == []
    assert not any(request.method in ("PATCH", "PUT", "DELETE") for request in site.fake.requests)


async def test_an_older_server(hasty: HastyClock) -> None:
    async with site_of(hasty, fake=fake_nx(hasty, api=3)) as site:
        first, rights, rules = await site.texts("warning")
        assert first.startswith("a server before 6.1 (REST v4)")
        assert "rights" in rights
        assert "rules" in rules
        assert await site.texts("error") == []


async def test_a_pinned_version_that_the_server_has_not(hasty: HastyClock) -> None:
    async with site_of(hasty, fake=fake_nx(hasty, api=2), api="v4") as site:
        [text] = await site.texts("error")
        assert "404" in text


async def test_a_clock_that_is_wrong(site: Site) -> None:
    site.fake.clock_ahead = -90
    [text] = await site.texts("warning")
    assert text.startswith("the server's clock is -90 s from ours")


async def test_a_viewer_is_not_enough(site: Site) -> None:
    user = site.fake.users["sosbridge"]
    user.permissions, user.rights, user.lists = frozenset(), frozenset({"view"}), frozenset({"users"})
    [text] = await site.texts("error")
    assert "Generate events" in text
    bookmarks, presets, rules = await site.texts("warning")
    assert ("manageBookmarks" in bookmarks, "userInput" in presets) == (True, True)
    assert rules.startswith("the rules cannot be read, so recording is not proven")


async def test_more_rights_than_needed(site: Site) -> None:
    user = site.fake.users["sosbridge"]
    user.groups = ("{00000000-0000-0000-0000-100000000001}",)
    user.permissions = frozenset()
    [text] = await site.texts("warning")
    assert "power user" in text
    assert await site.texts("error") == []


async def test_a_camera_that_is_not_there(site: Site) -> None:
    del site.fake.state.devices[PTZ]
    [text] = await site.texts("error")
    assert text == (
        f"there is no camera {PTZ}, or the user may not see it; there is {FIXED} (TANKFARM-EAST-FIX-02)"
    )


async def test_a_camera_without_pictures(site: Site) -> None:
    site.camera.status = "Unauthorized"
    [text] = await site.texts("error")
    assert text == f"camera TANKFARM-EAST-PTZ-01 ({PTZ}) gives no pictures: status Unauthorized"


async def test_presets_that_are_not_there(hasty: HastyClock) -> None:
    async with site_of(hasty, presets=("gate", "post-03", f"{{{GATE.upper()}}}")) as site:
        [text] = await site.texts("error")
        assert text.endswith("has no preset 'gate'; it has post-03, overview")


async def test_consoles_are_users(site: Site) -> None:
    del site.fake.users["control-1"]
    [text] = await site.texts("error")
    assert text.startswith("there is no user 'control-1' for this console")


async def test_users_that_may_not_be_listed(site: Site) -> None:
    site.fake.users["sosbridge"].lists = frozenset({"rules"})
    [text] = await site.texts("warning")
    assert text.startswith("the users cannot be listed, so consoles are not proven")
    assert await site.texts("error") == []


@pytest.mark.parametrize(
    ("rule", "level", "words"),
    [
        (None, "error", "no rule records it. Make one: event Generic, source sosbridge"),
        (recording_rule(FIXED, "FIX-02"), "error", "no rule records it"),
        (recording_rule(PTZ, "PTZ-01", source="elsewhere"), "error", "no rule records it"),
        ({**recording_rule(PTZ, "PTZ-01"), "enabled": False}, "error", "no rule records it"),
        (recording_rule(PTZ, "PTZ-01", type="bookmark"), "error", "no rule records it"),
        (recording_rule(PTZ, "POST", devices={"useSource": True}), "error", "give each camera a rule"),
        (recording_rule(PTZ, ""), "error", "takes any caption"),
        (recording_rule(PTZ, "PTZ-01", durationS=30), "warning", "records 30 s only"),
        (recording_rule(PTZ, "PTZ-01", durationS="soon"), "warning", "records 5 s only"),
    ],
    ids=["none", "other camera", "source", "disabled", "bookmark", "source cameras", "any", "short", "odd"],
)
async def test_rules(site: Site, rule: dict[str, Any] | None, level: str, words: str) -> None:
    site.fake.state.rules = [recording_rule(FIXED, "FIX-02"), *([rule] if rule else [])]
    [text] = await site.texts(level)
    assert text.startswith(f"camera TANKFARM-EAST-PTZ-01 ({PTZ})")
    assert words in text


async def test_a_rule_for_each_of_thousands_of_cameras(site: Site) -> None:
    """Their list is longer than other answers may be, and the rules are asked for at once."""
    others = (recording_rule(f"c0ffee00-0000-4000-8000-{n:012x}", f"PTZ-{n:04}") for n in range(100, 5100))
    site.fake.state.rules += list(others)
    assert await site.texts("error") == []
    assert len(await site.texts("ok")) == 5


async def test_the_best_of_several_rules_counts(site: Site) -> None:
    site.fake.state.rules.append(recording_rule(PTZ, "POST-03", devices={"useSource": True}))
    assert await site.texts("error") == []


async def test_without_recording_rules(hasty: HastyClock) -> None:
    async with site_of(hasty, recording_rule=False) as site:
        [text] = await site.texts("warning")
        assert text.startswith("recording_rule is off")
        assert site.asked("events/rules") == 0


# --- inventory -----------------------------------------------------------------------------------------


async def test_inventory(site: Site) -> None:
    found = await site.driver.inventory()
    assert found.cameras == (
        VmsCamera(id=PTZ, name="TANKFARM-EAST-PTZ-01", ptz=True, presets={GATE: "post-03", HOME: "overview"}),
        VmsCamera(id=FIXED, name="TANKFARM-EAST-FIX-02"),
    )
    assert found.consoles == (
        VmsConsole(id=BRIDGE, name="sosbridge"),
        VmsConsole(id=OPERATOR, name="control-1"),
    )


async def test_inventory_without_the_right_to_see_users(site: Site) -> None:
    site.fake.users["sosbridge"].lists = frozenset()
    found = await site.driver.inventory()
    assert (len(found.cameras), found.consoles) == (2, ())


async def test_inventory_when_down(site: Site) -> None:
    await site.fake.stop()
    with pytest.raises(DeliveryError):
        await site.driver.inventory()
