"""The rung that is broken at the office: a site whose PBX rings dispatch, and is killed."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.cli.demo.site import EAST, LEAD
from bridge.cli.drill.ladder.scene import Scene, Stuck
from bridge.model import DeliveryState, Operation
from bridge.protocols.ami import Message
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.phones import Phone
from bridge.simulator.plant import Systems


@dataclass(frozen=True, slots=True)
class Office:
    """The scene, its PBX, and the telephone at the other end of the bridge's own trunk."""

    scene: Scene
    pbx: AmiServer
    systems: Systems
    mobile: Phone

    async def killed(self) -> tuple[str, float]:
        await self.pbx.stop()
        return await self._mobile_rings()

    async def hung(self) -> tuple[str, float]:
        self.pbx.freeze()
        return await self._mobile_rings()

    async def _mobile_rings(self) -> tuple[str, float]:
        """There is no picture either, so that dispatch must be called: by the trunk, once."""
        await self.systems.switch_off()
        asked = len(self.pbx.received)
        at = await self.scene.button(EAST)
        call = await self.mobile.rung(12.0)
        await self.scene.take(call, EAST, since=at)
        told = [each for each in self.scene.deliveries(EAST, since=at) if each.operation is Operation.NOTIFY]
        rung = [each for each in told if each.driver.endswith("-fallback") and each.state.done]
        if not any(each.state is DeliveryState.ACCEPTED for each in rung):
            raise Stuck("the mobile telephone rang, but not because the fallback was asked")
        if len(self.mobile.calls) != 1 or len(self.pbx.received) != asked:
            raise Stuck("somebody was called who should not have been")
        await self.scene.resolve(self.scene.the(EAST, since=at))
        return f"own trunk: {LEAD}'s mobile rings, presses 1", call.began_at - at


def answer_as_the_pack(pbx: AmiServer, action: Message) -> tuple[str, str]:
    """Answer the one question that the bridge puts to the dialplan unasked; the outcome of an Originate."""
    delivery, _, place = action.get("Channel").removeprefix("Local/*").partition("@")
    if place.startswith("sos-asked"):
        pbx.emit("UserEvent", UserEvent="SOSAsked", Delivery=delivery, Known="no")
    return "Success", "4"
