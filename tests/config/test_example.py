"""The shipped example loads as it is, given nothing but its secrets in the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from bridge.config import Site, load, load_text
from bridge.config.build import build_driver, build_trigger
from bridge.config.effective import effective
from bridge.config.loading import secrets_in
from bridge.model import Operation, View
from bridge.protocols.template import fill_structure, parse_structure
from bridge.resources import shared_folder
from bridge.response import Step
from tests.fake_clock import FakeClock

FILE = shared_folder("examples/tank-farm") / "site.yaml"
NAMED = re.findall(r"\b(SOSBRIDGE_\w+)=\.\.\.", FILE.read_text())
"""Environment variables that the head of the file says are needed."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    for name in list(os.environ):
        if name.startswith("SOSBRIDGE_"):
            monkeypatch.delenv(name)
    for name in NAMED:
        monkeypatch.setenv(name, f"value of {name}")
    return load(FILE)


def test_it_has_no_mistakes_and_no_warnings(site: Site) -> None:
    assert [finding for finding in site.findings if finding.level != "ok"] == []


def test_it_names_the_secrets_it_needs(site: Site) -> None:
    configs = [site.file.store, *(instance.config for instance in site.instances)]
    assert {secret.name for config in configs for _, secret in secrets_in(config)} == set(NAMED)
    assert len(NAMED) >= 3


def test_editors_are_told_of_the_schema() -> None:
    first = FILE.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=site.schema.json"


def test_the_third_post_in_the_east(site: Site) -> None:
    plan = site.plan()
    location = plan.locations["TANKFARM-EAST-POST-03"]
    assert location.views == (
        View(camera="TANKFARM-EAST-PTZ-01", preset="7"),
        View(camera="TANKFARM-EAST-FIX-02"),
    )
    phones = [phone for phone in plan.phones if phone.location == location.tag]
    assert len(phones) == 2
    assert plan.is_alarm("9110")


def test_everything_has_its_place(site: Site) -> None:
    plan = site.plan()
    assert {phone.location for phone in plan.phones} == set(plan.locations)
    seen = {view.camera for location in plan.locations.values() for view in location.views}
    assert seen == set(plan.cameras)
    assert all(set(ids) == {"zm", "wall"} for ids in plan.cameras.values())


def test_an_sos_records_shows_and_calls(site: Site) -> None:
    rules = site.plan().rules_of
    asked = {rule.operation for rule in rules[Step.SOS]}
    assert {Operation.START_RECORDING, Operation.RECALL_PRESET, Operation.SHOW, Operation.POPUP} <= asked
    assert Operation.BOOKMARK in asked
    assert [rule.groups for rule in rules[Step.NO_PICTURE]] == [("shift",)]


@pytest.mark.parametrize("name", ["popup", "update_popup"])
def test_a_popup_says_what_is_new_and_which_camera_is_missing(name: str) -> None:
    _, wall = yaml.safe_load(FILE.read_text())["vms"]
    request = parse_structure(wall["requests"][name]["json"])
    words = {
        "title": "SOS POST-03: pressed again",
        "spoken": "Post three",
        "extension": "4103",
        "opened_at": "12:00:00",
        "missing": "PTZ-01,FIX-02",
    }
    filled = fill_structure(request, words)
    assert filled["title"] == "SOS POST-03: pressed again"
    assert filled["text"] == "Post three, phone 4103, since 12:00:00; missing cameras: PTZ-01,FIX-02"


async def test_its_drivers_and_links_can_be_made(site: Site, clock: FakeClock) -> None:
    drivers = [build_driver(settings, clock) for settings in site.drivers]
    triggers = [build_trigger(settings, clock) for settings in site.triggers]
    for driver, settings in zip(drivers, site.drivers, strict=True):
        able = {name for name, how in driver.capabilities.items() if how.value != "impossible"}
        assert able == settings.operations
        await driver.close()
    assert len(triggers) == 1


def test_what_is_shown_of_it_means_the_same(site: Site) -> None:
    shown = yaml.safe_dump(effective(site), sort_keys=False)
    assert not [name for name in NAMED if f"value of {name}" in shown]
    again = load_text(shown)
    assert again.plan() == site.plan()
    assert again.drivers == site.drivers
    assert again.triggers == site.triggers


def test_it_lies_in_the_package() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"examples/tank-farm" = "bridge/_share/examples/tank-farm"' in project
