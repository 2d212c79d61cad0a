"""Each hears his own language; what has no file has a generic one, and is told. Real Asterisk."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.calls import CallTracker
from bridge.model import Event, Kind
from bridge.pack.facts import Group, Person
from bridge.triggers.ami.mapping import fact_of
from tests.pack.lab import FACTS, STAFF, TIMES, TONES, PackLab, people
from tests.parts.availability import need
from tests.parts.baresip import Baresip
from tests.parts.sip import Phone, Phones, calls, rings_unanswered
from tests.parts.sound import strength, write_tone

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")

FRENCH = Person(endpoint="2001", language="fr")
# Who did not press 1 is not rung again: there is one announcement to listen to.
SITE = replace(
    FACTS,
    groups=(Group(name="shift", tiers=((FRENCH, *people("2002")), people("2003"))),),
    phones=tuple(replace(each, language="de") if each.id == "P-1001" else each for each in FACTS.phones),
    times=replace(TIMES, heartbeat_stale=600, pause=600.0),
)
DELIVERY = "6f2d8a0e-51c4-5f0b-9a7e-00000000000"
"""A delivery's id but for its last digit."""
OWN_TONES = {
    "de/caller/waiting": 2100,
    "de/person-has-it": 1900,
    "fr/location-PLACE-A": 700,
    "fr/location-unknown": 900,
    "en/taken": 1100,
    "fr/taken": 1300,
}
"""What sounds otherwise than in English (`TONES`)."""


