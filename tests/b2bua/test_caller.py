"""The caller hangs up: who is hunted for, called back, and when not; silence and recording."""

from __future__ import annotations

import pytest

from bridge.b2bua import Settings, inputs
from bridge.b2bua.state import Stage
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.scenes import QUIET, sos, stage
from tests.b2bua.site import NO_CONSOLES, SITE

# --- the caller hangs up ------------------------------------------------------------------------------


def test_one_hangup_of_the_phone_ends_every_leg() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(10)
    plant.hang_up(leg)
    check_rest(plant)
    assert [said.fields["has"] for said in plant.said("SOSDone")] == ["console"]


def test_hung_up_too_early_wait_then_hunt_then_call_back() -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    assert plant.rung() == []
    plant.wait(4.9)
    assert plant.rung() == []
    plant.wait(0.1)
    assert plant.rung() == ["anna", "bert"]
    plant.ring_all()
    plant.takes("bert")
    assert plant.rung() == ["help-03"]
    assert plant.hears("bert") == ("ringback",)
    dial = plant.devices[plant.at("help-03")].dial
    assert dial is not None
    assert dial.auto_answer
    plant.answer("help-03")
    assert plant.talk(plant.at("help-03"), "bert")
    plant.hang_up("bert")
    check_rest(plant)


def test_the_next_tier_of_the_hunt_comes_after_its_gap() -> None:
    plant, leg = sos(SITE, QUIET)
    plant.hang_up(leg)
    plant.wait(100)
    assert plant.dialled[2:] == [(5, "anna"), (5, "bert"), (45, "carl")]


def test_the_hunt_ends_and_says_so() -> None:
    plant, leg = sos(SITE, Settings(hunt=120))
    plant.hang_up(leg)
    plant.wait(126)
    check_rest(plant)
    assert [event.attributes["what"] for event in plant.events if event.kind == "fault"] == ["unanswered"]


def test_the_hunt_cuts_nobody_off_who_is_being_told() -> None:
    plant, leg = sos(SITE, Settings(hunt=7))
    plant.hang_up(leg)
    plant.wait(5)
    plant.answer("anna")
    plant.wait(8)
    plant.press("anna")
    assert plant.rung() == ["help-03"]


def test_a_console_that_had_it_for_a_moment_only_does_not_spare_the_hunt() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.wait(2)
    plant.hang_up(leg)
    assert stage(plant) == Stage.REDIAL


def test_after_a_click_a_hangup_is_no_reason_to_hunt() -> None:
    plant, leg = sos()
    plant.clicks()
    plant.hang_up(leg)
    check_rest(plant)


def test_who_listens_when_the_phone_hangs_up_calls_it_back_with_1() -> None:
    plant, leg = sos(NO_CONSOLES)
    plant.answer("anna")
    plant.hang_up(leg)
    plant.press("anna")
    assert plant.rung() == ["help-03"]


@pytest.mark.parametrize("after", [1.0, 30.0], ids=["while it is waited for", "while it is hunted for"])
def test_a_redial_ends_the_hunt_and_takes_over(after: float) -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    plant.wait(after)
    again = plant.call("help-03")
    assert plant.rung() == ["desk-1", "desk-2"]
    assert stage(plant) == Stage.CALLING
    plant.answer("desk-1")
    assert plant.talk(again, "desk-1")


def test_who_listens_during_the_hunt_gets_the_new_call() -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    plant.wait(5)
    plant.answer("anna")
    again = plant.call("help-03")
    plant.press("anna")
    assert plant.talk(again, "anna")
    assert [said.fields["sosuid"] for said in plant.said("SOSAck")] == ["call-2@phone;tag"]


def test_who_waits_for_the_call_back_gets_the_new_call_at_once() -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    plant.wait(5)
    plant.takes("anna")
    back = plant.at("help-03")
    again = plant.call("help-03")
    assert plant.over[back].startswith("cancelled")
    assert plant.talk(again, "anna")
    check(plant)


def test_one_of_two_calls_that_hangs_up_starts_no_hunt() -> None:
    plant, first = sos()
    second = plant.call("help-03")
    plant.hang_up(second)
    plant.wait(60)
    assert stage(plant) == Stage.CALLING
    assert first in plant.devices


