"""Calls that nobody takes, or somebody else: refused, ring groups with a busy member, queues, announcements.

As `scenarios.py`, with the words of `stage.py`.
"""

from __future__ import annotations

from typing import Final

from tests.ami.scenarios import PHONE
from tests.ami.stage import Scenario, Stage, in_vain, talk
from tests.parts.sip import (
    answers,
    calls,
    calls_and_cancels,
    calls_and_is_refused,
    refuses,
    rings_unanswered,
)

DECLINED: Final = ["dialing", "ended called no_answer"]
"""If its own hangup is told before the PBX's, which is a matter of milliseconds: such calls are `chancy`."""
FAILED: Final = ["dialing", "failed pbx"]
BUSY: Final = ["dialing", "ended called busy"]


QUEUE_IN_VAIN: Final = {"in 2001": ["dialing", "ended pbx no_answer"], "in 2002": DECLINED}
"""A queue says of a busy member that it did not answer."""

# --- who refuses, and how ---------------------------------------------------------------------------


def _refused_with(status: str, told: int, said: str) -> Scenario:
    def play(stage: Stage) -> None:
        stage.answer("9110", refuses(status))
        stage.call(calls_and_is_refused(PHONE, told), "9110").finish()

    number = status.partition(" ")[0]
    story = {"out 1001 9110": ["dialing", said], "in 9110": DECLINED}
    return Scenario(f"refused_with_{number}", play, story, chancy=True)


def _declined_without_more(stage: Stage) -> None:
    """The dialplan has nothing after its Dial: a CDR of it looks as if the phone had hung up."""
    stage.answer("9110", refuses("603 Decline"))
    stage.call(calls_and_is_refused(PHONE, 503), "9135").finish()


def _wrong_number(stage: Stage) -> None:
    stage.call(calls_and_is_refused(PHONE, 404), "4444").finish()


def _wrong_number_of_dialplan(stage: Stage) -> None:
    stage.call(calls_and_is_refused(PHONE, 404), "9132").finish()


# --- ring groups ------------------------------------------------------------------------------------


def _fork_one_busy(stage: Stage) -> None:
    stage.answer("2001", refuses())
    stage.answer("2002", answers(after=0.2))
    stage.call(calls(PHONE, hangs_up_after=0.2), "9111").finish()


def _fork_all_busy(stage: Stage) -> None:
    stage.answer("2001", refuses())
    stage.answer("2002", refuses())
    stage.call(calls_and_is_refused(PHONE, 486), "9119").finish()


def _fork_busy_and_no_answer(stage: Stage) -> None:
    stage.answer("2001", refuses())
    stage.answer("2002", rings_unanswered())
    stage.call(calls_and_is_refused(PHONE, 486), "9119").finish()


# --- queues -----------------------------------------------------------------------------------------


def _queue_cancelled(stage: Stage) -> None:
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", rings_unanswered())
    stage.call(calls_and_cancels(PHONE, after=0.3), "9114").finish()


def _queue_timeout(stage: Stage) -> None:
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", refuses())
    stage.call(calls_and_is_refused(PHONE, 603), "9114").finish()


def _queue_overflow(stage: Stage) -> None:
    """Nobody of the first queue comes, somebody of the second does."""
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", refuses())
    stage.answer("2005", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.3), "9137").finish()


def _queue_then_dial(stage: Stage) -> None:
    """Nobody of the queue comes, somebody else does: the queue's log does not know."""
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", refuses())
    stage.answer("2005", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.3), "9138").finish()


# --- announcements ----------------------------------------------------------------------------------


def _playback(stage: Stage) -> None:
    stage.call(calls(PHONE), "9133").finish()


def _playback_unanswered(stage: Stage) -> None:
    stage.call(calls_and_is_refused(PHONE, 603), "9134").finish()


REFUSALS: Final = (
    _refused_with("603 Decline", 403, "ended pbx no_answer"),
    _refused_with("503 Service Unavailable", 503, "failed pbx"),
    Scenario(
        "declined_without_more",
        _declined_without_more,
        {"out 1001 9135": ["dialing", "ended pbx no_answer"], "in 9110": DECLINED},
        chancy=True,
    ),
    Scenario("wrong_number", _wrong_number, {}, no_call=True),
    Scenario("wrong_number_of_dialplan", _wrong_number_of_dialplan, {"out 1001 9132": FAILED}),
    Scenario("fork_one_busy", _fork_one_busy, talk("9111", "2002") | {"in 2001": BUSY}),
    Scenario(
        "fork_all_busy",
        _fork_all_busy,
        {
            "out 1001 9119": ["dialing", "ended pbx busy"],
            "in 2001": BUSY,
            "in 2002": BUSY,
        },
    ),
    Scenario(
        "fork_busy_and_no_answer",
        _fork_busy_and_no_answer,
        {
            "out 1001 9119": ["dialing", "ended pbx busy"],
            "in 2001": BUSY,
            "in 2002": ["dialing", "ended pbx no_answer"],
        },
    ),
    Scenario(
        "queue_cancelled",
        _queue_cancelled,
        in_vain("9114", "2001", "ended caller cancelled")
        | {"in 2002": ["dialing", "ended caller cancelled"]},
    ),
    Scenario(
        "queue_timeout",
        _queue_timeout,
        QUEUE_IN_VAIN | {"out 1001 9114": ["dialing", "ended pbx no_answer"]},
        chancy=True,
    ),
    Scenario("queue_overflow", _queue_overflow, talk("9137", "2005") | QUEUE_IN_VAIN, chancy=True),
    Scenario("queue_then_dial", _queue_then_dial, talk("9138", "2005") | QUEUE_IN_VAIN, chancy=True),
    Scenario("playback", _playback, {"out 1001 9133": ["dialing", "answered", "ended pbx answered"]}),
    Scenario("playback_unanswered", _playback_unanswered, {"out 1001 9134": FAILED}),
)
