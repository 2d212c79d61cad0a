"""The rungs that are broken at the house: a site whose telephone exchange is the bridge itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from bridge.cli.demo.site import ALARM, DESKS, EAST, LEAD, MANAGER, WEST
from bridge.cli.drill.ladder.collector import Collector, text_of
from bridge.cli.drill.ladder.scene import Scene, Stuck
from bridge.cli.drill.ladder.sites import COIL
from bridge.config.build import build_store
from bridge.model import DeliveryState, Operation
from bridge.protocols.syslog import visible
from bridge.response import Step
from bridge.simulator.modbus_module import FakeModule
from bridge.simulator.phones import PhoneCall
from bridge.simulator.plant import Systems
from bridge.simulator.vms.faults import Fault, Rule

DESK: Final = DESKS[0]
HELP_POINTS: Final = {EAST: "help-east-03", WEST: "help-west-01"}
"""Phone -> its account."""
LAMP: Final = (1, COIL)
_RINGS: Final = 12.0
"""Seconds in which somebody must be rung."""
TAKEN: Final = f"dispatch: {LEAD} rings, presses 1"


@dataclass(frozen=True, slots=True)
class House:
    """The scene, and what can be broken at it."""

    scene: Scene
    systems: Systems
    module: FakeModule
    collector: Collector

    async def normal(self) -> tuple[str, float]:
        """Everything works: a picture is confirmed, the desk rings, dispatch is not told."""
        call, at = await self._press(EAST)
        rung = await self.scene.phones[DESK].rung()
        await self.scene.until(lambda: self._is_seen(EAST, at), "a confirmed picture")
        seconds = time.time() - at
        rung.answer()
        await rung.until_answered()
        told = [each for each in self.scene.deliveries(EAST, since=at) if each.operation is Operation.NOTIFY]
        if told:
            raise Stuck("dispatch was told although there was a picture")
        await self.scene.click(self.scene.the(EAST, since=at))
        await self._end(call, EAST, at)
        return f"picture confirmed, {DESK} rings", seconds

    async def refusing(self) -> tuple[str, float]:
        await self.systems.switch_off()
        try:
            call, at, seconds = await self._dispatch_rings()
        finally:
            await self.systems.switch_on()
        await self._end(call, WEST, at)
        return TAKEN, seconds

    async def hung(self) -> tuple[str, float]:
        return await self._faulty(Fault.SILENT)

    async def lying(self) -> tuple[str, float]:
        return await self._faulty(Fault.LIE)

    async def _faulty(self, fault: Fault) -> tuple[str, float]:
        servers = (self.systems.zoneminder, self.systems.wall)
        for server in servers:
            server.faults.order(Rule(fault=fault))
        try:
            call, at, seconds = await self._dispatch_rings()
        finally:
            for server in servers:
                server.faults.clear()
        await self._end(call, WEST, at)
        return TAKEN, seconds

    async def _dispatch_rings(self) -> tuple[PhoneCall, float, float]:
        """Without a picture the first tier is called, and whoever presses 1 has it; while nothing is mended.

        Returns the phone's call, when it began (UTC), and after how many seconds dispatch rang.
        """
        lead = self.scene.phones[LEAD]
        call, at = await self._press(WEST)
        rung = await lead.rung(_RINGS)
        told = [each for each in self.scene.deliveries(WEST, since=at) if each.operation is Operation.NOTIFY]
        if not any(each.step.startswith(f"{Step.NO_PICTURE}/") for each in told):
            raise Stuck(f"{LEAD} rings, but not because there is no picture")
        await self.scene.take(rung, WEST, since=at)
        return call, at, rung.began_at - at

    async def nobody(self) -> tuple[str, float]:
        """Nobody answers or presses 1: screens escalate, the next tier rings, and takes it."""
        lead, manager = self.scene.phones[LEAD], self.scene.phones[MANAGER]
        call, at = await self._press(WEST)
        first = await lead.rung(_RINGS)
        first.answer()  # and presses nothing: answered is not informed
        second = await manager.rung(_RINGS)
        for step in (Step.ESCALATE_1, Step.ESCALATE_2):
            await self.scene.until(partial(self._popped_up, step, at), f"the screens of {step}")
        await self.scene.take(second, WEST, since=at)
        await self._end(call, WEST, at)
        return f"screens, then tier 2: {MANAGER} presses 1", second.began_at - at

    async def beacon(self) -> tuple[str, float]:
        """Neither voice nor VMS: the lamp at the place is lit, and dark again when it is over."""
        await self.systems.switch_off()
        everybody = [self.scene.phones[name] for name in (*DESKS, LEAD, MANAGER)]
        for phone in everybody:
            phone.busy = True
        try:
            at = await self.scene.button(EAST)
            await self.scene.until(lambda: LAMP in self.module.lit, "the beacon")
            seconds = time.time() - at
            await self.scene.resolve(self.scene.the(EAST, since=at))
            await self.scene.until(lambda: LAMP not in self.module.lit, "the beacon to be dark again")
        finally:
            for phone in everybody:
                phone.busy = False
            await self.systems.switch_on()
        await self.scene.over(EAST, since=at)
        return "relay: beacon lit, read back, dark again", seconds

    async def syslog(self) -> tuple[str, float]:
        """The server was away all the time: everything comes when it is back, in order, each once."""
        if self.collector.messages:
            raise Stuck("the syslog server was not away")
        stories = await asyncio.to_thread(self._stories)
        began = time.time()
        await self.collector.start()
        await self.scene.until(
            lambda: all(len(self._told(incident)) >= len(story) for incident, story in stories.items()),
            "the stories of all incidents",
        )
        seconds = time.time() - began
        if any(self._told(incident)[: len(story)] != story for incident, story in stories.items()):
            raise Stuck("messages came in another order than an incident's story")
        if len(set(self.collector.ids)) != len(self.collector.messages):
            raise Stuck("a message came twice")
        return f"{len(self.collector.messages)} stored messages, in order", seconds

    # --- parts of the above ---------------------------------------------------------------------------

    async def _press(self, phone: str) -> tuple[PhoneCall, float]:
        """Dial for help; return the call, and when it began once the bridge has its incident."""
        at = time.time()
        call = await self.scene.phones[HELP_POINTS[phone]].dial(ALARM)
        await self.scene.until(lambda: self.scene.newest(phone, since=at), "the incident")
        return call, at

    async def _end(self, call: PhoneCall, phone: str, at: float) -> None:
        """Hang up once the phone talks with somebody who has acknowledged: that ends the incident."""
        await call.until_answered()
        await self.scene.until(lambda: self._is_had(phone, at), "somebody to have it, and to be talking")
        call.hang_up()
        await self.scene.over(phone, since=at)

    def _is_had(self, phone: str, at: float) -> bool:
        incident = self.scene.the(phone, since=at)
        return incident.acknowledged_at is not None and incident.connected_at is not None

    def _is_seen(self, phone: str, at: float) -> bool:
        """Whether a screen shows the place, and one of its cameras is proven live."""
        done = {
            each.operation
            for each in self.scene.deliveries(phone, since=at)
            if each.state is DeliveryState.VERIFIED
        }
        return {Operation.SHOW, Operation.START_RECORDING} <= done

    def _popped_up(self, step: Step, at: float) -> bool:
        return any(
            each.step.startswith(f"{step}/") and each.operation is Operation.POPUP and each.state.done
            for each in self.scene.deliveries(WEST, since=at)
        )

    def _stories(self) -> dict[str, list[str]]:
        """Incident -> the lines of its story so far, as messages begin."""
        with build_store(self.scene.site) as store:
            return {
                incident.id: [_beginning(entry.text) for entry in store.timeline(incident.id)]
                for incident in store.incidents()
            }

    def _told(self, incident: str) -> list[str]:
        """The lines of a story that have come."""
        mark = f' incident="{incident}"'.encode()
        return [_beginning(text_of(message)) for message in self.collector.messages if mark in message]


def _beginning(text: str) -> str:
    """What of a line is compared: the end of a long one is cut."""
    return visible(text)[:100]
