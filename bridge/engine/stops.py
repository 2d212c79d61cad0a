"""Taking back what an incident started, and passing on what it held. Called by `effects` and `timers`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from bridge.engine.holds import blockers, heirs_of, holds_alone
from bridge.engine.steps import KEPT, ask_anew, bear, next_label
from bridge.engine.turn import Turn
from bridge.model import UNDO, Delivery, DeliveryState, Hold, Incident, IncidentState, Operation, Tier
from bridge.response import Action, Step, actions_for


def _give_up(turn: Turn, holds: Iterable[Hold]) -> None:
    """Release the holds, and give each resource to those who waited for it."""
    holds = sorted(holds, key=lambda hold: hold.resource)
    for hold in holds:
        turn.drop_hold(hold)
    for hold in holds:
        _offer(turn, hold.resource)


def hand_over(turn: Turn, incident: Incident) -> None:
    """A cleared incident keeps in its post-roll only what no living one waits for."""
    for hold in sorted(turn.state.holds_of(incident.id), key=lambda hold: hold.resource):
        if hold.held:
            _offer(turn, hold.resource)


def _offer(turn: Turn, resource: str) -> None:
    for heir in heirs_of(turn, resource):
        _give_back(turn, heir)


def _give_back(turn: Turn, heir: Hold) -> None:
    """Repeat the heir's action on a resource it lost or waited for, if its incident still wants it."""
    incident = turn.state.incidents.get(heir.incident)
    if incident is None or not _still_wants(incident):
        return
    action = next(_actions_on(turn, incident, heir.resource), None)
    if action is None or blockers(turn, incident, action):
        return
    turn.note(incident.id, f"{heir.resource} is free again: given back")
    ask_anew(turn, incident, "give_back", [action])


def _actions_on(turn: Turn, incident: Incident, resource: str) -> Iterator[Action]:
    """What the incident does with the resource: as it opened first, then as in its other steps."""
    opening, other = Step.SOS, Step.OFF_HOOK
    if incident.tier is Tier.ROUTINE:
        opening, other = other, opening
    for step in (opening, *(step for step in Step if step not in (opening, other))):
        for action in actions_for(step, incident, turn.plan):
            if action.resource == resource and action.operation in KEPT:
                yield action


def _still_wants(incident: Incident) -> bool:
    """A routine incident whose last call is over is cleared: it gets nothing back."""
    return incident.live and incident.state is not IncidentState.CLEARING


# --- stopping ---------------------------------------------------------------------------------------


def stop_all(turn: Turn, incident: Incident) -> None:
    """Take back whatever may have been switched on, let go of every resource, and ask for nothing more.

    A bookmark is still made afterwards: it marks what was.
    """
    _switch_off(turn, incident, UNDO)
    for delivery in turn.state.deliveries_of(incident.id):
        if not delivery.state.settled and delivery.operation not in (*UNDO.values(), Operation.BOOKMARK):
            turn.supersede(delivery, "the incident is over")
    _give_up(turn, turn.state.holds_of(incident.id))


def stop(turn: Turn, incident: Incident, operations: Collection[Operation]) -> None:
    """Take back what `operations` may have switched on, and let go of what they held."""
    _switch_off(turn, incident, operations)
    resources = {
        delivery.resource
        for delivery in turn.state.deliveries_of(incident.id)
        if delivery.operation in operations
    }
    _give_up(turn, [hold for hold in turn.state.holds_of(incident.id) if hold.resource in resources])


def _switch_off(turn: Turn, incident: Incident, operations: Collection[Operation]) -> None:
    """Send the undo of each of `operations` that may be on.

    What is shared is switched off by the last to leave, whoever switched it on.
    """
    asked: dict[tuple[str, Operation, str], list[Delivery]] = {}
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation in operations:
            asked.setdefault((delivery.driver, delivery.operation, delivery.target), []).append(delivery)
    label = next_label(turn, incident, "stop")
    for earlier in asked.values():
        undo = _undo_of(earlier)
        needed = _is_ours_to_stop(turn, incident, earlier) and turn.plan.can(undo.driver, undo.operation)
        for delivery in earlier:
            if not delivery.state.settled:
                turn.supersede(delivery, "stopped before it was settled")
        if needed:
            bear(turn, incident, label, undo, turn.plan.times.deadline_stop)


def _undo_of(earlier: list[Delivery]) -> Action:
    """What takes back the latest of these; `reference` is what the other side last called it."""
    latest = earlier[-1]
    references = [delivery.reference for delivery in earlier if delivery.reference]
    return Action(
        operation=UNDO[latest.operation],
        driver=latest.driver,
        target=latest.target,
        params={**latest.params, "reference": references[-1] if references else ""},
        resource=latest.resource,
        sharing=latest.sharing,
    )


def _is_ours_to_stop(turn: Turn, incident: Incident, earlier: list[Delivery]) -> bool:
    if resource := earlier[-1].resource:
        return holds_alone(turn, incident, resource)
    return any(delivery.state is not DeliveryState.FAILED or delivery.doubtful for delivery in earlier)


def supersede_calls(turn: Turn, incident: Incident) -> None:
    """Calls to dispatch that still wait are not made: somebody has the incident, or it is told anew.

    The word that somebody has it is kept until the phone presses again: it is what silences the others.
    """
    cleared = incident.state is IncidentState.CLEARING
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation is not Operation.NOTIFY or delivery.state.settled:
            continue
        if not (cleared and delivery.step.startswith(f"{Step.ACKNOWLEDGED}/")):
            turn.supersede(delivery, "no longer called for")
