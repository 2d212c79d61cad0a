"""What became of each step of an exercise. Pure; called by `sosbridge drill`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model import Delivery, DeliveryState, Incident, IncidentState, Tier

NO_CALL: Final = "no call"
"""Who ended it, where no call followed (`engine.timers`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One action, as it ended."""

    operation: str
    driver: str
    target: str
    """The driver's own id of it."""
    name: str
    """The site's: the camera's tag, the console's name, the group."""
    state: DeliveryState
    proof: str
    """What the receipt says, or why it failed."""
    ms: int | None
    """From the first attempt to the receipt; None where there was no attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An exercise, as it ended."""

    incident: str
    phone: str
    location: str
    tier: str
    ended: str
    """Who or what ended it before the drill itself did: a real SOS, an operator. Empty where nobody did."""
    late: bool
    """Some steps were not settled in time."""
    steps: tuple[Receipt, ...]

    @property
    def ok(self) -> bool:
        """Whether something was done, and all of it ended `verified` or `accepted`."""
        return bool(self.steps) and not self.late and not self.ended and all(s.state.done for s in self.steps)


def receipts(deliveries: Iterable[Delivery]) -> tuple[Receipt, ...]:
    """Return a receipt for each delivery, in the order in which they were asked for."""
    asked = sorted(deliveries, key=lambda delivery: (delivery.created_at, delivery.order))
    return tuple(_receipt(delivery) for delivery in asked)


def _receipt(delivery: Delivery) -> Receipt:
    told = delivery.params
    took = None
    if delivery.started_at is not None and delivery.settled_at is not None:
        took = round((delivery.settled_at - delivery.started_at) * 1000)
    return Receipt(
        operation=delivery.operation,
        driver=delivery.driver,
        target=delivery.target,
        name=told.get("camera") or told.get("console") or delivery.target,
        state=delivery.state,
        proof=delivery.proof,
        ms=took,
    )


def is_over(incident: Incident) -> bool:
    return incident.state in (IncidentState.CLEARING, IncidentState.CLOSED)


def ended_early(incident: Incident) -> str:
    """Say who or what has ended the exercise; empty where that is as it should be.

    Off-hook without a call that follows is over by itself when it was recorded for long enough.
    """
    if not is_over(incident) or (incident.tier is Tier.ROUTINE and incident.closed_by == NO_CALL):
        return ""
    return incident.close_reason or incident.closed_by or "somebody"


def settled(deliveries: Sequence[Delivery]) -> bool:
    return all(delivery.state.settled for delivery in deliveries)
