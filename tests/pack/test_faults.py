"""Each known fault of such dialplans, made to happen on a real Asterisk: it must not come back."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.pack.conftest import StartLab
from tests.pack.lab import ENDPOINTS, PASSWORD, TIMES, TONES, PackLab, at
from tests.parts.baresip import Baresip
from tests.parts.sip import (
    Phone,
    Phones,
    answers,
    calls,
    calls_and_cancels,
    rings_unanswered,
)
from tests.parts.sound import seconds_of_sound, strength

pytestmark = pytest.mark.real("asterisk", "sipp")

TAKES_IT = answers(after=0.1, presses=[(0.3, "1")])


def test_a_withheld_number_is_hunted_for_and_called_back_under_the_same_name(
    lab_both: PackLab, phones: Phones
) -> None:
    """The phone is its endpoint, not its caller ID; the SOS keeps its name on the callback's legs."""
    lab = lab_both
    lab.crew(phones, {"2002": TAKES_IT})
    phone = phones.answer(answers(hangs_up_after=0.3), lab.port("1005"))
    lab.beat()
    withheld = Phone("1005", PASSWORD, withheld=True)
    phones.call(calls_and_cancels(withheld, after=0.4), lab.pbx.sip_port, "9110").finish()
    uid = lab.wait("SOSCall", Phone="1005", Number="1005").get("SosUid")
    lab.wait("SOSTier", SosUid=uid, Kind="hunt", Dispatcher="2002")
    lab.wait("SOSAck", SosUid=uid, Dispatcher="2002", Phone="1005")
    lab.wait("SOSCallbackEnd", SosUid=uid, Phone="1005", DialStatus="ANSWER")
    [invite] = phone.received("INVITE")
    assert invite.header("Call-Info").endswith(";answer-after=0")
    assert invite.header("Alert-Info")
    assert lab.complaints() == []


@pytest.mark.real("baresip")
def test_without_any_prompt_there_are_a_tone_and_the_number(start_lab: StartLab, phones: Phones) -> None:
    lab = start_lab(prompts=())
    with lab.listening() as ear:
        phones.call(calls(Phone("1001"), hangs_up_after=0.3), lab.pbx.sip_port, "9110")
        ear.wait_event("CALL_ESTABLISHED")
        time.sleep(3.2)
        ear.press("1")
        lab.wait("SOSAck", Dispatcher="2001")
        lab.wait("SOSDone")
        ear.wait_event("CALL_CLOSED")
        # The tone is 950, 1400 and 1800 Hz; "one zero zero one" are the PBX's own words.
        assert seconds_of_sound(ear.heard()) > 1.7


@pytest.mark.real("baresip")
@pytest.mark.parametrize(
    ("caller", "heard", "not_heard"),
    [
        ("1001", "location-PLACE-A", "location-PLACE-B"),
        ("1002", "location-PLACE-B", "location-PLACE-A"),
        ("1009", "location-unknown", "location-PLACE-A"),
    ],
    ids=["place-a", "place-b", "phone-of-no-configuration"],
)
def test_the_place_that_is_said_is_the_phones_own(
    lab: PackLab, phones: Phones, caller: str, heard: str, not_heard: str
) -> None:
    """Several phones dial one alarm extension: what is said goes by the phone."""
    with lab.listening() as ear:
        phones.call(calls(Phone(caller), hangs_up_after=0.1), lab.pbx.sip_port, "9110")
        _hears(ear, heard, not_heard)


@pytest.mark.real("baresip")
def test_a_place_without_its_prompt_has_the_generic_one(start_lab: StartLab, phones: Phones) -> None:
    lab = start_lab(prompts=("location-unknown", "press-1"))
    with lab.listening() as ear:
        phones.call(calls(Phone("1001"), hangs_up_after=0.1), lab.pbx.sip_port, "9110")
        _hears(ear, "location-unknown", "location-PLACE-A")


def test_a_phone_that_dials_again_is_not_hunted_for(lab: PackLab, phones: Phones) -> None:
    crew = lab.crew(phones, {})
    lab.beat()
    phones.call(calls_and_cancels(Phone("1001"), after=0.2), lab.pbx.sip_port, "9110").finish()
    again = phones.call(calls_and_cancels(Phone("1001"), after=1.0), lab.pbx.sip_port, "9110")
    time.sleep(TIMES.redial_wait + 0.3)
    assert not crew["2001"].received("INVITE")
    again.finish()
    first, second = (report.get("SosUid") for report in lab.reports("SOSCall"))
    # The second call, hung up as well, is hunted for.
    lab.wait("SOSTier", SosUid=second, Kind="hunt")
    assert not lab.reports("SOSTier", SosUid=first)


def test_two_presses_in_the_same_millisecond_are_one_acknowledgement(lab: PackLab, phones: Phones) -> None:
    lab.crew(phones, dict.fromkeys(("2001", "2002", "2003"), answers(presses=[(0.5, "1")])))
    for attempt in range(1, 4):
        phones.call(calls(Phone("1001"), hangs_up_after=0.1), lab.pbx.sip_port, "9110").finish()
        lab.wait_no_channels()
        assert len(lab.reports("SOSDone", Has="dispatcher")) == attempt
        assert len(lab.reports("SOSAck")) == attempt, lab.story()


