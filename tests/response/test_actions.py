"""What the response table makes of a step: targets, words, and the resources that are needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import Incident, IncidentState, Location, Operation, Phone, Sharing, Tier, View
from bridge.response import Action, Plan, Rule, Step, actions_for, describe, resources_at

PLAN = Plan(
    site="Tank farm",
    timezone="Europe/Berlin",
    phones=(Phone(id="P-03", endpoint="1003", extension="1003", location="POST-03"),),
    locations={
        "POST-03": Location(
            tag="POST-03",
            spoken="Post three",
            views=(View(camera="PTZ-01", preset="7"), View(camera="FIX-02"), View(camera="ELSEWHERE")),
            consoles=("desk-1",),
        )
    },
    cameras={"PTZ-01": {"zm": "1", "wall": "a"}, "FIX-02": {"zm": "2"}, "ELSEWHERE": {"other": "9"}},
    consoles=("fallback",),
)
INCIDENT = Incident(
    id="i-1",
    tier=Tier.EMERGENCY,
    state=IncidentState.OPEN,
    phone="P-03",
    location="POST-03",
    opened_at=1_750_000_000.0,
)


def actions(rule: Rule, incident: Incident = INCIDENT) -> list[Action]:
    return list(actions_for(rule.step, incident, replace(PLAN, rules=(rule,))))


def sos(operation: Operation, driver: str, **more: object) -> Rule:
    return Rule(step=Step.SOS, operation=operation, driver=driver, **more)  # type: ignore[arg-type]  # a rule's own fields


def test_recording_is_asked_for_at_each_camera_that_the_driver_has() -> None:
    asked = actions(sos(Operation.START_RECORDING, "zm"))
    assert [(a.target, a.params["camera"]) for a in asked] == [("1", "PTZ-01"), ("2", "FIX-02")]
    assert [a.resource for a in asked] == ["start_recording/zm/1", "start_recording/zm/2"]
    assert {a.sharing for a in asked} == {Sharing.TOGETHER}


def test_the_best_cameras_come_first_and_no_more_than_wanted() -> None:
    assert [a.target for a in actions(sos(Operation.START_RECORDING, "zm", max_views=1))] == ["1"]


def test_a_preset_is_asked_for_where_there_is_one() -> None:
    [asked] = actions(sos(Operation.RECALL_PRESET, "zm"))
    assert (asked.target, asked.params["preset"]) == ("1", "7")
    assert (asked.resource, asked.sharing) == ("ptz/PTZ-01", Sharing.ALONE)


def test_two_drivers_that_move_one_camera_want_the_same() -> None:
    [one], [other] = (actions(sos(Operation.RECALL_PRESET, driver)) for driver in ("zm", "wall"))
    assert one.resource == other.resource


def test_a_display_names_its_cameras_in_the_drivers_words_and_ours() -> None:
    [asked] = actions(sos(Operation.SHOW, "zm"))
    assert (asked.target, asked.params["cameras"], asked.params["views"]) == (
        "desk-1",
        "1,2",
        "PTZ-01,FIX-02",
    )
    assert (asked.resource, asked.sharing) == ("screen/zm/desk-1", Sharing.BY_TIER)


def test_a_driver_that_has_none_of_the_cameras_shows_nothing() -> None:
    assert actions(sos(Operation.SHOW, "nobody")) == []


def test_a_popup_needs_no_camera_and_no_resource() -> None:
    [asked] = actions(sos(Operation.POPUP, "nobody"))
    assert (asked.target, asked.params["cameras"], asked.resource) == ("desk-1", "", "")


def test_a_rule_may_name_its_consoles() -> None:
    asked = actions(sos(Operation.POPUP, "wall", consoles=("supervisor", "big")))
    assert [a.target for a in asked] == ["supervisor", "big"]


def test_an_unknown_location_has_the_fallback_consoles_and_no_camera() -> None:
    lost = replace(INCIDENT, location="")
    assert [a.target for a in actions(sos(Operation.POPUP, "wall"), lost)] == ["fallback"]
    assert actions(sos(Operation.START_RECORDING, "zm"), lost) == []
    assert actions(sos(Operation.SHOW, "zm"), lost) == []


def test_dispatch_is_called_by_group() -> None:
    asked = actions(sos(Operation.NOTIFY, "dispatch", groups=("east", "fire")))
    assert [(a.target, a.resource) for a in asked] == [
        ("east", "dispatch/dispatch/east"),
        ("fire", "dispatch/dispatch/fire"),
    ]
    assert {a.sharing for a in asked} == {Sharing.TOGETHER}


def test_in_steps_that_both_tiers_have_dispatch_is_told_of_an_sos_only() -> None:
    routine = replace(INCIDENT, tier=Tier.ROUTINE)
    for step in (Step.CONNECTED, Step.ACKNOWLEDGED, Step.CLEARED):
        rule = Rule(step=step, operation=Operation.NOTIFY, driver="dispatch", groups=("east",))
        assert len(actions(rule)) == 1
        assert actions(rule, routine) == []
    wanted = Rule(step=Step.OFF_HOOK, operation=Operation.NOTIFY, driver="dispatch", groups=("east",))
    assert len(actions(wanted, routine)) == 1, "a site may want to hear of each call"


def test_a_step_without_rules_asks_for_nothing() -> None:
    assert list(actions_for(Step.CLEARED, INCIDENT, PLAN)) == []


def test_the_order_is_that_of_the_rules() -> None:
    rules = (sos(Operation.POPUP, "wall"), sos(Operation.START_RECORDING, "zm"), sos(Operation.SHOW, "wall"))
    asked = actions_for(Step.SOS, INCIDENT, replace(PLAN, rules=rules))
    assert [a.operation for a in asked] == ["popup", "start_recording", "start_recording", "show"]


def test_the_words_say_what_where_and_since_when_in_the_sites_time() -> None:
    assert describe(INCIDENT, PLAN) == {
        "incident": "i-1",
        "tier": "emergency",
        "phone": "P-03",
        "extension": "1003",
        "location": "POST-03",
        "spoken": "Post three",
        "opened_at": "2025-06-15 17:06:40+02:00",
        "opened_ts": "1750000000.0",
        "acknowledged_by": "",
        "closed_by": "",
        "close_reason": "",
        "missing": "",
        "news": "",
        "exercise": "",
        "title": "SOS POST-03",
    }


def test_the_words_say_how_it_ended_and_which_cameras_are_missing() -> None:
    over = replace(INCIDENT, closed_by="anna", close_reason="false alarm")
    words = describe(over, PLAN, ("PTZ-01", "FIX-02"))
    assert (words["closed_by"], words["close_reason"]) == ("anna", "false alarm")
    assert words["missing"] == "PTZ-01,FIX-02"


def test_the_words_of_an_unknown_place_say_so() -> None:
    words = describe(replace(INCIDENT, location="", phone="unknown/1999"), PLAN)
    assert (words["title"], words["spoken"], words["extension"]) == (
        "SOS location unknown",
        "location unknown",
        "",
    )


def test_an_exercise_is_marked_in_the_words() -> None:
    words = describe(replace(INCIDENT, exercise=True, tier=Tier.ROUTINE), PLAN)
    assert (words["title"], words["exercise"]) == ("EXERCISE Call POST-03", "yes")


def test_the_resources_of_a_place_are_those_of_all_steps() -> None:
    rules = (
        sos(Operation.START_RECORDING, "zm", max_views=1),
        Rule(step=Step.ESCALATE_2, operation=Operation.SHOW, driver="wall", consoles=("big",)),
        Rule(step=Step.NO_PICTURE, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    )
    plan = replace(PLAN, rules=rules)
    dispatch = "dispatch/dispatch/east"
    assert resources_at("POST-03", plan) == {
        *("start_recording/zm/1", "start_recording/zm/2"),
        *("ptz/PTZ-01", "ptz/FIX-02", "ptz/ELSEWHERE"),
        *("screen/wall/big", dispatch),
    }, "a camera beyond the wanted ones may be recorded or moved for another incident"
    assert resources_at("", plan) == {dispatch}
    assert resources_at("POST-03", plan) is resources_at("POST-03", plan), "found once"


@pytest.mark.parametrize(
    ("step", "missing", "title"),
    [
        (Step.SOS, (), "SOS POST-03"),
        (Step.SOS, ("PTZ-01",), "SOS POST-03: camera PTZ-01 missing"),
        (Step.PRESSED_AGAIN, (), "SOS POST-03: pressed again"),
        (Step.CONNECTED, (), "SOS POST-03: connected to console-1; acknowledged by anna"),
        (Step.ACKNOWLEDGED, ("PTZ-01",), "SOS POST-03: acknowledged by anna; camera PTZ-01 missing"),
        (Step.ESCALATE_1, (), "SOS POST-03: not acknowledged"),
    ],
    ids=str,
)
def test_the_title_of_a_popup_says_what_is_new(step: Step, missing: tuple[str, ...], title: str) -> None:
    rule = Rule(step=step, operation=Operation.POPUP, driver="wall", consoles=("desk-1",))
    known = replace(INCIDENT, connected_to="console-1", acknowledged_by="anna")
    [action] = actions_for(step, known, replace(PLAN, rules=(rule,)), missing)
    assert action.params["title"] == title


def test_a_talk_that_nobody_has_acknowledged_yet_is_told_as_one() -> None:
    rule = Rule(step=Step.CONNECTED, operation=Operation.UPDATE_POPUP, driver="wall", consoles=("desk-1",))
    known = replace(INCIDENT, connected_to="console-1")
    [action] = actions_for(Step.CONNECTED, known, replace(PLAN, rules=(rule,)))
    assert action.params["title"] == "SOS POST-03: connected to console-1"
