"""What a delivery's receipt, failure or loss means to its incident. Called by `fold`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.engine.cameras import find_camera, is_missing, lose_camera
from bridge.engine.effects import check_picture
from bridge.engine.holds import holds_now
from bridge.engine.pictures import PROOFS
from bridge.engine.state import Reason
from bridge.engine.steps import ask_again
from bridge.engine.turn import Turn
from bridge.model import UNDO, Delivery, DeliveryState, Event, Incident, Operation, Sharing

RETRY: Final = "retry"
"""The `state` of a settlement that is not the last word: another attempt follows."""


def settled(turn: Turn) -> None:
    """Write down how an attempt ended: a settled `DeliveryState`, or `retry`.

    Raises ValueError for any other state: such an event says nothing.
    """
    attributes = turn.event.attributes
    delivery = turn.state.deliveries.get(attributes["delivery"])
    if delivery is None:
        turn.because(Reason.ORPHAN)
    elif delivery.state.settled:
        _late(turn, delivery)
    elif attributes["state"] == RETRY:
        _retry(turn, delivery)
    else:
        state = DeliveryState(attributes["state"])
        if not state.settled:
            raise ValueError(f"a delivery cannot settle as {state}")
        _final(turn, delivery, state)


def _late(turn: Turn, delivery: Delivery) -> None:
    """Tell what came after the last word; of one taken back under way, keep that it was sent."""
    turn.because(Reason.LATE)
    if delivery.state is DeliveryState.SUPERSEDED:
        turn.put_delivery(_tried(delivery, turn.event))
    proof = turn.event.attributes.get("proof", "")
    turn.note(delivery.incident, f"{_named(delivery)}: {turn.event.attributes['state']} after all: {proof}")


def _retry(turn: Turn, delivery: Delivery) -> None:
    turn.because(Reason.RETRY)
    attributes = turn.event.attributes
    why = attributes.get("proof", "")
    if why != delivery.proof:  # a driver that stays down says the same for minutes: once is enough
        turn.note(delivery.incident, f"{_named(delivery)}: {why}; trying again")
    turn.put_delivery(
        replace(_tried(delivery, turn.event), next_attempt_at=float(attributes["next_attempt_at"]), proof=why)
    )
    _look_for_camera(turn, delivery.id)
    _look_for_picture(turn, delivery)


def _final(turn: Turn, delivery: Delivery, state: DeliveryState) -> None:
    turn.because(Reason.SETTLED)
    attributes = turn.event.attributes
    delivery = replace(
        _tried(delivery, turn.event),
        state=state,
        settled_at=turn.event.occurred_at,
        next_attempt_at=None,
        proof=attributes.get("proof", ""),
        reference=attributes.get("reference", ""),
    )
    turn.put_delivery(delivery)
    millis = (turn.event.occurred_at - delivery.created_at) * 1000
    turn.note(delivery.incident, f"{_named(delivery)}: {state} after {millis:.0f} ms: {delivery.proof}")
    if state.done:
        turn.clear_fault(f"driver/{delivery.driver}", delivery.operation)
    elif state is not DeliveryState.SUPERSEDED:
        _failed(turn, delivery)
    if state is DeliveryState.VERIFIED:
        find_camera(turn, delivery)


def _failed(turn: Turn, delivery: Delivery) -> None:
    """A fault, unless the driver's link is known to be down: then that is the cause, and one is enough."""
    subject = f"driver/{delivery.driver}"
    if (subject, "link") not in turn.state.faults:
        text = f"{_named(delivery)}: {delivery.state}: {delivery.proof}"
        turn.open_fault(subject, delivery.operation, text)
    _look_for_camera(turn, delivery.id)
    _look_for_picture(turn, delivery)


def _tried(delivery: Delivery, event: Event) -> Delivery:
    """Write down that an attempt was made: how many by now, since when, and whether one is in doubt."""
    attributes = event.attributes
    return replace(
        delivery,
        attempts=max(delivery.attempts, int(attributes["attempts"])),
        started_at=delivery.started_at or _float(attributes.get("started_at")),
        doubtful=delivery.doubtful or attributes.get("doubtful") == "yes",
    )


def _look_for_picture(turn: Turn, delivery: Delivery) -> None:
    incident = turn.state.incidents.get(delivery.incident)
    if incident is not None and (delivery.operation in PROOFS or delivery.operation is Operation.SHOW):
        check_picture(turn, incident)


def _look_for_camera(turn: Turn, delivery: str) -> None:
    ended = turn.state.deliveries[delivery]
    if is_missing(turn, ended):
        lose_camera(turn, ended, f"{_named(ended)}: {ended.proof}")


# --- found off --------------------------------------------------------------------------------------


def hold_lost(turn: Turn) -> None:
    """Something we keep on was found off: switch it on again, and mark the new event in the VMS too."""
    event = turn.event
    resource = event.attributes["resource"]
    incident = turn.state.incidents.get(event.incident)
    if incident is None or not incident.live or not holds_now(turn, incident, resource):
        turn.because(Reason.LATE)
        return
    deliveries = turn.state.deliveries_of(incident.id)
    kept = [d for d in deliveries if d.resource == resource and d.operation in UNDO]
    if not kept or kept[-1].sharing is not Sharing.TOGETHER or _is_asked_since(turn, resource):
        turn.because(Reason.NOTED)
        return
    turn.because(Reason.REASSERTED)
    turn.note(incident.id, f"{turn.name_of(resource)} was found off: switched on again")
    ask_again(turn, incident, "reassert", [kept[-1], *_bookmark_at(turn, incident, kept[-1])])


def _is_asked_since(turn: Turn, resource: str) -> bool:
    """Whether any of the incidents that share it is about to switch it on, or has since it was found off."""
    return any(
        delivery.resource == resource
        and (not delivery.state.settled or delivery.created_at >= turn.event.occurred_at)
        for hold in turn.state.holds_on(resource)
        for delivery in turn.state.deliveries_of(hold.incident)
    )


def _bookmark_at(turn: Turn, incident: Incident, kept: Delivery) -> list[Delivery]:
    """The latest bookmark at the same target, if there is one."""
    marks = [
        delivery
        for delivery in turn.state.deliveries_of(incident.id)
        if delivery.operation is Operation.BOOKMARK
        and (delivery.driver, delivery.target) == (kept.driver, kept.target)
    ]
    return marks[-1:]


def _named(delivery: Delivery) -> str:
    what = delivery.params.get("camera") or delivery.params.get("console") or delivery.target
    return f"{delivery.driver} {delivery.operation.replace('_', ' ')} {what}"


def _float(text: str | None) -> float | None:
    return float(text) if text else None
