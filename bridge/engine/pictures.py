"""Whether the operators see the place, as far as the receipts can tell (semantics: "Picture confirmed").

One camera is proven live (`PROOFS`) and a display that shows it is verified; or accepted, by a driver that
cannot be asked what it shows (`Plan.unread`), while a person has lately seen that it does. Only the latest
word on each camera and display counts: a forced recording that was found off proves nothing until it is on
again. A living picture of another place proves nothing either.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Final

from bridge.engine.turn import Turn
from bridge.model import Delivery, DeliveryState, Incident, Operation
from bridge.response import ptz

PROOFS: Final = frozenset({Operation.START_RECORDING, Operation.EVENT_START, Operation.PROVE_LIVE})
"""Operations whose read-back proves that the camera gives a picture."""

UNPROVEN: Final = "proof"
"""`Fault.what` of a driver of which nobody has seen lately that it really shows what it accepts."""

FOUND: Final = "found"
"""Param of a delivery that found its camera missing (`cameras`)."""


class Picture(enum.IntEnum):
    """The greater, the surer."""

    NONE = 0
    """Known not to be there: no display is asked for, or every one refused."""
    UNCONFIRMED = 1
    """Nothing can confirm it any more; the operators may see it all the same."""
    AWAITED = 2
    """It may still be confirmed."""
    CONFIRMED = 3

    @property
    def spoken(self) -> str:
        """As dispatch is told: `confirmed`, `not confirmed` or `none`."""
        if self in (Picture.UNCONFIRMED, Picture.AWAITED):
            return "not confirmed"
        return self.name.lower()


def picture_of(turn: Turn, incident: Incident) -> Picture:
    """Return how sure it is that somebody can see the place of this incident."""
    deliveries = turn.state.deliveries_of(incident.id)
    displays = _latest(deliveries, Operation.SHOW)
    cameras: dict[str, Picture] = {}
    for operation in PROOFS:
        for proof in _latest(deliveries, operation):
            camera = proof.params.get("camera", "")
            cameras[camera] = max(cameras.get(camera, Picture.NONE), _proof(turn, proof))
    for camera, proven in cameras.items():
        if _looks_elsewhere(turn, incident, camera):
            cameras[camera] = min(proven, Picture.UNCONFIRMED)
    sure = max((_seen(turn, display, cameras) for display in displays), default=Picture.NONE)
    if sure > Picture.UNCONFIRMED:
        return sure
    refused = all(display.state is DeliveryState.FAILED for display in displays)
    return Picture.NONE if refused else Picture.UNCONFIRMED


def _latest(deliveries: Collection[Delivery], operation: Operation) -> Collection[Delivery]:
    """The last delivery of `operation` to each target."""
    asked = (delivery for delivery in deliveries if delivery.operation is operation)
    return {(delivery.driver, delivery.target): delivery for delivery in asked}.values()


def _proof(turn: Turn, delivery: Delivery) -> Picture:
    """What this delivery says by itself: verified, perhaps verified later, or never to be verified."""
    if delivery.state is DeliveryState.VERIFIED:
        return Picture.CONFIRMED
    if FOUND in delivery.params:  # missing: tried again, and not waited for
        return Picture.UNCONFIRMED
    reachable = (f"driver/{delivery.driver}", "link") not in turn.state.faults
    return Picture.AWAITED if reachable and not delivery.state.settled else Picture.UNCONFIRMED


def _looks_elsewhere(turn: Turn, incident: Incident, camera: str) -> bool:
    """Whether another incident has the camera at its own place, or it could not be turned to this one."""
    hold = turn.state.holds.get((ptz(camera), incident.id))
    recalls = [
        delivery
        for delivery in turn.state.deliveries_of(incident.id)
        if delivery.operation is Operation.RECALL_PRESET and delivery.params.get("camera") == camera
    ]
    in_vain = bool(recalls) and recalls[-1].state.settled and not recalls[-1].state.done
    return in_vain or (hold is not None and not hold.held)


def _seen(turn: Turn, display: Delivery, cameras: Mapping[str, Picture]) -> Picture:
    """A picture is as sure as the less sure of the display and the best of its cameras."""
    shown = display.params.get("views", "").split(",")
    best = max(cameras.get(camera, Picture.NONE) for camera in shown)
    return min(_display(turn, display), best)


def _display(turn: Turn, display: Delivery) -> Picture:
    """As `_proof`; besides, an accepted one counts where only a person can see it, and lately one has."""
    if display.state is DeliveryState.ACCEPTED and display.driver in turn.plan.unread:
        is_seen = (f"driver/{display.driver}", UNPROVEN) not in turn.state.faults
        return Picture.CONFIRMED if is_seen else Picture.UNCONFIRMED
    return _proof(turn, display)
