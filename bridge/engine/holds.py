"""Who gets a shared camera, screen or dispatcher: claims and preemption. Called by `steps`.

An SOS comes before routine, and whoever needs help before an exercise; see `Sharing` for who yields to whom.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.engine.occasions import is_event, occasion_at, occasion_of
from bridge.engine.turn import Turn
from bridge.model import UNDO, Delivery, Hold, Incident, IncidentState, Operation, Sharing, Tier
from bridge.response import Action, ptz

Weight = tuple[int, bool]
"""(tier, real): the greater has precedence."""

_RANK: Final = {Tier.ROUTINE: 0, Tier.EMERGENCY: 1}
_REAL_SOS: Final = (1, True)
_STOPS: Final = frozenset(UNDO.values())
_PTZ: Final = "ptz/"


def claim(turn: Turn, incident: Incident, action: Action) -> bool:
    """Hold the action's resource, taking it from who has to yield; False if the incident has to wait."""
    mine = turn.state.holds.get((action.resource, incident.id))
    stronger = blockers(turn, incident, action)
    turn.put_hold(
        Hold(
            resource=action.resource,
            incident=incident.id,
            tier=incident.tier,
            since=mine.since if mine else turn.now,
            held=not stronger,
        )
    )
    if stronger:
        turn.note(incident.id, _refusal(turn, incident, action, stronger[0]))
        return False
    for hold in _others(turn, incident, action.resource):
        if _yields(turn, hold, incident, action.sharing):
            _preempt(turn, hold, incident)
    _call_off_stops(turn, incident, action)
    return True


def _refusal(turn: Turn, incident: Incident, action: Action, holder: Hold) -> str:
    """Say who has it; where only who came first decided, how a person may decide otherwise."""
    used = f"{turn.name_of(action.resource)} is used by {_name(turn, holder)}"
    if not may_swap(turn, incident, holder, action.sharing):
        return f"{used}: not taken from it"
    camera = action.resource.removeprefix(_PTZ)
    return f"{used}: sosbridge incidents swap {incident.id[:8]} {camera} gives it to this one"


def may_swap(turn: Turn, incident: Incident, holder: Hold, sharing: Sharing) -> bool:
    """Whether a person may give the incident what `holder` has: never an SOS's to routine."""
    mine, theirs = _weight(incident.tier, incident), _weight_of(turn, holder)
    return sharing is Sharing.ALONE and mine >= theirs


def swap(turn: Turn, incident: Incident, holder: Hold, by: str) -> None:
    """Make `holder` wait for what it has, so that the incident may claim it."""
    turn.put_hold(replace(holder, held=False))
    to = f"{incident.tier} {incident.id[:8]} at {incident.location or incident.phone}"
    _lose(turn, holder, f"{by} gave {turn.name_of(holder.resource)} to the {to}")
    turn.note(incident.id, f"{by} gave it {turn.name_of(holder.resource)}, which {_name(turn, holder)} had")


def holder_beside(turn: Turn, incident: Incident, resource: str) -> Hold | None:
    """Return the hold of the other incident that has the resource."""
    return next(iter(_others(turn, incident, resource)), None)


def still_wants(incident: Incident | None) -> bool:
    """Whether the incident needs what it waits for: one whose last call is over is cleared."""
    return incident is not None and incident.live and incident.state is not IncidentState.CLEARING


def blockers(turn: Turn, incident: Incident, action: Action) -> list[Hold]:
    """Return the holds that keep the incident from having the action's resource."""
    return [
        hold
        for hold in _others(turn, incident, action.resource)
        if _keeps(turn, hold, incident, action.sharing)
    ]


def holds_now(turn: Turn, incident: Incident, resource: str) -> bool:
    """Whether the incident has the resource, rather than waiting for it or not wanting it."""
    hold = turn.state.holds.get((resource, incident.id))
    return hold is not None and hold.held


def begun_by_another(turn: Turn, incident: Incident, begun: Action | Delivery) -> bool:
    """Whether another incident has what this one began: for an event, one with the same words."""
    mine = occasion_of(begun.operation, begun.params)
    return any(
        not is_event(begun.operation)
        or occasion_at(turn.state.incidents.get(hold.incident), hold.tier) == mine
        for hold in _others(turn, incident, begun.resource)
    )


