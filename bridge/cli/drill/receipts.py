"""What became of each step of an exercise. Pure; called by `sosbridge drill`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model import Delivery, DeliveryState, Incident, IncidentState, Operation, Tier

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
class Display:
    """What a console was told to show by a driver that cannot be asked whether it does."""

    driver: str
    console: str
    """The site's name of it."""
    cameras: tuple[str, ...]
    """Tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person said of a display."""

    display: Display
    seen: bool


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
    answers: tuple[Answer, ...] | None = None
    """None where nobody was to be asked."""

    @property
    def ok(self) -> bool:
        """Whether something was done, all of it ended `verified` or `accepted`, and no picture was missed."""
        done = bool(self.steps) and all(step.state.done for step in self.steps)
        seen = all(answer.seen for answer in self.answers or ())
        return done and seen and not self.late and not self.ended


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
        name=name_in(told) or delivery.target,
        state=delivery.state,
        proof=delivery.proof,
        ms=took,
    )


def name_in(params: Mapping[str, str]) -> str:
    """Return what the site calls what is acted on; empty where it has no name of its own."""
    return params.get("camera") or params.get("console") or ""


def unread_displays(deliveries: Iterable[Delivery], unread: Collection[str]) -> tuple[Display, ...]:
    """Return what the displays accepted last that only a person can look at.

    unread: names of the drivers that cannot be asked (`Plan.unread`).
    """
    shown = {(d.driver, d.target): d for d in deliveries if d.operation is Operation.SHOW}.values()
    return tuple(
        Display(
            driver=delivery.driver,
            console=delivery.params.get("console") or delivery.target,
            cameras=tuple(filter(None, delivery.params.get("views", "").split(","))),
        )
        for delivery in shown
        if delivery.driver in unread and delivery.state is DeliveryState.ACCEPTED
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
