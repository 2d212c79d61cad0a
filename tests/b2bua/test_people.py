"""Consoles and dispatchers: who has the call, and what a hangup of theirs means."""

from __future__ import annotations

import pytest

from bridge.b2bua import inputs
from tests.b2bua.invariants import check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.scenes import QUIET, sos
from tests.b2bua.site import NO_CONSOLES, ONLY_CONSOLES

# --- consoles -----------------------------------------------------------------------------------------


def test_the_first_console_to_answer_has_the_call() -> None:
    plant, leg = sos()
    plant.ring_all()
    assert not plant.devices[leg].up
    plant.answer("desk-1")
    assert plant.devices[leg].up
    assert plant.talk(leg, "desk-1")
    assert plant.rung() == []
    plant.wait(1000)
    assert len(plant.dialled) == 2


def test_a_console_that_answers_too_late_is_hung_up() -> None:
    plant, leg = sos()
    late = plant.at("desk-2")
    plant.answer("desk-1")
    assert plant.over[late] == "cancelled: somebody has it"
    [effect] = plant.exchange.feed(inputs.Answered(late), plant.now)
    assert (effect.leg, effect.why) == (late, "answered too late")  # type: ignore[union-attr]  # a HangUp
    assert plant.talk(leg, "desk-1")


def test_a_console_that_puts_down_at_once_did_not_have_it_and_dispatch_rings_at_once() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(4.9)
    plant.hang_up("desk-1")
    assert plant.rung() == ["anna", "bert", "carl"]
    assert plant.hears(leg) == ("ringback", "waiting")
    plant.takes("anna")
    assert plant.talk(leg, "anna")


def test_without_dispatch_the_console_that_put_down_at_once_is_rung_again() -> None:
    plant, _ = sos(ONLY_CONSOLES)
    plant.answer("desk-1")
    plant.hang_up("desk-1")
    plant.wait(5)
    assert plant.rung() == ["desk-1"]


def test_a_console_that_puts_down_later_ends_the_call_and_nobody_is_rung() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(5)
    plant.hang_up("desk-1")
    assert plant.over[leg] == "hung up: the call is over"
    check_rest(plant)


def test_a_console_whose_leg_is_lost_leaves_a_caller_who_still_needs_somebody() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(60)
    plant.hang_up(plant.at("desk-1"), hung_up=False)
    assert leg in plant.devices
    assert "anna" in plant.rung()


# --- dispatchers --------------------------------------------------------------------------------------


def test_a_dispatcher_hears_where_and_what_and_takes_the_call_with_1() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.answer("anna")
    assert plant.hears("anna") == ("location-TANK-EAST", "number-P-03", "press-1")
    assert plant.devices[plant.at("anna")].language == "de"
    plant.press("anna", "2")
    assert not plant.devices[leg].up
    plant.press("anna")
    assert plant.devices[leg].up
    assert plant.talk(leg, "anna")
    assert plant.rung() == []


def test_of_a_phone_of_no_configuration_the_digits_of_its_number_are_said() -> None:
    plant = Plant(NO_CONSOLES)
    plant.call("", "9110", "../+49 30")
    plant.answer("bert")
    digits = tuple(f"digits/{digit}" for digit in "4930")
    assert plant.hears("bert") == ("location-unknown", *digits, "press-1")


def test_who_does_not_press_1_is_told_thrice_and_was_not_informed() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.answer("anna")
    for _ in range(3):
        plant.hears_all("anna")
        plant.wait(6)
    assert "anna" not in plant.rung()
    assert len(plant.said("SOSNoAck")) == 1
    assert not plant.devices[leg].up
    plant.wait(5)
    assert "anna" in plant.rung()


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (480, "not there (SIP 480)"),
        (486, "busy (SIP 486)"),
        (503, "not available (SIP 503)"),
        (404, "refused (SIP 404)"),
    ],
)
def test_who_is_not_reached_is_told_with_the_reason(status: int, why: str) -> None:
    plant, _ = sos(NO_CONSOLES)
    plant.refuse("anna", status)
    [said] = plant.said("SOSNotReached")
    assert (said.fields["dispatcher"], said.fields["why"]) == ("anna", why)


