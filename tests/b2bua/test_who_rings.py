"""Who rings when, for how long, and what the caller hears meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.b2bua import Settings, Site, inputs
from tests.b2bua.invariants import check
from tests.b2bua.plant import Plant
from tests.b2bua.scenes import QUIET, sos
from tests.b2bua.site import NO_CONSOLES, NOBODY, ONLY_CONSOLES, SITE

# --- who rings when -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "endpoint", "caller", "rung"),
    [
        (SITE, "help-03", "", [(0, "desk-1"), (0, "desk-2"), (20, "anna"), (20, "bert"), (60, "carl")]),
        (SITE, "help-04", "", [(0, "desk-2"), (20, "anna"), (20, "bert"), (60, "carl")]),
        (SITE, "", "+4930123", [(0, "desk-2"), (20, "anna"), (20, "bert"), (60, "carl")]),
        (SITE, "", "", [(0, "desk-2"), (20, "anna"), (20, "bert"), (60, "carl")]),
        (SITE, "gateway", "501", [(0, "desk-2"), (20, "anna"), (20, "bert"), (60, "carl")]),
        (SITE, "anna", "", [(0, "desk-2"), (20, "bert"), (60, "carl")]),
        (NO_CONSOLES, "help-03", "", [(0, "anna"), (0, "bert"), (0, "carl")]),
        (ONLY_CONSOLES, "help-03", "", [(0, "desk-1")]),
        (NOBODY, "help-03", "", []),
    ],
    ids=[
        *("consoles of the place, then the tiers", "no consoles there: the alarm's", "unknown phone"),
        *("nobody at all", "behind a gateway", "a dispatcher's own cry", "no consoles: dispatch at once"),
        *("no dispatch", "nobody to be rung"),
    ],
)
def test_who_rings_when(site: Site, endpoint: str, caller: str, rung: list[tuple[float, str]]) -> None:
    plant = Plant(site, QUIET)
    plant.call(endpoint, "9110", caller)
    plant.wait(100)
    check(plant)
    assert sorted(plant.dialled) == rung


@pytest.mark.parametrize("dialled", ["9110", "9117", "urn:service:sos", "URN:SERVICE:SOS.fire"])
def test_what_is_a_cry_for_help(dialled: str) -> None:
    plant = Plant()
    plant.call("", dialled)
    [call] = plant.said("SOSCall")
    assert call.fields["alarmexten"] == (dialled if dialled.startswith("911") else "9110")
    assert plant.rung() == ["desk-2"]


def test_in_sequence_one_dispatcher_of_a_tier_is_rung_after_the_other() -> None:
    plant, _ = sos(NO_CONSOLES, Settings(in_sequence=True, provisional=20))
    plant.wait(70)
    first = [(at, who) for at, who in plant.dialled if who != "carl"]
    assert first == [(0, "anna"), (20, "bert"), (45, "anna"), (65, "bert")]


def test_in_sequence_who_is_busy_with_another_sos_is_passed_over() -> None:
    plant = Plant(NO_CONSOLES, Settings(in_sequence=True, provisional=20))
    plant.call("help-03")
    plant.call("help-04")
    assert plant.rung() == ["anna", "bert", "carl"]


@pytest.mark.parametrize(
    ("endpoint", "provisional_at", "given_up_at", "again_at"),
    [
        ("anna", None, 4, 9),
        ("carl", None, 15, 20),
        ("anna", 3, 23, 28),
        ("carl", 14, 34, 39),
        ("desk-1", None, 4, 9),
        ("desk-1", 2, 62, 67),
    ],
    ids=["silent", "silent trunk", "rings", "trunk rings", "silent console", "console rings"],
)
def test_a_device_that_does_not_answer(
    endpoint: str, provisional_at: float | None, given_up_at: float, again_at: float
) -> None:
    plant, _ = sos(ONLY_CONSOLES if endpoint == "desk-1" else NO_CONSOLES)
    if provisional_at is not None:
        plant.wait(provisional_at)
        plant.feed(inputs.Provisional(plant.at(endpoint)))
    plant.wait(given_up_at - (provisional_at or 0) - 0.1)
    leg = plant.at(endpoint)
    plant.wait(0.2)
    assert plant.over[leg] == "cancelled: not answered"
    plant.wait(again_at - given_up_at)
    assert [at for at, who in plant.dialled if who == endpoint] == [0, again_at]


@pytest.mark.parametrize("status", [302, 404, 480, 486, 503, 603])
@pytest.mark.parametrize("endpoint", ["desk-1", "anna"])
def test_who_is_busy_missing_or_forwards_is_tried_again_and_nobody_else(endpoint: str, status: int) -> None:
    plant, _ = sos(ONLY_CONSOLES if endpoint == "desk-1" else NO_CONSOLES)
    plant.refuse(endpoint, status)
    assert endpoint not in plant.rung()
    plant.wait(5)
    assert [at for at, who in plant.dialled if who == endpoint] == [0, 5]
    assert {who for _, who in plant.dialled} <= plant.site.endpoints


def test_it_loops_while_the_caller_lives() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.wait(3600)
    check(plant)
    assert len([who for _, who in plant.dialled if who == "anna"]) == 401
    plant.hang_up(leg)
    assert plant.rung() == []


def test_nobody_to_be_rung_is_said_and_the_caller_is_not_dropped() -> None:
    plant, leg = sos(NOBODY)
    plant.wait(600)
    assert [event.attributes.get("what") for event in plant.events if event.kind == "fault"] == ["unanswered"]
    assert leg in plant.devices


# --- what the caller hears ----------------------------------------------------------------------------


def test_the_caller_hears_ringback_then_that_the_alarm_was_sent_and_is_not_answered() -> None:
    plant, leg = sos()
    phone = plant.devices[leg]
    assert (phone.rung, phone.early, phone.up, phone.loops) == (True, True, False, True)
    assert phone.heard == ("ringback", "waiting")


@pytest.mark.parametrize(
    ("endpoint", "language"), [("help-03", "fr"), ("help-05", "en"), ("help-04", "de"), ("stranger", "en")]
)
def test_a_caller_hears_the_language_of_the_phone(endpoint: str, language: str) -> None:
    own = {"P-03": "fr", "P-04": "de"}
    phones = tuple(replace(each, announce=True, language=own.get(each.id, "")) for each in SITE.phones)
    plant, leg = sos(replace(SITE, phones=phones), endpoint=endpoint)
    assert (plant.hears(leg), plant.devices[leg].language) == (("ringback", "waiting"), language)
    phone = plant.site.phone_at(endpoint, "")
    plant.clicks(phone=phone.id if phone else f"unknown/{endpoint}")
    assert (plant.hears(leg), plant.devices[leg].language) == (("person-has-it", "ringback"), language)


def test_a_phone_under_duress_hears_plain_ringback() -> None:
    plant, leg = sos(endpoint="help-04")
    phone = plant.devices[leg]
    assert (phone.rung, phone.early, phone.heard) == (True, False, ())
    plant.clicks(phone="P-04")
    assert (phone.early, phone.heard) == (False, ())


def test_a_person_has_it_is_said_only_after_an_acknowledgement() -> None:
    plant, leg = sos()
    plant.wait(20)
    plant.answer("anna")
    assert plant.hears(leg) == ("ringback", "waiting")
    plant.clicks()
    assert plant.hears(leg) == ("person-has-it", "ringback")
    assert not plant.devices[leg].up
