"""Calls played on a real Asterisk with sipp phones, and the events each must become.

`record.py` records them into tests/fixtures/ami/<version>/<name>.ami; tests/calls/test_recordings.py reads
those at once, tests/ami/test_real_asterisk.py plays them again and takes sipp's logs as the truth.

`expected` maps a call, written `out <endpoint> <dialled>` or `in <endpoint>`, to what is said of it, in
order: `dialing`, `answered`, `connected <to>`, `ended <by> <outcome>`, `failed <by>`. Other events are
written `<kind> <by, tier or endpoint>`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.model import CALL_KINDS, Event, Kind
from bridge.protocols.ami import encode_action
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import LOOPBACK
from tests.parts.processes import PartError
from tests.parts.sip import (
    Phone,
    Phones,
    Sipp,
    answers,
    calls,
    calls_and_cancels,
    calls_and_is_refused,
    calls_and_vanishes,
    calls_with_wrong_password,
    refuses,
    rings_unanswered,
)

ENDPOINTS: Final = (
    Endpoint(name="1001", port=-1),
    Endpoint(name="1002", password="right"),
    Endpoint(name="1011", settings={"rtp_timeout": "1"}),
    Endpoint(name="9110", port=-1, context="dispatch"),
    *(Endpoint(name=f"200{n}", port=-1, dtmf="info", context="dispatch") for n in range(1, 6)),
)

DIALPLAN: Final = """\
[general]
static=yes
[globals]
[phones]
exten => 9110,1,Set(__SOS_KIND=alarm)
 same => n,Set(__SOS_EXTEN=${EXTEN})
 same => n,UserEvent(SOSCall,SosUid: ${UNIQUEID},Phone: ${CALLERID(num)},Exten: ${EXTEN})
 same => n,Dial(PJSIP/9110,2,g)
 same => n,Hangup(${HANGUPCAUSE})
exten => 7110,1,Goto(9110,1)
exten => 9120,1,Set(_PICKUPMARK=sos)
 same => n,Dial(PJSIP/9110,1)
 same => n,Hangup()
exten => 8120,1,Pickup(sos@PICKUPMARK)
exten => 9111,1,Dial(PJSIP/2001&PJSIP/2002,6)
 same => n,Hangup()
exten => 9112,1,Dial(Local/9110@ring,20)
 same => n,Hangup()
exten => 9122,1,Dial(Local/9110@ring/n,20)
 same => n,Hangup()
exten => 9113,1,Answer()
 same => n,Queue(console,,,,4)
 same => n,Hangup()
exten => 9115,1,Answer()
 same => n,Wait(5)
exten => 9130,1,Progress()
 same => n,Congestion(1)
exten => 9131,1,Hangup(21)
exten => 9116,1,Ringing()
 same => n,Goto(tiers,1)
exten => 9118,1,Answer()
 same => n,Goto(tiers,1)
exten => tiers,1,Set(__SOS_UID=${UNIQUEID})
 same => n,UserEvent(SOSTier,SosUid: ${SOS_UID},Tier: 1,Loop: 1,Kind: alarm)
 same => n,Dial(Local/2003@leg/n&Local/2004@leg/n,20,g)
 same => n,Hangup(16)
exten => _2XXX,1,Dial(PJSIP/${EXTEN},20)
[ring]
exten => 9110,1,Dial(PJSIP/9110,6)
[leg]
exten => _X.,1,Dial(PJSIP/${EXTEN},60,gU(announce^${EXTEN}))
 same => n,Hangup(${HANGUPCAUSE})
[announce]
exten => s,1,Read(KEY,beep,1,,1,2)
 same => n,GotoIf($["${KEY}" = "1"]?one)
 same => n,Set(GOSUB_RESULT=CONTINUE)
 same => n,Return()
 same => n(one),UserEvent(SOSAck,SosUid: ${SOS_UID},Dispatcher: ${ARG1})
 same => n,Return()
[callback]
exten => _X.,1,Set(__SOS_UID=${UNIQUEID})
 same => n,Dial(Local/2004@leg/n,20)
[callback-phone]
exten => _X.,1,Dial(PJSIP/${EXTEN},45)
[dispatch]
exten => 8120,1,Pickup(sos@PICKUPMARK)
exten => _2XXX,1,Dial(PJSIP/${EXTEN},20)
"""
MODULES: Final = ("app_directed_pickup",)
FILES: Final[Mapping[str, str]] = {
    "extensions.conf": DIALPLAN,
    "queues.conf": (
        "[general]\npersistentmembers=no\n[console]\nstrategy=ringall\n"
        "member => PJSIP/2001\nmember => PJSIP/2002\n"
    ),
    # CEL says the same as the channel events and would double the recordings.
    "cel.conf": "[general]\nenable=no\n",
    "cdr.conf": "[general]\nenable=no\n",
    "manager.conf": """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = @AMI_PORT@
