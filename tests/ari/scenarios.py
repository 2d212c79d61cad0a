"""Calls that the AMI scenarios do not have: hold, transfers, a feature code that leads to the alarm.

`expected` as in tests/ami/stage.py; the calls of tests/ami/scenarios.py are played over ARI as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from tests.ami.scenarios import PHONE, SCENARIOS
from tests.ami.stage import FILES as AMI_FILES
from tests.ami.stage import Scenario, Stage, leg, talk
from tests.parts.sip import answers, calls
from tests.parts.sipp_steps import (
    PROGRESS,
    SDP,
    VIA,
    Body,
    ack_of_answer,
    invite,
    pause,
    receive,
    request_of_caller,
    scenario,
    send,
)

FILES: Final[Mapping[str, str]] = {
    **AMI_FILES,
    "extensions.conf": AMI_FILES["extensions.conf"].replace(
        "[phones]\n",
        "[phones]\nexten => *9,1,Goto(9110,1)\nexten => 9140,1,Dial(PJSIP/2001,20,t)\n same => n,Hangup()\n",
        1,
    ),
}


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
    stage.call(calls(PHONE, hangs_up_after=0.2), "*9").finish()


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
    phone = stage.call(calls(PHONE, hangs_up_after=5.5), "9140")
    phone.finish()
    time.sleep(0.1)
    stage.wait_for_channels(0)


MORE: Final = (
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
ALL: Final = (*SCENARIOS, *MORE)
