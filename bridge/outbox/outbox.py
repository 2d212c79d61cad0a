"""All lanes: hands each leased delivery to its driver's lane, and watches what the drivers keep on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from bridge.engine import Decision
from bridge.model import (
    UNDO,
    Accept,
    Clock,
    Delivery,
    DeliveryState,
    Driver,
    Event,
    Hold,
    Kind,
    Operation,
)
from bridge.outbox.lane import Lane

log = structlog.get_logger(__name__)

ASK_WITHIN: Final = 10.0
"""Seconds a driver has to say whether something is still on."""


class Outbox:
    """The lanes by driver name. `drivers` may change only through a new Outbox."""

    def __init__(self, drivers: Mapping[str, Driver], accept: Accept, clock: Clock) -> None:
        self.lanes = {name: Lane(name, driver, accept, clock) for name, driver in drivers.items()}
        self._accept = accept
        self._clock = clock

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Perform these, which are leased to this node. A driver that is no longer configured fails them."""
        for delivery in deliveries:
            lane = self.lanes.get(delivery.driver)
            if lane is not None:
                lane.put(delivery)
            else:
                self._accept(_nobody_for(delivery, self._clock.now()))

    @property
    def in_hand(self) -> set[str]:
        """Ids of the deliveries that must not be leased again."""
        return {delivery_id for lane in self.lanes.values() for delivery_id in lane.in_hand}

    @property
    def silent_for(self) -> float:
        """Seconds since the laziest lane last looked for work; 0 without lanes."""
        return max((lane.silent_for for lane in self.lanes.values()), default=0.0)

    def wake(self) -> None:
        """Make every lane look for work: the canary of this side (`silent_for`)."""
        for lane in self.lanes.values():
            lane.wake()

    def follow(self, decisions: Iterable[Decision]) -> None:
        """Follow what was committed: let go of what is superseded or stored as settled."""
        for decision in decisions:
            for delivery in decision.deliveries.values():
                if delivery.state is DeliveryState.SUPERSEDED and delivery.driver in self.lanes:
                    self.lanes[delivery.driver].withdraw(delivery.id)
            if decision.event.kind is Kind.DELIVERY_SETTLED:
                for lane in self.lanes.values():
                    lane.stored(decision.event.attributes["delivery"])

    async def run(self) -> None:
        """Run every lane until cancelled; without any, just wait."""
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="until cancelled")
            for lane in self.lanes.values():
                group.create_task(lane.run(), name=f"lane {lane.name}")

    async def recheck(self, holds: Iterable[Hold]) -> None:
        """Ask the drivers whether what is held on is still on, and report what is not.

        A VMS may drop a forced alarm without a word when its camera's stream restarts. Called every few
        seconds with all holds; of several incidents that hold one thing, the first reports.
        """
        held: dict[str, Hold] = {}
        for hold in sorted(holds, key=lambda hold: hold.since):
            if hold.held:
                held.setdefault(hold.resource, hold)
        await asyncio.gather(*(self._recheck(lane, held.values()) for lane in self.lanes.values()))

    async def _recheck(self, lane: Lane, holds: Iterable[Hold]) -> None:
        """Ask the lane's driver one by one, with turns for others between: with thousands of recordings on,
        the next SOS must not stand behind all these questions."""
        for hold in holds:
            operation, _, rest = hold.resource.partition("/")
            name, _, target = rest.partition("/")
            if name == lane.name and operation in UNDO:
                if not lane.breaker.is_open and not lane.concerns(target):
                    await self._ask(lane, hold, Operation(operation), target)
                await self._clock.sleep(0)

    async def _ask(self, lane: Lane, hold: Hold, operation: Operation, target: str) -> None:
        try:
            async with asyncio.timeout(ASK_WITHIN):
                on = await lane.driver.still_held(operation, target)
        except Exception as error:  # the lane's own attempts say what is wrong with the link
            log.warning("could not ask what is on", driver=lane.name, target=target, error=str(error))
            return
        if on is False:
            self._accept(_lost(hold, self._clock.now()))


def _lost(hold: Hold, now: float) -> Event:
    return Event(
        kind=Kind.HOLD_LOST,
        source="outbox",
        key=f"{hold.resource}/{now!r}",
        occurred_at=now,
        incident=hold.incident,
        attributes={"resource": hold.resource},
    )


def _nobody_for(delivery: Delivery, now: float) -> Event:
    return Event(
        kind=Kind.DELIVERY_SETTLED,
        source="outbox",
        key=f"{delivery.id}/{delivery.attempts}/no driver",
        occurred_at=now,
        incident=delivery.incident,
        attributes={
            "delivery": delivery.id,
            "state": DeliveryState.FAILED,
            "attempts": str(delivery.attempts),
            "proof": f"no driver named {delivery.driver} is configured any more",
        },
    )
