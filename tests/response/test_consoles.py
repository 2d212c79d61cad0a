"""Which consoles a rule means, and how each driver knows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import Incident, IncidentState, Location, Operation, Tier
from bridge.response import Audience, Plan, Rule, Step, actions_for

PLAN = Plan(
    site="Tank farm",
    locations={
        "POST-03": Location(tag="POST-03", spoken="Post three", consoles=("desk-1", "desk-2")),
        "GATE": Location(tag="GATE", spoken="The gate"),
    },
    consoles=("desk-3", "desk-1"),
    supervisors=("chief",),
    walls=("wall-a", "wall-b"),
    console_ids={"desk-4": {}, "chief": {"vms": "user-7"}, "wall-b": {"other": "17"}},
)
INCIDENT = Incident(
    id="i-1",
    tier=Tier.EMERGENCY,
    state=IncidentState.OPEN,
    phone="P-03",
    location="POST-03",
    opened_at=1_750_000_000.0,
)
A = Audience


def targets(rule: Rule, incident: Incident = INCIDENT) -> list[str]:
    return [action.target for action in actions_for(rule.step, incident, replace(PLAN, rules=(rule,)))]


def popup(
    *audience: Audience, step: Step = Step.SOS, driver: str = "vms", consoles: tuple[str, ...] = ()
) -> Rule:
    return Rule(step=step, operation=Operation.POPUP, driver=driver, audience=audience, consoles=consoles)


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ((), ["desk-1", "desk-2"]),
        ((A.ASSIGNED,), ["desk-1"]),
        ((A.LOCATION,), ["desk-1", "desk-2"]),
        ((A.NEXT,), ["desk-3", "desk-4"]),
        ((A.SUPERVISORS,), ["user-7"]),
        ((A.WALLS,), ["wall-a"]),
        ((A.EVERYONE,), ["desk-3", "desk-1", "desk-2", "desk-4", "user-7", "wall-a"]),
        ((A.LOCATION, A.SUPERVISORS), ["desk-1", "desk-2", "user-7"]),
        ((A.ASSIGNED, A.LOCATION), ["desk-1", "desk-2"]),
    ],
    ids=str,
)
def test_an_audience_at_a_place(audience: tuple[Audience, ...], expected: list[str]) -> None:
    assert targets(popup(*audience)) == expected


@pytest.mark.parametrize("location", ["GATE", ""])
def test_a_place_without_consoles_has_those_of_the_site(location: str) -> None:
    there = replace(INCIDENT, location=location)
    assert targets(popup(A.ASSIGNED), there) == ["desk-3"]
    assert targets(popup(A.LOCATION), there) == ["desk-3", "desk-1"]
    assert targets(popup(A.NEXT), there) == ["desk-2", "desk-4"]


def test_consoles_that_a_rule_names_come_before_any_audience() -> None:
    assert targets(popup(A.EVERYONE, consoles=("desk-4",))) == ["desk-4"]


def test_a_console_is_known_by_its_ids_or_else_by_its_name() -> None:
    assert targets(popup(consoles=("desk-4", "chief", "wall-b"))) == ["desk-4", "user-7"]
    assert targets(popup(consoles=("desk-4", "chief", "wall-b"), driver="other")) == ["desk-4", "17"]
    [action] = actions_for(Step.SOS, INCIDENT, replace(PLAN, rules=(popup(A.SUPERVISORS),)))
    assert action.params["console"] == "chief", "what people call it"


def test_supervisors_and_walls_hear_of_routine_calls_only_where_a_routine_rule_says_so() -> None:
    call = replace(INCIDENT, tier=Tier.ROUTINE)
    for step in (Step.CONNECTED, Step.ACKNOWLEDGED, Step.CLEARED):
        assert targets(popup(A.LOCATION, A.SUPERVISORS, step=step), call) == ["desk-1", "desk-2"]
        assert targets(popup(A.SUPERVISORS, A.EVERYONE, A.NEXT, A.WALLS, step=step), call) == []
    assert targets(popup(A.SUPERVISORS, step=Step.OFF_HOOK), call) == ["user-7"]
