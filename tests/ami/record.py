"""Records dialogues anew when Asterisk has changed: `python -m tests.ami.record 22 16 demo [scenario ...]`.

`22` and `16` record scenarios into tests/fixtures/ami, `demo` the call that `sosbridge demo` plays.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bridge.protocols.ami_account import Account
from bridge.protocols.ami_session import Session, connect
from bridge.protocols.secret import Secret
from bridge.simulator import dialogue
from tests.ami.clock import RunningClock
from tests.ami.conftest import SECRET_VARIABLE
from tests.ami.scenarios import SCENARIOS
from tests.ami.stage import ENDPOINTS, FILES, MODULES, Stage
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.sip import Phone, Phones, answers, calls

FIXTURES: Final = Path(__file__).parent.parent / "fixtures" / "ami"
LEFT_OUT: Final = ("NewCallerid", "NewConnectedLine", "MusicOnHold", "QueueMember", "Hold", "VarSet", "RTCP")
"""Beginnings of the names of events that say nothing to us and would double the files."""

DEMO_PHONE: Final = "help-east-03"
DEMO_CONSOLE: Final = "desk-1"
"""Endpoints of the tank-farm example."""
DEMO_ENDPOINTS: Final = (
    Endpoint(name=DEMO_PHONE, port=-1, caller_id='"Post 3" <4103>'),
    Endpoint(name=DEMO_CONSOLE, port=-1, context="dispatch"),
)


def demo_call(stage: Stage) -> None:
    """Rings two seconds at the desk, four seconds of talk, the phone hangs up."""
    stage.answer(DEMO_CONSOLE, answers(after=2.0))
    stage.call(calls(Phone(DEMO_PHONE), hangs_up_after=4.0), "9110").finish()


async def record(version: str, names: Sequence[str]) -> None:
    wanted = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    files = {FIXTURES / version / f"{scenario.name}.ami": scenario.play for scenario in wanted}
    with Asterisk(version, endpoints=ENDPOINTS, files=FILES, modules=MODULES) as pbx:
        await _record(pbx, files)


async def record_demo() -> None:
    dialplan = FILES["extensions.conf"].replace("PJSIP/9110,2,g", f"PJSIP/{DEMO_CONSOLE},20,g")
    files = {**FILES, "extensions.conf": dialplan}
    with Asterisk("22", endpoints=DEMO_ENDPOINTS, files=files, modules=MODULES) as pbx:
        await _record(pbx, {dialogue.FOLDER / "sos-answered.ami": demo_call})


async def _record(pbx: Asterisk, files: dict[Path, Callable[[Stage], None]]) -> None:
    account = Account(
        host="127.0.0.1", port=pbx.ami_port, username="watch", secret=Secret("env", SECRET_VARIABLE)
    )
    session = await connect(account, clock=RunningClock())
    for file, play in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        head = f"# {file.stem}, recorded from {pbx.install.version()}\n\n"
        file.write_bytes(head.encode() + await _dialogue(session, play, pbx))
    await session.close()


async def _dialogue(session: Session, play: Callable[[Stage], None], pbx: Asterisk) -> bytes:
    begin = time.time()
    events: list[tuple[float, bytes]] = []

    async def listen() -> None:
        async for message in session.events():
            if not message.event.startswith(LEFT_OUT):
                events.append((time.time() - begin, message.raw))  # noqa: PERF401  it is cancelled half-way

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    events.clear()  # what our own login and the scenario before caused
    begin = time.time()
    with Phones() as phones:
        await asyncio.to_thread(play, Stage(pbx, phones))
        await asyncio.sleep(0.3)
    listening.cancel()
    return b"\n".join(b"@%.3f\n%s\n" % event for event in events)


if __name__ == "__main__":
    os.environ[SECRET_VARIABLE] = "watch-secret"
    scenarios = [argument for argument in sys.argv[1:] if argument not in ("22", "16", "demo")]
    for argument in sys.argv[1:]:
        if argument in ("22", "16"):
            asyncio.run(record(argument, scenarios))
        elif argument == "demo":
            asyncio.run(record_demo())
