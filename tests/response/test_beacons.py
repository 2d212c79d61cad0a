"""Which lamps a place has, and what they are to its incidents."""

from __future__ import annotations

from dataclasses import replace

from bridge.model import Incident, IncidentState, Location, Operation, Sharing, Tier
from bridge.response import Plan, Rule, Step, actions_for, resources_at

PLAN = Plan(
    site="Tank farm",
    locations={
        "POST-03": Location(tag="POST-03", spoken="Post three", beacons=("mast", "lamp-3", "elsewhere")),
        "GATE": Location(tag="GATE", spoken="The gate"),
    },
    beacons={"io-east": frozenset({"lamp-3"}), "io-mast": frozenset({"mast", "horn"})},
    rules=tuple(
        Rule(step=Step.SOS, operation=Operation.BEACON_ON, driver=driver)
        for driver in ("io-east", "io-mast", "wall")
    ),
)
INCIDENT = Incident(
    id="i-1",
    tier=Tier.EMERGENCY,
    state=IncidentState.OPEN,
    phone="P-03",
    location="POST-03",
    opened_at=1_750_000_000.0,
)


def test_each_driver_lights_those_of_the_place_that_it_has() -> None:
    asked = list(actions_for(Step.SOS, INCIDENT, PLAN))
    assert [(each.driver, each.target) for each in asked] == [("io-east", "lamp-3"), ("io-mast", "mast")]
    assert [each.resource for each in asked] == ["beacon_on/io-east/lamp-3", "beacon_on/io-mast/mast"]
    assert {each.sharing for each in asked} == {Sharing.TOGETHER}
    assert {each.params["location"] for each in asked} == {"POST-03"}


def test_a_place_without_a_lamp_and_an_unknown_place_light_none() -> None:
    for location in ("GATE", "", "NOWHERE"):
        assert list(actions_for(Step.SOS, replace(INCIDENT, location=location), PLAN)) == []


def test_its_lamps_are_among_what_an_incident_there_may_hold() -> None:
    assert resources_at("POST-03", PLAN) == {"beacon_on/io-east/lamp-3", "beacon_on/io-mast/mast"}
    assert resources_at("GATE", PLAN) == frozenset()
