"""Raises the site's custom events, which Security Center's own rules answer. Called by the driver."""

from __future__ import annotations

from bridge.drivers.genetec.moments import may_have_caused
from bridge.drivers.genetec.settings import Config, events_of
from bridge.errors import DeliveryError, Permanent
from bridge.model import Clock, Delivery, DeliveryState, Receipt, Tier
from bridge.protocols.genetec import WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.http_limits import Limits


class CustomEvents:
    """Start and stop, of the zone and tier that the start was for."""

    def __init__(self, name: str, sdk: WebSdk, config: Config, clock: Clock) -> None:
        self._name = name
        self._sdk = sdk
        self._config = config
        self._clock = clock

    async def start(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Raise the start event. On a doubtful repeat, not if the rule's alarm shows that it arrived."""
        events = events_of(self._config, _location(delivery), _tier(delivery))
        if events.alarm and delivery.doubtful:
            arrived = await self._arrived(events.alarm, delivery, limits)
            if arrived:
                proof = f"custom event {events.start} has arrived: {arrived}"
                return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        return await self._raise(events.start, delivery, limits)

    async def stop(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Raise the stop event. Twice is as once: what is stopped stays so."""
        events = events_of(self._config, _location(delivery), _tier(delivery))
        return await self._raise(events.stop, delivery, limits)

    async def _arrived(self, alarm: str, delivery: Delivery, limits: Limits) -> str:
        """Which alarm at this camera an earlier attempt set off, in words; empty if none is seen.

        What cannot be asked shows nothing: rules that run twice are better than none.
        """
        camera, now = guid(delivery.target), self._clock.now()
        try:
            found = await self._sdk.active_instances(alarm, limits)
            found += await self._sdk.acknowledged_instances(alarm, delivery.created_at, now, limits)
        except DeliveryError:
            return ""
        for instance in found:
            if instance.source == camera and may_have_caused(delivery, instance, now):
                return f"instance {instance.id} of alarm {alarm} began at this camera since"
        return ""

    async def _raise(self, number: int | None, delivery: Delivery, limits: Limits) -> Receipt:
        if number is None:
            raise Permanent(
                f"{self._name}: no number is configured for {delivery.operation} at {_location(delivery)!r}"
            )
        message = f"{delivery.params.get('title', '')} incident {delivery.incident}".strip()
        await self._sdk.raise_event(number, delivery.target, message, limits)
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"custom event {number} is raised: Ok")


def _location(delivery: Delivery) -> str:
    return delivery.params.get("location", "")


def _tier(delivery: Delivery) -> Tier:
    """Of the start, which a stop carries in its words: the incident may have become an SOS since."""
    said = delivery.params.get("tier", "")
    return Tier(said) if said in set(Tier) else delivery.tier
