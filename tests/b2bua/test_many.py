"""Many SOS at once: one after the other at each dispatcher's telephone, none dropped, none unheard."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bridge.b2bua import Group, Person, Settings, Site
from bridge.model import Phone
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.site import NO_CONSOLES

PATIENT = Settings(provisional=1000, ring=1000)
"""Devices may take their time to answer."""
IN_SEQUENCE = replace(PATIENT, in_sequence=True)
PEOPLE = ("anna", "bert", "carl")
PHONES = tuple(
    Phone(id=f"P-{n}", endpoint=f"help-{n}", extension=str(n), location=f"POST-{n}") for n in range(20)
)


def site(people: tuple[str, ...] = PEOPLE) -> Site:
    tier = tuple(Person(endpoint=who) for who in people)
    return Site(alarm_extensions=("9110",), phones=PHONES, groups=(Group(name="shift", tiers=(tier,)),))


def cries(
    count: int, people: tuple[str, ...] = PEOPLE, settings: Settings = PATIENT
) -> tuple[Plant, dict[str, str]]:
    """So many phones cry for help; return their legs by their ids."""
    plant = Plant(site(people), settings)
    return plant, {phone.id: plant.call(phone.endpoint) for phone in PHONES[:count]}


def spoken(plant: Plant, who: str) -> str:
    """Return the phone that this dispatcher hears of."""
    [number] = [name for name in plant.hears(who) if name.startswith("number-")]
    return number.removeprefix("number-")


def hears_it_without_a_press(plant: Plant, who: str) -> str:
    """Pick up, listen once; return the phone that was spoken."""
    plant.answer(who)
    phone = spoken(plant, who)
    plant.hears_all(who)
    plant.wait(plant.settings.key_wait)
    return phone


def more(plant: Plant, who: str) -> str:
    """Return the first word if it tells how many wait."""
    first = plant.hears(who)[0]
    return first if first.startswith("more-") else ""


# --- two ------------------------------------------------------------------------------------------------


def test_of_two_sos_each_is_spoken_once_and_both_in_turn() -> None:
    plant, _ = cries(2, ("anna",))
    heard = []
    for _ in range(4):
        heard.append(hears_it_without_a_press(plant, "anna"))
        check(plant)
        plant.wait(plant.settings.pause)
    assert heard == ["P-0", "P-1", "P-0", "P-1"]
    assert [said.fields["location"] for said in plant.said("SOSNoAck")] == [
        *("POST-0", "POST-1", "POST-0", "POST-1")
    ]


def test_a_1_in_the_first_word_takes_the_sos_of_that_call() -> None:
    plant, legs = cries(2, ("anna",))
    plant.answer("anna")
    assert plant.hears("anna") == ("more-1", "location-POST-0", "number-P-0", "press-1")
    plant.press("anna")
    assert plant.talk(legs["P-0"], "anna")
    assert not plant.devices[legs["P-1"]].up
    plant.wait(600)
    assert plant.rung() == [], "who talks is not rung"
    plant.hang_up("anna")
    assert plant.rung() == ["anna"], "now for the other"
    plant.answer("anna")
    assert plant.hears("anna") == ("location-POST-1", "number-P-1", "press-1")
    plant.press("anna")
    assert plant.talk(legs["P-1"], "anna")


def test_how_many_wait_is_said_before_all_else() -> None:
    plant, _ = cries(0, ("anna",))
    plant.notify(phone="P-0", exercise=True)
    plant.call("help-1")
    plant.answer("anna")
    assert plant.hears("anna") == ("more-1", "exercise", "location-POST-0", "number-P-0", "press-1")


def test_how_many_wait_is_counted_anew_before_each_announcement() -> None:
    plant, _ = cries(1, ("anna",))
    plant.answer("anna")
    assert more(plant, "anna") == ""
    plant.hears_all("anna")
    plant.wait(plant.settings.key_wait)
    assert more(plant, "anna") == "", "alone it is repeated"
    other = plant.call("help-1")
    plant.hears_all("anna")
    plant.wait(plant.settings.key_wait)
    assert plant.rung() == ["anna"], "with another in line it is not"
    plant.answer("anna")
    assert spoken(plant, "anna") == "P-1"
    plant.hang_up(other)
    check(plant)


def test_the_same_sos_in_line_for_another_reason_is_no_other_sos() -> None:
    plant, _ = cries(1, ("anna",))
    plant.notify(phone="P-0")
    plant.answer("anna")
    assert more(plant, "anna") == ""
    plant.hears_all("anna")
    plant.wait(plant.settings.key_wait)
    assert plant.hears("anna"), "it is repeated"


def test_an_sos_whose_dispatcher_is_busy_with_another_rings_all_others() -> None:
    plant = Plant(NO_CONSOLES, PATIENT)
    first = plant.call("help-03")
    plant.takes("anna")
    second = plant.call("help-04")
    assert plant.rung() == ["bert", "carl"]
    plant.takes("carl")
    assert plant.talk(first, "anna")
    assert plant.talk(second, "carl")


# --- twenty -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "word"),
    [(1, ""), (2, "more-1"), (4, "more-3"), (10, "more-9"), (11, "more-many"), (20, "more-many")],
)
def test_the_announcement_says_first_how_many_more_wait(count: int, word: str) -> None:
    plant, _ = cries(count, ("anna",))
    plant.answer("anna")
    assert more(plant, "anna") == word
    assert plant.hears("anna")[-1] == "press-1"


def test_of_twenty_each_dispatcher_hears_each_before_any_again() -> None:
    plant, _ = cries(20)
    heard: dict[str, list[str]] = {who: [] for who in PEOPLE}
    for _ in range(40):
        for who in plant.rung():
            heard[who].append(hears_it_without_a_press(plant, who))
        check(plant)
    for who, phones in heard.items():
        assert phones[:20] == phones[20:40], f"{who} hears them in another order"
        assert len(set(phones[:20])) == 20, f"one is unheard at {who}"


@pytest.mark.parametrize("seconds", [0.0, 1.0, 3.7])
def test_in_sequence_none_of_twenty_is_unheard(seconds: float) -> None:
    """Whoever found all of its people busy keeps its place in line, however the times of others fall."""
    plant, legs = cries(20, settings=IN_SEQUENCE)
    heard: Counter[str] = Counter()
    for _ in range(20):
        for who in plant.rung():
            plant.wait(seconds)
            heard[hears_it_without_a_press(plant, who)] += 1
            check(plant)
    assert set(heard) == set(legs)
    assert max(heard.values()) - min(heard.values()) <= 2


def test_of_twenty_each_1_takes_the_one_just_spoken_and_none_is_left() -> None:
    """Each dispatcher presses 1 for every third that they hear."""
    plant, legs = cries(20)
    taken: dict[str, str] = {}
    listened: Counter[str] = Counter()
    while len(taken) < 20:
        if not (rung := plant.rung()):
            plant.wait(plant.settings.pause)
            continue
        who = rung[sum(listened.values()) % len(rung)]
        listened[who] += 1
        assert listened[who] < 100, "it goes on for ever"
        if listened[who] % 3:
            hears_it_without_a_press(plant, who)
            continue
        plant.answer(who)
        phone = spoken(plant, who)
        plant.press(who)
        assert plant.talk(legs[phone], who)
        assert plant.said("SOSAck")[-1].fields["location"] == f"POST-{phone.removeprefix('P-')}"
        assert phone not in taken
        taken[phone] = who
        check(plant)
        plant.hang_up(legs[phone])
    assert len(plant.said("SOSAck")) == len(plant.said("SOSDone")) == 20
    check_rest(plant)
