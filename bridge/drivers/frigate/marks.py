"""Describes and keeps the incident's event, each read back. Called by the driver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bridge.drivers.frigate.stored import StoredEvents, promised, verified
from bridge.drivers.frigate.words import description, extended, is_described
from bridge.errors import Permanent, Retryable
from bridge.model import Clock, Delivery, Receipt
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.http import Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.incident_note import end_line


class Marks:
    """Descriptions and retention at one Frigate. name: the driver instance's."""

    def __init__(self, api: FrigateApi, events: StoredEvents, *, name: str, clock: Clock) -> None:
        self._api = api
        self._events = events
        self._name = name
        self._clock = clock

    async def bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._events.event_of(delivery, limits)
        if not is_described(event, delivery):
            await self._write(event, lambda: self._api.describe(event.id, description(delivery), limits))
            after = await self._events.read_back(event.id, limits)
            if isinstance(after, str):
                return promised(event.id, "described", after)
            event = after
            if not is_described(event, delivery):
                raise Retryable(f"{self._name}: event {event.id}: reading back shows no description")
        return verified(event, f"event {event.id} names the incident in its description")

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._events.event_of(delivery, limits)
        now = self._clock.now()
        line = end_line(delivery, now)
        await self._write(event, lambda: self._api.describe(event.id, extended(event, delivery, now), limits))
        after = await self._events.read_back(event.id, limits)
        if isinstance(after, str):
            return promised(event.id, "described", after)
        event = after
        if line not in event.description.splitlines():
            raise Retryable(f"{self._name}: event {event.id}: reading back shows no end")
        return verified(event, f"event {event.id} says: {line}")

    async def lock(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._events.event_of(delivery, limits)
        if not event.retained:
            await self._write(event, lambda: self._api.retain(event.id, limits))
            after = await self._events.read_back(event.id, limits)
            if isinstance(after, str):
                return promised(event.id, "retained", after)
            event = after
            if not event.retained:
                raise Retryable(f"{self._name}: event {event.id}: reading back shows it is not retained")
        return verified(event, f"event {event.id} is retained when the disk runs full; its days still count")

    async def _write(self, event: FrigateEvent, write: Callable[[], Awaitable[None]]) -> None:
        """Write to an event that is there: 404 can only mean that this version has no such call."""
        try:
            await write()
        except Refused as error:
            if error.status != 404:
                raise
            raise Permanent(
                f"{error}: event {event.id} exists: this version of Frigate cannot do it"
            ) from None