def heirs_of(turn: Turn, resource: str) -> list[Hold]:
    """Return who waits for the resource: the greatest weight first, then who came first."""
    waiting = [hold for hold in turn.state.holds_on(resource) if not hold.held]
    return sorted(waiting, key=lambda hold: _weight_of(turn, hold), reverse=True)


def _others(turn: Turn, incident: Incident, resource: str) -> list[Hold]:
    """The holds that others have, not those who wait."""
    return [hold for hold in turn.state.holds_on(resource) if hold.held and hold.incident != incident.id]


def _keeps(turn: Turn, hold: Hold, incident: Incident, sharing: Sharing) -> bool:
    theirs, mine = _weight_of(turn, hold), _weight(incident.tier, incident)
    if _outranks(theirs, mine, sharing):
        return True
    first_come = sharing is Sharing.ALONE and not _outranks(mine, theirs, sharing)
    return first_come and not _is_clearing(turn, hold)


def _yields(turn: Turn, hold: Hold, incident: Incident, sharing: Sharing) -> bool:
    """Whether a hold that does not keep the incident off has to go."""
    if sharing is Sharing.ALONE:
        return True
    return _outranks(_weight(incident.tier, incident), _weight_of(turn, hold), sharing)


def _outranks(one: Weight, other: Weight, sharing: Sharing) -> bool:
    if sharing is Sharing.TOGETHER:  # there is room for all but an exercise beside a real SOS
        return one == _REAL_SOS and not other[1]
    return one > other


def _weight(tier: Tier, incident: Incident | None) -> Weight:
    return _RANK[tier], incident is None or not incident.exercise


def _weight_of(turn: Turn, hold: Hold) -> Weight:
    return _weight(hold.tier, turn.state.incidents.get(hold.incident))


def _is_clearing(turn: Turn, hold: Hold) -> bool:
    """A cleared incident in its post-roll does not keep a camera from a living one."""
    incident = turn.state.incidents.get(hold.incident)
    return incident is not None and incident.state is IncidentState.CLEARING


def _preempt(turn: Turn, loser: Hold, winner: Incident) -> None:
    turn.put_hold(replace(loser, held=False))
    by = f"{winner.tier} {winner.id[:8]} at {winner.location or winner.phone}"
    _lose(turn, loser, f"{turn.name_of(loser.resource)} was taken by the {by}")
    theirs = turn.state.incidents.get(loser.incident)
    if theirs is not None and theirs.exercise and _weight(winner.tier, winner) == _REAL_SOS:
        end_exercise(turn, theirs)


def _lose(turn: Turn, loser: Hold, why: str) -> None:
    """Tell the loser, and take back what it was about to do with the resource."""
    turn.note(loser.incident, why)
    for delivery in turn.state.unsettled_on(loser.resource):
        if delivery.incident == loser.incident:
            turn.supersede(delivery, why)


def end_exercise(turn: Turn, exercise: Incident) -> None:
    """A real SOS ends an exercise that is in its way: at once, as an event of its own."""
    if exercise.live and exercise.state is not IncidentState.CLEARING:
        turn.set_timer(exercise.id, "exercise_over", 0.0)


def _call_off_stops(turn: Turn, incident: Incident, action: Action) -> None:
    """A stop that is still to come, of an incident that is over, must not hit who has the resource now.

    Nor may a camera be sent home that this one looks through.
    """
    begun = occasion_of(action.operation, action.params)
    for delivery in turn.state.unsettled_on(action.resource):
        if delivery.operation in _STOPS and occasion_of(delivery.operation, delivery.params) == begun:
            turn.supersede(delivery, "needed again: not stopped")
    for delivery in turn.state.unsettled_on(ptz(action.params.get("camera", ""))):
        if delivery.operation is Operation.HOME and delivery.incident != incident.id:
            turn.supersede(delivery, "needed again: not sent home")


def _name(turn: Turn, hold: Hold) -> str:
    incident = turn.state.incidents.get(hold.incident)
    return f"{hold.tier} {hold.incident[:8]}" + (f" at {incident.location}" if incident else "")
