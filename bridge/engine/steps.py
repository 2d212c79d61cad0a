"""What a step of an incident sets in motion: deliveries, the holds they need, and the stops.

Called by `effects` and `fold`; reads the response table through `response.actions_for`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bridge.engine.turn import Turn
from bridge.model import (
    NOTHING,
    UNDO,
    Delivery,
    DeliveryState,
    Hold,
    Incident,
    IncidentState,
    Operation,
    Sharing,
    Tier,
    derive_id,
)
from bridge.response import Action, Step, actions_for

RANK = {Tier.ROUTINE: 0, Tier.EMERGENCY: 1}


def take(turn: Turn, incident: Incident, step: Step, extra: Mapping[str, str] = NOTHING) -> None:
    """Ask for every action of `step`. Taking the same step of the same press twice asks for nothing."""
    ask(turn, incident, f"{step}/{incident.pressed}", actions_for(step, incident, turn.plan), extra)


def ask(
    turn: Turn,
    incident: Incident,
    label: str,
    actions: Iterable[Action],
    extra: Mapping[str, str] = NOTHING,
) -> None:
    """Give birth to a delivery for each action whose resource the incident gets.

    label: names the step within the incident; with driver, operation and target it makes the id.
    """
    order = len(turn.state.deliveries_of(incident.id))
    for action in actions:
        delivery_id = derive_id(
            "delivery", incident.id, label, action.driver, action.operation, action.target
        )
        if delivery_id in turn.state.deliveries or not _claim(turn, incident, action):
            continue
        turn.put_delivery(
            Delivery(
                id=delivery_id,
                incident=incident.id,
                step=label,
                driver=action.driver,
                operation=action.operation,
                target=action.target,
                params={**action.params, **extra},
                tier=incident.tier,
                order=order,
                resource=action.resource,
                sharing=action.sharing,
                state=DeliveryState.PENDING,
                created_at=turn.now,
                deadline=turn.now + _deadline(turn, incident),
            )
        )
        order += 1


def _deadline(turn: Turn, incident: Incident) -> float:
    times = turn.plan.times
    return times.deadline_emergency if incident.tier is Tier.EMERGENCY else times.deadline_routine


# --- holds ------------------------------------------------------------------------------------------


def _claim(turn: Turn, incident: Incident, action: Action) -> bool:
    """Hold the action's resource, taking it from lower tiers; False if the incident has to wait for it."""
    if not action.resource:
        return True
    mine = turn.state.holds.get((action.resource, incident.id))
    others = [hold for hold in turn.state.holds_on(action.resource) if hold.incident != incident.id]
    blockers = [hold for hold in others if hold.held and _blocks(hold, incident.tier, action.sharing)]
    turn.put_hold(
        Hold(
            resource=action.resource,
            incident=incident.id,
            tier=incident.tier,
            since=mine.since if mine else turn.now,
            held=not blockers,
        )
    )
    if blockers:
        turn.note(incident.id, f"{action.resource} is used by {_name(turn, blockers[0])}: not taken from it")
        return False
    if action.sharing is not Sharing.TOGETHER:
        for loser in others:
            if loser.held and RANK[loser.tier] < RANK[incident.tier]:
                _preempt(turn, loser, incident)
    return True


def _blocks(hold: Hold, tier: Tier, sharing: Sharing) -> bool:
    match sharing:
        case Sharing.TOGETHER:
            return False
        case Sharing.BY_TIER:
            return RANK[hold.tier] > RANK[tier]
        case Sharing.ALONE:
            return RANK[hold.tier] >= RANK[tier]


def _preempt(turn: Turn, loser: Hold, winner: Incident) -> None:
    turn.put_hold(replace(loser, held=False))
    by = f"{winner.tier} {winner.id[:8]} at {winner.location or winner.phone}"
    why = f"{loser.resource} was taken by the {by}"
    turn.note(loser.incident, why)
    for delivery in turn.state.deliveries_of(loser.incident):
        if delivery.resource == loser.resource and not delivery.state.settled:
            supersede(turn, delivery, why)


def _name(turn: Turn, hold: Hold) -> str:
    incident = turn.state.incidents.get(hold.incident)
    return f"{hold.tier} {hold.incident[:8]}" + (f" at {incident.location}" if incident else "")


