"""Which cameras a rule means: the wider ones, those with a preset, and who stands in for a missing one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import Incident, IncidentState, Location, Operation, Tier, View
from bridge.response import Action, Plan, Rule, Step, actions_for, resources_at, stand_ins_at
from bridge.response.views import Look, looks_of

POST = Location(
    tag="POST-03",
    spoken="Post three",
    views=(View(camera="FIX-02"), View(camera="PTZ-01", preset="7"), View(camera="PTZ-02", preset="3")),
    wider=(View(camera="MAST", preset="all"), View(camera="FIX-02")),
    alternates=(View(camera="ALT-1", preset="1"), View(camera="ALT-2"), View(camera="FIX-02")),
    consoles=("desk-1",),
)
TAGS = ("FIX-02", "PTZ-01", "PTZ-02", "MAST", "ALT-1", "ALT-2")
PLAN = Plan(
    site="Tank farm",
    locations={"POST-03": POST},
    cameras={tag: {"vms": f"id-{tag}"} for tag in TAGS},
)
INCIDENT = Incident(
    id="i-1",
    tier=Tier.EMERGENCY,
    state=IncidentState.OPEN,
    phone="P-03",
    location="POST-03",
    opened_at=1_750_000_000.0,
)


def asked(operation: Operation, *missing: str, **more: object) -> list[Action]:
    rule = Rule(step=Step.SOS, operation=operation, driver="vms", **more)  # type: ignore[arg-type]  # a rule's own fields
    return list(actions_for(Step.SOS, INCIDENT, replace(PLAN, rules=(rule,)), missing))


def cameras(operation: Operation, *missing: str, **more: object) -> list[str]:
    return [action.params["camera"] for action in asked(operation, *missing, **more)]


def test_the_wider_views_follow_the_near_ones_each_camera_once() -> None:
    assert cameras(Operation.START_RECORDING) == ["FIX-02", "PTZ-01", "PTZ-02"]
    assert cameras(Operation.START_RECORDING, wider=True) == ["FIX-02", "PTZ-01", "PTZ-02", "MAST"]
    post = replace(POST, wider=(POST.views[0], *POST.wider))
    plan = replace(PLAN, locations={"POST-03": post})
    rule = Rule(step=Step.SOS, operation=Operation.BOOKMARK, driver="vms", wider=True, max_views=4)
    found = actions_for(Step.SOS, INCIDENT, replace(plan, rules=(rule,)))
    assert [action.params["camera"] for action in found] == ["FIX-02", "PTZ-01", "PTZ-02", "MAST"]
    [show] = asked(Operation.SHOW, wider=True, max_views=4)
    assert show.params["views"] == "FIX-02,PTZ-01,PTZ-02,MAST"


def test_of_presets_those_that_there_are_count() -> None:
    assert cameras(Operation.RECALL_PRESET, max_views=1) == ["PTZ-01"], "the nearest PTZ"
    assert cameras(Operation.RECALL_PRESET, wider=True) == ["PTZ-01", "PTZ-02", "MAST"]
    assert cameras(Operation.START_RECORDING, max_views=1) == ["FIX-02"]


def test_what_ends_something_asks_about_every_camera_of_the_place() -> None:
    """It may have been done at a stand-in whose camera is back, or in the wider zone of an SOS."""
    assert cameras(Operation.EXTEND_BOOKMARK) == ["FIX-02", "PTZ-01", "PTZ-02", "MAST", "ALT-1", "ALT-2"]
    assert cameras(Operation.HOME) == ["PTZ-01", "PTZ-02", "MAST", "ALT-1"]


def test_what_ends_something_ends_it_at_the_camera_itself() -> None:
    assert "PTZ-01" in cameras(Operation.HOME, "PTZ-01"), "missing or not: it was moved"
    assert "FIX-02" in cameras(Operation.EXTEND_BOOKMARK, "FIX-02")


# --- missing cameras --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "instead"),
    [
        ((), {}),
        (("PTZ-01",), {"PTZ-01": "ALT-1"}),
        (("PTZ-02", "PTZ-01"), {"PTZ-02": "ALT-1", "PTZ-01": "ALT-2"}),
        (("PTZ-01", "ALT-1"), {"PTZ-01": "ALT-2"}),
        (("FIX-02", "PTZ-01", "PTZ-02"), {"FIX-02": "ALT-1", "PTZ-01": "ALT-2"}),
        (("MAST",), {}),
        (("SOMEWHERE",), {}),
    ],
    ids=str,
)
def test_the_nearest_alternates_stand_in_in_order(missing: tuple[str, ...], instead: dict[str, str]) -> None:
    found = stand_ins_at(POST, missing)
    assert {camera: view.camera for camera, view in found.items()} == instead


def test_a_stand_in_takes_the_place_of_the_missing_camera_and_says_so() -> None:
    [recall] = asked(Operation.RECALL_PRESET, "PTZ-01", max_views=1)
    assert (recall.target, recall.params["preset"]) == ("id-ALT-1", "1"), "its own preset"
    assert (recall.params["instead_of"], recall.params["missing"]) == ("PTZ-01", "PTZ-01")
    [show] = asked(Operation.SHOW, "PTZ-01", max_views=2)
    assert (show.params["views"], show.params["stand_ins"]) == ("FIX-02,ALT-1", "ALT-1")


@pytest.mark.parametrize("records", [Operation.START_RECORDING, Operation.EVENT_START])
def test_a_recording_is_still_tried_at_the_missing_camera(records: Operation) -> None:
    """By command, or by the event on which the VMS records by a rule of its own."""
    assert cameras(records, "PTZ-01") == ["FIX-02", "ALT-1", "PTZ-02", "PTZ-01"]
    assert cameras(records, "PTZ-01", max_views=1) == ["FIX-02"]


def test_nothing_but_a_recording_is_tried_at_the_missing_camera() -> None:
    assert cameras(Operation.BOOKMARK, "PTZ-01") == ["FIX-02", "ALT-1", "PTZ-02"]
    assert cameras(Operation.PROVE_LIVE, "PTZ-01") == ["FIX-02", "ALT-1", "PTZ-02"]


def test_without_a_free_alternate_the_missing_camera_is_asked_as_ever() -> None:
    assert cameras(Operation.RECALL_PRESET, "PTZ-01", "ALT-1", "ALT-2") == ["PTZ-01", "PTZ-02"]


def test_a_stand_in_that_is_asked_already_is_asked_once() -> None:
    lost = replace(POST, wider=(View(camera="ALT-1", preset="9"),))
    plan = replace(PLAN, locations={"POST-03": lost})
    rule = Rule(step=Step.SOS, operation=Operation.BOOKMARK, driver="vms", wider=True)
    found = actions_for(Step.SOS, INCIDENT, replace(plan, rules=(rule,)), ("PTZ-01",))
    assert [action.params["camera"] for action in found] == ["FIX-02", "ALT-1", "PTZ-02"]


def test_the_resources_of_a_place_are_also_those_of_its_stand_ins() -> None:
    rule = Rule(step=Step.SOS, operation=Operation.EVENT_START, driver="vms", max_views=1)
    resources = resources_at("POST-03", replace(PLAN, rules=(rule,)))
    assert resources == {f"ptz/{tag}" for tag in TAGS} | {f"event_start/vms/id-{tag}" for tag in TAGS}


def test_a_stand_in_of_a_fixed_camera_is_turned_to_its_preset() -> None:
    place = Location(
        tag="POST", spoken="Post", views=(View(camera="FIX"),), alternates=(View(camera="ALT", preset="4"),)
    )
    rule = Rule(step=Step.SOS, operation=Operation.RECALL_PRESET, driver="wall")
    assert looks_of(rule, place, ()) == []
    assert looks_of(rule, place, ("FIX",)) == [Look(View(camera="ALT", preset="4"), "FIX")]
