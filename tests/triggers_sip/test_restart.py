"""Killed and started again: calls that talk go on, and an SOS that nobody had is rung for anew."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import Child
from tests.parts.sip import Baresip
from tests.parts.sound import seconds_of_sound, strength
from tests.triggers_sip.house import FAST, PASSWORD, RTP_PORTS, VARIABLE, make_sounds, until
from tests.triggers_sip.wire import SDP, Wire, answering, register, ringing

pytestmark = pytest.mark.real("baresip")

CALLER, FIRST = 1500, 2500
BEFORE, TALK = 0.5, 1.2
"""Seconds of talk before the kill, and after the new start."""
AT_ONCE = 0.1
"""Seconds that a disk needs."""


def seconds_of_tone(file: Path, hertz: int) -> float:
    return strength(file, hertz) * seconds_of_sound(file)


class Exchange:
    """The trigger in a process of its own. `start` begins it anew, on the same port and folder."""

    def __init__(self, folder: Path, open_now: ExitStack) -> None:
        self.port = free_port()
        self._folder = folder
        self._open = open_now
        rtp = free_block(RTP_PORTS)
        open_now.callback(give_back, rtp, RTP_PORTS)
        self._settings: dict[str, Any] = {
            "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": self.port}],
            "allowed": ["127.0.0.0/8"],
            "realm": "127.0.0.1",
            "algorithms": ["MD5"],
            "accounts": {name: {"secret": {"env": VARIABLE}} for name in ("help-1", "disp-1", "disp-2")},
            "media": {
                "first_port": rtp,
                "last_port": rtp + RTP_PORTS - 1,
                "orphan_after": 1.0,
                "type": "builtin",
            },
            **FAST,
        }
        make_sounds(folder / "sounds")
        self._runs = 0
        self._child: Child

    def start(self) -> None:
        self._runs += 1
        self._log = self._folder / f"out-{self._runs}.log"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.triggers_sip.alone",
            self._folder,
            json.dumps(self._settings),
        ]
        self._child = Child(command, self._log, name="exchange")
        self._open.callback(self._child.kill)
        self._child.wait_until(lambda: any("ready" in said for said in self.said()), 10, "running")

    def kill(self) -> None:
        self._child.kill()

    def said(self, kind: str = "", **wanted: str) -> list[dict[str, Any]]:
        """Return what this run told."""
        lines = (line for line in self._log.read_text().splitlines() if line.startswith("{"))
        events = map(json.loads, lines)
        return [
            event
            for event in events
            if kind in ("", event.get("kind"))
            and all(event.get(name) == value for name, value in wanted.items())
        ]

    async def told(self, kind: str, seconds: float = 20.0, **wanted: str) -> dict[str, Any]:
        await until(lambda: bool(self.said(kind, **wanted)), seconds, lambda: str(self._log.read_text()))
        return self.said(kind, **wanted)[0]

    @property
    def kept(self) -> dict[str, Any]:
        file = self._folder / "sip-own.json"
        kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return kept


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with ExitStack() as open_now:
        yield Exchange(tmp_path, open_now)


async def phone(exchange: Exchange, open_now: ExitStack, user: str, **options: Any) -> Baresip:
    made = await asyncio.to_thread(lambda: Baresip(user, exchange.port, password=PASSWORD, **options))
    return open_now.enter_context(made)


async def test_who_talks_goes_on_talking(exchange: Exchange) -> None:
    await asyncio.to_thread(exchange.start)
    with ExitStack() as phones:
        caller = await phone(exchange, phones, "help-1", plays=CALLER)
        first = await phone(exchange, phones, "disp-1", plays=FIRST, auto_answer=True)
        caller.dial("9110")
        await exchange.told("call_answered", endpoint="disp-1")
        await asyncio.sleep(1.4)
        first.press("1")
        connected = await exchange.told("call_connected", endpoint="help-1")
        await until(lambda: any(leg["peer"] for leg in exchange.kept["exchange"]["legs"]))
        await asyncio.sleep(BEFORE)
        exchange.kill()
        await asyncio.to_thread(exchange.start)
        assert len(exchange.kept["telephones"]["bindings"]) == 2
        await asyncio.sleep(TALK)
        assert not caller.events("CALL_CLOSED")
        caller.hang_up()
        await asyncio.to_thread(first.wait_event, "CALL_CLOSED", 5.0)
        ended = await exchange.told("call_ended", endpoint="help-1")
        assert ended["key"] == connected["key"]
        # They heard each other for longer than they could before the restart.
        assert seconds_of_tone(first.heard(), CALLER) > TALK + BEFORE
        assert seconds_of_tone(caller.heard(), FIRST) > TALK + BEFORE


async def test_killed_as_soon_as_the_sos_is_heard(exchange: Exchange) -> None:
    await asyncio.to_thread(exchange.start)
    with ExitStack() as phones, Wire("help-1", exchange.port) as caller:
        await phone(exchange, phones, "disp-1")
        caller.send(caller.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
        await caller.answer()
        await asyncio.sleep(AT_ONCE)
        exchange.kill()
        await asyncio.to_thread(exchange.start)
        answer = "SIP/2.0 183 "
        while answer.startswith("SIP/2.0 18"):
            answer = await caller.answer()
        assert answer.startswith("SIP/2.0 480 ")
        # It is hunted for: dispatch is rung anew, by the run that never had the call.
        await exchange.told("dispatch_started")


@pytest.mark.parametrize("answer", ["487 Request Terminated", "200 OK"])
async def test_what_answers_the_call_of_an_earlier_run_is_not_left_waiting(
    exchange: Exchange, answer: str
) -> None:
    """A telephone that nobody acknowledges repeats itself for half a minute, and cannot be rung meanwhile."""
    await asyncio.to_thread(exchange.start)
    with Wire("disp-1", exchange.port) as dispatcher, Wire("help-1", exchange.port) as caller:
        await register(dispatcher)
        caller.send(caller.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
        invite = await dispatcher.request_heard("INVITE")
        dispatcher.send(ringing(invite))
        await until(lambda: bool(exchange.kept["pending"]["ours"]))
        exchange.kill()
        await asyncio.to_thread(exchange.start)
        await dispatcher.request_heard("CANCEL")
        for _ in range(2):  # it did not hear us the first time
            dispatcher.send(answering(invite, answer))
            ack = await dispatcher.request_heard("ACK")
            assert call_of(ack) == call_of(invite)
            if answer == "200 OK":
                assert call_of(await dispatcher.request_heard("BYE")) == call_of(invite)


def call_of(message: str) -> str:
    return next(line for line in message.split("\r\n") if line.startswith("Call-ID:"))


async def test_an_sos_that_nobody_had_is_rung_for_again(exchange: Exchange) -> None:
    await asyncio.to_thread(exchange.start)
    with ExitStack() as phones:
        caller = await phone(exchange, phones, "help-1", plays=CALLER)
        second = await phone(exchange, phones, "disp-2")
        caller.dial("9110")
        await asyncio.to_thread(second.wait_event, "CALL_INCOMING", 5.0)
        await until(lambda: bool(exchange.kept["pending"]["ours"]))
        exchange.kill()
        # The dispatcher was not there before: only the restarted exchange can ring him, and call back.
        await asyncio.to_thread(exchange.start)
        # What rang is taken back, what waited is refused: both telephones are free.
        await asyncio.to_thread(caller.wait_event, "CALL_CLOSED", 5.0)
        await asyncio.to_thread(second.wait_event, "CALL_CLOSED", 5.0)
        first = await phone(exchange, phones, "disp-1", plays=FIRST, auto_answer=True)
        await exchange.told("call_answered", endpoint="disp-1")
        for _ in range(20):
            first.press("1")
            if exchange.said("acknowledged"):
                break
            await asyncio.sleep(0.4)
        await asyncio.to_thread(caller.wait_event, "CALL_INCOMING", 10.0)