def _give_up(turn: Turn, hold: Hold) -> None:
    """Release a hold and give the resource to those who waited for it."""
    turn.drop_hold(hold)
    left = turn.state.holds_on(hold.resource)
    if not left or any(other.held for other in left):
        return
    top = max(RANK[other.tier] for other in left)
    for heir in left:
        if RANK[heir.tier] == top and _give_back(turn, heir):
            break


def _give_back(turn: Turn, heir: Hold) -> bool:
    """Repeat the heir's action on a resource it lost or waited for, if its incident still wants it."""
    incident = turn.state.incidents.get(heir.incident)
    if incident is None or not _still_wants(turn, incident):
        return False
    action = next(
        (
            action
            for step in Step
            for action in actions_for(step, incident, turn.plan)
            if action.resource == heir.resource and action.operation is not Operation.HOME
        ),
        None,
    )
    if action is None:
        return False
    turn.note(incident.id, f"{heir.resource} is free again: given back")
    ask(turn, incident, f"give_back/{turn.event.id[:8]}", [action])
    return True


def _still_wants(turn: Turn, incident: Incident) -> bool:
    if not incident.live or incident.state is IncidentState.CLEARING:
        return False
    return incident.tier is Tier.EMERGENCY or bool(turn.state.live_calls(incident.id))


# --- stopping ---------------------------------------------------------------------------------------


def supersede(turn: Turn, delivery: Delivery, why: str) -> None:
    turn.put_delivery(
        replace(
            delivery, state=DeliveryState.SUPERSEDED, settled_at=turn.now, proof=why, next_attempt_at=None
        )
    )


def stop_all(turn: Turn, incident: Incident) -> None:
    """Take back whatever may have been switched on, and let go of every resource."""
    stop(turn, incident, UNDO)
    for hold in [hold for hold in turn.state.holds.values() if hold.incident == incident.id]:
        _give_up(turn, hold)


def stop(turn: Turn, incident: Incident, operations: Iterable[Operation]) -> None:
    """Send the undo of each of `operations` that may be on, unless another incident still needs it."""
    wanted = frozenset(operations)
    undos: dict[tuple[str, Operation, str], Action] = {}
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation not in wanted or delivery.operation not in UNDO:
            continue
        may_be_on = delivery.state not in (DeliveryState.FAILED, DeliveryState.SUPERSEDED)
        if not delivery.state.settled:
            supersede(turn, delivery, "stopped before it was settled")
        undo = UNDO[delivery.operation]
        if may_be_on and _ours_alone(turn, incident, delivery) and turn.plan.can(delivery.driver, undo):
            undos[delivery.driver, undo, delivery.target] = Action(
                operation=undo,
                driver=delivery.driver,
                target=delivery.target,
                params={**delivery.params, "reference": delivery.reference},
            )
    ask(turn, incident, f"stop/{incident.pressed}", undos.values())


def _ours_alone(turn: Turn, incident: Incident, delivery: Delivery) -> bool:
    """Whether no other incident uses what this delivery switched on."""
    if not delivery.resource:
        return True
    return not any(
        hold.held and hold.incident != incident.id for hold in turn.state.holds_on(delivery.resource)
    )


# --- pictures ---------------------------------------------------------------------------------------


def picture_confirmed(turn: Turn, incident: Incident) -> bool:
    """Whether one camera is proven live and a display action that shows it is verified."""
    deliveries = turn.state.deliveries_of(incident.id)
    live = {
        delivery.params.get("camera")
        for delivery in deliveries
        if delivery.operation is Operation.START_RECORDING and delivery.state is DeliveryState.VERIFIED
    }
    return any(
        delivery.operation is Operation.SHOW
        and delivery.state is DeliveryState.VERIFIED
        and live.intersection(delivery.params.get("views", "").split(","))
        for delivery in deliveries
    )


def picture_possible(turn: Turn, incident: Incident) -> bool:
    """Whether a display action may still be verified: not failed, at a driver in reach."""
    shows = [
        delivery for delivery in turn.state.deliveries_of(incident.id) if delivery.operation is Operation.SHOW
    ]
    return any(
        delivery.state is DeliveryState.VERIFIED
        or (not delivery.state.settled and (f"driver/{delivery.driver}", "link") not in turn.state.faults)
        for delivery in shows
    )