timestampevents = yes
channelvars = SOS_KIND,SOS_EXTEN
[lab]
secret = lab-secret
read = all
write = all
[watch]
secret = watch-secret
read = system,call,user,security
write = reporting
""",
}


@dataclass(slots=True)
class Stage:
    """What a scenario is played with. `caller` is the phone whose call it is about, if it made one."""

    pbx: Asterisk
    phones: Phones
    caller: Sipp | None = None
    called: list[Sipp] = field(default_factory=list)

    def answer(self, endpoint: str, scenario: str) -> None:
        self.called.append(self.phones.answer(scenario, self.pbx.port_of(endpoint)))

    def call(self, scenario: str, dialled: str) -> Sipp:
        self.caller = self.phones.call(scenario, self.pbx.sip_port, dialled)
        return self.caller

    def channel(self, endpoint: str) -> str:
        names = [row[0] for row in self.pbx.channels() if row[0].startswith(f"PJSIP/{endpoint}-")]
        if not names:  # not StopIteration: in an executor that never comes back
            raise PartError(f"{endpoint} has no channel")
        return names[0]

    def ask(self, action: str, headers: Mapping[str, str]) -> None:
        """Send one AMI action as an administrator would who has all rights."""
        login = encode_action(
            "Login", {"Username": "lab", "Secret": "lab-secret", "Events": "off"}, action_id="1"
        )
        with socket.create_connection((LOOPBACK, self.pbx.ami_port), timeout=5) as connection:
            connection.sendall(login + encode_action(action, headers, action_id="2"))
            answer = b""
            while b"ActionID: 2" not in answer:
                answer += connection.recv(4096)
        assert b"Response: Success\r\nActionID: 2" in answer, answer

    def wait_for_channels(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.pbx.channels()) != count and time.monotonic() < deadline:
            time.sleep(0.02)


@dataclass(frozen=True)
class Scenario:
    name: str
    play: Callable[[Stage], None]
    expected: Mapping[str, Sequence[str]]


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
    stage.answer("2003", answers(after=0.1))
    stage.answer("2004", answers(after=0.1, presses=[(0.7, "1")]))
    stage.call(calls(PHONE, hangs_up_after=0.2), "9116").finish()
    stage.wait_for_channels(0)


def _press_one_of_an_answered_phone(stage: Stage) -> None:
    stage.answer("2003", answers(after=0.1))
    stage.answer("2004", answers(after=0.1, presses=[(0.7, "1")], hangs_up_after=0.2))
    stage.call(calls(PHONE), "9118").finish()
    stage.wait_for_channels(0)


def _alias(stage: Stage) -> None:
    stage.answer("9110", answers(after=0.1))
    stage.call(calls(PHONE, hangs_up_after=0.2), "7110").finish()


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
    phone = stage.call(calls(PHONE, hangs_up_after=0.3), "9120")
    phone.wait_received("180")
    other = stage.phones.call(calls(Phone("2005")), stage.pbx.sip_port, "8120")
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


CONNECTED_BY_CALLER: Final = ["dialing", "answered", "connected 9110", "ended caller connected"]

SCENARIOS: Final = (
    Scenario(
        "answered",
        _answered,
        {
            "out 1001 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "console_hangs_up",
        _console_hangs_up,
        {
            "out 1001 9110": ["dialing", "answered", "connected 9110", "ended called connected"],
            "in 9110": ["dialing", "answered", "connected 1001", "ended called connected"],
        },
    ),
    Scenario(
        "cancelled",
        _cancelled,
        {
            "out 1001 9110": ["dialing", "ended caller cancelled"],
            "in 9110": ["dialing", "ended caller cancelled"],
        },
    ),
    Scenario(
        "busy",
        _busy,
        {"out 1001 9110": ["dialing", "ended pbx busy"], "in 9110": ["dialing", "ended called busy"]},
    ),
    Scenario(
        "no_answer",
        _no_answer,
        {"out 1001 9120": ["dialing", "ended pbx no_answer"], "in 9110": ["dialing", "ended pbx no_answer"]},
    ),
    Scenario(
        "fork",
        _fork,
        {
            "out 1001 9111": ["dialing", "answered", "connected 2002", "ended caller connected"],
            "in 2001": ["dialing", "ended pbx no_answer"],
            "in 2002": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "local",
        _local,
        {
            "out 1001 9112": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "local_not_optimised",
        _local_not_optimised,
        {
            "out 1001 9122": ["dialing", "answered", "connected 9110", "ended called connected"],
            "in 9110": ["dialing", "answered", "connected 1001", "ended called connected"],
        },
    ),
    Scenario(
        "queue",
        _queue,
        {
            "out 1001 9113": ["dialing", "answered", "connected 2002", "ended caller connected"],
            "in 2001": ["dialing", "ended pbx no_answer"],
            "in 2002": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
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
    Scenario(
        "press_one",
        _press_one,
        {
            "out 1001 9116": ["dialing", "answered", "connected 2004", "ended caller connected"],
            "dispatch_started 1": ["dispatch_started"],
            "in 2003": ["dialing", "answered", "ended pbx answered"],
            "in 2004": ["dialing", "answered", "connected 1001", "ended caller connected"],
            "acknowledged 2004": ["acknowledged"],
        },
    ),
    Scenario(
        "press_one_of_an_answered_phone",
        _press_one_of_an_answered_phone,
        {
            "out 1001 9118": ["dialing", "answered", "connected 2004", "ended called connected"],
            "dispatch_started 1": ["dispatch_started"],
            "in 2003": ["dialing", "answered", "ended pbx answered"],
            "in 2004": ["dialing", "answered", "connected 1001", "ended called connected"],
            "acknowledged 2004": ["acknowledged"],
        },
    ),
    Scenario(
        "alias",
        _alias,
        {
            "out 1001 7110": ["dialing", "ended pbx redirected"],
            "out 1001 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "withheld",
        _withheld,
        {
            "out 1002 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1002", "ended caller connected"],
            "fault_cleared 1002": ["fault_cleared"],
        },
    ),
    Scenario("wrong_password", _wrong_password, {"fault 1002": ["fault"]}),
    Scenario(
        "vanished",
        _vanished,
        {
            "out 1011 9110": ["dialing", "answered", "connected 9110", "ended pbx connected"],
            "in 9110": ["dialing", "answered", "connected 1011", "ended pbx connected"],
        },
    ),
    Scenario(
        "hung_up_by_pbx",
        _hung_up_by_pbx,
        {
            "out 1001 9110": ["dialing", "answered", "connected 9110", "ended pbx connected"],
            "in 9110": ["dialing", "answered", "connected 1001", "ended pbx connected"],
        },
    ),
    Scenario(
        "redirected",
        _redirected,
        {
            "out 1001 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended pbx connected"],
            "in 2005": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "picked_up_by_another",
        _picked_up_by_another,
        {
            "out 1001 9120": ["dialing", "answered", "connected 2005", "ended caller connected"],
            "in 9110": ["dialing", "ended pbx no_answer"],
            "out 2005 8120": ["dialing", "answered", "connected 1001", "ended called connected"],
        },
    ),
    Scenario(
        "called_back",
        _called_back,
        {
            "in 2004": ["dialing", "answered", "connected 1001", "ended called connected"],
            "acknowledged 2004": ["acknowledged"],
            "in 1001": ["dialing", "answered", "connected 2004", "ended caller connected"],
        },
    ),
    Scenario("called_by_pbx_busy", _called_by_pbx_busy, {"in 2001": ["dialing", "ended called busy"]}),
    Scenario(
        "foreign_names",
        _foreign_names,
        {
            "out 1001 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
    Scenario(
        "line_breaks_in_the_name",
        _line_breaks_in_the_name,
        {
            "out 1001 9110": CONNECTED_BY_CALLER,
            "in 9110": ["dialing", "answered", "connected 1001", "ended caller connected"],
        },
    ),
)


def story_of(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return what was said of each call and of everything else, in the words of `expected`.

    Phones that become reachable are left out: when Asterisk says so is its own affair.
    """
    story: dict[str, list[str]] = {}
    for event in events:
        if event.kind in CALL_KINDS:
            incoming = event.attributes["direction"] == "in"
            call = f"in {event.endpoint}" if incoming else f"out {event.endpoint} {event.dialled}"
            story.setdefault(call, []).append(_said(event))
        elif event.kind not in (Kind.ONLINE, Kind.OFFLINE, Kind.LINK_RESTORED):
            about = event.attributes.get("by") or event.attributes.get("tier") or event.endpoint
            story.setdefault(f"{event.kind} {about}", []).append(event.kind.value)
    return story


def _said(event: Event) -> str:
    attributes = event.attributes
    match event.kind:
        case Kind.CALL_CONNECTED:
            return f"connected {attributes['connected_to']}"
        case Kind.CALL_ENDED:
            return f"ended {attributes['ended_by']} {attributes['outcome']}"
        case Kind.CALL_FAILED:
            return f"failed {attributes['ended_by']}"
        case _:
            return event.kind.removeprefix("call_")