def test_a_device_that_says_nothing_is_told_and_one_that_only_rings_is_not() -> None:
    plant, _ = sos(NO_CONSOLES)
    plant.ring("anna")
    plant.wait(20)
    others = {said.fields["dispatcher"] for said in plant.said("SOSNotReached")}
    assert others
    assert "anna" not in others
    assert {said.fields["why"] for said in plant.said("SOSNotReached")} == {"no answer of any kind"}


def test_an_announcement_whose_end_is_never_told_does_not_last_for_ever() -> None:
    plant, _ = sos(NO_CONSOLES)
    plant.answer("anna")
    plant.wait(3 * 66)
    assert len(plant.said("SOSNoAck")) == 1


def test_the_first_1_wins_and_the_others_hear_that_it_is_taken() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.answer("anna")
    plant.answer("bert")
    plant.press("bert")
    plant.press("anna")
    assert plant.talk(leg, "bert")
    assert plant.hears("anna") == ("taken",)
    assert [said.fields["dispatcher"] for said in plant.said("SOSAck")] == ["bert"]
    plant.hears_all("anna")
    assert "anna" not in [device.endpoint for device in plant.devices.values()]


def test_a_dispatcher_who_hangs_up_ends_the_call() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.takes("anna")
    plant.hang_up("anna")
    assert plant.over[leg] == "hung up: the call is over"
    check_rest(plant)


def test_a_dispatcher_who_hangs_up_on_the_announcement_is_rung_again() -> None:
    plant, _ = sos(NO_CONSOLES)
    plant.answer("anna")
    plant.hang_up("anna")
    plant.wait(5)
    assert "anna" in plant.rung()


def test_a_dispatcher_is_rung_for_one_sos_at_a_time_and_for_each_of_them() -> None:
    plant = Plant(NO_CONSOLES, QUIET)
    first, second = plant.call("help-03"), plant.call("help-04")
    assert plant.rung() == ["anna", "bert", "carl"]
    plant.takes("anna")
    assert plant.talk(first, "anna")
    assert plant.rung() == ["bert", "carl"], "now for the second"
    plant.hang_up("anna")
    assert plant.rung() == ["anna", "bert", "carl"]
    plant.answer("anna")
    assert "location-GATE" in plant.hears("anna")
    plant.press("anna")
    assert plant.talk(second, "anna")


def test_a_1_takes_only_the_sos_that_was_spoken() -> None:
    plant = Plant(NO_CONSOLES, QUIET)
    first, second = plant.call("help-03"), plant.call("help-04")
    plant.takes("anna")
    plant.answer("bert")
    assert "location-GATE" in plant.hears("bert")
    plant.press("anna")
    assert not plant.devices[second].up
    plant.press("bert")
    assert plant.talk(first, "anna")
    assert plant.talk(second, "bert")


# --- clicks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["the click", "the console"])
def test_who_has_it_by_a_click_keeps_it_when_the_console_puts_down_at_once(first: str) -> None:
    plant, leg = sos()
    if first == "the click":
        plant.clicks()
    plant.answer("desk-1")
    if first == "the console":
        plant.clicks()
    plant.wait(2)
    plant.hang_up("desk-1")
    assert plant.hears(leg) == ("person-has-it", "ringback")
    plant.wait(600)
    assert {who for _, who in plant.dialled} == {"desk-1", "desk-2"}


@pytest.mark.parametrize("first", ["the click", "the console"])
def test_who_has_it_by_a_click_keeps_it_when_the_phone_hangs_up_at_once(first: str) -> None:
    plant, leg = sos()
    if first == "the click":
        plant.clicks()
    plant.answer("desk-1")
    if first == "the console":
        plant.clicks()
    plant.hang_up(leg)
    check_rest(plant)
    assert [said.fields["by"] for said in plant.said("SOSDone")] == ["olga"]
