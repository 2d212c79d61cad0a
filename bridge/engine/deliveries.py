"""What a delivery's receipt, failure or loss means to its incident."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine import steps
from bridge.engine.effects import no_picture
from bridge.engine.state import Reason
from bridge.engine.turn import Turn
from bridge.model import Delivery, DeliveryState, Incident, Operation, Tier
from bridge.response import Action

RETRY = "retry"
"""The `state` of a settlement that is not the last word: another attempt follows."""


def settled(turn: Turn) -> None:
    """Write down how an attempt ended: a settled `DeliveryState`, or `retry`."""
    event = turn.event
    delivery = turn.state.deliveries.get(event.attributes["delivery"])
    if delivery is None:
        turn.because(Reason.ORPHAN)
    elif delivery.state.settled:
        _late(turn, delivery)
    elif event.attributes["state"] == RETRY:
        _retry(turn, delivery)
    else:
        _final(turn, delivery, DeliveryState(event.attributes["state"]))


def _late(turn: Turn, delivery: Delivery) -> None:
    turn.because(Reason.LATE)
    proof = turn.event.attributes.get("proof", "")
    turn.note(delivery.incident, f"{_named(delivery)}: {turn.event.attributes['state']} after all: {proof}")


def _retry(turn: Turn, delivery: Delivery) -> None:
    turn.because(Reason.RETRY)
    attributes = turn.event.attributes
    why = attributes.get("proof", "")
    if why != delivery.proof:  # a driver that stays down says the same for minutes: once is enough
        turn.note(delivery.incident, f"{_named(delivery)}: {why}; trying again")
    turn.put_delivery(
        replace(
            delivery,
            attempts=int(attributes["attempts"]),
            started_at=delivery.started_at or _float(attributes.get("started_at")),
            next_attempt_at=float(attributes["next_attempt_at"]),
            doubtful=delivery.doubtful or attributes.get("doubtful") == "yes",
            proof=why,
        )
    )


def _final(turn: Turn, delivery: Delivery, state: DeliveryState) -> None:
    turn.because(Reason.SETTLED)
    attributes = turn.event.attributes
    delivery = replace(
        delivery,
        state=state,
        attempts=int(attributes["attempts"]),
        started_at=delivery.started_at or _float(attributes.get("started_at")),
        settled_at=turn.event.occurred_at,
        next_attempt_at=None,
        proof=attributes.get("proof", ""),
        reference=attributes.get("reference", ""),
    )
    turn.put_delivery(delivery)
    millis = (turn.event.occurred_at - delivery.created_at) * 1000
    turn.note(delivery.incident, f"{_named(delivery)}: {state} after {millis:.0f} ms: {delivery.proof}")
    subject = f"driver/{delivery.driver}"
    if state.done:
        turn.clear_fault(subject, delivery.operation)
        return
    turn.open_fault(subject, delivery.operation, f"{_named(delivery)}: {state}: {delivery.proof}")
    incident = turn.state.incidents.get(delivery.incident)
    if incident is not None and _picture_is_lost(turn, incident, delivery):
        no_picture(turn, incident)


def _picture_is_lost(turn: Turn, incident: Incident, failed: Delivery) -> bool:
    return (
        failed.operation is Operation.SHOW
        and incident.tier is Tier.EMERGENCY
        and turn.has_timer(incident.id, "picture")
        and not steps.picture_possible(turn, incident)
    )


def hold_lost(turn: Turn) -> None:
    """Something we keep on was found off: switch it on again, and mark the new event in the VMS too."""
    event = turn.event
    incident = turn.state.incidents.get(event.incident)
    resource = event.attributes["resource"]
    if incident is None or not incident.live:
        turn.because(Reason.LATE)
        return
    turn.because(Reason.REASSERTED)
    turn.note(incident.id, f"{resource} was found off: switched on again")
    lost = [d for d in turn.state.deliveries_of(incident.id) if d.resource == resource]
    if not lost or not lost[-1].state.settled:
        return
    marks = [
        d
        for d in turn.state.deliveries_of(incident.id)
        if d.operation is Operation.BOOKMARK and (d.driver, d.target) == (lost[0].driver, lost[0].target)
    ]
    again = [_action_of(delivery) for delivery in (lost[0], *marks[:1])]
    steps.ask(turn, incident, f"reassert/{event.id[:8]}", again)


def _action_of(delivery: Delivery) -> Action:
    return Action(
        operation=delivery.operation,
        driver=delivery.driver,
        target=delivery.target,
        params=delivery.params,
        resource=delivery.resource,
        sharing=delivery.sharing,
    )


def _named(delivery: Delivery) -> str:
    what = delivery.params.get("camera") or delivery.target
    return f"{delivery.driver} {delivery.operation.replace('_', ' ')} {what}"


def _float(text: str | None) -> float | None:
    return float(text) if text else None
