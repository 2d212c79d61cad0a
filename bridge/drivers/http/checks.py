"""What `sosbridge check` finds at an HTTP system, and what the system says it has. Called by the driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.drivers.http.render import page_instead_of_data, text_at, unmet
from bridge.drivers.http.sending import Sender
from bridge.drivers.http.settings import Config, Listing, RequestSettings
from bridge.errors import DeliveryError, Permanent, ProtocolError
from bridge.model import NOTHING, Finding, Inventory, Operation, Targets, VmsCamera, VmsConsole
from bridge.protocols.http import Effect
from bridge.protocols.template import resolve_pointer

PROVES_ITSELF: Final = frozenset({Operation.PROVE_LIVE})
"""Operations whose answer is the proof."""


class Checks:
    """The requests of the configuration that do nothing. name: the driver instance's."""

    def __init__(self, sender: Sender, config: Config, *, name: str, targets: Targets) -> None:
        self._sender = sender
        self._config = config
        self._name = name
        self._targets = targets

    async def findings(self) -> list[Finding]:
        """Prove address, certificate, credentials, and each camera, preset and console as configured."""
        health = await self._try("health", self._config.health, NOTHING)
        found = [health]
        if health.level == "ok":
            found += await self._cameras()
            found += await self._consoles()
        blind = sorted(
            operation
            for operation, action in self._config.requests.items()
            if action.read_back is None and operation not in PROVES_ITSELF
        )
        if blind:
            text = f"accepted at best, never verified, for want of a read_back: {', '.join(blind)}"
            found.append(Finding(level="warning", subject=self._name, text=text))
        return found

    async def inventory(self) -> Inventory:
        """List cameras and consoles. Raises Permanent where no request for it is configured."""
        lists = self._config.inventory
        if lists is None:
            raise Permanent(f"{self._name}: no request lists what it has: set inventory.cameras")
        cameras = await self._rows(lists.cameras) if lists.cameras else {}
        consoles = await self._rows(lists.consoles) if lists.consoles else {}
        return Inventory(
            cameras=tuple(VmsCamera(id=key, name=name) for key, name in cameras.items()),
            consoles=tuple(VmsConsole(id=key, name=name) for key, name in consoles.items()),
        )

    async def _cameras(self) -> list[Finding]:
        request = self._config.camera_check
        if request is None:
            return []
        found = []
        for target, presets in sorted(self._targets.cameras.items()):
            for preset in sorted(presets) if "preset" in request.names else [""]:
                what = f"camera {target}" + (f", preset {preset}" if preset else "")
                found.append(await self._try(what, request, {"target": target, "preset": preset}))
        return found

    async def _consoles(self) -> list[Finding]:
        request = self._config.console_check
        if request is None:
            return []
        return [
            await self._try(f"console {target}", request, {"target": target})
            for target in sorted(self._targets.consoles)
        ]

    async def _try(self, what: str, request: RequestSettings, values: Mapping[str, str]) -> Finding:
        try:
            answer = await self._sender.send(request, {**values, "driver": self._name}, Effect.NONE)
            lacking = unmet(request.expect, answer, values) or page_instead_of_data(request.expect, answer)
        except (DeliveryError, ProtocolError) as error:
            lacking = str(error)
        if lacking:
            return Finding(level="error", subject=self._name, text=f"{what}: {lacking}")
        return Finding(level="ok", subject=self._name, text=f"{what}: answered as expected")

    async def _rows(self, listing: Listing) -> dict[str, str]:
        """Id -> name of everything listed."""
        answer = await self._sender.send(listing, {"driver": self._name}, Effect.NONE)
        try:
            rows = resolve_pointer(answer.json(), listing.rows)
        except LookupError:
            rows = None
        if not isinstance(rows, list):
            raise answer.unusable(f"there is no list at {listing.rows or 'the top of the answer'}")
        found: dict[str, str] = {}
        for row in rows:
            key = text_at(row, listing.id)
            if not key:
                raise answer.unusable(f"an entry of the list has no id at {listing.id}")
            found[key] = text_at(row, listing.name) or key
        return found
