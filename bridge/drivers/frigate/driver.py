"""Opens an event at a Frigate camera so that its recording is kept, and recalls presets.

A Frigate has no pop-ups and no video wall, and its "reviewed" mark names nobody: consoles and acknowledgement
belong to another driver.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from bridge.drivers.frigate.checks import findings
from bridge.drivers.frigate.events import Events
from bridge.drivers.frigate.marks import Marks
from bridge.drivers.frigate.settings import Config, capabilities_of
from bridge.drivers.frigate.stored import StoredEvents
from bridge.errors import CameraMissing, DeliveryError, Permanent
from bridge.model import (
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Inventory,
    Operation,
    Receipt,
    Targets,
    VmsCamera,
)
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.http import HttpLink
from bridge.protocols.http_limits import Limits

HELD = frozenset({Operation.START_RECORDING, Operation.EVENT_START})


class Driver:
    """One Frigate. See `bridge.model.Driver`; targets are cameras' names, presets their ONVIF names."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._config = config
        self._targets = targets
        self._link = HttpLink(config, name=name, clock=clock)
        self._api = FrigateApi(self._link, name=name, user=config.user, password=config.password, clock=clock)
        stored = StoredEvents(self._api, config, name=name, clock=clock)
        self._events = Events(self._api, config, stored, name=name)
        marks = Marks(self._api, stored, name=name, clock=clock)
        actions: dict[Operation, Callable[[Delivery, Limits], Awaitable[Receipt]]] = {
            Operation.START_RECORDING: self._events.start,
            Operation.STOP_RECORDING: self._events.stop,
            Operation.EVENT_START: self._events.start,
            Operation.EVENT_STOP: self._events.stop,
            Operation.BOOKMARK: marks.bookmark,
            Operation.EXTEND_BOOKMARK: marks.extend,
            Operation.LOCK_EVIDENCE: marks.lock,
            Operation.PROVE_LIVE: self._prove_live,
            Operation.RECALL_PRESET: self._recall_preset,
        }
        if config.home_preset:
            actions[Operation.HOME] = self._home
        self._actions: Mapping[Operation, Callable[[Delivery, Limits], Awaitable[Receipt]]] = actions

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it, and read it back where Frigate can be asked (everything but PTZ)."""
        action = self._actions.get(delivery.operation)
        if action is None:
            raise Permanent(f"{self.name}: Frigate has nothing for {delivery.operation}")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", delivery.target):
            raise Permanent(f"{self.name}: {delivery.target!r} is not the name of a Frigate camera")
        limits = Limits.of(delivery)
        return await action(delivery, limits)

    async def check(self) -> list[Finding]:
        """Prove log-in, role and version, and each camera and preset that the site uses."""
        return [*self._link.warnings(), *await findings(self._api, self._config, self.name, self._targets)]

    async def inventory(self) -> Inventory:
        """Every camera with its presets. Raises DeliveryError."""
        cameras = []
        for camera in await self._api.cameras():
            presets = (await self._api.presets(camera.name) or []) if camera.ptz and camera.enabled else []
            cameras.append(
                VmsCamera(
                    id=camera.name,
                    name=camera.name,
                    ptz=camera.ptz,
                    presets={preset: preset for preset in presets},
                )
            )
        return Inventory(cameras=tuple(cameras))

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether an event of ours is still open: a restart of Frigate ends it without a word."""
        if operation not in HELD:
            return None
        try:
            return await self._events.held(target)
        except DeliveryError:
            return None

    async def close(self) -> None:
        self._api.close()
        await self._link.close()

    async def _prove_live(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = delivery.target
        rate = (await self._api.rates(limits)).get(camera)
        if rate is None:
            raise CameraMissing(f"{self.name}: Frigate counts no pictures of {camera}: disabled, or unknown")
        if rate <= 0:
            raise CameraMissing(f"{self.name}: {camera} gives no pictures (camera_fps 0)")
        proof = f"{camera}: {rate:g} pictures a second"
        return Receipt(outcome=DeliveryState.VERIFIED, proof=proof)

    async def _recall_preset(self, delivery: Delivery, limits: Limits) -> Receipt:
        return await self._move(delivery.target, delivery.params.get("preset", ""), limits)

    async def _home(self, delivery: Delivery, limits: Limits) -> Receipt:
        return await self._move(delivery.target, self._config.home_preset, limits)

    async def _move(self, camera: str, preset: str, limits: Limits) -> Receipt:
        """Never verified: Frigate answers nothing. That it knows the preset is asked before."""
        known = await self._api.presets(camera, limits)
        if known is None:
            raise CameraMissing(f"{self.name}: Frigate reaches no ONVIF at {camera}: it cannot be moved")
        if preset.lower() not in known:
            there = ", ".join(known[:10]) or "none"
            raise Permanent(f"{self.name}: {camera} has no preset {preset!r}; there is {there}")
        self._api.require_admin()
        await self._api.command(f"{camera}/ptz", f"preset_{preset.lower()}", limits)
        return Receipt(
            outcome=DeliveryState.ACCEPTED, proof=f"{preset}: read by Frigate, which answers nothing"
        )
