"""Calls that end in a way of their own: taken back, cut off, crossing an answer; and several at once.

As `scenarios.py`, with the words of `stage.py`.
"""

from __future__ import annotations

from typing import Final

from tests.ami.refusals import BUSY
from tests.ami.scenarios import PHONE
from tests.ami.stage import Scenario, Stage, in_vain, leg, talk
from tests.parts.sip import (
    Phone,
    answers,
    calls,
    calls_and_cancels,
    calls_and_vanishes,
    refuses,
    rings_unanswered,
)
from tests.parts.sipp_steps import (
    PROGRESS,
    RINGING,
    SDP,
    ack_of_answer,
    ack_of_refusal,
    bye_of_caller,
    cancel,
    invite,
    invite_cseq,
    receive,
    receive_invite,
    reply,
    scenario,
)

OTHER: Final = Phone("1003")

# --- who takes it back ------------------------------------------------------------------------------


def _cancelled_at_once(stage: Stage) -> None:
    """Before anybody's phone rings: the dialplan still waits."""
    text = scenario(
        invite(PHONE),
        receive("100"),
        cancel(PHONE),
        receive("200"),
        receive("487"),
        ack_of_refusal(PHONE, invite_cseq(PHONE)),
    )
    stage.call(text, "9117").finish()


def _cancelled_after_a_wait(stage: Stage) -> None:
    """The call has lasted longer than its Dial may take: a CDR of it looks as if the PBX had given up."""
    stage.answer("9110", rings_unanswered())
    stage.call(calls_and_cancels(PHONE, after=0.2), "9136").finish()


def _cancel_after_the_answer(stage: Stage) -> None:
    """CANCEL and 200 cross, and the PBX had the answer first: the phone hangs up by BYE (RFC 3261 9.1)."""
    text = scenario(
        invite(PHONE),
        *PROGRESS,
        receive("200", rrs="true"),
        cancel(PHONE),
        receive("200"),
        ack_of_answer(PHONE),
        bye_of_caller(PHONE),
        receive("200"),
    )
    stage.answer("9110", answers(after=0.1))
    stage.call(text, "9110").finish()


def _answer_after_the_cancel(stage: Stage) -> None:
    """CANCEL and 200 cross, and the PBX had the CANCEL first: the console's 200 comes too late."""
    text = scenario(
        receive_invite(),
        reply("180 Ringing", opens=True),
        receive("CANCEL"),
        reply("200 OK", opens=True),
        reply("200 OK", opens=True, body=SDP, cseq="CSeq: [last_cseq_number] INVITE"),
        receive("ACK"),
        receive("BYE"),
        reply("200 OK"),
    )
    stage.answer("9110", text)
    stage.call(calls_and_cancels(PHONE, after=0.2), "9110").finish()
    stage.wait_for_channels(0)


# --- who vanishes -----------------------------------------------------------------------------------


def _vanished_while_ringing(stage: Stage) -> None:
    """Nobody answers; the phone never hears that."""
    stage.answer("9110", rings_unanswered())
    stage.call(calls_and_vanishes(PHONE, answered=False, after=0.1), "9120").finish()
    stage.wait_for_channels(0)


def _vanished_before_the_answer(stage: Stage) -> None:
    """It rings, the phone is cut off, somebody answers: for the PBX a talk, until no sound comes."""
    phone = Phone("1011")
    text = scenario(invite(phone), *RINGING, receive("200"))  # that nobody acknowledges
    stage.answer("9110", answers(after=0.3))
    stage.call(text, "9110").finish()
    stage.wait_for_channels(0)


def _session_timer(stage: Stage) -> None:
    """Nothing but the session timer (RFC 4028) tells that the phone has gone."""
    stage.answer("9110", answers(after=0.1))
    stage.call(calls_and_vanishes(Phone("1012"), answered=True, after=0.1), "9110").finish()
    stage.wait_for_channels(0, timeout=180.0)


# --- several calls ----------------------------------------------------------------------------------


def _redial(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.6))
    stage.call(calls_and_cancels(PHONE, after=0.2), "9110").finish()
    stage.wait_for_channels(0)
    stage.call(calls(PHONE, hangs_up_after=0.2), "9110").finish()


def _two_calls_of_one_phone(stage: Stage) -> None:
    first = stage.answer("9110", answers(after=0.1))
    second = stage.answer("2002", answers(after=0.1))
    stage.answer("2001", refuses())
    one = stage.call(calls(PHONE, hangs_up_after=0.8), "9110", to=[first])
    one.wait_received("200")
    two = stage.call(calls(PHONE, hangs_up_after=0.2), "9111", to=[second])
    one.finish()
    two.finish()


def _two_phones_at_once(stage: Stage) -> None:
    first = stage.answer("9110", answers(after=0.1))
    stage.answer("2001", rings_unanswered())
    second = stage.answer("2002", answers(after=0.3))
    one = stage.call(calls(PHONE, hangs_up_after=0.4), "9110", to=[first])
    two = stage.call(calls(OTHER, hangs_up_after=0.2), "9111", to=[second])
    one.finish()
    two.finish()


ENDINGS: Final = (
    Scenario(
        "cancelled_at_once",
        _cancelled_at_once,
        {"out 1001 9117": ["dialing", "ended caller cancelled"]},
        chancy=True,
    ),
    Scenario(
        "cancelled_after_a_wait",
        _cancelled_after_a_wait,
        in_vain("9136", "9110", "ended caller cancelled"),
    ),
    Scenario("cancel_after_the_answer", _cancel_after_the_answer, talk("9110"), chancy=True),
    Scenario(
        "answer_after_the_cancel",
        _answer_after_the_cancel,
        in_vain("9110", "9110", "ended caller cancelled"),
    ),
    Scenario(
        "vanished_while_ringing", _vanished_while_ringing, in_vain("9120", "9110", "ended pbx no_answer")
    ),
    Scenario(
        "vanished_before_the_answer", _vanished_before_the_answer, talk("9110", caller="1011", by="pbx")
    ),
    # The PBX says that the phone hung up: of a session that ran out it says no more than of a BYE.
    Scenario("session_timer", _session_timer, talk("9110", caller="1012")),
    Scenario(
        "redial",
        _redial,
        {
            "out 1001 9110": ["dialing", "ended caller cancelled", *leg("9110")],
            "in 9110": ["dialing", "ended caller cancelled", *leg("1001")],
        },
    ),
    Scenario(
        "two_calls_of_one_phone",
        _two_calls_of_one_phone,
        talk("9110") | talk("9111", "2002") | {"in 2001": BUSY},
    ),
    Scenario(
        "two_phones_at_once",
        _two_phones_at_once,
        talk("9110") | talk("9111", "2002", caller="1003") | {"in 2001": ["dialing", "ended pbx no_answer"]},
    ),
)
