"""One Milestone XProtect: through its API Gateway, or by generic events where it has none.

There is no REST call that forces a recording: a rule in XProtect does it when our event arrives.
"""

from __future__ import annotations

from bridge.drivers.milestone.gateway_site import GatewaySite
from bridge.drivers.milestone.generic_site import GenericSite
from bridge.drivers.milestone.settings import Config, capabilities_of
from bridge.errors import Permanent, ProtocolError
from bridge.model import (
    Accept,
    Capability,
    Clock,
    Delivery,
    Finding,
    Inventory,
    Operation,
    Receipt,
    Targets,
)
from bridge.protocols.http_limits import Limits


class Driver:
    """One XProtect. See `bridge.model.Driver`; targets are GUIDs of cameras and of Smart Wall monitors."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._site: GatewaySite | GenericSite
        if config.generic_event is not None:
            self._site = GenericSite(config.generic_event, name, clock)
        else:
            self._site = GatewaySite(config, name, targets, clock)

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it, and read it back where the gateway can be asked (presets, bookmarks, locks, alarms)."""
        capability = self.capabilities[delivery.operation]
        if capability is Capability.IMPOSSIBLE:
            raise Permanent(f"{self.name}: XProtect as it is set up has nothing for {delivery.operation}")
        if capability is Capability.BY_RULE:
            raise Permanent(f"{self.name}: {delivery.operation} is done by a rule in XProtect")
        try:
            return await self._site.actions[delivery.operation](delivery, Limits.of(delivery))
        except ProtocolError as error:  # a value of the site that cannot be sent, such as {phone:int}
            raise Permanent(f"{self.name}: {error}") from error

    async def check(self) -> list[Finding]:
        """Prove log-in, version, cameras, presets, events, alarm states and screens that the site uses."""
        return await self._site.findings()

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether the recording that our event began goes on, as far as the WebSocket says."""
        return self._site.still_recording(target) if operation is Operation.EVENT_START else None

    async def inventory(self) -> Inventory:
        """Cameras with their presets, Smart Wall monitors and Matrix recipients. Raises DeliveryError."""
        return await self._site.inventory()

    async def watch(self, accept: Accept) -> None:
        """Tell of alarms of ours that operators take or close; until cancelled."""
        await self._site.watch(accept)

    async def close(self) -> None:
        await self._site.close()
