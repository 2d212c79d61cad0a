"""An XProtect without an API Gateway: events start and stop by a text over TCP. Called by `driver.py`."""

from __future__ import annotations

import asyncio

from bridge.drivers.milestone.acts import Actions, accepted, values_of
from bridge.drivers.milestone.settings import GenericEventSettings
from bridge.errors import Permanent, ProtocolError, Unsent
from bridge.model import Accept, Clock, Delivery, Finding, Inventory, Operation, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.milestone_generic import check_reach, send_event
from bridge.protocols.template import Template, escape_line


class GenericSite:
    """Never verified: nothing answers whether an event matched the text."""

    def __init__(self, settings: GenericEventSettings, name: str, clock: Clock) -> None:
        self._settings = settings
        self._name = name
        self._clock = clock
        self.actions: Actions = {Operation.EVENT_START: self.start, Operation.EVENT_STOP: self.stop}

    async def start(self, delivery: Delivery, _: Limits) -> Receipt:
        return await self._send(self._settings.start, delivery)

    async def stop(self, delivery: Delivery, _: Limits) -> Receipt:
        return await self._send(self._settings.stop, delivery)

    async def findings(self) -> list[Finding]:
        """Whether somebody listens there; no event is sent."""
        settings = self._settings
        where = f"{settings.host}:{settings.port}"
        unproven = "generic events: there is no log-in, and no answer says whether an event matched"
        found = [Finding(level="warning", subject=self._name, text=unproven)]
        trouble = await check_reach(settings.host, settings.port, settings.connect)
        if trouble:
            text = f"{where}: {trouble}; is the data source for generic events switched on?"
            return [*found, Finding(level="error", subject=self._name, text=text)]
        return [*found, Finding(level="ok", subject=self._name, text=f"{where} takes connections")]

    def still_recording(self, _: str) -> None:
        """It cannot be asked."""

    async def inventory(self) -> Inventory:
        raise Permanent(f"{self._name}: generic events tell nothing of what XProtect has")

    async def watch(self, _: Accept) -> None:
        """There is nothing to hear; until cancelled."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Every event has a connection of its own, so none is open."""

    async def _send(self, template: Template, delivery: Delivery) -> Receipt:
        settings = self._settings
        text = escape_line(template.text(values_of(delivery)))
        left = delivery.deadline - self._clock.now()
        connect = min(settings.connect, left / 2)
        if left <= 0:
            raise Unsent(f"{self._name}: generic event: not sent: no time left")
        try:
            await send_event(
                settings.host,
                settings.port,
                text,
                connect=connect,
                total=min(settings.total, left - connect),
                line_end=settings.line_end,
            )
        except ProtocolError as error:
            raise Permanent(f"{self._name}: {error}") from error
        return accepted(f"generic event {text!r} sent; nothing answers whether it matched")