def test_a_phone_that_is_in_a_call_is_not_dialled(lab: PackLab, phones: Phones) -> None:
    """It hung up its SOS and talks to somebody: who presses 1 joins that talk."""
    lab.crew(phones, {"2002": answers(after=0.4, presses=[(0.4, "1")])})
    phone = phones.answer(rings_unanswered(), lab.port("1001"))
    friend = phones.answer(answers(), lab.port("1002"))
    lab.beat()
    phones.call(calls_and_cancels(Phone("1001"), after=0.2), lab.pbx.sip_port, "9110").finish()
    talk = phones.call(calls(Phone("1001"), hangs_up_after=2.5), lab.pbx.sip_port, "1002")
    ack = lab.wait("SOSAck", Dispatcher="2002")
    friend.wait_received("INVITE")
    joined = lab.events.wait(
        lambda m: m.event == "BridgeEnter" and m.get("BridgeNumChannels") == "3", timeout=2
    )
    assert at(joined) - at(ack) < 0.5
    talk.finish()
    assert not phone.received("INVITE")


def test_a_phone_that_vanishes_while_it_rings_is_still_taken(start_lab: StartLab, phones: Phones) -> None:
    """No CANCEL tells of it: somebody has the alarm, and the end says that nothing was heard of the phone."""
    watched = [replace(e, settings={"rtp_timeout": "1"}) if e.name == "1001" else e for e in ENDPOINTS]
    lab = start_lab(endpoints=watched)
    lab.crew(phones, {"2001": TAKES_IT})
    caller = phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    caller.wait_received("180")
    caller.stop()
    uid = lab.wait("SOSAck", Dispatcher="2001").get("SosUid")
    lab.wait("SOSDone", SosUid=uid, Has="dispatcher", Heard="0")


def test_a_press_after_the_hangup_calls_the_phone_back_into_that_talk(
    lab_both: PackLab, phones: Phones
) -> None:
    """A listening dispatcher is not cut off by the hangup, is rung no second time, and talks to the phone."""
    lab = lab_both
    crew = lab.crew(phones, {"2001": answers(after=0.1, presses=[(1.2, "1")])})
    phone = phones.answer(answers(hangs_up_after=0.3), lab.port("1004"))
    phones.call(calls_and_cancels(Phone("1004"), after=0.8), lab.pbx.sip_port, "9110").finish()
    uid = lab.wait("SOSAck", Dispatcher="2001", Kind="").get("SosUid")
    lab.wait("SOSCallbackEnd", SosUid=uid, DialStatus="ANSWER")
    assert crew["2001"].calls_received() == 1
    # `callback: ring`: it rings like any call.
    [invite] = phone.received("INVITE")
    assert not invite.header("Call-Info")
    time.sleep(TIMES.redial_wait)
    assert not lab.reports("SOSTier", Kind="hunt")
    assert lab.complaints() == []


def test_a_press_after_the_redial_has_the_new_call(lab_both: PackLab, phones: Phones) -> None:
    """A dispatcher listens to the first call's announcement while the phone is dialling again."""
    lab = lab_both
    lab.crew(phones, {"2001": answers(presses=[(1.4, "1")])})
    phones.call(calls_and_cancels(Phone("1001"), after=0.5), lab.pbx.sip_port, "9110").finish()
    first = lab.wait("SOSCall").get("SosUid")
    lab.beat()  # the second call rings the console only
    again = phones.call(calls(Phone("1001"), hangs_up_after=0.4), lab.pbx.sip_port, "9110")
    again.finish()
    second = lab.wait("SOSDone", Has="dispatcher", By="2001").get("SosUid")
    assert second != first
    assert [ack.get("SosUid") for ack in lab.reports("SOSAck")] == [second]


def _hears(ear: Baresip, what: str, not_what: str) -> None:
    """Listen to the announcement, press 1, and look which tones were in it."""
    ear.wait_event("CALL_ESTABLISHED")
    time.sleep(1.2)
    ear.press("1")
    ear.wait_event("CALL_CLOSED")
    said, not_said = (strength(ear.heard(), TONES[name]) for name in (what, not_what))
    assert said > 0.05
    assert not_said < said / 5


def test_a_call_that_ends_elsewhere_in_the_dialplan_is_hunted_for(lab: PackLab, phones: Phones) -> None:
    """In a subroutine when the phone hung up, or moved by somebody: its end is seen all the same."""
    crew = lab.crew(phones, {})
    caller = phones.call(calls_and_cancels(Phone("1001"), after=5), lab.pbx.sip_port, "9110")
    uid = lab.wait("SOSCall", Phone="1001").get("SosUid")
    crew["9000"].wait_received("INVITE")
    [channel] = [row[0] for row in lab.pbx.channels() if row[0].startswith("PJSIP/1001-")]
    lab.as_administrator(
        "Redirect", ("Channel", channel), ("Context", "sos-facts"), ("Exten", "s"), ("Priority", "1")
    )
    lab.wait("SOSTier", Kind="hunt", SosUid=uid)
    caller.stop()
