"""What a step of an incident sets in motion: deliveries, and the claims on what they need.

Called by `effects`, `timers`, `deliveries`, `cameras` and `stops`; reads the response table through `wanted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from bridge.engine.holds import blockers, claim, holds_now
from bridge.engine.pictures import FOUND, picture_of
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of
from bridge.model import (
    NOTHING,
    UNDO,
    Delivery,
    DeliveryState,
    Incident,
    Operation,
    Sharing,
    Tier,
    derive_id,
)
from bridge.response import Action, Step

KEPT: Final = frozenset({*UNDO, Operation.RECALL_PRESET})
"""What an incident has for as long as it lives, and gets again if it lost it. A call to dispatch is over
when it is over."""


def take(turn: Turn, incident: Incident, step: Step) -> None:
    """Ask for every action of `step`. Taking the same step of the same press twice asks for nothing."""
    ask(turn, incident, f"{step}/{incident.pressed}", actions_of(turn, incident, step))


def take_anew(turn: Turn, incident: Incident, step: Step) -> None:
    """Ask for every action of `step`, each time it is taken."""
    ask_anew(turn, incident, step, actions_of(turn, incident, step))


def begin_routine(turn: Turn, incident: Incident) -> None:
    """Ask for what answers a routine call; what still is on since the last one stays on."""
    actions = actions_of(turn, incident, Step.OFF_HOOK)
    ask_anew(
        turn, incident, Step.OFF_HOOK, (action for action in actions if not _has(turn, incident, action))
    )


def restore(turn: Turn, incident: Incident) -> None:
    """Take again what the incident lost to others or had to give up, where that is free now."""
    free = (
        action
        for action in actions_of(turn, incident, Step.SOS)
        if action.resource
        and action.operation in KEPT
        and not _has(turn, incident, action)
        and not blockers(turn, incident, action)
    )
    ask_anew(turn, incident, "restore", free)


def _has(turn: Turn, incident: Incident, action: Action) -> bool:
    """Whether the incident has what the action asks for: a camera that it sent home looks elsewhere."""
    mine = [row for row in turn.state.deliveries_of(incident.id) if row.resource == action.resource]
    sent_home = bool(mine) and mine[-1].operation is Operation.HOME
    return holds_now(turn, incident, action.resource) and not sent_home


def ask_again(turn: Turn, incident: Incident, name: str, deliveries: Iterable[Delivery]) -> None:
    """Ask once more for what these deliveries asked for."""
    ask_anew(turn, incident, name, (action_of(delivery) for delivery in deliveries))


def ask_anew(turn: Turn, incident: Incident, name: str, actions: Iterable[Action]) -> None:
    if wanted := list(actions):
        ask(turn, incident, next_label(turn, incident, name), wanted)


def next_label(turn: Turn, incident: Incident, name: str) -> str:
    """Return the label of a step that may come several times in a press: `name/1`, `name/1-2`, ..."""
    first, earlier = f"{name}/{incident.pressed}", rounds(turn, incident, name)
    return f"{first}-{earlier + 1}" if earlier else first


def rounds(turn: Turn, incident: Incident, name: str) -> int:
    """Return how often the step was taken in this press."""
    first = f"{name}/{incident.pressed}"
    steps = {delivery.step for delivery in turn.state.deliveries_of(incident.id)}
    return sum(step == first or step.startswith(f"{first}-") for step in steps)


def ask(
    turn: Turn, incident: Incident, label: str, actions: Iterable[Action], seconds: float | None = None
) -> None:
    """Give birth to a delivery for each action whose resource the incident gets.

    label: names the step within the incident; with driver, operation and target it makes the id.
    seconds: within which it is to be done; None for as long as the incident's tier has.
    """
    for action in actions:
        if id_of(incident, label, action) in turn.state.deliveries:
            continue
        if action.resource and not claim(turn, incident, action):
            continue
        _replace_earlier(turn, incident, label, action)
        bear(turn, incident, label, action, _deadline(turn, incident) if seconds is None else seconds)


def id_of(incident: Incident, label: str, action: Action) -> str:
    """Return the id of the delivery that this action is, or would be, in the step `label`."""
    return derive_id("delivery", incident.id, label, action.driver, action.operation, action.target)


def bear(
    turn: Turn,
    incident: Incident,
    label: str,
    action: Action,
    seconds: float,
    *,
    tier: Tier | None = None,
) -> None:
    """Put the delivery, to be done within `seconds`. tier: its urgency, where that is not the incident's."""
    earlier = turn.state.deliveries_of(incident.id)
    turn.put_delivery(
        Delivery(
            id=id_of(incident, label, action),
            incident=incident.id,
            step=label,
            driver=action.driver,
            operation=action.operation,
            target=action.target,
            params={**action.params, **_whom_to_call(turn, incident, action)},
            tier=tier or incident.tier,
            order=earlier[-1].order + 1 if earlier else 0,
            resource=action.resource,
            sharing=action.sharing,
            state=DeliveryState.PENDING,
            created_at=turn.now,
            deadline=turn.now + seconds,
        )
    )


def _whom_to_call(turn: Turn, incident: Incident, action: Action) -> Mapping[str, str]:
    """What dispatch has to be told besides: whether there is a picture, and which call to pick up.

    `call_key` and `endpoint` name the phone's newest call, the living ones first; `caller` is its number.
    `more`: somebody has it, and more people are wanted. Of a call of the past no picture is spoken of.
    """
    if action.operation is not Operation.NOTIFY:
        return NOTHING
    facts = {} if "missed" in action.params else {"picture": picture_of(turn, incident).spoken}
    calls = turn.state.live_calls(incident.id) or turn.state.calls_of(incident.id)
    if calls:
        call = calls[-1]
        facts |= {"call_key": call.key, "endpoint": call.endpoint, "caller": call.caller}
    if incident.wants_more:
        facts["more"] = "yes"
    return facts


def _deadline(turn: Turn, incident: Incident) -> float:
    times = turn.plan.times
    return times.deadline_emergency if incident.tier is Tier.EMERGENCY else times.deadline_routine


def _replace_earlier(turn: Turn, incident: Incident, label: str, action: Action) -> None:
    """Take back what this incident's earlier steps asked for, where only the last word counts.

    A delivery that waits for its next attempt would else come after this one and undo it.
    """
    for delivery in turn.state.deliveries_of(incident.id):
        earlier = delivery.step != label and not delivery.state.settled
        if earlier and _says_the_same(delivery, label, action):
            turn.supersede(delivery, "asked for anew")


def _says_the_same(delivery: Delivery, label: str, action: Action) -> bool:
    if action.resource and action.sharing is not Sharing.TOGETHER:
        return delivery.resource == action.resource
    if (delivery.driver, delivery.operation, delivery.target) != (
        action.driver,
        action.operation,
        action.target,
    ):
        return False
    if action.operation is Operation.NOTIFY:  # other steps may ring other people of the group
        return delivery.step.partition("/")[0] == label.partition("/")[0]
    return action.operation is Operation.UPDATE_POPUP


def asked_of(delivery: Delivery) -> Mapping[str, str]:
    """Return the params as they were asked for, without what was found out since."""
    return {name: text for name, text in delivery.params.items() if name != FOUND}


def action_of(delivery: Delivery) -> Action:
    """Return what the delivery was asked to do."""
    return Action(
        operation=delivery.operation,
        driver=delivery.driver,
        target=delivery.target,
        params=asked_of(delivery),
        resource=delivery.resource,
        sharing=delivery.sharing,
    )
