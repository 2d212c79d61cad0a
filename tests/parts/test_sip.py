"""The test phones themselves: each scenario does what its name says, on both versions of the PBX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartAsterisk
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.availability import need
from tests.parts.baresip import Baresip
from tests.parts.processes import PartError
from tests.parts.sip import (
    Phone,
    Phones,
    SipMessage,
    answers,
    calls,
    calls_and_cancels,
    calls_and_is_refused,
    calls_and_vanishes,
    calls_with_wrong_password,
    refuses,
    rings_unanswered,
)
from tests.parts.sound import seconds_of_sound, strength, write_tone

OPEN = Phone("1001")
DIGEST = Phone("1002", password="pw")
DIALPLAN = """
[phones]
exten => 9110,1,Dial(PJSIP/9110,30)
 same => n,Hangup()
exten => 9111,1,Dial(PJSIP/9110,1)
 same => n,Hangup()
exten => 9112,1,Dial(PJSIP/9110,30,U(ack))
 same => n,Hangup()
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30,U(ack))
[ack]
exten => s,1,Read(KEY,,1,,1,5)
 same => n,Verbose(1,pressed ${KEY})
 same => n,Return()
"""
ENDPOINTS = [
    Endpoint(name="1001"),
    Endpoint(name="1002", password="pw"),
    Endpoint(name="1003"),
    Endpoint(name="9110", port=-1, dtmf="info"),
]


@pytest.fixture(scope="module", params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def shared_pbx(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
    need({"22": "asterisk", "16": "asterisk-16"}[request.param])
    with Asterisk(request.param, files={"extensions.conf": DIALPLAN}, endpoints=ENDPOINTS) as pbx:
        yield pbx


@pytest.fixture
def pbx(shared_pbx: Asterisk) -> Iterator[Asterisk]:
    """The PBX of this module, without calls and with an empty log."""
    (shared_pbx.log_folder / "full.log").write_text("")
    yield shared_pbx
    shared_pbx.hang_up_all()


@pytest.mark.parametrize(
    ("caller", "dialled", "callee"),
    [
        pytest.param(calls(OPEN, hangs_up_after=0.1), "9110", answers(after=0.1), id="caller hangs up"),
        pytest.param(calls(OPEN), "9110", answers(hangs_up_after=0.1), id="callee hangs up"),
        pytest.param(calls(DIGEST, hangs_up_after=0.1), "9110", answers(), id="digest"),
        pytest.param(calls_and_cancels(OPEN, after=0.2), "9110", rings_unanswered(), id="cancel"),
        pytest.param(calls_and_cancels(DIGEST, after=0.2), "9110", answers(after=9), id="digest, cancel"),
        pytest.param(calls_and_is_refused(OPEN, 486), "9110", refuses(), id="busy"),
        pytest.param(calls_and_is_refused(OPEN, 603), "9111", rings_unanswered(), id="no answer"),
    ],
)
def test_two_scenarios_meet(pbx: Asterisk, phones: Phones, caller: str, dialled: str, callee: str) -> None:
    answering = phones.answer(callee, pbx.port_of("9110"), calls_wanted=1)
    phones.call(caller, pbx.sip_port, dialled).finish()
    answering.finish()
    assert pbx.channels() == []


def test_refused_by_the_pbx(pbx: Asterisk, phones: Phones) -> None:
    phones.call(calls_and_is_refused(OPEN, 404), pbx.sip_port, "777").finish()
    phones.call(calls_with_wrong_password(Phone("1002", password="bad")), pbx.sip_port, "9110").finish()
    assert "ChallengeResponseFailed" in pbx.log() or "InvalidPassword" in pbx.log()


def test_withheld_caller_id_is_known_by_digest_only(pbx: Asterisk, phones: Phones) -> None:
    console = phones.answer(answers(), pbx.port_of("9110"))
    withheld = Phone("1002", password="pw", withheld=True)
    caller = phones.call(calls(withheld, hangs_up_after=0.1), pbx.sip_port, "9110").finish()
    assert "1002" not in caller.sent("INVITE")[0].header("From")
    assert "1002" not in console.received("INVITE")[0].text
    assert "PJSIP/1002-" in pbx.log()


def test_a_vanished_phone_says_nothing_more(pbx: Asterisk, phones: Phones) -> None:
    phones.answer(answers(), pbx.port_of("9110"))
    caller = phones.call(calls_and_vanishes(OPEN, answered=True), pbx.sip_port, "9110").finish()
    assert [message.first_line.split()[0] for message in caller.messages if message.sent] == ["INVITE", "ACK"]
    assert len(pbx.channels()) == 2


def test_a_key_pressed_reaches_the_dialplan(pbx: Asterisk, phones: Phones) -> None:
    dispatcher = answers(presses=[(0.2, "1")], hangs_up_after=0.1)
    phones.answer(dispatcher, pbx.port_of("9110"))
    phones.call(calls(OPEN), pbx.sip_port, "9112").finish()
    assert "pressed 1" in pbx.log()


def test_audio_keeps_a_watched_call_alive(asterisk22: StartAsterisk, phones: Phones) -> None:
    watched = [Endpoint(name="1001", settings={"rtp_timeout": "3"}), Endpoint(name="9110", port=-1)]
    pbx = asterisk22(endpoints=watched)
    phones.answer(answers(), pbx.port_of("9110"))
    silent = phones.call(calls(OPEN), pbx.sip_port, "9110")
    sounding = phones.call(calls(OPEN, audio=True, hangs_up_after=6), pbx.sip_port, "9110")
    silent.finish()
    sounding.finish()
    assert len(silent.received("BYE")) == 1
    assert len(sounding.sent("BYE")) == 1


def test_a_call_that_goes_wrong_fails_with_its_story(pbx: Asterisk, phones: Phones) -> None:
    phones.answer(refuses(), pbx.port_of("9110"))
    caller = phones.call(calls(OPEN), pbx.sip_port, "9110")
    with pytest.raises(PartError, match=r"-> INVITE .*\n(.*\n)*<- SIP/2.0 486 Busy Here"):
        caller.finish()


@pytest.mark.real("baresip")
def test_baresip_registers_calls_hears_and_presses_keys(pbx: Asterisk, phones: Phones) -> None:
    caller = phones.keep(Baresip("1002", pbx.sip_port, password="pw", plays=440))
    callee = phones.keep(Baresip("1003", pbx.sip_port, plays=900))

    caller.dial("1003")
    callee.wait_event("CALL_INCOMING")
    callee.accept()
    callee.wait_event("CALL_ESTABLISHED")
    callee.press("1")
    caller.wait_event("CALL_ESTABLISHED")
    callee.wait_event("CALL_RTPESTAB")
    caller.wait_event("CALL_RTPESTAB")
    caller.wait_sound()
    callee.wait_sound()
    caller.hang_up()
    callee.wait_event("CALL_CLOSED")

    assert "pressed 1" in pbx.log()
    assert strength(caller.heard(), 900) > 0.9
    assert strength(callee.heard(), 440) > 0.9


@pytest.mark.real("baresip")
def test_baresip_with_a_wrong_password_is_refused(pbx: Asterisk) -> None:
    with Baresip("1002", pbx.sip_port, password="bad", register=False) as phone:
        phone.dial("9110")
        phone.wait_event("CALL_CLOSED")
        assert phone.events("CALL_ESTABLISHED") == []
        with pytest.raises(PartError, match=r"no REGISTER_OK within .*; seen: CALL_"):
            phone.wait_event("REGISTER_OK", timeout=0.1)


def test_messages_are_read() -> None:
    message = SipMessage(0.0, True, "INVITE sip:1@h SIP/2.0\nFrom: <sip:2@h>;tag=3\ncall-id: x\n\nv=0")
    assert message.first_line == "INVITE sip:1@h SIP/2.0"
    assert message.header("from") == "<sip:2@h>;tag=3"
    assert message.header("Call-ID") == "x"
    assert message.header("To") == ""


def test_tones_are_told_apart(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", 440, 0.5)
    assert strength(tone, 440) > 0.99
    assert strength(tone, 900) < 0.01
    assert seconds_of_sound(tone) == pytest.approx(0.5, abs=0.03)
