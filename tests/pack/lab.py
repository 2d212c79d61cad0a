"""A real Asterisk with the dialplan pack, its waiting times scaled down to tenths of a second.

    with PackLab("22") as lab, Phones() as phones:
        lab.beat()                                           # or not: the bridge is gone
        crew = lab.crew(phones, {"2001": answers(presses=[(0.2, "1")])})
        phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
        lab.wait("SOSAck", Dispatcher="2001")

Phones: 1001 at PLACE-A, 1002 at PLACE-B (announce off), 1003 (callback never), 1004 (callback ring).
Console 9000. Dispatchers 2001 and 2002 (tier 1), 2003 (tier 2). Every prompt is a tone of its own, so that
what somebody heard can be told by its frequency (`TONES`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from bridge.drivers.dispatch.ami_way import headers_of
from bridge.drivers.dispatch.ways import BEAT
from bridge.errors import ProtocolError
from bridge.pack.facts import AmiAccount, Group, PackFacts, PackTimes, Person, PhoneFacts, Place
from bridge.pack.prompts import wanted
from bridge.pack.render import render_texts
from bridge.protocols.ami import Message, Parser
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.baresip import Baresip
from tests.parts.processes import PartError
from tests.parts.sip import Phones, Sipp, rings_unanswered
from tests.parts.sound import write_tone
from tests.waiting import until

EXTENSIONS: Final = """\
[general]
static=yes
writeprotect=yes
clearglobalvars=no
[globals]
#tryinclude "sosbridge/globals.conf"
[phones]
include => sos-alarm
include => others
[others]
exten => _XXXX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
#tryinclude "sosbridge/alarm.conf"
#tryinclude "sosbridge/dispatch.conf"
#tryinclude "sosbridge/notify.conf"
#tryinclude "sosbridge/heartbeat.conf"
"""
MODULES: Final = ("func_config", "app_directed_pickup", "res_musiconhold")
TONES: Final = {
    "location-PLACE-A": 600,
    "location-PLACE-B": 800,
    "location-unknown": 1000,
    "video-unconfirmed": 1200,
    "video-none": 1400,
    "press-1": 1600,
    "more-1": 400,
    "one-more": 500,
    "person-has-it": 1800,
    "caller/waiting": 2000,
    "missed": 700,
    "press-heard": 900,
}
STAFF: Final = ("9000", "2001", "2002", "2003")
PASSWORD: Final = "pw-of-1005"
TIMES: Final = PackTimes(
    tiers=(1.0, 2.0),
    ring=3.0,
    pause=0.2,
    key_wait=0.3,
    repeats=2,
    console_settle=1.0,
    redial_wait=0.6,
    hunt=20.0,
    callback_ring=5.0,
    heartbeat_stale=4,
)
WATCH: Final = AmiAccount(
    username="sos-watch",
    what="watches",
    read="system,call,user,security",
    write="reporting",
    filters=("!Channel: Local/beat@sos-heartbeat",),
    secret="watch-secret",
)
ORIGINATE: Final = AmiAccount(
    username="sos-originate",
    what="starts calls",
    read="call,user",
    write="originate",
    filters=("Event: OriginateResponse", "UserEvent: SOS"),
    secret="originate-secret",
)
HEARTBEAT: Final = AmiAccount(
    username="sos-heartbeat",
    what="beats",
    read="call",
    write="originate",
    filters=("Event: OriginateResponse",),
    secret="heartbeat-secret",
)


def phone(number: str, place: str = "PLACE-A", **more: Any) -> PhoneFacts:
    """A help point whose endpoint is its number."""
    return PhoneFacts(id=f"P-{number}", endpoint=number, number=number, location=place, **more)


def people(*endpoints: str) -> tuple[Person, ...]:
    return tuple(Person(endpoint=endpoint) for endpoint in endpoints)


FACTS: Final = PackFacts(
    site="lab",
    alarm_extensions=("9110", "_911[12]"),
    groups=(Group(name="shift", tiers=(people("2001", "2002"), people("2003"))),),
    phones=(
        phone("1001"),
        phone("1002", "PLACE-B", announce=False),
        phone("1003", callback="never"),
        phone("1004", callback="ring"),
        phone("1005"),
        replace(phone("4501"), endpoint="gateway", shared=True),
        replace(phone("4502", "PLACE-B"), endpoint="gateway", shared=True),
    ),
    locations=(Place(tag="PLACE-A", spoken="place a"), Place(tag="PLACE-B", spoken="place b")),
    consoles=people("9000"),
    times=TIMES,
    accounts=(WATCH, ORIGINATE, HEARTBEAT),
    sounds="@SOUNDS@",
)

# A phone needs a contact to be called back. sipp presses keys by SIP INFO, baresip by RFC 4733.
ENDPOINTS: Final = (
    *(Endpoint(name=name, port=-1) for name in ("1001", "1002", "1003", "1004")),
    Endpoint(name="1005", port=-1, password=PASSWORD),
    Endpoint(name="1009"),
    Endpoint(name="gateway", port=-1, settings={"trust_id_inbound": "yes"}),
    *(Endpoint(name=name, port=-1, dtmf="auto_info") for name in STAFF),
)


class AmiEvents:
    """Everything an AMI account is told, from its login on. A thread of its own, so tests may block."""

    def __init__(self, port: int, username: str, secret: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._changed = threading.Condition()
        self._messages: list[Message] = []
        threading.Thread(target=self._read, name=f"ami-{username}", daemon=True).start()
        answer = self.send("Login", ("Username", username), ("Secret", secret))
        if answer.response != "Success":
            raise PartError(f"AMI login of {username}: {answer.get('Message')}")

    def send(self, action: str, *headers: tuple[str, str]) -> Message:
        """Send an action and return its response."""
        action_id = f"lab-{next(_numbers)}"
        lines = (("Action", action), ("ActionID", action_id), *headers)
        self._socket.sendall("".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n")
        return self.wait(lambda message: message.action_id == action_id and bool(message.response))

    def all(self, fits: Callable[[Message], bool]) -> list[Message]:
        with self._changed:
            return [message for message in self._messages if fits(message)]

    def wait(self, fits: Callable[[Message], bool], timeout: float = 20.0) -> Message:
        """Return the first message that fits. Raises PartError after `timeout` seconds."""
        with self._changed:
            if self._changed.wait_for(lambda: any(map(fits, self._messages)), timeout):
                return next(filter(fits, self._messages))
        raise PartError(f"no such AMI message within {timeout:g} s")

    def forget(self) -> None:
        with self._changed:
            self._messages.clear()

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        parser = Parser()
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65536):
                messages = [item for item in parser.feed(data) if not isinstance(item, ProtocolError)]
                with self._changed:
                    self._messages += messages
                    self._changed.notify_all()


_numbers = itertools.count()


class PackLab:
    """One PBX with the pack.

    prompts: which sound files exist below `en/`; None = all. watch, secret: the watching account of `facts`.
    """

    def __init__(
        self,
        version: str = "22",
        *,
        facts: PackFacts = FACTS,
        endpoints: Sequence[Endpoint] = ENDPOINTS,
        prompts: Sequence[str] | None = None,
        watch: str = WATCH.username,
        secret: str = str(WATCH.secret),
    ) -> None:
        self.facts = facts
        self._watch = (watch, secret)
        self._log_start = 0
        files = {f"sosbridge/{name}": text for name, text in render_texts(facts).items()}
        files["extensions.conf"] = EXTENSIONS
        files["musiconhold.conf"] = '#tryinclude "sosbridge/musiconhold.conf"\n'
        includes = {
            "manager.conf": '#tryinclude "sosbridge/manager.conf"\n',
            "ari.conf": '#tryinclude "sosbridge/ari.conf"\n',
        }
        self.pbx = Asterisk(version, files=files, append=includes, endpoints=endpoints, modules=MODULES)
        _write_tones(self.pbx.sounds, facts, prompts)

    def __enter__(self) -> Self:
        try:
            self.pbx.start()
            self.events = AmiEvents(self.pbx.ami_port, *self._watch)
        except BaseException:
            self.pbx.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.events.close()
        self.pbx.close()

    def port(self, endpoint: str) -> int:
        return self.pbx.port_of(endpoint)

    def listening(self, endpoint: str = "2001") -> Baresip:
        """A person with ears at `endpoint`, who picks up at once."""
        port = self.port(endpoint)
        return Baresip(endpoint, self.pbx.sip_port, register=False, auto_answer=True, port=port)

    def crew(self, phones: Phones, scenarios: Mapping[str, str]) -> dict[str, Sipp]:
        """Man the console and all dispatchers' phones; those without a scenario ring unanswered.

        All of them, always: what is sent to a phone that is not there is sent again and again, and would
        reach the next test.
        """
        return {
            name: phones.answer(scenarios.get(name, rings_unanswered()), self.port(name))
            for name in dict.fromkeys((*STAFF, *scenarios))
        }

    def beat(self) -> None:
        """The bridge is alive; holds for at least three seconds."""
        account = AmiEvents(self.pbx.ami_port, HEARTBEAT.username, str(HEARTBEAT.secret))
        with contextlib.closing(account):
            account.send("Originate", *headers_of(BEAT))

    def as_administrator(self, action: str, *headers: tuple[str, str]) -> Message:
        """Do what no account of the pack may; return the response."""
        with contextlib.closing(AmiEvents(self.pbx.ami_port, "lab", "lab-secret")) as account:
            return account.send(action, *headers)

    def set_global(self, name: str, value: str) -> None:
        self.as_administrator("Setvar", ("Variable", name), ("Value", value))

    def start_over(self) -> None:
        """End every call, forget what was; the bridge is gone."""
        self.set_global("SOS_BEAT_AT", "0")
        # A hangup may start the hunt for somebody who has it: that one is ended, too.
        while self.pbx.channels():
            self.as_administrator("Hangup", ("Channel", "/^.*$/"))
            time.sleep(0.05)
        self.events.forget()
        self._log_start = len(self.pbx.log())

    def originate(self, context: str, phone_id: str, delivery: str, **values: str) -> None:
        """Start what the bridge starts. values: the SOS_ variables, in small letters."""
        variables = {"delivery": delivery, "mark": delivery, "group": "shift", "tier": "1", **values}
        near_end = "sos-tell" if context == "sos-taken" else "sos-connect"
        account = AmiEvents(self.pbx.ami_port, ORIGINATE.username, str(ORIGINATE.secret))
        with contextlib.closing(account):
            account.send(
                "Originate",
                ("Channel", f"Local/*{phone_id}@{context}/n"),
                ("Context", near_end),
                ("Exten", f"*{phone_id}"),
                ("Priority", "1"),
                ("Timeout", "20000"),
                ("Async", "true"),
                ("ChannelId", delivery),
                *(("Variable", f"__SOS_{name.upper()}={value}") for name, value in variables.items()),
            )

    def reports(self, name: str, **fields: str) -> list[Message]:
        """Return the UserEvents of one name whose fields have these values."""
        return self.events.all(_report(name, fields))

    def wait(self, name: str, **fields: str) -> Message:
        """Wait for a UserEvent. Raises PartError with all reports so far."""
        try:
            return self.events.wait(_report(name, fields))
        except PartError as error:
            raise PartError(f"no {name} {fields}: {error}\n{self.story()}") from None

    def story(self) -> str:
        """The reports so far, a line each, for error texts."""
        wanted_fields = ("SosUid", "Phone", "Kind", "Tier", "Loop", "Dispatcher", "Has", "By", "DialStatus")
        lines = (
            f"{message.get('Timestamp')} {message.get('UserEvent')} "
            + " ".join(f"{name}={message.get(name)}" for name in wanted_fields if message.get(name))
            for message in self.events.all(lambda message: message.event == "UserEvent")
        )
        return "\n".join(lines)

    def wait_no_channels(self, timeout: float = 20.0) -> None:
        """Wait until every call is over. Raises PartError with what is left."""
        deadline = time.monotonic() + timeout
        while left := self.pbx.channels():
            if time.monotonic() > deadline:
                raise PartError(f"channels are left: {[line[0] for line in left]}\n{self.story()}")
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """Warnings and errors of the PBX about the dialplan, in this test."""
        words = ("pbx.c", "app_", "func_", "pbx_", "file.c")
        lines = self.pbx.log()[self._log_start :].splitlines()
        return [
            line
            for line in lines
            if ("WARNING" in line or "ERROR" in line) and any(word in line for word in words)
        ]


def at(message: Message) -> float:
    """When it happened, by the PBX's clock."""
    return float(message.get("Timestamp"))


def _report(name: str, fields: Mapping[str, str]) -> Callable[[Message], bool]:
    def fits(message: Message) -> bool:
        return message.get("UserEvent") == name and all(
            message.get(field) == value for field, value in fields.items()
        )

    return fits


def _write_tones(folder: Path, facts: PackFacts, chosen: Sequence[str] | None) -> None:
    spares: Iterator[int] = itertools.count(2200, 50)
    for prompt in wanted(facts):
        name = prompt.name.partition("/")[2]
        if chosen is None or name in chosen:
            file = folder / f"{prompt.name}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_tone(file, TONES.get(name) or min(next(spares), 3300), 0.3)


async def until_rung(crew: Mapping[str, Sipp], **calls: int) -> None:
    """Wait until each telephone (`d2001=1`) was called so often; fail if one is called once more."""

    def rung() -> dict[str, int]:
        return {name: crew[name[1:]].calls_received() for name in calls}

    await until(lambda: rung() == calls)
    await asyncio.sleep(0.4)
    assert rung() == calls
