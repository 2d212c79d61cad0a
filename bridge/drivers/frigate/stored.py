"""Finds the incident's event and waits for what Frigate does late. Called by `events`, `marks` and `switch`.

Frigate queues: an event can be asked for some time after its id is known, and its end shows later still.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bridge.drivers.frigate.settings import Config
from bridge.drivers.frigate.words import belongs
from bridge.errors import DeliveryError, Retryable
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.http_limits import Limits

T = TypeVar("T")

ASK_EVERY: Final = 0.25
"""Seconds between two questions whether something is stored."""
_REFERENCE: Final = re.compile(r"event:([A-Za-z0-9._-]{1,64})(?:;recordings:(off))?")


class StoredEvents:
    """The events of one Frigate, as far as they can be asked for. name: the driver instance's."""

    def __init__(self, api: FrigateApi, config: Config, *, name: str, clock: Clock) -> None:
        self._api = api
        self._config = config
        self._name = name
        self._clock = clock

    async def open_at(self, camera: str, limits: Limits) -> list[FrigateEvent]:
        """Every event of ours that is open there, whichever incident's."""
        return await self._api.open_events(camera, self._config.label, limits)

    async def open_of(self, delivery: Delivery, limits: Limits) -> FrigateEvent | None:
        """The incident's event that is open."""
        events = await self.open_at(delivery.target, limits)
        return next((event for event in events if belongs(event, delivery)), None)

    async def event_of(self, delivery: Delivery, limits: Limits) -> FrigateEvent:
        """The event that a receipt named, or the open one of the incident."""
        known, _ = referred(delivery)
        event = await self.stored(known, limits) if known else await self.open_of(delivery, limits)
        if event is None or event.camera != delivery.target:
            raise Retryable(f"{self._name}: {delivery.target} has no event of this incident")
        return event

    async def stored(self, number: str, limits: Limits) -> FrigateEvent | None:
        """The event, once it is stored; None if it is not in time."""
        return await self.eventually(lambda: self._api.event(number, limits))

    async def read_back(self, number: str, limits: Limits) -> FrigateEvent | str:
        """The event as it is after a yes, or why it cannot be asked. Raises Retryable where it is gone."""
        try:
            event = await self._api.event(number, limits)
        except DeliveryError as error:
            return str(error)
        if event is None:
            raise Retryable(f"{self._name}: event {number} is gone")
        return event

    async def eventually(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the answer is more than nothing, for `store_wait` seconds; return the last one."""
        end = self._clock.monotonic() + self._config.store_wait
        while not (answer := await ask()) and self._clock.monotonic() < end:
            await self._clock.sleep(ASK_EVERY)
        return answer

    @property
    def too_late(self) -> str:
        """Why there is no event, in words."""
        return f"not stored within {self._config.store_wait:g} s"


def referred(delivery: Delivery) -> tuple[str, bool]:
    """The event that an earlier receipt named, and whether recording was off before."""
    match = _REFERENCE.fullmatch(delivery.reference or delivery.params.get("reference", ""))
    return (match[1], match[2] is not None) if match else ("", False)


def promised(number: str, what: str, why: str, more: str = "") -> Receipt:
    """Frigate said yes, and could not be asked afterwards (`why`)."""
    return Receipt(
        outcome=DeliveryState.ACCEPTED,
        proof=f"event {number} {what}: the answer was yes; reading back failed: {why}",
        reference=f"event:{number}{more}",
    )


def verified(event: FrigateEvent, proof: str) -> Receipt:
    """It was read back (`proof`)."""
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=f"event:{event.id}")
