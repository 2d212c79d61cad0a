"""`sosbridge drill ladder`: breaks what the bridge relies upon, thing by thing, and says what holds.

All of it happens on simulated parts in this process. `house` and `office` break the rungs on two sites
(`sites`), which run side by side as `scene`s; `report` is the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

import click

from bridge.cli.demo import empty_folder
from bridge.cli.demo.site import DESKS, LEAD, MANAGER, PASSWORD, VARIABLE, free_port
from bridge.cli.drill.ladder.collector import Collector
from bridge.cli.drill.ladder.house import HELP_POINTS, House
from bridge.cli.drill.ladder.office import Office, answer_as_the_pack
from bridge.cli.drill.ladder.report import Rung, Verdict, held, table
from bridge.cli.drill.ladder.scene import Scene
from bridge.cli.drill.ladder.sites import ACCOUNTS, FASTER, VARIABLES, house, office
from bridge.cli.options import FAILED, json_option
from bridge.errors import SosBridgeError
from bridge.response import Times
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.modbus_module import FakeModule
from bridge.simulator.phones import Phone, Voice
from bridge.simulator.plant import SECRETS, simulated_systems
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

Play = Callable[[], Awaitable[tuple[str, float]]]
"""Breaks a rung, mends it, and returns what took over, after how many seconds."""

_TRUE: Final = Times()
NOTICED: Final = 6.0
"""Seconds within which the bridge's pings show that a PBX hangs."""
SCALED: Final = (
    f"waiting times are shortened: {_TRUE.escalate_1:g} s to {FASTER['escalate_1']:g} s,"
    f" {_TRUE.escalate_2:g} s to {FASTER['escalate_2']:g} s"
)

NOT_HERE: Final = (
    Rung(
        rung=5,
        broken="bridge killed",
        took_over="not tried: needs Asterisk (make lab)",
        verdict=Verdict.NOT_TRIED,
    ),
)
"""What takes a part that cannot be simulated: the dialplan pack is proven on a real Asterisk only."""
PEOPLE: Final = (*DESKS, LEAD, MANAGER)


@click.command(name="ladder")
@click.option(
    "--dir",
    "folder",
    default=Path("var/ladder"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its databases and site files are left to look at. Emptied first.",
)
@json_option
def ladder(folder: Path, *, as_json: bool) -> None:
    """Break each rung of the ladder in turn on a simulated plant, and see what takes over, and when.

    Needs no site and no root, and touches no real system: bridge, telephones, VMSs, PBX, relay module and
    syslog server all live in this process. Ends by itself in under a minute. Exits with 0 only when every
    rung that was tried has held.
    """
    for name, value in {**SECRETS, VARIABLE: PASSWORD}.items():
        os.environ[name] = value
    for variable, secret in zip(VARIABLES, ACCOUNTS.values(), strict=True):
        os.environ[variable] = secret
    folder = folder.resolve()
    empty_folder(folder)
    logs = configure(SystemClock(), level="critical")
    began = time.monotonic()
    try:
        rungs = asyncio.run(climb(folder))
    finally:
        logs.close()
    if as_json:
        click.echo(json.dumps({"ok": held(rungs), "rungs": [asdict(rung) for rung in rungs]}, indent=2))
    else:
        for line in table(rungs, time.monotonic() - began):
            click.echo(line)
    sys.exit(0 if held(rungs) else FAILED)


async def climb(folder: Path) -> list[Rung]:
    """Break every rung; return what became of each, in their order."""
    async with Voice(SystemClock(), folder / "heard") as voice:
        parts = await asyncio.gather(_at_house(folder / "house", voice), _at_office(folder / "office", voice))
    return sorted((rung for part in (*parts, NOT_HERE) for rung in part), key=lambda rung: rung.rung)


async def _at_house(folder: Path, voice: Voice) -> list[Rung]:
    async with _open_house(folder, voice) as there, there.scene.run((*HELP_POINTS.values(), *PEOPLE)):
        return [
            await _broken(1, "nothing", there.normal, limit=_TRUE.picture),
            await _broken(2, "VMSs refuse every connection", there.refusing, limit=1.0),
            await _broken(2, "VMSs hang", there.hung, limit=5.0),
            await _broken(2, "VMSs say yes and do nothing", there.lying, limit=5.0),
            await _broken(3, "nobody answers or presses 1", there.nobody, scaled=SCALED),
            await _broken(6, "VMSs off, every telephone busy", there.beacon, limit=1.0),
            await _broken(7, "syslog server away all the time", there.syslog),
        ]


async def _at_office(folder: Path, voice: Voice) -> list[Rung]:
    limit = _TRUE.picture + _TRUE.fallback
    async with _open_office(folder / "killed", voice) as there, there.scene.run():
        killed = await _broken(4, "PBX killed (and VMSs off)", there.killed, limit=limit)
    async with _open_office(folder / "hung", voice) as there, there.scene.run():
        return [
            killed,
            await _broken(4, "PBX hangs (and VMSs off)", there.hung, limit=NOTICED + _TRUE.fallback),
        ]


async def _broken(
    number: int, broken: str, play: Play, *, limit: float | None = None, scaled: str = ""
) -> Rung:
    seconds: float | None = None
    try:
        took_over, seconds = await play()
        good = limit is None or seconds <= limit
    except (SosBridgeError, TimeoutError) as error:
        took_over, good = str(error) or "nobody was rung in time", False
    return Rung(
        rung=number,
        broken=broken,
        took_over=took_over,
        seconds=seconds,
        limit=limit,
        scaled=scaled,
        verdict=Verdict.OK if good else Verdict.FAILED,
    )


@contextlib.asynccontextmanager
async def _open_house(folder: Path, voice: Voice) -> AsyncIterator[House]:
    module, collector, sip_port = FakeModule(), Collector(), free_port()
    async with simulated_systems(SystemClock()) as systems, contextlib.AsyncExitStack() as stack:
        await module.start()
        stack.push_async_callback(module.stop)
        stack.push_async_callback(collector.stop)
        data = house(systems, folder, sip_port=sip_port, module_port=module.port, syslog_port=collector.port)
        yield House(Scene(folder, data, voice, sip_port), systems, module, collector)


@contextlib.asynccontextmanager
async def _open_office(folder: Path, voice: Voice) -> AsyncIterator[Office]:
    sip_port = free_port()
    async with (
        simulated_systems(SystemClock()) as systems,
        AmiServer() as pbx,
        Phone("31612345678", voice, exchange=("127.0.0.1", sip_port)) as mobile,
    ):
        pbx.others |= ACCOUNTS
        pbx.outcome = partial(answer_as_the_pack, pbx)
        data = office(systems, folder, sip_port=sip_port, pbx_port=pbx.port, trunk=mobile.address)
        yield Office(Scene(folder, data, voice, sip_port), pbx, systems, mobile)
