"""Calls played on a real Asterisk with sipp phones, and the events each must become (`stage.py`).

`record.py` records them into tests/fixtures/ami/<version>/<name>.ami; tests/calls/test_recordings.py reads
those at once, tests/ami/test_real_asterisk.py plays them again and takes sipp's logs as the truth.
"""

from __future__ import annotations

import time
from typing import Final

from tests.ami.stage import Scenario, Stage, in_vain, leg, talk
from tests.ami.truth import Person
from tests.parts.sip import (
    Phone,
    answers,
    calls,
    calls_and_cancels,
    calls_and_is_refused,
    calls_and_vanishes,
    calls_with_wrong_password,
    refuses,
    rings_unanswered,
)

PHONE: Final = Phone("1001")


def _answered(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.2))
    stage.call(calls(PHONE, hangs_up_after=0.2), "9110").finish()


def _console_hangs_up(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1, hangs_up_after=0.2))
    stage.call(calls(PHONE), "9110").finish()


def _cancelled(stage: Stage) -> None:
    stage.answer("9110", rings_unanswered())
    stage.call(calls_and_cancels(PHONE, after=0.2), "9110").finish()


def _busy(stage: Stage) -> None:
    stage.answer("9110", refuses())
    stage.call(calls_and_is_refused(PHONE, 486), "9110").finish()


def _no_answer(stage: Stage) -> None:
    stage.answer("9110", rings_unanswered())
    stage.call(calls_and_is_refused(PHONE, 603), "9120").finish()


def _fork(stage: Stage) -> None:
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", answers(after=0.2))
    stage.call(calls(PHONE, hangs_up_after=0.2), "9111").finish()


def _local(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.2), "9112").finish()


def _local_not_optimised(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1, hangs_up_after=0.2))
    stage.call(calls(PHONE), "9122").finish()


def _queue(stage: Stage) -> None:
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=1.8), "9113").finish()


def _queue_abandoned(stage: Stage) -> None:
    stage.answer("2001", rings_unanswered())
    stage.answer("2002", rings_unanswered())
    stage.call(calls(PHONE, hangs_up_after=1.2), "9113").finish()


def _announcement(stage: Stage) -> None:
    stage.call(calls(PHONE, hangs_up_after=0.2), "9115").finish()


def _congestion(stage: Stage) -> None:
    stage.call(calls_and_is_refused(PHONE, 503), "9130").finish()


def _refused_by_dialplan(stage: Stage) -> None:
    stage.call(calls_and_is_refused(PHONE, 403), "9131").finish()


def _press_one(stage: Stage) -> None:
    stage.answer("2003", answers(after=0.1), by_key=True)
    stage.answer("2004", answers(after=0.1, presses=[(0.7, "1")]), by_key=True)
    stage.call(calls(PHONE, hangs_up_after=0.2), "9116").finish()
    stage.wait_for_channels(0)


def _press_one_of_an_answered_phone(stage: Stage) -> None:
    stage.answer("2003", answers(after=0.1), by_key=True)
    stage.answer("2004", answers(after=0.1, presses=[(0.7, "1")], hangs_up_after=0.2), by_key=True)
    stage.call(calls(PHONE), "9118").finish()
    stage.wait_for_channels(0)


def _alias(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.2), "7110", means="9110").finish()


