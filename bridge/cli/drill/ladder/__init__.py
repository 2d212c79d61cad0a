"""`sosbridge drill ladder`: breaks what the bridge relies upon, thing by thing, and says what holds.

Most of it happens on simulated parts in this process. `house` and `office` break the rungs on two sites
(`sites`), which run as `scene`s; `plant` has a real Asterisk, where there is one. They run side by side;
`report` is the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
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
from bridge.cli.drill.ladder.plant import open_plant
from bridge.cli.drill.ladder.report import Rung, Verdict, held, line, table
from bridge.cli.drill.ladder.scene import Scene
from bridge.cli.drill.ladder.sites import ACCOUNTS, FASTER, PLANT_SECRETS, VARIABLES, house, office
from bridge.cli.options import FAILED, json_option
from bridge.errors import SosBridgeError
from bridge.response import Times
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.asterisk import find_asterisk
from bridge.simulator.modbus_module import FakeModule
from bridge.simulator.phones import Phone, Voice
from bridge.simulator.plant import SECRETS, simulated_systems
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

Done = Callable[[Rung], None]
Play = Callable[[], Awaitable[tuple[str, float]]]
"""Breaks a rung, mends it, and returns what took over, after how many seconds."""

_TRUE: Final = Times()
NOTICED: Final = 6.0
"""Seconds within which the bridge's pings show that a PBX hangs."""
SCALED: Final = (
    f"waiting times are shortened: {_TRUE.escalate_1:g} s to {FASTER['escalate_1']:g} s,"
    f" {_TRUE.escalate_2:g} s to {FASTER['escalate_2']:g} s"
)

BRIDGE_GONE: Final = "bridge killed"
NO_ASTERISK: Final = Rung(
    rung=5,
    broken=BRIDGE_GONE,
    took_over="no Asterisk on this machine (--asterisk PATH)",
    verdict=Verdict.NOT_TRIED,
)
"""The dialplan pack is proven on a real Asterisk only."""
SCALED_PLAN: Final = f"waiting times are shortened: {_TRUE.escalate_1:g} s to {FASTER['escalate_1']:g} s"
AT_ONCE: Final = 1.0
"""Seconds within which the dialplan rings whom it rings at once."""
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
@click.option(
    "--asterisk",
    "program",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, executable=True),
    help="The installed Asterisk program that rung 5 is tried with. Default: that of this machine, if any.",
)
@json_option
def ladder(folder: Path, program: Path | None, *, as_json: bool) -> None:
    """Break each rung of the ladder in turn on a simulated plant, and see what takes over, and when.

    Needs no site and no root, and touches no real system: bridge, telephones, VMSs, PBX, relay module and
    syslog server all live in this process. For rung 5 an Asterisk of its own is started on 127.0.0.1, in a
    folder of its own, and ended; one that runs here is left alone. Ends by itself in about a minute.

    Exits with 0 only when every rung that was tried has held; a rung that was not tried proves nothing.
    """
    for name, value in {**SECRETS, VARIABLE: PASSWORD}.items():
        os.environ[name] = value
    for variable, secret in zip(VARIABLES, ACCOUNTS.values(), strict=True):
        os.environ[variable] = secret
    for variable in PLANT_SECRETS.values():  # whoever else is on this machine reaches that Asterisk, too
        os.environ[variable] = secrets.token_hex(16)
    folder = folder.resolve()
    empty_folder(folder)
    progress = _show_progress if sys.stderr.isatty() else _show_nothing
    logs = configure(SystemClock(), level="critical")
    began = time.monotonic()
    try:
        rungs = asyncio.run(climb(folder, program or find_asterisk(), progress))
    finally:
        logs.close()
    if as_json:
        click.echo(json.dumps({"ok": held(rungs), "rungs": [asdict(rung) for rung in rungs]}, indent=2))
    else:
        if progress is _show_progress:
            click.echo(err=True)
        for each in table(rungs, time.monotonic() - began, folder):
            click.echo(each)
    sys.exit(0 if held(rungs) else FAILED)


def _show_progress(rung: Rung) -> None:
    click.echo(line(rung), err=True)


def _show_nothing(_: Rung) -> None:
    """Nobody looks."""


async def climb(folder: Path, asterisk: Path | None, done: Done) -> list[Rung]:
    """Break every rung; return what became of each, in their order.

    asterisk: the program, None where there is none. done: told of each rung as soon as it is known.
    """
    rungs: list[Rung] = []

    def note(rung: Rung) -> None:
        rungs.append(rung)
        done(rung)

    try:
        async with Voice(SystemClock(), folder / "heard") as voice, asyncio.TaskGroup() as sites:
            sites.create_task(_at_house(folder / "house", voice, note))
            sites.create_task(_at_office(folder / "office", voice, note))
            sites.create_task(at_plant(folder / "plant", asterisk, voice, note))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return sorted(rungs, key=lambda rung: rung.rung)


async def _at_house(folder: Path, voice: Voice, note: Done) -> None:
    async with _open_house(folder, voice) as there, there.scene.run((*HELP_POINTS.values(), *PEOPLE)):
        note(await _broken(1, "nothing", there.normal, limit=_TRUE.picture))
        note(await _broken(2, "VMSs refuse every connection", there.refusing, limit=1.0))
        note(await _broken(2, "VMSs hang", there.hung, limit=5.0))
        note(await _broken(2, "VMSs say yes and do nothing", there.lying, limit=5.0))
        note(await _broken(3, "nobody answers or presses 1", there.nobody, scaled=SCALED))
        note(await _broken(6, "VMSs off, every telephone busy", there.beacon, limit=1.0))
        note(await _broken(7, "syslog server away all the time", there.syslog))


async def _at_office(folder: Path, voice: Voice, note: Done) -> None:
    limit = _TRUE.picture + _TRUE.fallback
    async with _open_office(folder / "killed", voice) as there, there.scene.run():
        note(await _broken(4, "PBX killed (and VMSs off)", there.killed, limit=limit))
    limit = NOTICED + _TRUE.fallback
    async with _open_office(folder / "hung", voice) as there, there.scene.run():
        note(await _broken(4, "PBX hangs (and VMSs off)", there.hung, limit=limit))


async def at_plant(folder: Path, asterisk: Path | None, voice: Voice, note: Done) -> None:
    """Break the fifth rung, where there is an Asterisk for it; `note` is told of each outcome."""
    if asterisk is None:
        note(NO_ASTERISK)
        return
    limit = FASTER["escalate_1"] + AT_ONCE
    try:
        async with open_plant(folder, asterisk, voice) as there:
            note(await _broken(5, "no bridge was ever there", there.alone, limit=AT_ONCE))
            fresh = f"{BRIDGE_GONE}, its heartbeat still fresh"
            note(await _broken(5, fresh, there.killed, limit=limit, scaled=SCALED_PLAN))
    except SosBridgeError as error:
        note(Rung(rung=5, broken=BRIDGE_GONE, took_over=str(error), verdict=Verdict.FAILED))


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
