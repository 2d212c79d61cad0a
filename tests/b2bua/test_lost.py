"""A phone that is lost, or never hears our answer, has not hung up: nobody is with the caller."""

from __future__ import annotations

import pytest

from bridge.b2bua.state import Stage
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.scenes import sos, stage
from tests.b2bua.site import NO_CONSOLES
from tests.b2bua.test_restart import restarted


def unheard() -> tuple[Plant, str]:
    """A dispatcher pressed 1, and the phone has not acknowledged the answer."""
    plant, leg = sos(NO_CONSOLES)
    plant.acks = False
    plant.takes("anna")
    return plant, leg


def test_nobody_is_connected_before_the_phone_has_heard_the_answer() -> None:
    plant, leg = unheard()
    assert plant.talk(leg, "anna"), "who presses 1 hears the caller as soon as may be"
    assert not {"call_answered", "call_connected"}.intersection(plant.kinds("call-1@phone;tag"))
    plant.acknowledges(leg)
    assert plant.kinds("call-1@phone;tag")[-2:] == ["call_answered", "call_connected"]
    check(plant)


def test_an_answer_that_comes_to_nothing_calls_the_phone_back_and_the_dispatcher_waits() -> None:
    plant, leg = unheard()
    plant.hang_up(leg, hung_up=False)
    assert "call_connected" not in plant.kinds()
    assert plant.said("SOSDone") == []
    assert plant.hears("anna") == ("ringback",)
    plant.answer("help-03")
    assert plant.talk(plant.at("help-03"), "anna")
    check(plant)


@pytest.mark.parametrize("ends", ["refuses", "rings in vain"])
def test_the_dispatcher_hears_that_nobody_answers(ends: str) -> None:
    plant, leg = unheard()
    plant.hang_up(leg, hung_up=False)
    if ends == "refuses":
        plant.refuse("help-03", 488)
    else:
        plant.wait(4)
    assert plant.hears("anna") == ("no-answer",)
    plant.hears_all("anna")
    check_rest(plant)


def test_a_phone_that_must_not_ring_is_not_called_back() -> None:
    plant, leg = sos(NO_CONSOLES, endpoint="help-05")
    plant.acks = False
    plant.takes("anna")
    plant.hang_up(leg, hung_up=False)
    assert plant.hears("anna") == ("never",)
    assert plant.rung() == []


def test_a_phone_lost_in_the_talk_is_called_back_and_its_call_is_told_as_lost() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.takes("anna")
    plant.wait(60)
    plant.hang_up(leg, hung_up=False)
    [ended] = [
        event for event in plant.events if event.kind == "call_ended" and event.key.startswith("call-1")
    ]
    assert ended.attributes["lost"] == "yes"
    assert plant.rung() == ["help-03"]


@pytest.mark.parametrize("talked", [1, 60])
def test_a_console_hears_that_the_phone_is_lost_and_dispatch_is_hunted_for(talked: float) -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(talked)
    plant.hang_up(leg, hung_up=False)
    assert plant.hears("desk-1") == ("no-answer",)
    plant.hears_all("desk-1")
    assert stage(plant) == Stage.REDIAL
    plant.wait(5)
    assert plant.rung() == ["anna", "bert"]


def test_after_a_click_a_lost_phone_is_no_reason_to_hunt() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.clicks()
    plant.hang_up(leg, hung_up=False)
    plant.hears_all("desk-1")
    check_rest(plant)


def test_who_puts_down_before_the_phone_has_heard_the_answer_has_not_ended_the_call() -> None:
    plant, leg = unheard()
    plant.wait(20)
    plant.hang_up("anna")
    assert leg in plant.devices
    assert plant.rung() == ["anna", "bert", "carl"]
    assert plant.hears(leg) == ("ringback", "waiting")
    check(plant)


def test_a_routine_call_whose_answer_comes_to_nothing_ends() -> None:
    plant = Plant()
    plant.acks = False
    leg = plant.call("help-03", "104")
    plant.answer("help-04")
    plant.hang_up(leg, hung_up=False)
    check_rest(plant)


def test_a_routine_call_put_down_before_its_answer_was_heard_is_hung_up() -> None:
    plant = Plant()
    plant.acks = False
    leg = plant.call("help-03", "104")
    plant.answer("help-04")
    plant.hang_up("help-04")
    assert plant.over[leg] == "hung up: the other side hung up"
    check_rest(plant)


def test_both_lost_by_a_restart_are_hunted_for_and_nobody_is_dialled_before() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.takes("anna")
    before = len(plant.dialled)
    restarted(plant, lost=(leg, plant.at("anna")))
    assert len(plant.dialled) == before
    assert stage(plant) == Stage.REDIAL


def test_an_answer_that_outlives_a_restart_stands() -> None:
    plant, leg = unheard()
    plant.unacknowledged.clear()
    restarted(plant)
    assert plant.talk(leg, "anna")
    plant.hang_up(leg)
    check_rest(plant)


def test_a_lost_call_of_a_phone_that_calls_on_another_line_is_not_hunted_for() -> None:
    plant, first = sos()
    plant.answer("desk-1")
    desk = plant.at("desk-1")
    second = plant.call("help-03")
    plant.hang_up(first, hung_up=False)
    assert plant.hears(desk) == ("no-answer",)
    plant.wait(10)
    assert second in plant.devices
    assert stage(plant) == Stage.CALLING
