"""Who gets what an incident gives up: whoever waited, or whom a person names.

Called by `stops`, `effects` and `fold`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.engine.holds import blockers, heirs_of, holder_beside, may_swap, still_wants, swap
from bridge.engine.state import Reason
from bridge.engine.steps import KEPT, ask_anew
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of
from bridge.model import Hold, Incident, Sharing, Tier
from bridge.response import Action, Step


def give_up(turn: Turn, holds: Iterable[Hold]) -> None:
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
    if incident is None or not still_wants(incident):
        return
    action = next(_actions_on(turn, incident, heir.resource), None)
    if action is None or blockers(turn, incident, action):
        return
    turn.note(incident.id, f"{turn.name_of(heir.resource)} is free again: given back")
    ask_anew(turn, incident, "give_back", [action])


def give_to(turn: Turn, incident: Incident, resource: str, by: str) -> None:
    """Give the incident a camera that another one has, because the person `by` says so.

    The other one waits for it from now on, and gets it back like anybody who lost it. Nothing changes, and
    the story says why, where that cannot be.
    """
    holder = holder_beside(turn, incident, resource)
    action = next(_actions_on(turn, incident, resource), None)
    if why := _refusal(turn, incident, holder, action, by):
        turn.note(incident.id, f"{turn.name_of(resource)} is not swapped: {why}")
    elif holder is not None and action is not None:
        turn.because(Reason.SWAPPED)
        swap(turn, incident, holder, by)
        ask_anew(turn, incident, "swap", [action])


def _refusal(turn: Turn, incident: Incident, holder: Hold | None, action: Action | None, by: str) -> str:
    """Why the swap cannot be; empty where it can."""
    if not by:
        return "that takes a named person, and nobody is named"
    if action is None or not still_wants(incident):
        return "this incident has no use for it"
    if holder is None:
        return "nobody else has it"
    if action.sharing is not Sharing.ALONE:
        return "all who need it have it together"
    if not may_swap(turn, incident, holder, action.sharing):
        return f"it is not taken from an incident of the {holder.tier} tier"
    return ""


def _actions_on(turn: Turn, incident: Incident, resource: str) -> Iterator[Action]:
    """What the incident does with the resource: as it opened first, then as in its other steps."""
    opening, other = Step.SOS, Step.OFF_HOOK
    if incident.tier is Tier.ROUTINE:
        opening, other = other, opening
    for step in (opening, *(step for step in Step if step not in (opening, other, Step.TAMPER))):
        for action in actions_of(turn, incident, step):
            if action.resource == resource and action.operation in KEPT:
                yield action
