"""Calls that are no alarm: within the site, and nowhere else."""

from __future__ import annotations

import pytest

from bridge.b2bua import Site
from bridge.errors import ConfigError
from tests.b2bua.invariants import check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.site import SITE


@pytest.mark.parametrize(
    ("dialled", "endpoint", "number"),
    [("104", "help-04", ""), ("20", "desk-1", ""), ("501", "gateway", "501")],
    ids=["a phone", "a console", "behind a gateway"],
)
def test_a_phone_calls_another(dialled: str, endpoint: str, number: str) -> None:
    plant = Plant()
    leg = plant.call("help-03", dialled, "103")
    dial = plant.devices[plant.at(endpoint)].dial
    assert dial is not None
    assert (dial.number, dial.caller, dial.on_behalf_of, dial.auto_answer) == (number, "103", leg, False)
    assert not plant.devices[leg].rung
    plant.ring(endpoint)
    assert plant.devices[leg].rung
    assert not plant.devices[leg].up
    plant.answer(endpoint)
    assert plant.talk(leg, endpoint)


@pytest.mark.parametrize(
    ("endpoint", "dialled", "status"),
    [
        ("help-03", "999", 404),
        ("help-03", "", 404),
        ("help-03", "+4930123", 404),
        ("help-03", "anna", 404),
        ("help-03", "104@evil.example", 404),
        ("help-03", "104;Replaces=x", 404),
        ("help-03", "urn:service:counseling", 404),
        ("help-03", "urn:service:sosx", 404),
        ("help-03", "105", 403),
        ("help-03", "103", 486),
        ("", "104", 403),
        ("stranger", "104", 403),
    ],
)
def test_what_is_refused(endpoint: str, dialled: str, status: int) -> None:
    plant = Plant()
    leg = plant.call(endpoint, dialled)
    assert plant.over[leg] == f"rejected {status}"
    assert plant.dialled == []
    check_rest(plant)


@pytest.mark.parametrize(
    ("status", "passed_on"), [(486, 486), (600, 486), (603, 603), (302, 480), (404, 480)]
)
def test_a_refusal_is_passed_on_and_a_redirection_is_not_followed(status: int, passed_on: int) -> None:
    plant = Plant()
    leg = plant.call("help-03", "104")
    plant.refuse("help-04", status)
    assert plant.over[leg] == f"rejected {passed_on}"
    assert len(plant.dialled) == 1
    check_rest(plant)


@pytest.mark.parametrize("rings", [False, True])
def test_who_does_not_answer(rings: bool) -> None:
    plant = Plant()
    leg = plant.call("help-03", "104")
    if rings:
        plant.ring("help-04")
    plant.wait(60 if rings else 4)
    assert plant.over[leg] == "rejected 480"
    check_rest(plant)


@pytest.mark.parametrize("who", ["caller", "callee", "caller, too early"])
def test_one_hangup_ends_both(who: str) -> None:
    plant = Plant()
    leg = plant.call("help-03", "104")
    if who != "caller, too early":
        plant.answer("help-04")
    plant.hang_up("help-04" if who == "callee" else leg)
    check_rest(plant)


def test_an_extension_that_leads_out_of_the_site_is_a_mistake_of_its_configuration() -> None:
    with pytest.raises(ConfigError, match="extension 0 leads to trunk"):
        Site(alarm_extensions=("9110",), phones=SITE.phones, numbers={"0": "trunk"})


def test_a_person_who_left_the_site_is_dialled_no_more() -> None:
    plant = Plant()
    plant.call("help-03")
    plant.wait(20)
    plant.site = Site(alarm_extensions=("9110",), phones=SITE.phones, consoles=("desk-1",))
    plant.exchange.configure(plant.site, plant.settings)
    for endpoint in ("anna", "bert", "desk-1", "desk-2"):
        if endpoint in plant.rung():
            plant.refuse(endpoint)
    plant.wait(5)
    assert plant.rung() == ["desk-1"]
