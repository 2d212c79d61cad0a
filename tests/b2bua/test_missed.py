"""An SOS that is over: told once, beside whatever the phone does now, and nobody is connected for it."""

from __future__ import annotations

import pytest

from bridge.b2bua.effects import Outcome
from tests.b2bua.invariants import check_rest
from tests.b2bua.plant import INCIDENT, Plant

SAID = ("missed", "digits/2", "digits/1", "digits/0", "digits/8", "place-TANK-EAST", "press-heard")
AGO = "21:08"


def told(plant: Plant, delivery: str = "d-1", *, incident: str = INCIDENT, group: str = "shift") -> Outcome:
    fields = {"incident": incident, "group": group, "mark": f"{incident}.1"}
    return plant.notify(delivery, "P-03", missed=AGO, **fields).outcome


def test_it_is_said_as_what_it_is() -> None:
    plant = Plant()
    assert told(plant) is Outcome.RINGS
    assert plant.rung() == ["anna", "bert"]
    plant.answer("anna")
    assert plant.hears("anna") == SAID


def test_who_has_heard_it_is_let_go_and_the_others_need_not_ring() -> None:
    plant = Plant()
    told(plant)
    plant.answer("anna")
    plant.hears_all("anna")
    plant.wait(60)
    check_rest(plant)
    assert sorted(who for _, who in plant.dialled) == ["anna", "bert"]
    assert plant.said("SOSNoAck") == []
    assert plant.said("SOSNotHeard") == []


def test_a_1_marks_it_heard_and_calls_nobody_back() -> None:
    plant = Plant()
    told(plant)
    plant.takes("anna")
    [ack] = [event for event in plant.events if event.kind == "acknowledged"]
    assert ack.incident == INCIDENT
    check_rest(plant)
    assert "help-03" not in {who for _, who in plant.dialled}


def test_who_listens_beside_hears_it_to_the_end() -> None:
    plant = Plant()
    told(plant)
    plant.answer("anna")
    plant.answer("bert")
    plant.press("anna")
    assert plant.hears("bert") == SAID
    plant.press("bert")
    check_rest(plant)


def test_nobody_picks_up() -> None:
    plant = Plant()
    told(plant)
    plant.wait(200)
    check_rest(plant)
    assert sorted(who for _, who in plant.dialled) == ["anna", "bert"], "once, not in a loop"
    assert len(plant.said("SOSNotHeard")) == 1
    assert plant.said("SOSNotTaken") == []


def test_it_is_told_once() -> None:
    plant = Plant()
    told(plant)
    assert told(plant) is Outcome.KNOWN


@pytest.mark.parametrize("group", ["nobody-knows-it"])
def test_a_group_that_is_not_there(group: str) -> None:
    assert told(Plant(), group=group) is Outcome.IMPOSSIBLE


def test_the_phones_own_call_is_not_touched_by_it() -> None:
    plant = Plant()
    plant.notify("d-1")
    assert told(plant, "d-2", incident="another") is Outcome.RINGS
    assert len(plant.ringing()) == 2, "the desks ring for the living one, the other stands in line"
    plant.answer("anna")
    assert plant.hears("anna") == ("location-TANK-EAST", "number-P-03", "press-1")
    plant.press("anna")
    assert "help-03" in plant.rung(), "the 1 is for the living one"


def test_an_sos_of_now_goes_before_all_that_are_over() -> None:
    plant = Plant()
    for number in range(3):
        told(plant, f"d-{number}", incident=f"incident-{number}")
    plant.notify("d-9")
    plant.answer("anna")
    assert plant.hears("anna") == ("more-1", *SAID), "the one of now waits; those that are over do not count"
    plant.hears_all("anna")
    plant.wait(6)
    plant.answer("anna")
    assert plant.hears("anna") == ("location-TANK-EAST", "number-P-03", "press-1")


def test_several_are_told_one_after_the_other() -> None:
    plant = Plant()
    for number in range(3):
        told(plant, f"d-{number}", incident=f"incident-{number}")
    heard = 0
    for _ in range(3):
        plant.answer("anna")
        assert plant.hears("anna")[-len(SAID) :] == SAID
        plant.hears_all("anna")
        plant.wait(6)
        heard += 1
    check_rest(plant)
    assert heard == 3