def _withheld(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    phone = Phone("1002", password="right", withheld=True)
    stage.call(calls(phone, hangs_up_after=0.2), "9110").finish()


def _wrong_password(stage: Stage) -> None:
    stage.call(calls_with_wrong_password(Phone("1002", password="wrong")), "9110").finish()


def _vanished(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    stage.call(calls_and_vanishes(Phone("1011"), answered=True, after=0.1), "9110").finish()
    stage.wait_for_channels(0)


def _hung_up_by_pbx(stage: Stage) -> None:
    stage.answer("9110", answers())
    phone = stage.call(calls(PHONE), "9110")
    phone.wait_received("200")
    stage.pbx.cli(f"channel request hangup {stage.channel('1001')}")
    phone.finish()


def _redirected(stage: Stage) -> None:
    stage.answer("9110", answers())
    stage.answer("2005", answers(after=0.1))
    phone = stage.call(calls(PHONE, hangs_up_after=1.0), "9110")
    phone.wait_received("200")
    time.sleep(0.1)
    target = {"Context": "dispatch", "Exten": "2005", "Priority": "1"}
    stage.ask("Redirect", {"Channel": stage.channel("1001"), **target})
    phone.finish()


def _picked_up_by_another(stage: Stage) -> None:
    stage.answer("9110", rings_unanswered())
    taken_by: list[Person] = []
    phone = stage.call(calls(PHONE, hangs_up_after=0.3), "9120", to=taken_by)
    phone.wait_received("180")
    other = stage.call(calls(Phone("2005")), "8120", to=[Person(phone)])
    taken_by.append(Person(other))
    phone.finish()
    other.finish()


def _called_back(stage: Stage) -> None:
    stage.answer("2004", answers(after=0.1, presses=[(0.3, "1")], hangs_up_after=0.6))
    stage.answer("1001", answers(after=0.1))
    near = {"Context": "callback-phone", "Exten": "1001", "Priority": "1"}
    stage.ask("Originate", {"Channel": "Local/1001@callback/n", **near, "Async": "true"})
    time.sleep(0.5)
    stage.wait_for_channels(0)


def _called_by_pbx_busy(stage: Stage) -> None:
    stage.answer("2001", refuses())
    near = {"Context": "phones", "Exten": "2002", "Priority": "1"}
    stage.ask("Originate", {"Channel": "PJSIP/2001", **near, "Async": "true"})
    stage.wait_for_channels(0)


def _foreign_names(stage: Stage) -> None:
    stage.answer("9110", answers())
    stage.call(calls(Phone("1001", name="Цех №5 Östen"), hangs_up_after=0.1), "9110").finish()


def _line_breaks_in_the_name(stage: Stage) -> None:
    stage.answer("9110", answers())
    scenario = calls(Phone("1001", name="NAME"), hangs_up_after=0.1)
    evil = scenario.replace('"NAME"', '"a%0d%0aAction: Command\\\r\tb\\\\r\\\\n"')
    stage.call(evil, "9110").finish()


DISPATCHED: Final = {
    "dispatch_started 1": ["dispatch_started"],
    "in 2003": ["dialing", "answered", "ended pbx answered"],
    "acknowledged 2004": ["acknowledged"],
}
"""What is said beside the talk where 2003 and 2004 are rung, and 2004 presses 1."""

SCENARIOS: Final = (
    Scenario("answered", _answered, talk("9110")),
    Scenario("console_hangs_up", _console_hangs_up, talk("9110", by="called")),
    Scenario("cancelled", _cancelled, in_vain("9110", "9110", "ended caller cancelled")),
    Scenario(
        "busy",
        _busy,
        {"out 1001 9110": ["dialing", "ended pbx busy"], "in 9110": ["dialing", "ended called busy"]},
    ),
    Scenario("no_answer", _no_answer, in_vain("9120", "9110", "ended pbx no_answer")),
    Scenario("fork", _fork, talk("9111", "2002") | {"in 2001": ["dialing", "ended pbx no_answer"]}),
    Scenario("local", _local, talk("9112")),
    Scenario("local_not_optimised", _local_not_optimised, talk("9122", by="called")),
    Scenario("queue", _queue, talk("9113", "2002") | {"in 2001": ["dialing", "ended pbx no_answer"]}),
    Scenario(
        "queue_abandoned",
        _queue_abandoned,
        {
            "out 1001 9113": ["dialing", "answered", "ended caller answered"],
            "in 2001": ["dialing", "ended caller cancelled"],
            "in 2002": ["dialing", "ended caller cancelled"],
        },
    ),
    Scenario(
        "announcement", _announcement, {"out 1001 9115": ["dialing", "answered", "ended caller answered"]}
    ),
    Scenario("congestion", _congestion, {"out 1001 9130": ["dialing", "failed pbx"]}),
    Scenario("refused_by_dialplan", _refused_by_dialplan, {"out 1001 9131": ["dialing", "failed pbx"]}),
    Scenario("press_one", _press_one, talk("9116", "2004") | DISPATCHED),
    Scenario(
        "press_one_of_an_answered_phone",
        _press_one_of_an_answered_phone,
        talk("9118", "2004", by="called") | DISPATCHED,
    ),
    Scenario("alias", _alias, talk("9110") | {"out 1001 7110": ["dialing", "ended pbx redirected"]}),
    Scenario("withheld", _withheld, talk("9110", caller="1002") | {"fault_cleared 1002": ["fault_cleared"]}),
    Scenario("wrong_password", _wrong_password, {"fault 1002": ["fault"]}, no_call=True),
    Scenario("vanished", _vanished, talk("9110", caller="1011", by="pbx")),
    Scenario("hung_up_by_pbx", _hung_up_by_pbx, talk("9110", by="pbx")),
    Scenario(
        "redirected",
        _redirected,
        {"out 1001 9110": leg("9110"), "in 9110": leg("1001", "pbx"), "in 2005": leg("1001")},
    ),
    Scenario(
        "picked_up_by_another",
        _picked_up_by_another,
        {
            "out 1001 9120": leg("2005"),
            "in 9110": ["dialing", "ended pbx no_answer"],
            "out 2005 8120": leg("1001", "called"),
        },
    ),
    Scenario(
        "called_back",
        _called_back,
        {"in 2004": leg("1001", "called"), "acknowledged 2004": ["acknowledged"], "in 1001": leg("2004")},
    ),
    Scenario("called_by_pbx_busy", _called_by_pbx_busy, {"in 2001": ["dialing", "ended called busy"]}),
    Scenario("foreign_names", _foreign_names, talk("9110")),
    Scenario("line_breaks_in_the_name", _line_breaks_in_the_name, talk("9110")),
)
