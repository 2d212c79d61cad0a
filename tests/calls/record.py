"""Records the calls of the tests anew on a real Asterisk: `make record-calls [VERSION=22] [SCENARIO=busy]`.

Each call is played once, and everything that tells of it is kept: AMI's and ARI's events, CEL, CDR in both
orders and queue_log, as Asterisk wrote them, and beside the logs what sipp saw. `VERSION=demo` records the
call that `sosbridge demo` plays.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bridge.protocols import ami_session, ari
from bridge.protocols.ami_account import Account
from bridge.protocols.secret import Secret
from bridge.simulator import dialogue
from tests.ami import truth
from tests.ami.clock import RunningClock
from tests.ami.every import EVERY, VERSIONS
from tests.ami.stage import ENDPOINTS, FILES, MODULES, Scenario, Stage
from tests.ari import scenarios as ari_scenarios
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.sip import Phone, Phones, answers, calls

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
SECRET: Final = "RECORD_CALLS_SECRET"
SETTLES: Final = 0.5
"""Seconds in which a PBX writes the last rows of a call that is over."""

AMI_LEFT_OUT: Final = (
    *("NewCallerid", "NewConnectedLine", "MusicOnHold", "QueueMember", "Hold", "VarSet", "RTCP"),
    *("ChannelTalking", "DTMF"),
)
"""Beginnings of the names of events that say nothing to us and would double the files."""
ARI_LEFT_OUT: Final = ("ChannelVarset", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine")

_CEL: Final = (
    *("eventtype", "eventtime", "CALLERID(name)", "CALLERID(num)", "CALLERID(ANI)", "CALLERID(RDNIS)"),
    *("CALLERID(DNID)", "CHANNEL(exten)", "CHANNEL(context)", "CHANNEL(channame)", "CHANNEL(appname)"),
    *("CHANNEL(appdata)", "CHANNEL(amaflags)", "CHANNEL(accountcode)", "CHANNEL(uniqueid)"),
    *("CHANNEL(linkedid)", "BRIDGEPEER", "CHANNEL(userfield)", "userdeftype", "eventextra"),
)
"""Columns of cel_custom.conf.sample; those of cdr_custom.conf.sample, whose last is not quoted."""
_CDR: Final = (
    *("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer"),
    *("end", "duration", "billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield"),
)
LOGS: Final[Mapping[str, str]] = {
    "cel": "cel-custom/Master.csv",
    "cdr_custom": "cdr-custom/Master.csv",
    "cdr_csv": "cdr-csv/Master.csv",
    "queue_log": "queue_log",
}
"""What Asterisk writes, below its folder of logs."""
LOG_FILES: Final[Mapping[str, str]] = {
    "cel.conf": "[general]\nenable=yes\napps=dial,park,queue\nevents=ALL\n",
    "cel_custom.conf": (
        "[mappings]\nMaster.csv => " + ",".join(f"${{CSV_QUOTE(${{{column}}})}}" for column in _CEL) + "\n"
    ),
    "cdr.conf": (
        "[general]\nenable=yes\nunanswered=yes\ncongestion=yes\n"
        "[csv]\nusegmtime=yes\nloguniqueid=yes\nloguserfield=yes\naccountlogs=no\nnewcdrcolumns=yes\n"
    ),
    "cdr_custom.conf": (
        "[mappings]\nMaster.csv => "
        + ",".join(f"${{CSV_QUOTE(${{CDR({column})}})}}" for column in _CDR)
        + ",${CDR(sequence)}\n"
    ),
    "cdr_manager.conf": "[general]\nenabled=no\n",
}

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


async def record(version: str, wanted: Sequence[Scenario]) -> list[str]:
    """Record each; return the names of those that did not go as written."""
    failed = []
    pbx = Asterisk(version, endpoints=ENDPOINTS, files={**FILES, **LOG_FILES}, modules=(*MODULES, "cdr_csv"))
    (pbx.log_folder / "cdr-csv").mkdir()
    with pbx:
        for scenario in wanted:
            try:
                await _record(pbx, version, scenario)
            except Exception:
                traceback.print_exc()
                failed.append(f"{scenario.name} on {version}")
                pbx.hang_up_all()
    return failed


async def _record(pbx: Asterisk, version: str, scenario: Scenario) -> None:
    folders = {name: FIXTURES / name / version for name in ("ami", "ari", "logs")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    before = {name: _size(pbx, file) for name, file in LOGS.items()}
    async with asyncio.timeout(300):
        ami, events, truths = await _played(pbx, scenario.play)
    (folders["ami"] / f"{scenario.name}.ami").write_bytes(ami)
    if scenario.name in ari_scenarios.RECORDED:
        (folders["ari"] / f"{scenario.name}.jsonl").write_text(events)
    if truths:
        truth.write(folders["logs"] / f"{scenario.name}.truth", truths)
    for name, file in LOGS.items():
        written = (pbx.log_folder / file).read_bytes()[before[name] :] if _size(pbx, file) else b""
        if written and (name != "queue_log" or b"ENTERQUEUE" in written):
            (folders["logs"] / f"{scenario.name}.{name}").write_bytes(written)
    print(f"{version} {scenario.name}: {sum(map(len, ami.splitlines()))} bytes of AMI")


def _size(pbx: Asterisk, file: str) -> int:
    path = pbx.log_folder / file
    return path.stat().st_size if path.exists() else 0


async def record_demo() -> None:
    """Record the call of `sosbridge demo`."""
    dialplan = FILES["extensions.conf"].replace("PJSIP/9110,2,g", f"PJSIP/{DEMO_CONSOLE},20,g")
    files = {**FILES, "extensions.conf": dialplan}
    with Asterisk("22", endpoints=DEMO_ENDPOINTS, files=files, modules=MODULES) as pbx:
        ami, _, _ = await _played(pbx, demo_call)
        (dialogue.FOLDER / "sos-answered.ami").write_bytes(ami)


async def _played(pbx: Asterisk, play: Callable[[Stage], None]) -> tuple[bytes, str, list[truth.Truth]]:
    """Play the call; return what AMI and ARI said of it, and what it was."""
    account = Account(host="127.0.0.1", port=pbx.ami_port, username="watch", secret=Secret("env", SECRET))
    settings = ari.AriSettings(
        base_url=f"http://127.0.0.1:{pbx.http_port}", username="watch", secret=Secret("env", SECRET)
    )
    ami_link = await ami_session.connect(account, clock=RunningClock())
    ari_link = await ari.connect(settings, app="record", clock=RunningClock())
    by_ami: list[tuple[float, bytes]] = []
    by_ari: list[str] = []

    async def listen_ami() -> None:
        async for message in ami_link.events():
            if not message.event.startswith(AMI_LEFT_OUT):
                by_ami.append((time.time(), message.raw))  # noqa: PERF401  it is cancelled half-way

    async def listen_ari() -> None:
        async for event in ari_link.events():
            if event.type not in ARI_LEFT_OUT:
                by_ari.append(json.dumps(event.body, ensure_ascii=False))  # noqa: PERF401  as above

    with _running(asyncio.create_task(listen_ami()), asyncio.create_task(listen_ari())):
        await asyncio.sleep(SETTLES)
        by_ami.clear()  # what our own logins caused
        by_ari.clear()
        begin = time.time()
        with Phones() as phones:
            stage = Stage(pbx, phones)
            await asyncio.to_thread(play, stage)
            await asyncio.to_thread(stage.wait_for_channels, 0)
            await asyncio.sleep(SETTLES)
            truths = stage.truths()
    await ami_link.close()
    await ari_link.close()
    head = f"# recorded from {pbx.install.version()}\n\n".encode()
    dialog = b"\n".join(b"@%.3f\n%s\n" % (at - begin, raw) for at, raw in by_ami)
    return head + dialog, "".join(f"{line}\n" for line in by_ari), truths


@contextmanager
def _running(*tasks: asyncio.Task[None]) -> Iterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


def main(arguments: Sequence[str]) -> int:
    """arguments: versions or `demo`, names of scenarios; without either all versions, without names all."""
    os.environ[SECRET] = "watch-secret"
    names = [word for word in arguments if word not in (*VERSIONS, "demo")]
    if unknown := set(names) - {scenario.name for scenario in EVERY}:
        print(f"no such scenario: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    wanted = [scenario for scenario in EVERY if not names or scenario.name in names]
    if "demo" in arguments:
        asyncio.run(record_demo())
        return 0
    failed = []
    for version in [word for word in arguments if word in VERSIONS] or VERSIONS:
        failed += asyncio.run(record(version, wanted))
    for name in failed:
        print(f"not recorded: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
