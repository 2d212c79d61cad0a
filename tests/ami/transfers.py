"""Calls that are led elsewhere: transfers of all kinds, a 302, a feature code, and applications outside.

As `scenarios.py`, with the words of `stage.py`.
"""

from __future__ import annotations

from typing import Final

from tests.ami.desk import bridged, left_alone
from tests.ami.dialog import CSEQ, hang_up, refer
from tests.ami.scenarios import PHONE
from tests.ami.stage import Scenario, Stage, leg, talk
from tests.parts.sip import Phone, answers, calls
from tests.parts.sipp_steps import (
    PROGRESS,
    SDP,
    VIA,
    Body,
    ack_of_answer,
    bye_of_caller,
    invite,
    pause,
    receive,
    receive_invite,
    reply,
    request_of_caller,
    scenario,
    send,
)

# --- by the PBX's own features ----------------------------------------------------------------------


def _offer(direction: str, cseq: int) -> str:
    """A re-INVITE: hold (`sendonly`) or take up again (`sendrecv`); RFC 3264 8.4."""
    body = Body(SDP.type, (*SDP.lines[:-1], f"a={direction}"))
    lines = (
        "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        VIA,
        f"From: {PHONE.address};tag=[pid]caller[call_number]",
        "To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} INVITE",
        f"Contact: <sip:{PHONE.user}@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
    )
    answered = (receive("100", optional="true"), receive("200"), request_of_caller(PHONE, "ACK", cseq))
    return "\n".join((send(*lines, body=body, retransmits=True), *answered))


HOLDS: Final = scenario(
    invite(PHONE),
    *PROGRESS,
    receive("200", rrs="true"),
    ack_of_answer(PHONE),
    pause(0.2),
    _offer("sendonly", 2),
    pause(0.3),
    _offer("sendrecv", 3),
    pause(0.2),
    request_of_caller(PHONE, "BYE", 4),
    receive("200"),
)


def _hold(stage: Stage) -> None:
    stage.answer("9110", answers())
    stage.call(HOLDS, "9110").finish()


def _feature_code(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.2), "*9", means="9110").finish()


def _keys(text: str, first: float) -> list[tuple[float, str]]:
    return [(first if not index else 0.25, digit) for index, digit in enumerate(text)]


def _blind_transfer(stage: Stage) -> None:
    stage.answer("2005", answers(after=0.1, hangs_up_after=0.5))
    stage.answer("2001", answers(presses=[*_keys("#1", 0.3), *_keys("2005#", 0.5)]))
    stage.call(calls(PHONE), "9140").finish()
    stage.wait_for_channels(0)


def _attended_transfer(stage: Stage) -> None:
    stage.answer("2005", answers(after=0.1))
    presses = [*_keys("*2", 0.3), *_keys("2005#", 0.5)]
    stage.answer("2001", answers(presses=presses, hangs_up_after=1.5))
    stage.call(calls(PHONE, hangs_up_after=5.5), "9140").finish()
    stage.wait_for_channels(0)


# --- by REFER ---------------------------------------------------------------------------------------

REFERS: Final = scenario(
    invite(PHONE),
    *PROGRESS,
    receive("200", rrs="true"),
    ack_of_answer(PHONE),
    receive("INFO"),
    request_of_caller(PHONE, "BYE", CSEQ + 1),
    receive("200"),
)
"""A phone whose user hands the call on, and hangs up: see `refer` and `hang_up`."""


def _referred_by_phone(stage: Stage) -> None:
    stage.answer("9110", answers())
    stage.answer("2005", answers(after=0.1, hangs_up_after=0.3))
    phone = stage.call(REFERS, "9110")
    stage.wait_for_talk("1001", "9110")
    refer(phone, stage.pbx.sip_port, "2005")
    hang_up(phone)
    phone.finish()
    stage.wait_for_channels(0)


def _referred_by_console(stage: Stage) -> None:
    console = stage.answer("9110", answers())
    stage.answer("2005", answers(after=0.1, hangs_up_after=0.3))
    phone = stage.call(calls(PHONE), "9110")
    stage.wait_for_talk("1001", "9110")
    refer(console.sipp, stage.pbx.sip_port, "2005")
    phone.finish()
    stage.wait_for_channels(0)


def _joined_by_phone(stage: Stage) -> None:
    """The phone asks somebody else, and joins both: they talk on without it."""
    first = stage.answer("9110", answers())
    second = stage.answer("2005", answers(after=0.1, hangs_up_after=0.6))
    phone = stage.call(REFERS, "9110", to=[first])
    stage.wait_for_talk("1001", "9110")
    asked = stage.call(calls(PHONE), "2005", to=[second])
    stage.wait_for_talk("1001", "2005")
    refer(phone, stage.pbx.sip_port, "2005", replacing=asked)
    hang_up(phone)
    phone.finish()
    asked.finish()
    stage.wait_for_channels(0)


