"""A word about an earlier press leaves the next one alone; what rings although somebody has it rings."""

from __future__ import annotations

import pytest

from bridge.b2bua import Group, Person, Settings, Site
from bridge.b2bua.effects import Outcome
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import INCIDENT, Plant
from tests.b2bua.site import NO_CONSOLES, SITE

FIRST = "call-1@phone;tag"
DESK_IS_DISPATCHER = Site(
    alarm_extensions=("9110",),
    phones=SITE.phones,
    groups=(Group(name="shift", tiers=((Person(endpoint="desk-1"),),)),),
    consoles=("desk-1",),
)


@pytest.mark.parametrize("word", ["clicks", "clears"])
@pytest.mark.parametrize("since", ["calls", "redials", "is hunted for", "talks"])
def test_a_word_about_the_call_before_changes_nothing(word: str, since: str) -> None:
    plant = Plant(NO_CONSOLES)
    plant.hang_up(plant.call("help-03"))
    leg = plant.call("help-03")
    if since == "talks":
        plant.takes("anna")
    elif since != "calls":
        plant.hang_up(leg)
        plant.wait(0 if since == "redials" else 6)
    rung = plant.rung()
    assert getattr(plant, word)(call=FIRST).outcome is Outcome.KNOWN
    assert plant.rung() == rung
    assert getattr(plant, word)("d-10", call="call-2@phone;tag").outcome is Outcome.TOLD
    assert plant.rung() == []


def test_a_word_about_a_call_ends_what_the_bridge_asked_for_after_it() -> None:
    plant = Plant()
    plant.recall()
    assert plant.rung()
    assert plant.clicks(call=FIRST).outcome is Outcome.TOLD
    check_rest(plant)


def test_an_alert_rings_for_a_caller_whom_a_click_has_and_its_1_picks_up() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.clicks(mark=f"{INCIDENT}.1")
    assert plant.rung() == ["desk-1", "desk-2"]
    assert plant.notify("d-1", mark="d-1", alert=True).outcome is Outcome.RINGS
    assert plant.rung() == ["anna", "bert", "desk-1", "desk-2"]
    plant.takes("anna")
    assert plant.talk(leg, "anna")
    assert plant.rung() == []
    check(plant)


@pytest.mark.parametrize("when", ["talks", "is called back"])
def test_an_alert_while_a_dispatcher_has_the_phone_leaves_it_to_them(when: str) -> None:
    plant = Plant(NO_CONSOLES)
    if when == "talks":
        leg = plant.call("help-03")
    else:
        plant.recall("d-0")
    plant.takes("carl")
    assert plant.notify("d-1", mark="d-1", alert=True).outcome is Outcome.RINGS
    plant.answer("bert")
    plant.takes("anna")
    assert [said.fields["dispatcher"] for said in plant.said("SOSAck")] == ["carl", "anna"]
    assert plant.hears("anna") == plant.hears("bert") == ("taken",)
    if when == "talks":
        assert plant.talk(leg, "carl")
    else:
        assert plant.rung() == ["help-03"]
    check(plant)


def test_an_alert_that_nobody_takes_says_so_and_leaves_the_call_alone() -> None:
    plant = Plant()
    plant.call("help-03")
    plant.clicks()
    plant.notify("d-1", mark="d-1", alert=True)
    plant.refuse("anna")
    plant.refuse("bert")
    assert len(plant.said("SOSNotTaken")) == 1
    assert plant.rung() == ["desk-1", "desk-2"]


@pytest.mark.parametrize(
    ("mark", "rings"),
    [
        (f"{INCIDENT}.1", False),
        (f"{INCIDENT}.2", False),
        (f"{INCIDENT}.3", True),
        (f"{INCIDENT}.10", True),
        ("another.1", True),
        ("d-1", False),
    ],
)
def test_a_click_is_for_its_press_and_those_before(mark: str, rings: bool) -> None:
    """A button was pressed while the caller waits for who clicked."""
    plant = Plant()
    plant.call("help-03")
    plant.clicks(mark=f"{INCIDENT}.2")
    assert plant.notify(mark=mark).outcome is (Outcome.RINGS if rings else Outcome.KNOWN)
    assert ("anna" in plant.rung()) is rings


def test_a_notification_whose_people_are_rung_by_another_has_nothing_to_tell() -> None:
    plant = Plant()
    plant.notify("d-1")
    plant.notify("d-2")
    assert plant.said("SOSNotTaken") == []
    plant.refuse("anna")
    plant.refuse("bert")
    assert [said.fields["delivery"] for said in plant.said("SOSNotTaken")] == ["d-1"]


@pytest.mark.parametrize("settings", [None, Settings(in_sequence=True)], ids=["together", "in sequence"])
def test_whose_console_rings_is_notified_when_that_pauses(settings: Settings | None) -> None:
    plant = Plant(DESK_IS_DISPATCHER, settings)
    leg = plant.call("help-03")
    plant.ring("desk-1")
    assert plant.notify(picture="none").outcome is Outcome.RINGS
    plant.wait(1)
    plant.refuse("desk-1")
    assert plant.said("SOSNotTaken") == []
    plant.wait(4.5)
    plant.answer("desk-1")
    assert "video-none" in plant.hears("desk-1")
    plant.press("desk-1")
    assert plant.talk(leg, "desk-1")
    check(plant)


def test_whose_console_talks_need_not_be_notified() -> None:
    plant = Plant(DESK_IS_DISPATCHER)
    leg = plant.call("help-03")
    plant.notify()
    plant.answer("desk-1")
    plant.wait(60)
    assert plant.talk(leg, "desk-1")
    plant.hang_up("desk-1")
    check_rest(plant)
    assert plant.said("SOSNotTaken") == []
