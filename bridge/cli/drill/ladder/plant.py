"""The rung that is broken at the plant: a real Asterisk with the dialplan pack, and no bridge.

Opened by `ladder` where this machine has an Asterisk. Everything is private to the drill
(`simulator.asterisk`); the bridge that is killed is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.cli.demo.site import ALARM, DESKS, LEAD, MANAGER
from bridge.cli.demo.sounds import Sounds, make_sounds
from bridge.cli.drill.ladder.scene import PATIENCE, Stuck
from bridge.cli.drill.ladder.sites import FASTER, plant
from bridge.config import Site, load
from bridge.pack.render import render_texts
from bridge.pack.site import facts_of
from bridge.simulator.asterisk import PrivateAsterisk
from bridge.simulator.child import Child
from bridge.simulator.phones import Kind, Phone, PhoneCall, Voice
from bridge.simulator.plant import simulated_systems
from bridge.store import Database
from bridge.store.migrate import upgrade
from bridge.supervision.clocks import SystemClock

HELP_POINT: Final = "help-east-03"
DESK: Final = DESKS[0]
PEOPLE: Final = (DESK, LEAD, MANAGER)
FIRST_TIER: Final = FASTER["escalate_1"]
BEAT: Final = "SOS_BEAT_AT"
"""The dialplan's variable with the time of the bridge's last sign of life."""
_CALLER: Final = 440
_LEAD: Final = 880
"""Hertz that they talk in."""
_BRIDGE: Final = ("-c", "from bridge.cli import main; main()", "run", "--config")
_BRIDGE_BEATS_WITHIN: Final = 60.0
_LOOKS_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Plant:
    """asterisk: running, with the pack. phones: registered there, by their accounts."""

    site: Site
    asterisk: PrivateAsterisk
    phones: dict[str, Phone]
    sounds: Sounds

    async def alone(self) -> tuple[str, float]:
        """No bridge was ever there: everybody is rung at once."""
        call, at = await self._press()
        rung = {name: await self.phones[name].rung(PATIENCE) for name in PEOPLE}
        seconds = max(each.began_at for each in rung.values()) - at
        await self._take(call, rung[LEAD])
        await self._hang_up(call, *rung.values())
        return f"dialplan: {DESK}, {LEAD}, {MANAGER} ring, {LEAD} presses 1, they talk", seconds

    async def killed(self) -> tuple[str, float]:
        """The bridge dies, which nobody knows yet: the console has its time, then dispatch rings."""
        await self._live_and_die()
        call, at = await self._press()
        desk = await self.phones[DESK].rung(PATIENCE)
        lead = await self.phones[LEAD].rung(PATIENCE)
        seconds = lead.began_at - at
        if seconds < FIRST_TIER / 2:
            raise Stuck(
                f"{LEAD} was rung after {seconds:.1f} s already: the bridge's last beat did not count"
            )
        await self._take(call, lead)
        await self._hang_up(call, desk, lead)
        return f"dialplan: {DESK} rings, then {LEAD}, presses 1, they talk", seconds

    async def _live_and_die(self) -> None:
        """Run a bridge until the PBX has had a sign of life from it, and kill it."""
        folder = Path(self.site.path).parent
        command = (sys.executable, *_BRIDGE, self.site.path)
        bridge = await Child.start(command, folder / "bridge.log", name="the bridge")
        try:
            async with asyncio.timeout(_BRIDGE_BEATS_WITHIN):
                while not await self.asterisk.value_of(BEAT):
                    bridge.require_running("beating")
                    await asyncio.sleep(_LOOKS_EVERY)
        except TimeoutError:
            raise Stuck(f"no heartbeat of the bridge within {_BRIDGE_BEATS_WITHIN:g} s") from None
        finally:
            await bridge.kill()

    async def _press(self) -> tuple[PhoneCall, float]:
        at = time.time()
        return await self.phones[HELP_POINT].dial(ALARM), at

    async def _take(self, call: PhoneCall, rung: PhoneCall) -> None:
        """Pick up, listen to the announcement, press 1, and talk with the caller: both hear each other."""
        rung.answer()
        await rung.until_answered()
        said = self.sounds.announcement
        await rung.until_hears(said.kind, hertz=said.hertz, timeout=PATIENCE)
        if call.answered_at is not None:
            raise Stuck("the caller was connected before anybody pressed 1")
        await rung.press("1")
        await call.until_answered()
        await call.until_hears(Kind.TONE, hertz=_LEAD, timeout=PATIENCE)
        await rung.until_hears(Kind.TONE, hertz=_CALLER, timeout=PATIENCE)

    async def _hang_up(self, call: PhoneCall, *rung: PhoneCall) -> None:
        call.hang_up()
        for each in (call, *rung):
            await each.until_ended(PATIENCE)


@contextlib.asynccontextmanager
async def open_plant(folder: Path, program: Path, voice: Voice) -> AsyncIterator[Plant]:
    """Run it until the `async with` ends. program: the Asterisk.

    Raises NoAsterisk, ChildFailed, NotRegistered.
    """
    async with contextlib.AsyncExitStack() as stack:
        # Not in `folder`: its path may be too long for a socket, and hold what no dialplan can.
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sosbridge-")))
        stack.callback(_keep_log, private, folder)
        asterisk = await stack.enter_async_context(PrivateAsterisk(program, private))
        systems = await stack.enter_async_context(simulated_systems(SystemClock()))
        site = _site(folder, plant(systems, folder, ami_port=asterisk.ami_port, sounds=private / "sounds"))
        sounds = await asyncio.to_thread(make_sounds, site, private / "sounds")
        await asterisk.start(render_texts(facts_of(site)), help_points=[HELP_POINT], others=PEOPLE)
        phones = {name: Phone(name, voice, exchange=asterisk.sip) for name in (HELP_POINT, *PEOPLE)}
        phones[HELP_POINT].says, phones[LEAD].says = voice.tone(_CALLER), voice.tone(_LEAD)
        for phone in phones.values():
            await stack.enter_async_context(phone)
            await phone.register()
        yield Plant(site, asterisk, phones, sounds)


def _site(folder: Path, data: dict[str, Any]) -> Site:
    folder.mkdir(parents=True)
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), "utf-8")
    site = load(file)
    url, password = site.database()
    with contextlib.closing(Database(url, password=password)) as database:
        upgrade(database)
    return site


def _keep_log(private: Path, folder: Path) -> None:
    for name in ("full.log", "printed.log"):
        if (private / name).exists():  # it was started, and by then the folder is there
            shutil.copyfile(private / name, folder / f"asterisk-{name}")
