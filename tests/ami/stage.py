"""What calls are played on, and how what is told of them is written down.

A real Asterisk with sipp phones; `every.py` says which modules hold the calls themselves.

`expected` of a scenario maps a call, written `out <endpoint> <dialled>` or `in <endpoint>`, to what is said
of it, in order: `dialing`, `answered`, `connected <to>`, `ended <by> <outcome>`, `failed <by>`. Other events
are written `<kind> <by, tier or endpoint>`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.calls.channels import endpoint_of
from bridge.model import CALL_KINDS, Event, Kind
from bridge.protocols.ami import encode_action
from tests.ami.truth import Person, Truth, truth_of
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import LOOPBACK
from tests.parts.processes import PartError
from tests.parts.sip import Phones, Sipp

ENDPOINTS: Final = (
    Endpoint(name="1001", port=-1),
    Endpoint(name="1002", password="right"),
    Endpoint(name="1003"),
    Endpoint(name="1011", settings={"rtp_timeout": "1"}),
    Endpoint(name="1012", settings={"timers": "always", "timers_sess_expires": "90"}),
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
exten => 9117,1,Wait(5)
 same => n,Dial(PJSIP/9110,2)
exten => 9119,1,Dial(PJSIP/2001&PJSIP/2002,1)
 same => n,Hangup(${HANGUPCAUSE})
exten => 9113,1,Answer()
 same => n,Queue(console,,,,4)
 same => n,Hangup()
exten => 9115,1,Answer()
 same => n,Wait(5)
exten => 9130,1,Progress()
 same => n,Congestion(1)
exten => 9131,1,Hangup(21)
exten => 9132,1,Hangup(1)
exten => 9133,1,Playback(beep)
 same => n,Hangup()
exten => 9134,1,Progress()
 same => n,Playback(beep,noanswer)
 same => n,Hangup(16)
exten => 9135,1,Dial(PJSIP/9110,5)
exten => 9136,1,Wait(2)
 same => n,Dial(PJSIP/9110,1)
 same => n,Hangup()
exten => 9137,1,Queue(console,r,,,1)
 same => n,Queue(second,r,,,5)
 same => n,Hangup()
exten => 9138,1,Queue(console,r,,,1)
 same => n,Dial(PJSIP/2005,5)
 same => n,Hangup()
exten => 9140,1,Dial(PJSIP/2001,20,t)
 same => n,Hangup()
exten => *9,1,Goto(9110,1)
exten => 9150,1,Stasis(desk)
 same => n,Hangup()
exten => 9114,1,Queue(console,r,,,1)
 same => n,Hangup(${HANGUPCAUSE})
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
        "member => PJSIP/2001\nmember => PJSIP/2002\n[second]\nmember => PJSIP/2005\n"
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
    """What a scenario is played with."""

    pbx: Asterisk
    phones: Phones
    called: list[Person] = field(default_factory=list)
    calls: list[tuple[Sipp, str, Sequence[Person] | None]] = field(default_factory=list)
    """Each phone that called, what the dialplan makes of what it dialled, and who may take it; None = all."""

    def answer(self, endpoint: str, scenario: str, *, by_key: bool = False) -> Person:
        """Let somebody wait for calls. by_key: whoever it is takes a call by a key, not by picking up."""
        person = Person(self.phones.answer(scenario, self.pbx.port_of(endpoint)), by_key)
        self.called.append(person)
        return person

    def call(
        self, scenario: str, dialled: str, *, means: str = "", to: Sequence[Person] | None = None
    ) -> Sipp:
        """Let a phone call. means: what the dialplan leads it to. to: who may take it; None = all."""
        phone = self.phones.call(scenario, self.pbx.sip_port, dialled)
        self.calls.append((phone, means or dialled, to))
        return phone

    def truths(self) -> list[Truth]:
        """Return what became of each call, by the messages of the telephones alone."""
        return [
            truth_of(phone, dialled, self.called if people is None else people)
            for phone, dialled, people in self.calls
        ]

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

    def wait_for_talk(self, *endpoints: str) -> None:
        """Wait until a channel of each is in a bridge with one of each other."""
        deadline = time.monotonic() + 20
        while not any(set(endpoints) <= members for members in self._bridges()):
            if time.monotonic() > deadline:
                raise PartError(f"no talk of {endpoints}: {self._bridges()}")
            time.sleep(0.02)

    def _bridges(self) -> list[set[str]]:
        """Return the endpoints in each bridge: the last column of `core show channels concise` but one."""
        found: dict[str, set[str]] = {}
        for row in self.pbx.channels():
            if row[-2]:
                found.setdefault(row[-2], set()).add(endpoint_of(row[0]))
        return list(found.values())

    def wait_for_channels(self, count: int, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while len(self.pbx.channels()) != count and time.monotonic() < deadline:
            time.sleep(0.02)


@dataclass(frozen=True)
class Scenario:
    """A call and what is to be told of it.

    no_call: the PBX makes no channel of it.
    chancy: how it goes is a matter of milliseconds, so it is recorded, and never played in a test.
    """

    name: str
    play: Callable[[Stage], None]
    expected: Mapping[str, Sequence[str]]
    no_call: bool = False
    chancy: bool = False


def talk(dialled: str, to: str = "9110", *, caller: str = "1001", by: str = "caller") -> dict[str, list[str]]:
    """Return what is said of either side of a call that `to` answered. by: who hung up."""
    return {
        f"out {caller} {dialled}": leg(to, by),
        f"in {to}": leg(caller, by),
    }


def leg(other: str, by: str = "caller") -> list[str]:
    """Return what is said of a phone that talked to `other`."""
    return ["dialing", "answered", f"connected {other}", f"ended {by} connected"]


def in_vain(dialled: str, to: str, ended: str) -> dict[str, list[str]]:
    """Return what is said of either side of a call that nobody answered."""
    return {f"out 1001 {dialled}": ["dialing", ended], f"in {to}": ["dialing", ended]}


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