@pytest.fixture(scope="module", params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def babel(request: pytest.FixtureRequest) -> Iterator[PackLab]:
    need("asterisk" if request.param == "22" else "asterisk-16")
    made = PackLab(request.param, facts=SITE)
    for name, hertz in OWN_TONES.items():
        write_tone(made.pbx.sounds / f"{name}.wav", hertz, 0.3)
    with made as lab:
        yield lab


@pytest.fixture
def lab(babel: PackLab, phones: Phones) -> Iterator[PackLab]:
    yield babel
    babel.start_over()


def test_a_caller_hears_the_language_of_the_phone(lab: PackLab, phones: Phones) -> None:
    lab.crew(phones, {})
    for number, own, other in (("1001", 2100, 2000), ("1005", 2000, 2100)):
        password = "pw-of-1005" if number == "1005" else ""
        with Baresip(number, lab.pbx.sip_port, register=False, password=password) as caller:
            caller.dial("9110")
            caller.wait_sound(1.0)
            caller.hang_up()
            caller.wait_event("CALL_CLOSED")
            assert strength(caller.heard(), own) > 0.5
            assert strength(caller.heard(), other) < 0.05


def test_a_caller_is_told_in_that_language_who_has_it(lab: PackLab, phones: Phones) -> None:
    lab.crew(phones, {})
    with Baresip("1001", lab.pbx.sip_port, register=False) as caller:
        caller.dial("9110")
        lab.wait("SOSTier", Dispatcher="2001")
        lab.originate("sos-taken", "P-1001", f"{DELIVERY}0", name="anna")
        caller.wait_event("CALL_ESTABLISHED", timeout=20)
        caller.wait_sound(2.0)
        caller.hang_up()
        caller.wait_event("CALL_CLOSED")
        assert strength(caller.heard(), OWN_TONES["de/person-has-it"]) > 0.05
        assert strength(caller.heard(), TONES["person-has-it"]) < 0.01


def test_a_dispatcher_hears_his_own_language(lab: PackLab, phones: Phones) -> None:
    ear = _announced_to_2001(lab, phones)
    assert ear["fr/location-PLACE-A"] > 0.05
    assert ear["location-PLACE-A"] < ear["fr/location-PLACE-A"] / 5
    assert lab.reports("SOSPromptMissing") == []


def test_one_person_more_is_told_in_his_own_language_that_somebody_has_it(
    lab: PackLab, phones: Phones
) -> None:
    """The phone is in no call: there is no talk to join."""
    others = [phones.answer(rings_unanswered(), lab.port(name)) for name in STAFF if name != "2001"]
    told = {"mark": "an-sos", "more": "yes"}
    with lab.listening() as ear:
        lab.originate("sos-taken", "P-1001", f"{DELIVERY}1", name="anna", **told)
        lab.wait("SOSTold", Delivery=f"{DELIVERY}1")
        lab.originate("sos-notify", "P-1001", f"{DELIVERY}2", **told)
        ear.wait_event("CALL_ESTABLISHED", timeout=20)
        ear.wait_sound(0.3)
        ear.press("1")
        lab.wait("SOSAck", Dispatcher="2001")
        ear.wait_event("CALL_CLOSED", timeout=20)
        assert strength(ear.heard(), OWN_TONES["fr/taken"]) > 0.05
        assert strength(ear.heard(), OWN_TONES["en/taken"]) < 0.01
    for other in others:
        other.stop()


def test_a_place_without_its_file_is_a_generic_one_and_a_fault_until_it_has_one(
    lab: PackLab, phones: Phones
) -> None:
    file = lab.pbx.sounds / "fr/location-PLACE-A.wav"
    _beat(lab)
    file.unlink()
    try:
        ear = _announced_to_2001(lab, phones)
        assert ear["fr/location-unknown"] > 0.05
        # The announcement is said twice, and told once.
        [missing] = lab.reports("SOSPromptMissing")
        assert (missing.get("File"), missing.get("Phone")) == ("fr/location-PLACE-A", "1001")
        [fault] = _told_of(lab, "prompt/fr/location-PLACE-A")
        assert (fault.kind, fault.attributes["what"]) == (Kind.FAULT, "prompt")
        assert fault.attributes["text"].startswith("fr/location-PLACE-A.wav is not on the PBX: ")
    finally:
        write_tone(file, OWN_TONES["fr/location-PLACE-A"], 0.3)
    lab.start_over()
    _announced_to_2001(lab, phones)
    assert _told_of(lab, "prompt/fr/location-PLACE-A") == []  # there is no bridge to hear that it is there
    lab.start_over()
    _beat(lab)
    _announced_to_2001(lab, phones)
    [cleared] = _told_of(lab, "prompt/fr/location-PLACE-A")
    assert cleared.kind is Kind.FAULT_CLEARED
    assert lab.complaints() == []


def test_the_waiting_callers_announcement_without_its_file_is_ringback_and_told(
    lab: PackLab, phones: Phones
) -> None:
    lab.crew(phones, {})
    file = lab.pbx.sounds / "de/caller/waiting.wav"
    aside = file.rename(file.with_name("aside"))
    try:
        caller = phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
        caller.wait_received("180")
        lab.wait("SOSPromptMissing", File="de/caller/waiting")
        assert not caller.received("183")
        caller.stop()
    finally:
        aside.rename(file)


def _beat(lab: PackLab) -> None:
    """Return once the PBX has noted that the bridge is alive."""
    lab.beat()
    deadline = time.monotonic() + 20
    while not re.search(r"SOS_BEAT_AT=[1-9]", lab.pbx.cli("dialplan show globals")):
        assert time.monotonic() < deadline, "the PBX noted no beat"
        time.sleep(0.02)


def _announced_to_2001(lab: PackLab, phones: Phones) -> dict[str, float]:
    """Let 1001 call and 2001 listen until he is let go; return how much of each tone of a place he heard."""
    others = [phones.answer(rings_unanswered(), lab.port(name)) for name in STAFF if name != "2001"]
    with lab.listening() as ear:
        caller = phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
        lab.wait("SOSNoAck", Dispatcher="2001")
        ear.wait_event("CALL_CLOSED")
        shares = {
            **{name: strength(ear.heard(), TONES[name]) for name in ("location-PLACE-A", "location-unknown")},
            **{name: strength(ear.heard(), hertz) for name, hertz in OWN_TONES.items()},
        }
        caller.stop()
    for other in others:
        other.stop()
    return shares


def _told_of(lab: PackLab, subject: str) -> list[Event]:
    """Return what the reports so far mean for one announcement."""
    tracker = CallTracker("asterisk/pbx1")
    reports = lab.events.all(lambda message: message.event == "UserEvent")
    facts = [fact for message in reports if (fact := fact_of(message, arrived=1.0))]
    events = [event for fact in facts for event in tracker.feed(fact)]
    return [event for event in events if event.attributes.get("subject") == subject]
