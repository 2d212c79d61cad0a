"""Taking back what an incident started, and ending what it began. Called by `effects`, `timers`, `fold`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from bridge.engine.holds import begun_by_another, holds_now
from bridge.engine.occasions import NEWS, is_event, occasion_of
from bridge.engine.passing_on import give_up
from bridge.engine.steps import KEPT, ask, asked_of, bear, next_label
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of, missing_at
from bridge.model import UNDO, Delivery, DeliveryState, Incident, IncidentState, Operation, Tier
from bridge.response import Action, Step, describe

_AFTERWARDS: Final = frozenset({*UNDO.values(), Operation.BOOKMARK, Operation.LOCK_EVIDENCE})
"""What goes on when the incident is over."""
_NOT_DONE: Final = frozenset({DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNCERTAIN})


def stop_all(turn: Turn, incident: Incident) -> None:
    """Take back whatever may have been switched on, end what was begun, and let go of every resource.

    A bookmark is still made afterwards, and evidence locked: they keep what was.
    """
    _switch_off(turn, incident, UNDO)
    for delivery in turn.state.deliveries_of(incident.id):
        if not delivery.state.settled and delivery.operation not in _AFTERWARDS:
            turn.supersede(delivery, "the incident is over")
    _close(turn, incident)
    give_up(turn, turn.state.holds_of(incident.id))


def _close(turn: Turn, incident: Incident) -> None:
    """Ask for what ends the incident. Nothing is begun by it: nobody would be left to take it back."""
    actions = actions_of(turn, incident, Step.CLOSED)
    ends = [action for action in actions if action.operation not in KEPT]
    label = f"{Step.CLOSED}/{incident.pressed}"
    ask(turn, incident, label, ends, seconds=turn.plan.times.deadline_stop)


def stop(turn: Turn, incident: Incident, operations: Collection[Operation]) -> None:
    """Take back what `operations` may have switched on, and let go of what they held."""
    _switch_off(turn, incident, operations)
    resources = {
        delivery.resource
        for delivery in turn.state.deliveries_of(incident.id)
        if delivery.operation in operations
    }
    give_up(turn, [hold for hold in turn.state.holds_of(incident.id) if hold.resource in resources])


def stop_again(turn: Turn, incident: Incident) -> int:
    """Switch off once more what a closed incident left on; return how many deliveries that took.

    That is what may have been on and whose last undo failed, ended in doubt, or was not done in time, unless
    a living incident has the resource. An undo that was called off is its rival's to ask for.
    """
    labels, undone = _labels(turn, incident), 0
    for earlier in _by_target(turn, incident, UNDO):
        undo = _undo_of(turn, incident, earlier)
        last = _last_of(turn, incident, undo)
        if last is None or not _is_in_vain(last, turn.now) or not _may_be_on(earlier):
            continue
        if undo.resource and begun_by_another(turn, incident, undo):
            turn.note(
                incident.id, f"{turn.name_of(undo.resource)} is left on: another incident has it by now"
            )
        elif turn.plan.can(undo.driver, undo.operation):
            if not last.state.settled:
                turn.supersede(last, "not done before its deadline: asked for anew")
            bear(turn, incident, labels[_began_as(incident, undo)], undo, turn.plan.times.deadline_stop)
            undone += 1
    return undone


def _may_be_on(earlier: list[Delivery]) -> bool:
    """Whether any of these was done, or may have been; of what was shared, another's may have been."""
    return bool(earlier[-1].resource) or any(
        delivery.doubtful
        or delivery.state.done
        or delivery.state is DeliveryState.UNCERTAIN
        or (delivery.state is DeliveryState.SUPERSEDED and bool(delivery.attempts or delivery.leased_by))
        for delivery in earlier
    )


def _last_of(turn: Turn, incident: Incident, action: Action) -> Delivery | None:
    """The incident's last delivery of just this."""
    wanted = (action.driver, action.operation, action.target)
    about = occasion_of(action.operation, action.params)
    asked = [
        delivery
        for delivery in turn.state.deliveries_of(incident.id)
        if (delivery.driver, delivery.operation, delivery.target) == wanted
        and occasion_of(delivery.operation, delivery.params) == about
    ]
    return asked[-1] if asked else None


def _is_in_vain(undo: Delivery, now: float) -> bool:
    """Whether the undo ended and did not do it, or will end so because its time is up."""
    return undo.state in _NOT_DONE or (not undo.state.settled and undo.deadline <= now)


def stay(turn: Turn, incident: Incident) -> None:
    """The incident goes on: a camera that was about to be sent home stays."""
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation is Operation.HOME and not delivery.state.settled:
            turn.supersede(delivery, "needed again: not sent home")


def _switch_off(turn: Turn, incident: Incident, operations: Collection[Operation]) -> None:
    """Send the undo of each of `operations` that may be on.

    What is shared is switched off by the last to leave, whoever switched it on.
    """
    labels = _labels(turn, incident)
    for earlier in _by_target(turn, incident, operations):
        undo = _undo_of(turn, incident, earlier)
        needed = _is_ours_to_stop(turn, incident, earlier) and turn.plan.can(undo.driver, undo.operation)
        for delivery in earlier:
            if not delivery.state.settled:
                turn.supersede(delivery, "stopped before it was settled")
        if needed:
            bear(turn, incident, labels[_began_as(incident, undo)], undo, turn.plan.times.deadline_stop)


def _labels(turn: Turn, incident: Incident) -> Mapping[str, str]:
    """One target may need two stops: of the event of a routine call, and of that of the SOS it became."""
    names = {tier: "stop" if tier is incident.tier else f"stop_{tier}" for tier in Tier}
    return {tier.value: next_label(turn, incident, name) for tier, name in names.items()}


def _began_as(incident: Incident, undo: Action) -> str:
    return undo.params["tier"] if is_event(undo.operation) else incident.tier.value


def _by_target(turn: Turn, incident: Incident, operations: Collection[Operation]) -> list[list[Delivery]]:
    """The incident's deliveries of `operations`, together what asked a driver for the same at one target."""
    asked: dict[tuple[object, ...], list[Delivery]] = {}
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation in operations:
            about = occasion_of(delivery.operation, delivery.params)
            same = (delivery.driver, delivery.operation, delivery.target, about)
            asked.setdefault(same, []).append(delivery)
    return list(asked.values())


def _undo_of(turn: Turn, incident: Incident, earlier: list[Delivery]) -> Action:
    """What takes back the latest of these, in the words of now: an alarm is closed with who and why.

    `reference` is what the other side last called it.
    """
    latest = earlier[-1]
    now = describe(incident, turn.plan, missing_at(turn, incident))
    if is_event(latest.operation):
        now = {word: now[word] for word in NEWS}
    references = [delivery.reference for delivery in earlier if delivery.reference]
    return Action(
        operation=UNDO[latest.operation],
        driver=latest.driver,
        target=latest.target,
        params={
            **asked_of(latest),
            **now,
            "reference": references[-1] if references else "",
        },
        resource=latest.resource,
        sharing=latest.sharing,
    )


def _is_ours_to_stop(turn: Turn, incident: Incident, earlier: list[Delivery]) -> bool:
    if resource := earlier[-1].resource:
        return holds_now(turn, incident, resource) and not begun_by_another(turn, incident, earlier[-1])
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
