"""An SOS that one acknowledgement does not silence: who counts, and how dispatch is rung for more people.

The first to acknowledge has the SOS, as everywhere. Dispatch goes on, tier after tier in a loop, until as
many different people have acknowledged as the site wants. Called by `fold`, `effects` and `timers`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bridge.engine.state import Reason
from bridge.engine.steps import ask_anew, rounds
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of
from bridge.model import Event, Incident, Operation, Tier
from bridge.response import Action, Step

TIMER: Final = "more_wanted"


def who_of(event: Event) -> str:
    """Return the name of the person; where nobody is named, of the source."""
    return event.attributes.get("by") or event.source


def how_of(event: Event) -> str:
    """Return by what they said it: `dtmf`, `click`, ..."""
    return event.attributes.get("how", event.via)


def people_wanted(turn: Turn, incident: Incident) -> int:
    """Return how many people must acknowledge it, by the tier that dispatch rang last."""
    numbers = turn.plan.acknowledgements
    if not numbers or incident.tier is not Tier.EMERGENCY or incident.exercise:
        return 1
    return numbers[min(_tier_rung(turn, incident), len(numbers)) - 1]


def _tier_rung(turn: Turn, incident: Incident) -> int:
    """Count by the clock, as the dialplan does: tier 2 at `escalate_2`, each further one a distance later.

    The reminder of an SOS that nobody has is set at `escalate_2`.
    """
    reminder = turn.state.timers.get((incident.id, "unresolved"))
    if reminder is None or turn.has_timer(incident.id, "escalate_2"):
        return 1
    since = turn.now - (reminder.due_at - turn.plan.times.unresolved)
    return 2 + int(since // _distance(turn))


def _distance(turn: Turn) -> float:
    """Seconds from one tier to the next."""
    return turn.plan.times.escalate_2 - turn.plan.times.escalate_1


def count(turn: Turn, incident: Incident) -> None:
    """Count who has just acknowledged; ring for more, or tell dispatch that enough have it."""
    who = who_of(turn.event)
    if not incident.wants_more or who in incident.acknowledgers:
        return
    counted = MappingProxyType({**incident.acknowledgers, who: how_of(turn.event)})
    incident = turn.put_incident(replace(incident, acknowledgers=counted))
    lacking = incident.people_wanted - len(counted)
    tally = f"{len(counted)} of {incident.people_wanted} acknowledgements: {', '.join(counted)}"
    if not incident.wants_more:
        turn.note(incident.id, f"{tally}; enough: dispatch need not ring any more")
        _silence(turn, incident)
        return
    turn.note(incident.id, f"{tally}; {'one more is' if lacking == 1 else f'{lacking} more are'} wanted")
    if len(counted) == 1:
        _ring(turn, incident)


def more_due(turn: Turn, incident: Incident) -> None:
    """Nobody else has acknowledged for a while: it is the next tier's turn."""
    turn.because(Reason.DISPATCHED)
    _ring(turn, incident)


def _ring(turn: Turn, incident: Incident) -> None:
    tier = rounds(turn, incident, Step.MORE_WANTED) % max(1, len(turn.plan.acknowledgements)) + 1
    actions = [_called(action, tier, incident) for action in actions_of(turn, incident, Step.MORE_WANTED)]
    if actions:
        ask_anew(turn, incident, Step.MORE_WANTED, actions)
        turn.set_timer(incident.id, TIMER, _distance(turn))
    else:
        turn.note(incident.id, "nobody is configured to be told that more are wanted")


def _called(action: Action, tier: int, incident: Incident) -> Action:
    """Say in a call to dispatch which tier is meant, and who need not be asked: a name a line."""
    if action.operation is not Operation.NOTIFY:
        return action
    told = {"ring_tier": str(tier), "acknowledgers": "\n".join(incident.acknowledgers)}
    return replace(action, params={**action.params, **told})


def _silence(turn: Turn, incident: Incident) -> None:
    """Tell dispatch once more that somebody has it: this time nobody else is wanted."""
    turn.clear_timers(incident.id, (TIMER,))
    for delivery in turn.state.deliveries_of(incident.id):
        if not delivery.state.settled and delivery.step.startswith(f"{Step.MORE_WANTED}/"):
            turn.supersede(delivery, "enough have acknowledged")
    told = actions_of(turn, incident, Step.ACKNOWLEDGED)
    ask_anew(
        turn,
        incident,
        Step.ACKNOWLEDGED,
        (action for action in told if action.operation is Operation.NOTIFY),
    )
