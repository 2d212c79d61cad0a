"""One person who has an SOS is not enough: further people are rung, counted, and leave it to the first."""

from __future__ import annotations

import json

import pytest

from bridge.b2bua import Exchange, Settings, Site
from bridge.b2bua.effects import Outcome, Report
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import INCIDENT, Plant
from tests.b2bua.site import NO_CONSOLES, SITE


def rings_for_more(plant: Plant, delivery: str = "m-1", *done: str, tier: int = 1) -> Report:
    report = plant.notify(delivery, tier=tier, more=True, done=done)
    check(plant)
    return report


def taken(site: Site = NO_CONSOLES) -> tuple[Plant, str]:
    """Anna pressed 1 and talks with the phone; the bridge has said so, and that one more is wanted."""
    plant = Plant(site, Settings(key_wait=5))
    leg = plant.call("help-03")
    if site is SITE:
        plant.wait(20)
    plant.takes("anna")
    plant.clicks("t-1", by="anna", more=True)
    assert plant.rung() == []
    return plant, leg


def acknowledgements(plant: Plant) -> list[str]:
    return [said.fields["dispatcher"] for said in plant.said("SOSAck")]


def test_the_others_of_the_tier_are_rung_although_somebody_has_it() -> None:
    plant, _ = taken()
    assert rings_for_more(plant, "m-1", "anna").outcome is Outcome.RINGS
    assert plant.rung() == ["bert"]
    plant.answer("bert")
    assert plant.hears("bert") == ("one-more", "location-TANK-EAST", "number-P-03", "press-1")


def test_a_1_counts_and_leaves_the_talk_and_the_name_to_the_first() -> None:
    plant, leg = taken()
    rings_for_more(plant, "m-1", "anna")
    plant.takes("bert")
    check(plant)
    assert acknowledgements(plant) == ["anna", "bert"]
    assert plant.talk(leg, "anna")
    assert plant.hears("bert") == ("taken",)
    plant.hears_all("bert")
    plant.hang_up(leg)
    assert [said.fields["by"] for said in plant.said("SOSDone")] == ["anna"]
    check_rest(plant)


def test_while_a_console_talks_they_hear_that_it_does() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.answer("desk-1")
    plant.clicks("t-1", more=True)
    rings_for_more(plant)
    plant.takes("bert")
    assert plant.talk(leg, "desk-1")
    assert plant.hears("bert") == ("console-has-it",)
    assert plant.rung() == ["anna"], "whoever is rung for more is rung on"


def test_a_caller_who_waits_for_who_clicked_is_given_to_them() -> None:
    """Nobody talks with the phone yet."""
    plant = Plant()
    leg = plant.call("help-03")
    plant.clicks("t-1", more=True)
    rings_for_more(plant)
    plant.takes("bert")
    check(plant)
    assert plant.talk(leg, "bert")
    assert plant.rung() == ["anna"]
    plant.hang_up(leg)
    assert [said.fields["by"] for said in plant.said("SOSDone")] == ["olga"]


def test_a_phone_without_a_call_is_never_called_back() -> None:
    plant = Plant()
    assert rings_for_more(plant).outcome is Outcome.RINGS
    plant.takes("anna")
    check(plant)
    assert acknowledgements(plant) == ["anna"]
    assert plant.said("SOSAck")[0].fields["sosincident"] == INCIDENT
    assert plant.hears("anna") == ("taken",)
    plant.refuse("bert")
    plant.hears_all("anna")
    check_rest(plant)
    assert "help-03" not in {who for _, who in plant.dialled}


def test_the_word_that_enough_have_it_ends_the_ringing() -> None:
    plant, leg = taken(SITE)
    rings_for_more(plant, "m-1", "anna")
    rings_for_more(plant, "m-2", "anna", tier=2)
    plant.answer("carl")
    assert plant.clicks("t-2", by="anna").outcome is Outcome.TOLD
    assert plant.rung() == []
    assert plant.hears("carl") == ("taken",)
    assert plant.talk(leg, "anna")
    plant.press("carl")
    assert acknowledgements(plant) == ["anna"]
    check(plant)


def test_the_word_that_one_has_it_does_not() -> None:
    plant, _ = taken()
    rings_for_more(plant, "m-1", "anna")
    plant.clicks("t-2", by="anna", more=True)
    assert plant.rung() == ["bert"]


def test_a_caller_who_waits_hears_only_once_that_a_person_has_it() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.clicks("t-1", more=True)
    prompt = plant.devices[leg].prompt
    plant.clicks("t-2")
    assert plant.devices[leg].prompt == prompt


def test_the_end_of_the_call_ends_the_ringing() -> None:
    plant, leg = taken()
    rings_for_more(plant, "m-1", "anna")
    plant.answer("bert")
    plant.hang_up(leg)
    assert plant.hears("bert") == ("over",)
    plant.hears_all("bert")
    check_rest(plant)


def test_the_bridges_word_that_it_is_cleared_ends_the_ringing() -> None:
    plant = Plant()
    rings_for_more(plant)
    plant.answer("anna")
    plant.clears()
    assert plant.rung() == []
    assert plant.hears("anna") == ("over",)


def test_pressed_again_it_is_an_alarm_like_any_other() -> None:
    plant = Plant(NO_CONSOLES)
    rings_for_more(plant)
    plant.answer("anna")
    leg = plant.call("help-03")
    plant.press("anna")
    check(plant)
    assert plant.talk(leg, "anna")
    assert plant.rung() == []


@pytest.mark.parametrize("again", ["notify", "recall"])
def test_another_press_without_a_call_is_rung_for_and_is_nobodys(again: str) -> None:
    plant = Plant()
    rings_for_more(plant)
    assert getattr(plant, again)("d-2", mark="press-2").outcome is Outcome.RINGS
    check(plant)
    plant.takes("anna")
    assert plant.rung() == ["help-03"], "who takes it calls the phone back"
    check(plant)


def test_who_has_acknowledged_is_not_asked_again() -> None:
    plant, _ = taken()
    report = rings_for_more(plant, "m-1", "anna", "bert")
    assert (report.outcome, report.text) == (Outcome.KNOWN, "everybody of tier 1 has acknowledged")
    assert plant.rung() == []
    for delivery in ("m-2", "m-3"):
        plant.notify(delivery, "P-04", incident="other", mark="other.1", more=True, done=("anna", "bert"))
    assert "P-04" not in {alarm.phone for alarm in plant.exchange._state.alarms.values()}


def test_nobody_is_told_that_a_ring_for_more_was_in_vain() -> None:
    """There is another one soon, and so on for as long as the SOS lasts."""
    plant, _ = taken()
    rings_for_more(plant, "m-1", "anna")
    plant.refuse("bert")
    assert plant.said("SOSNotTaken") == []


@pytest.mark.parametrize("talking", [True, False])
def test_a_restart_forgets_nothing_of_it(talking: bool) -> None:
    plant, leg = taken()
    rings_for_more(plant, "m-1", "anna")
    plant.answer("bert")
    kept = json.loads(json.dumps(plant.exchange.snapshot()))
    for device in plant.devices.values():
        device.with_, device.heard = "", ()
    plant.exchange, done = Exchange.restore(
        plant.site, plant.settings, "again", kept, now=plant.now, alive=list(plant.devices)
    )
    plant.timers, plant.unacknowledged = {}, []
    plant.apply(done)
    assert plant.hears("bert")[0] == "one-more"
    if talking:
        plant.press("bert")
        assert plant.hears("bert") == ("taken",)
    assert plant.talk(leg, "anna")
    check(plant)