def _joined_by_console(stage: Stage) -> None:
    """The console asks somebody else, and joins both: the phone talks on with them."""
    console = stage.answer("9110", answers())
    second = stage.answer("2005", answers(after=0.1, hangs_up_after=0.6))
    phone = stage.call(calls(PHONE), "9110")
    stage.wait_for_talk("1001", "9110")
    asked = stage.call(calls(Phone("9110")), "2005", to=[second])
    stage.wait_for_talk("9110", "2005")
    refer(console.sipp, stage.pbx.sip_port, "2005", replacing=asked)
    phone.finish()
    asked.finish()
    stage.wait_for_channels(0)


# --- by the console's 302 ---------------------------------------------------------------------------


def _sent_on(stage: Stage) -> None:
    """The console says 302: the PBX calls whom it names."""
    answer = reply("302 Moved Temporarily", opens=True)
    moved = answer.replace("sip:[local_ip]:[local_port]", f"sip:2005@127.0.0.1:{stage.pbx.sip_port}")
    stage.answer("9110", scenario(receive_invite(capture=False), moved, receive("ACK")))
    stage.answer("2005", answers(after=0.1))
    phone = scenario(
        invite(PHONE),
        receive("181", optional="true"),
        *PROGRESS,
        receive("200", rrs="true"),
        ack_of_answer(PHONE),
        pause(0.3),
        bye_of_caller(PHONE),
        receive("200"),
    )
    stage.call(phone, "9110").finish()


# --- outside the dialplan ---------------------------------------------------------------------------


def _stasis_alone(stage: Stage) -> None:
    with left_alone(stage.pbx):
        stage.call(calls(PHONE, hangs_up_after=0.3), "9150").finish()
        stage.wait_for_channels(0)


def _stasis_bridged(stage: Stage) -> None:
    stage.answer("2001", answers(after=0.2))
    with bridged(stage.pbx, "PJSIP/2001"):
        stage.call(calls(PHONE, hangs_up_after=0.6), "9150").finish()
        stage.wait_for_channels(0)


FEATURES: Final = (
    Scenario("hold", _hold, talk("9110")),
    Scenario(
        "feature_code", _feature_code, talk("9110") | {"out 1001 *9": ["dialing", "ended pbx redirected"]}
    ),
    Scenario(
        "blind_transfer",
        _blind_transfer,
        {
            "out 1001 9140": leg("2001", "called"),
            "in 2001": leg("1001", "pbx"),
            "in 2005": leg("1001", "called"),
        },
    ),
    Scenario(
        "attended_transfer",
        _attended_transfer,
        {"out 1001 9140": leg("2001"), "in 2001": leg("1001", "called"), "in 2005": leg("2001")},
    ),
)
TRANSFERS: Final = (
    *FEATURES,
    Scenario(
        "referred_by_phone",
        _referred_by_phone,
        {
            "out 1001 9110": leg("9110", "pbx"),
            "in 9110": leg("1001", "caller"),
            "in 2005": leg("9110", "called"),
        },
    ),
    Scenario(
        "referred_by_console",
        _referred_by_console,
        {
            "out 1001 9110": leg("9110", "called"),
            "in 9110": leg("1001", "pbx"),
            "in 2005": leg("1001", "called"),
        },
    ),
    Scenario(
        "joined_by_phone",
        _joined_by_phone,
        {
            "out 1001 9110": leg("9110", "pbx"),
            "in 9110": leg("1001", "caller"),
            "out 1001 2005": leg("2005", "pbx"),
            "in 2005": leg("1001", "called"),
        },
    ),
    Scenario(
        "joined_by_console",
        _joined_by_console,
        {
            "out 1001 9110": leg("9110", "called"),
            "in 9110": leg("1001", "pbx"),
            "out 9110 2005": leg("2005", "pbx"),
            "in 2005": leg("9110", "called"),
        },
    ),
    Scenario("sent_on", _sent_on, talk("9110", "2005") | {"in 9110": ["dialing", "ended called no_answer"]}),
    Scenario(
        "stasis_alone", _stasis_alone, {"out 1001 9150": ["dialing", "answered", "ended caller answered"]}
    ),
    Scenario("stasis_bridged", _stasis_bridged, talk("9150", "2001")),
)
