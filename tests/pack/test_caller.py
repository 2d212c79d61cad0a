"""Who the phone is, what its caller hears, and what survives a reload. Real Asterisk."""

from __future__ import annotations

import time
import wave

import pytest

from tests.pack.lab import TONES, PackLab
from tests.parts.baresip import Baresip
from tests.parts.sip import Phone, Phones, answers, calls, calls_and_cancels
from tests.parts.sound import strength

pytestmark = pytest.mark.real("asterisk", "sipp")


@pytest.mark.real("baresip")
def test_the_caller_hears_that_the_alarm_was_sent_before_anybody_answers(
    lab_both: PackLab, phones: Phones
) -> None:
    """As early media: an announcement must not make the call look answered."""
    lab = lab_both
    lab.crew(phones, {})
    with Baresip("1001", lab.pbx.sip_port, register=False) as caller:
        caller.dial("9110")
        caller.wait_event("CALL_PROGRESS")
        time.sleep(1.0)
        assert not caller.events("CALL_ESTABLISHED")
        caller.hang_up()
        caller.wait_event("CALL_CLOSED")
        assert strength(caller.heard(), TONES["caller/waiting"]) > 0.5


def test_a_phone_with_announcements_off_hears_plain_ringback(lab: PackLab, phones: Phones) -> None:
    caller = phones.call(calls_and_cancels(Phone("1002"), after=0.5), lab.pbx.sip_port, "9110")
    caller.finish()
    assert caller.received("180")
    assert not caller.received("183")


@pytest.mark.parametrize(
    ("number", "known_as", "place"),
    [
        ("4501", "P-4501", "PLACE-A"),
        ("4502", "P-4502", "PLACE-B"),
        ("4599", "unknown-gateway-4599", "unknown"),
    ],
)
def test_the_phones_of_a_gateway_are_told_apart_by_their_number(
    lab: PackLab, phones: Phones, number: str, known_as: str, place: str
) -> None:
    lab.crew(phones, {"2001": answers(presses=[(0.6, "1")])})
    gateway = phones.answer(answers(hangs_up_after=0.2), lab.port("gateway"))
    asserted = f"Max-Forwards: 70\nP-Asserted-Identity: <sip:{number}@127.0.0.1>"
    scenario = calls_and_cancels(Phone("gateway"), after=0.4).replace("Max-Forwards: 70", asserted, 1)
    phones.call(scenario, lab.pbx.sip_port, "9110").finish()
    lab.wait("SOSCall", Phone="gateway", Location=place, Number=number)
    lab.wait("SOSCallbackEnd", Phone="gateway", DialStatus="ANSWER")
    [invite] = gateway.received("INVITE")
    assert invite.first_line.startswith(f"INVITE sip:{number}@")
    assert known_as in lab.pbx.cli("dialplan show globals")


def test_a_reload_in_the_middle_changes_nothing(lab: PackLab, phones: Phones) -> None:
    lab.crew(phones, {"2001": answers(after=0.6, presses=[(0.4, "1")])})
    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.3), lab.pbx.sip_port, "9110")
    lab.wait("SOSTier", Dispatcher="2001")
    lab.pbx.cli("dialplan reload")
    caller.finish()
    lab.wait("SOSDone", Has="dispatcher", By="2001")


@pytest.mark.real("baresip")
def test_the_recording_holds_both_voices_and_bears_the_calls_name(lab: PackLab, phones: Phones) -> None:
    lab.beat()
    with (
        lab.listening("9000") as console,
        Baresip("1001", lab.pbx.sip_port, register=False, plays=500) as caller,
    ):
        caller.dial("9110")
        caller.wait_event("CALL_ESTABLISHED")
        time.sleep(1.5)
        console.hang_up()
        done = lab.wait("SOSDone", Has="console")
    assert int(done.get("Heard")) > 30
    recording = lab.wait("SOSRecording", SosUid=done.get("SosUid")).get("File")
    lab.wait_no_channels()
    with wave.open(recording) as sound:
        assert sound.getnframes() > 8000
    master = lab.pbx.log_folder / "cdr-custom" / "Master.csv"
    until = time.monotonic() + 3
    while f"sos:{done.get('SosUid')}" not in (master.read_text() if master.exists() else ""):
        assert time.monotonic() < until, "no call record bears its name"
        time.sleep(0.05)
