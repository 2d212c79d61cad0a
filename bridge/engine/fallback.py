"""Who rings dispatch where its first driver cannot: asked once a step, and the story says why.

The first driver goes on trying until somebody has the incident: whom the fallback rings may not be there. So
both may ring in the end, as after an attempt in doubt. A duplicate is preferred to a miss, and it is told.

Called by `fold` after each event, and by `timers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bridge.engine.state import Reason
from bridge.engine.steps import action_of, ask, id_of
from bridge.engine.turn import Turn
from bridge.model import Delivery, DeliveryState, Incident, Operation
from bridge.response import Action, Fallback, Step, dispatch

TIMER: Final = "fallback"
AWAY: Final = ("link", "blind", "probe")
"""Kinds of fault that say that a PBX is not reached, or would not ring."""
SILENCING: Final = (Step.ACKNOWLEDGED, Step.CLEARED)
"""Steps in which dispatch is told to ring nobody any more."""
ALONE: Final = frozenset({*SILENCING, Step.MISSED})
"""Steps for which nobody stands in where the first driver cannot: what is over can wait for it."""
_NEARLY: Final = 0.001
"""Seconds; a timer may be due that much too early by the rounding of its time."""


def stand_in(turn: Turn) -> None:
    """Ask the fallback for what this decision shows the first driver cannot do, or may not do in time."""
    for delivery in list(turn.decision.deliveries.values()):
        if fallback := _fallback_of(turn, delivery):
            if _rings(delivery):
                _see_to(turn, delivery, fallback)
                _stop_waiting(turn, delivery.incident)
            elif _is_new(delivery) and _has_rung(turn, delivery.incident, fallback):
                _ask(turn, delivery, fallback)


def fallback_due(turn: Turn, incident: Incident) -> None:
    """The first driver had its time: see to every call that is still not started."""
    turn.because(Reason.DISPATCHED)
    for delivery in list(_calls(turn, incident.id)):
        fallback = _fallback_of(turn, delivery)
        if fallback and _rings(delivery) and not delivery.state.settled:
            _see_to(turn, delivery, fallback)


def _see_to(turn: Turn, first: Delivery, fallback: Fallback) -> None:
    second = turn.state.deliveries.get(_id_at(turn, first, fallback))
    if first.state.done:
        _is_rung(turn, first, second)
    elif second is not None:
        return
    elif why := _why(turn, first, fallback):
        again = ", perhaps a second time" if first.doubtful else ""
        text = f"{first.driver} does not ring {first.target} ({why}): {fallback.driver} does{again}"
        turn.note(first.incident, text)
        _ask(turn, first, fallback)
    elif not first.state.settled and not turn.has_timer(first.incident, TIMER):
        left = first.created_at + turn.plan.times.fallback - turn.now
        if left > _NEARLY:
            turn.set_timer(first.incident, TIMER, left)


def _stop_waiting(turn: Turn, incident: str) -> None:
    """Clear the timer once every call is started, or is nobody's any more."""
    waited = (call for call in _calls(turn, incident) if not call.state.settled and _rings(call))
    if not any(_fallback_of(turn, call) for call in waited):
        turn.clear_timers(incident, (TIMER,))


def _is_rung(turn: Turn, first: Delivery, second: Delivery | None) -> None:
    """The first driver rings after all."""
    if second is None:
        return
    if not second.state.settled:
        turn.supersede(second, f"{first.driver} rings after all")
    elif second.state.done:
        text = f"{first.driver} rings {first.target} after all, beside {second.driver}"
        turn.note(first.incident, f"{text}: some may be called twice")


def _why(turn: Turn, first: Delivery, fallback: Fallback) -> str:
    """Say why the first driver is not relied upon for this; empty as long as it is."""
    if first.state.settled:
        return "" if first.state is DeliveryState.SUPERSEDED else f"{first.state}: {first.proof}"
    if down := turn.state.faults.get((f"driver/{first.driver}", "link")):
        return f"its link is down: {down.text}"
    if turn.now < first.created_at + turn.plan.times.fallback - _NEARLY:
        return ""
    return first.proof if first.next_attempt_at is not None else _away(turn, first.driver, fallback)


def what_is_away(turn: Turn) -> str:
    """Say why no PBX rings dispatch; empty as long as one may."""
    drivers = dict.fromkeys(rule.driver for rule in turn.plan.rules if rule.operation is Operation.NOTIFY)
    found = (_away(turn, driver, turn.plan.fallbacks.get(driver)) for driver in drivers)
    return next(filter(None, found), "")


def _away(turn: Turn, driver: str, fallback: Fallback | None) -> str:
    for subject in (f"driver/{driver}", *(fallback.links if fallback else ())):
        for what in AWAY:
            if fault := turn.state.faults.get((subject, what)):
                return f"{subject}: {fault.text}"
    return ""


def _ask(turn: Turn, first: Delivery, fallback: Fallback) -> None:
    incident = turn.state.incidents[first.incident]
    ask(turn, incident, first.step, [_action_at(first, fallback)])


def _id_at(turn: Turn, first: Delivery, fallback: Fallback) -> str:
    return id_of(turn.state.incidents[first.incident], first.step, _action_at(first, fallback))


def _action_at(first: Delivery, fallback: Fallback) -> Action:
    """What the first driver was asked for, as the fallback is."""
    resource = dispatch(fallback.driver, first.target)
    return replace(action_of(first), driver=fallback.driver, resource=resource)


def _fallback_of(turn: Turn, delivery: Delivery) -> Fallback | None:
    if delivery.operation is not Operation.NOTIFY or delivery.step.partition("/")[0] == Step.MISSED:
        return None
    return turn.plan.fallbacks.get(delivery.driver)


def _rings(delivery: Delivery) -> bool:
    return delivery.step.partition("/")[0] not in SILENCING


def _is_new(delivery: Delivery) -> bool:
    """Whether it is asked for just now. A word that is tried again must not silence what has rung since."""
    return not delivery.state.settled and not delivery.attempts


def _has_rung(turn: Turn, incident: str, fallback: Fallback) -> bool:
    return any(call.driver == fallback.driver and _rings(call) for call in _calls(turn, incident))


def _calls(turn: Turn, incident: str) -> Iterator[Delivery]:
    """The incident's calls to dispatch, by whomever."""
    for delivery in turn.state.deliveries_of(incident):
        if delivery.operation is Operation.NOTIFY:
            yield delivery