@pytest.mark.parametrize(
    ("endpoint", "caller", "auto", "number"),
    [("help-03", "", True, ""), ("gateway", "501", False, "501")],
)
def test_how_a_phone_is_called_back(endpoint: str, caller: str, auto: bool, number: str) -> None:
    plant = Plant(NO_CONSOLES)
    plant.hang_up(plant.call(endpoint, "9110", caller))
    plant.wait(5)
    plant.takes("anna")
    dial = plant.devices[plant.at(endpoint)].dial
    assert dial is not None
    assert (dial.auto_answer, dial.number) == (auto, number)


@pytest.mark.parametrize(
    ("endpoint", "caller", "status", "word"),
    [
        ("help-05", "", "NEVER", "never"),
        ("", "+4930", "CHANUNAVAIL", "no-answer"),
        ("stranger", "", "CHANUNAVAIL", "no-answer"),
    ],
    ids=["must not ring", "no endpoint", "not of this site"],
)
def test_a_phone_that_is_not_called_back(endpoint: str, caller: str, status: str, word: str) -> None:
    plant = Plant(NO_CONSOLES)
    plant.hang_up(plant.call(endpoint, "9110", caller))
    plant.wait(5)
    plant.takes("anna")
    assert [said.fields["dialstatus"] for said in plant.said("SOSCallbackEnd")] == [status]
    assert plant.hears("anna") == (word,)
    plant.hears_all("anna")
    check_rest(plant)


def test_a_phone_in_a_call_is_not_called_back() -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    routine = plant.call("help-03", "104")
    plant.answer("help-04")
    plant.wait(5)
    plant.takes("anna")
    assert [said.fields["dialstatus"] for said in plant.said("SOSCallbackEnd")] == ["BUSY"]
    assert plant.talk(routine, "help-04")


@pytest.mark.parametrize("ends", ["refuses", "is silent", "rings in vain", "the dispatcher gives up"])
def test_a_call_back_that_comes_to_nothing(ends: str) -> None:
    plant, leg = sos()
    plant.hang_up(leg)
    plant.wait(5)
    plant.takes("anna")
    match ends:
        case "refuses":
            plant.refuse("help-03")
        case "is silent":
            plant.wait(4)
        case "rings in vain":
            plant.ring("help-03")
            plant.wait(45)
        case _:
            plant.hang_up("anna")
    if ends != "the dispatcher gives up":
        assert plant.hears("anna") == ("no-answer",)
        plant.hears_all("anna")
    check_rest(plant)


# --- silence and recording ----------------------------------------------------------------------------


def test_silence_of_the_phone_is_told_and_ends_nothing() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.feed(inputs.Silent(leg, 2.0))
    plant.feed(inputs.Heard(leg))
    assert plant.talk(leg, "desk-1")
    assert len(plant.said("SOSSilent")) == len(plant.said("SOSHeard")) == 1


@pytest.mark.parametrize(("sounds", "told"), [(True, 0), (False, 1)])
def test_silence_before_the_answer_is_told_only_if_it_goes_on(sounds: bool, told: int) -> None:
    plant, leg = sos()
    plant.feed(inputs.Silent(leg, 2.0, never=True))
    plant.answer("desk-1")
    if sounds:
        plant.feed(inputs.Heard(leg))
    plant.wait(5)
    assert len(plant.said("SOSSilent")) == told
    plant.hang_up(leg)
    assert [said.fields["heard"] for said in plant.said("SOSDone")] == ["1" if sounds else "0"]


def test_a_phone_that_was_never_heard_is_a_fault() -> None:
    plant, leg = sos()
    plant.answer("desk-1")
    plant.feed(inputs.Silent(leg, 2.0, never=True))
    plant.wait(10)
    plant.hang_up(leg)
    assert [event.attributes["what"] for event in plant.events if event.kind == "fault"] == [
        "rtp_silence",
        "unheard",
    ]


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("a1@10.0.0.5", "a1_10.0.0.5_tag.wav"),
        ("../../etc/passwd", "_.._etc_passwd_tag.wav"),
        ("...", "_tag.wav"),
    ],
)
def test_a_recording_stays_in_its_folder(key: str, file: str) -> None:
    plant = Plant()
    leg = plant.call("help-03", key=key)
    assert plant.devices[leg].recorded == file
    assert [said.fields["file"] for said in plant.said("SOSRecording")] == [file]


def test_nothing_is_recorded_where_the_site_does_not_want_it() -> None:
    plant, leg = sos(SITE, Settings(record=False))
    plant.answer("desk-1")
    assert plant.devices[leg].recorded == ""
