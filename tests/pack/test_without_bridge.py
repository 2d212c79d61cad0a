"""The dialplan alone: who rings when, and that a person, not a machine, ends it. Real Asterisk 22 and 16."""

from __future__ import annotations

import time

import pytest

from tests.pack.lab import TIMES, PackLab, at
from tests.parts.sip import (
    Phone,
    Phones,
    answers,
    calls,
    calls_and_cancels,
    refuses,
)

pytestmark = pytest.mark.real("asterisk", "sipp")


def test_dispatch_rings_at_once_when_no_bridge_was_ever_there(lab_both: PackLab, phones: Phones) -> None:
    lab = lab_both
    crew = lab.crew(phones, {"2001": answers(after=0.1, presses=[(0.4, "1")])})
    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.5), lab.pbx.sip_port, "9110")
    caller.finish()
    uid = lab.wait("SOSCall", Phone="1001", Location="PLACE-A", Heartbeat="stale").get("SosUid")
    ack = lab.wait("SOSAck", SosUid=uid, Dispatcher="2001", Phone="1001", Location="PLACE-A", Tier="1")
    lab.wait("SOSDone", SosUid=uid, Has="dispatcher", By="2001")
    # One name for the SOS: the Uniqueid of the phone's own channel.
    [channel] = lab.events.all(
        lambda m: m.event == "Newchannel" and m.get("Channel").startswith("PJSIP/1001")
    )
    assert channel.get("Uniqueid") == uid
    # All tiers and the console ring at once, and stop when the first has pressed 1.
    assert max(sipp.wait_received("INVITE").at for sipp in crew.values()) - at(channel) < 0.5
    assert all(crew[name].wait_received("CANCEL") for name in ("9000", "2002", "2003"))
    # The phone is answered when 1 is pressed, not when the dispatcher picks up.
    assert caller.received("200")[0].at >= at(ack) - 0.05
    lab.wait_no_channels()
    assert (lab.pbx.recordings / "sosbridge" / f"{uid}.wav").stat().st_size > 44
    assert lab.complaints() == []


def test_a_living_bridge_gives_the_console_its_time_then_the_tiers_follow(
    lab_both: PackLab, phones: Phones
) -> None:
    lab = lab_both
    crew = lab.crew(phones, {"2003": answers(after=0.1, presses=[(0.3, "1")])})
    lab.beat()
    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.2), lab.pbx.sip_port, "9111")
    caller.finish()
    began = at(lab.wait("SOSCall", Heartbeat="fresh"))
    rang = {name: sipp.received("INVITE")[0].at - began for name, sipp in crew.items()}
    first, second = TIMES.tiers
    assert rang == pytest.approx({"9000": 0.0, "2001": first, "2002": first, "2003": second}, abs=0.6)
    # Escalating cuts nobody off: the console rang once, all the time.
    assert crew["9000"].calls_received() == 1
    assert crew["9000"].received("CANCEL")[0].at >= at(lab.wait("SOSAck", Dispatcher="2003")) - 0.05
    assert lab.complaints() == []


@pytest.mark.parametrize("beat", [-30, 3600], ids=["died-30s-ago", "clock-was-set-back"])
def test_a_beat_counts_by_the_clock_of_the_pbx_alone(lab: PackLab, phones: Phones, beat: int) -> None:
    crew = lab.crew(phones, {})
    lab.set_global("SOS_BEAT_AT", str(int(time.time()) + beat))
    phones.call(calls_and_cancels(Phone("1001"), after=0.4), lab.pbx.sip_port, "9110").finish()
    lab.wait("SOSCall", Heartbeat="stale")
    assert crew["2001"].received("INVITE")


def test_a_console_that_answers_has_the_call(lab: PackLab, phones: Phones) -> None:
    talks = answers(after=0.1, hangs_up_after=TIMES.tiers[1])
    crew = lab.crew(phones, {"9000": talks})
    lab.beat()
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110").finish()
    lab.wait("SOSDone", Has="console", By="9000")
    time.sleep(0.5)
    assert not any(crew[name].received("INVITE") for name in ("2001", "2002", "2003"))


def test_a_console_that_hangs_up_at_once_had_nothing(lab: PackLab, phones: Phones) -> None:
    lab.crew(
        phones,
        {
            "9000": answers(after=0.1, hangs_up_after=0.2),
            "2001": answers(after=0.1, presses=[(0.2, "1")]),
        },
    )
    lab.beat()
    phones.call(calls(Phone("1001"), hangs_up_after=1.2), lab.pbx.sip_port, "9110").finish()
    lab.wait("SOSDone", Has="dispatcher", By="2001")


def test_who_answers_without_pressing_1_is_not_informed(lab_both: PackLab, phones: Phones) -> None:
    """Voicemail, a wrong key, a forgotten phone: the others go on ringing, and this one is rung again."""
    lab = lab_both
    wrong_keys = answers(after=0.1, presses=[(0.3, "5"), (0.6, "0")])
    lab.crew(phones, {"2001": answers(after=0.1), "2002": wrong_keys})
    caller = phones.call(calls_and_cancels(Phone("1001"), after=4.2), lab.pbx.sip_port, "9110")
    for dispatcher in ("2001", "2002"):
        refused = lab.wait("SOSNoAck", Dispatcher=dispatcher, Tier="1")
        again = lab.wait("SOSTier", Dispatcher=dispatcher, Loop="2")
        assert at(again) - at(refused) == pytest.approx(TIMES.pause, abs=0.6)
    assert not caller.received("200")
    caller.finish()
    assert not lab.reports("SOSAck")


def test_it_rings_as_long_as_the_caller_lives(lab: PackLab, phones: Phones) -> None:
    lab.crew(phones, dict.fromkeys(("2001", "2002", "2003"), refuses()))
    caller = phones.call(calls_and_cancels(Phone("1001"), after=2.6), lab.pbx.sip_port, "9110")
    for name in ("2001", "2002", "2003"):
        lab.wait("SOSTier", Dispatcher=name, Loop="8")
    caller.finish()


def test_busy_then_broken_then_somebody(lab: PackLab, phones: Phones) -> None:
    lab.crew(
        phones,
        {
            "2001": refuses("486 Busy Here"),
            "2002": refuses("503 Service Unavailable"),
            "2003": answers(after=0.3, presses=[(0.3, "1")]),
        },
    )
    phones.call(calls(Phone("1001"), hangs_up_after=0.2), lab.pbx.sip_port, "9110").finish()
    lab.wait("SOSDone", Has="dispatcher", By="2003")


def test_a_dispatcher_forwards_to_nobody(lab: PackLab, phones: Phones) -> None:
    moved = refuses("302 Moved Temporarily").replace("Contact: <sip:", "Contact: <sip:9000@")
    crew = lab.crew(phones, {"2001": moved})
    phones.call(calls_and_cancels(Phone("1001"), after=0.8), lab.pbx.sip_port, "9110").finish()
    assert crew["2001"].received("INVITE")
    # The console rings as a console, and not once more for the dispatcher.
    assert crew["9000"].calls_received() == 1
