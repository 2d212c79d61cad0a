"""What the bridge asks for: notify, recall, taken; each done once, each answered."""

from __future__ import annotations

import pytest

from bridge.b2bua import Group, Settings, Site
from bridge.b2bua.effects import Outcome
from bridge.model import Phone
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import INCIDENT, Plant
from tests.b2bua.site import NO_CONSOLES, NOBODY, SITE


@pytest.mark.parametrize(
    ("tier", "rung"),
    [(1, ["anna", "bert"]), (2, ["carl"]), (7, ["anna", "bert"])],
    ids=["1", "2", "none such"],
)
def test_notify_rings_one_tier_once(tier: int, rung: list[str]) -> None:
    plant = Plant()
    assert plant.notify(tier=tier).outcome is Outcome.RINGS
    assert plant.rung() == rung
    plant.wait(100)
    check_rest(plant)
    assert sorted(who for _, who in plant.dialled) == rung
    assert len(plant.said("SOSNotTaken")) == 1


def test_notify_says_what_is_known_of_the_picture_and_that_it_is_an_exercise() -> None:
    plant = Plant()
    plant.notify(picture="unconfirmed", exercise=True)
    plant.answer("anna")
    heard = ("exercise", "location-TANK-EAST", "number-P-03", "video-unconfirmed", "press-1")
    assert plant.hears("anna") == heard


def test_a_1_calls_a_phone_back_that_has_no_call() -> None:
    plant = Plant()
    plant.notify()
    plant.takes("anna")
    assert plant.rung() == ["help-03"]
    [ack] = [event for event in plant.events if event.kind == "acknowledged"]
    assert ack.incident == INCIDENT
    assert ack.attributes["delivery"] == "d-1"


def test_a_1_picks_up_the_ringing_call_of_the_phone_and_never_dials_it() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.notify()
    assert plant.rung() == ["anna", "bert", "desk-1", "desk-2"]
    plant.takes("anna")
    assert plant.talk(leg, "anna")
    assert plant.rung() == []


def test_a_1_while_a_console_talks_acknowledges_and_leaves_the_talk_alone() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.answer("desk-1")
    assert plant.notify().outcome is Outcome.RINGS
    plant.answer("bert")
    plant.takes("anna")
    assert plant.talk(leg, "desk-1")
    assert plant.hears("anna") == ("console-has-it",)
    assert plant.hears("bert") == ("taken",)
    plant.hears_all("anna")
    plant.hears_all("bert")
    plant.hang_up("desk-1")
    assert plant.rung() == ["anna", "bert", "carl"], (
        "the console was there for a moment only: the caller waits"
    )


def test_a_console_that_answers_during_a_notification_does_not_end_it() -> None:
    plant = Plant()
    plant.call("help-03")
    plant.notify()
    plant.answer("desk-1")
    assert plant.rung() == ["anna", "bert"]


def test_who_is_rung_for_this_sos_already_is_not_rung_twice() -> None:
    plant = Plant(NO_CONSOLES)
    plant.call("help-03")
    plant.notify()
    assert plant.rung() == ["anna", "bert", "carl"]
    check(plant)


def test_who_is_rung_for_another_sos_is_rung_for_this_one_after_it() -> None:
    plant = Plant()
    plant.notify("d-1", "P-03")
    plant.notify("d-2", "P-04", incident="other", mark="other.1")
    assert plant.rung() == ["anna", "bert"]
    plant.refuse("anna")
    plant.answer("anna")
    assert "location-GATE" in plant.hears("anna")


def test_in_sequence_the_last_of_a_notification_waits_in_line() -> None:
    plant = Plant(SITE, Settings(in_sequence=True))
    plant.call("help-04")
    plant.wait(20)
    plant.refuse("anna")
    plant.takes("bert")
    plant.notify()
    plant.refuse("anna")
    assert plant.rung() == []
    check(plant)
    plant.hang_up("bert")
    assert plant.rung() == ["bert"]


@pytest.mark.parametrize("had", ["a 1", "a click"])
def test_a_notification_of_what_somebody_has_rings_nobody(had: str) -> None:
    plant = Plant(NO_CONSOLES)
    plant.call("help-03")
    if had == "a 1":
        plant.takes("anna")
    else:
        plant.clicks()
    assert plant.notify().outcome is Outcome.KNOWN
    assert plant.rung() == []


def test_a_late_notification_of_a_press_that_somebody_has_rings_nobody() -> None:
    plant = Plant()
    plant.clicks(mark="press-1")
    assert plant.notify("d-1", mark="press-1").outcome is Outcome.KNOWN
    assert plant.notify("d-2", mark="d-2").outcome is Outcome.RINGS, "a second alert of what is unresolved"


@pytest.mark.parametrize("command", ["notify", "recall", "clicks"])
def test_each_delivery_is_done_once(command: str) -> None:
    plant = Plant()
    first = getattr(plant, command)("d-1")
    dialled = list(plant.dialled)
    assert first.outcome in (Outcome.RINGS, Outcome.TOLD)
    assert getattr(plant, command)("d-1").outcome is Outcome.KNOWN
    assert plant.dialled == dialled


@pytest.mark.parametrize(
    ("site", "group"),
    [
        (SITE, "night"),
        (
            Site(
                alarm_extensions=("9110",),
                groups=(Group(name="shift", tiers=((),)),),
                phones=(Phone(id="P-03", endpoint="help-03", extension="103", location="X"),),
            ),
            "shift",
        ),
    ],
    ids=["no such group", "an empty one"],
)
def test_a_notification_that_is_impossible_says_so(site: Site, group: str) -> None:
    plant = Plant(site)
    assert plant.notify(group=group).outcome is Outcome.IMPOSSIBLE
    check_rest(plant)


