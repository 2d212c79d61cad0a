"""An XProtect with an API Gateway: the parts of the driver, put together. Called by `driver.py`."""

from __future__ import annotations

import asyncio

from bridge.drivers.milestone.acts import Actions
from bridge.drivers.milestone.alarms import Alarms
from bridge.drivers.milestone.checks import Look
from bridge.drivers.milestone.events import Events
from bridge.drivers.milestone.evidence import Evidence
from bridge.drivers.milestone.ptz import Ptz
from bridge.drivers.milestone.settings import Config
from bridge.drivers.milestone.wall import Wall
from bridge.model import Accept, Clock, Finding, Inventory, Targets, VmsCamera, VmsConsole
from bridge.protocols.http import HttpLink
from bridge.protocols.http_token import Tokens
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_feed import CameraFeed, TokenSource
from bridge.protocols.milestone_gateway import MilestoneGateway
from bridge.protocols.milestone_values import Camera


class GatewaySite:
    """Presets, bookmarks, alarms, screens and events by REST, the state of cameras by WebSocket."""

    def __init__(self, config: Config, name: str, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self._config = config
        self._link = HttpLink(config, name=name, clock=clock)
        gateway = MilestoneGateway(
            self._link,
            user=config.user,
            password=config.credentials,
            clock=clock,
            windows=config.user_kind == "windows",
        )
        self._api = api = MilestoneApi(gateway, clock)
        self._feed = _feed(config, gateway.account.tokens, targets, clock) if config.websocket else None
        self._events = Events(api, config, clock, name, self._feed)
        self._alarms = Alarms(api, config, clock, name)
        ptz = Ptz(api, config, clock, name)
        self._look = Look(
            name=name,
            config=config,
            targets=targets,
            gateway=gateway,
            api=api,
            ptz=ptz,
            events=self._events,
            alarms=self._alarms,
        )
        self.actions: Actions = {
            **ptz.actions,
            **self._events.actions,
            **self._alarms.actions,
            **Evidence(api, config, clock, name).actions,
            **Wall(api, config, name).actions,
        }

    async def findings(self) -> list[Finding]:
        return [*self._link.warnings(), *await self._look.findings()]

    def still_recording(self, camera: str) -> bool | None:
        """Whether the recording that our event began goes on; None where that was never seen."""
        return self._events.still_recording(camera)

    async def inventory(self) -> Inventory:
        cameras = await self._api.cameras_with_presets()
        consoles = [*await self._api.monitors(), *await self._api.matrix_recipients()]
        return Inventory(
            cameras=tuple(_listed(camera) for camera in cameras),
            consoles=tuple(VmsConsole(id=each.id, name=each.name) for each in consoles),
        )

    async def watch(self, accept: Accept) -> None:
        """Hear the cameras from now on, so that their state is known when an SOS comes; watch our alarms."""
        if self._feed is not None:
            self._feed.start()
        if self._config.alarms == "raise":
            await self._alarms.watch(accept)
        await asyncio.Event().wait()

    async def close(self) -> None:
        if self._feed is not None:
            await self._feed.close()
        await self._link.close()


def _feed(config: Config, tokens: Tokens, targets: Targets, clock: Clock) -> CameraFeed:
    return CameraFeed(
        config.base_url,
        tokens=TokenSource(tokens.valid, tokens.drop),
        tls=config.tls.context() if config.encrypted else None,
        cameras=frozenset(targets.cameras),
        clock=clock,
    )


def _listed(camera: Camera) -> VmsCamera:
    presets = {preset.id: preset.name for preset in camera.presets}
    return VmsCamera(id=camera.id, name=camera.name, ptz=camera.ptz, presets=presets)