def test_recall_rings_all_tiers_in_a_loop_and_calls_back() -> None:
    plant = Plant()
    assert plant.recall().outcome is Outcome.RINGS
    assert plant.rung() == ["anna", "bert", "carl"]
    plant.wait(63)
    plant.takes("anna")
    assert plant.rung() == ["help-03"]


def test_recall_ends_after_the_hunt() -> None:
    plant = Plant(SITE, Settings(hunt=60))
    plant.recall()
    plant.wait(61)
    check_rest(plant)
    assert [event.attributes["subject"] for event in plant.events if event.kind == "fault"] == [
        f"call/{INCIDENT}"
    ]


def test_recall_of_a_phone_that_is_hunted_for_is_known() -> None:
    plant = Plant()
    plant.hang_up(plant.call("help-03"))
    assert plant.recall().outcome is Outcome.KNOWN
    plant.wait(10)
    assert plant.recall("d-2").outcome is Outcome.KNOWN


def test_recall_of_a_phone_that_is_calling_hurries_its_own_ringing() -> None:
    plant = Plant()
    plant.call("help-03")
    assert plant.recall().outcome is Outcome.RINGS
    assert plant.rung() == ["anna", "bert", "carl", "desk-1", "desk-2"]
    plant.answer("desk-1")
    assert plant.recall("d-2").outcome is Outcome.KNOWN


def test_recall_without_dispatch_is_impossible() -> None:
    plant = Plant(NOBODY)
    assert plant.recall().outcome is Outcome.IMPOSSIBLE
    check_rest(plant)


def test_a_click_stops_dispatch_and_the_consoles_go_on() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    assert plant.clicks().outcome is Outcome.TOLD
    assert plant.hears("anna") == ("taken",)
    assert plant.rung() == ["desk-1", "desk-2"]
    plant.wait(197)
    assert {who for at, who in plant.dialled if at > 21} == {"desk-1", "desk-2"}
    plant.answer("desk-2")
    assert plant.talk(leg, "desk-2")


@pytest.mark.parametrize("before", ["recall", "notify", "hunt"])
def test_a_click_ends_what_was_rung_for_a_phone_without_a_call(before: str) -> None:
    plant = Plant()
    if before == "hunt":
        plant.hang_up(plant.call("help-03"))
        plant.wait(6)
    else:
        getattr(plant, before)()
    assert plant.rung()
    plant.clicks()
    check_rest(plant)


def test_an_unknown_phone_is_notified_about_by_the_id_that_the_bridge_gives_it() -> None:
    plant = Plant()
    leg = plant.call("", "9110", "+4930")
    plant.notify(phone="unknown/+4930", number="+4930")
    plant.takes("anna")
    assert plant.talk(leg, "anna")


def test_a_notified_sos_that_calls_is_that_call() -> None:
    plant = Plant()
    plant.notify()
    plant.answer("anna")
    leg = plant.call("help-03")
    assert plant.rung() == ["bert", "desk-1", "desk-2"], "the notification goes on"
    plant.press("anna")
    assert plant.talk(leg, "anna")
    assert [said.fields["sosincident"] for said in plant.said("SOSAck")] == [INCIDENT]


# --- the incident is cleared --------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["recall", "notify", "hunt"])
def test_a_cleared_incident_is_rung_for_no_more(before: str) -> None:
    plant = Plant()
    if before == "hunt":
        plant.hang_up(plant.call("help-03"))
        plant.wait(6)
    else:
        getattr(plant, before)()
    plant.answer("anna")
    assert plant.clears(call="call-1@phone;tag" if before == "hunt" else "").outcome is Outcome.TOLD
    assert plant.hears("anna") == ("over",)
    plant.press("anna")
    assert plant.said("SOSAck") == []
    plant.hears_all("anna")
    check_rest(plant)


def test_a_cleared_incident_lets_the_next_sos_ring() -> None:
    plant = Plant(NO_CONSOLES)
    plant.hang_up(plant.call("help-03"))
    plant.wait(5)
    plant.call("help-04")
    assert {"anna", "bert"} <= set(plant.rung())
    plant.clears()
    plant.answer("anna")
    assert "location-GATE" in plant.hears("anna")


def test_a_cleared_incident_whose_phone_still_calls_leaves_it_to_the_consoles() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    plant.clears(call="call-1@phone;tag")
    assert plant.hears("anna") == ("over",)
    assert plant.rung() == ["desk-1", "desk-2"]
    assert plant.hears(leg) == ("person-has-it", "ringback")


def test_who_talks_when_the_incident_is_cleared_goes_on_talking() -> None:
    plant = Plant(NO_CONSOLES)
    leg = plant.call("help-03")
    plant.takes("anna")
    plant.clears(call="call-1@phone;tag")
    assert plant.talk(leg, "anna")


def test_an_sos_that_crosses_the_clearing_of_the_one_before_is_rung_for() -> None:
    plant = Plant(NO_CONSOLES)
    plant.hang_up(plant.call("help-03"))
    plant.call("help-03")
    assert plant.clears(call="call-1@phone;tag").outcome is Outcome.KNOWN
    assert plant.rung() == ["anna", "bert", "carl"]
