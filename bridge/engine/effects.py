"""What each effect of the transition table does. Called by `calls`, `fold`, `timers` and `deliveries`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bridge.calls import UNANSWERED
from bridge.engine import more, passing_on, steps, stops
from bridge.engine.needs import ENDED_BY_HAND, subjects_of_calls
from bridge.engine.pictures import Picture, picture_of
from bridge.engine.table import TRANSITIONS, Effect, Signal
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of
from bridge.model import Incident, IncidentState, Operation, Tier
from bridge.response import OF_THE_PAST, Action, Step

ESCALATION: Final = ("escalate_1", "escalate_2")
SUSPENSION: Final = ("console_settle", "console_click")
CALLING_TIMERS: Final = frozenset(
    {"picture", *ESCALATION, *SUSPENSION, "hangup_dispatch", "fallback", "unresolved", more.TIMER}
)
"""Everything that calls for attention; stopped when somebody has the incident."""
OWED: Final = "missed"
"""What `Kind.MISSED` says of a call of which dispatch has to be told; of others: look into it."""
STILL_TOLD: Final = 24 * 3600.0
"""Seconds for which a missed SOS is told."""


def apply_signal(turn: Turn, incident: Incident, signal: Signal, text: str, *, new: bool = False) -> Incident:
    """Move the incident by the transition table, tell its story, and carry out the row's effects in order.

    What comes for a closed incident is told and changes nothing.
    """
    row = TRANSITIONS[None if new else incident.state, signal]
    turn.because(row.reason)
    if incident.live:
        incident = turn.put_incident(replace(incident, state=row.to))
    turn.note(incident.id, text)
    for effect in row.effects:
        EFFECTS[effect](turn, turn.state.incidents[incident.id])
    return turn.state.incidents[incident.id]


def clear(turn: Turn, incident: Incident, signal: Signal, by: str, reason: str) -> Incident:
    """Clear the incident by `signal`, keeping who and why of the first time."""
    if not incident.live or incident.state is IncidentState.CLEARING:
        return apply_signal(turn, incident, signal, f"{reason}: it was cleared already")
    if turn.event.kind in ENDED_BY_HAND:
        for subject in subjects_of_calls(incident, turn.state):
            turn.clear_fault(subject, UNANSWERED)
    incident = replace(incident, clearing_at=turn.event.occurred_at, closed_by=by, close_reason=reason)
    return apply_signal(turn, incident, signal, f"cleared: {reason}")


# --- starting and telling ---------------------------------------------------------------------------


def _start_sos(turn: Turn, incident: Incident) -> None:
    steps.take(turn, incident, Step.SOS)
    _limit_recording(turn, incident)


def _start_routine(turn: Turn, incident: Incident) -> None:
    steps.begin_routine(turn, incident)
    _limit_recording(turn, incident)


def _restore(turn: Turn, incident: Incident) -> None:
    steps.restore(turn, incident)
    _limit_recording(turn, incident)


def _limit_recording(turn: Turn, incident: Incident) -> None:
    """Forced recording may go on for `recording_cap` from now."""
    times = turn.plan.times
    turn.set_timer(incident.id, "recording_warning", times.recording_cap - times.recording_warning)
    turn.set_timer(incident.id, "recording_cap", times.recording_cap)
    turn.clear_fault(f"incident/{incident.id}", "recording_cap")


def _tell(step: Step) -> Callable[[Turn, Incident], None]:
    def effect(turn: Turn, incident: Incident) -> None:
        steps.take(turn, incident, step)

    return effect


def _tell_cleared(turn: Turn, incident: Incident) -> None:
    """Dispatch hears of it where it may be rung still: the hangup that clears has ended its ringing too, but
    for that of further people. An exercise is ended by a real SOS, which needs the dispatchers."""
    may_ring = turn.event.kind in ENDED_BY_HAND or incident.wants_more or incident.exercise
    actions = actions_of(turn, incident, Step.CLEARED)
    # The word rings nobody, so it needs no dispatcher, whom the real SOS has by now.
    told = (
        replace(action, resource="") if incident.exercise and action.operation is Operation.NOTIFY else action
        for action in actions
        if may_ring or action.operation is not Operation.NOTIFY
    )
    steps.ask_anew(turn, incident, Step.CLEARED, told)


# --- attention --------------------------------------------------------------------------------------


def _escalation(turn: Turn, incident: Incident) -> None:
    times = turn.plan.times
    turn.set_timer(incident.id, "escalate_1", times.escalate_1)
    turn.set_timer(incident.id, "escalate_2", times.escalate_2)
    if picture_of(turn, incident) >= Picture.AWAITED:
        turn.set_timer(incident.id, "picture", times.picture)
    else:
        no_picture(turn, incident)


def _calm(turn: Turn, incident: Incident) -> None:
    turn.clear_timers(incident.id, CALLING_TIMERS)
    stops.supersede_calls(turn, incident)


def remind(turn: Turn, incident: Incident) -> None:
    """Alert again later. A routine call needs nobody to resolve it."""
    if incident.tier is Tier.EMERGENCY:
        turn.set_timer(incident.id, "unresolved", turn.plan.times.unresolved)


def _watch_dispatch(turn: Turn, incident: Incident) -> None:
    """The dialplan waits `redial_wait`, then rings; the bridge gives it `dispatch_grace` to say so."""
    times = turn.plan.times
    turn.set_timer(incident.id, "hangup_dispatch", times.redial_wait + times.dispatch_grace)


def _redialled(turn: Turn, incident: Incident) -> None:
    """The phone calls again by itself. Escalation under way goes on; one that is over starts afresh."""
    turn.clear_timers(incident.id, ("hangup_dispatch", *SUSPENSION))
    if not turn.has_timer(incident.id, *ESCALATION):
        _escalation(turn, incident)


def no_picture(turn: Turn, incident: Incident) -> None:
    """Tell dispatch in words, once per press, unless a picture is confirmed."""
    turn.clear_timers(incident.id, ("picture",))
    if picture_of(turn, incident) is Picture.CONFIRMED:
        return
    actions = list(actions_of(turn, incident, Step.NO_PICTURE))
    told = any(action.operation is Operation.NOTIFY for action in actions)
    turn.note(
        incident.id, f"no picture confirmed: {'dispatch is told' if told else 'no dispatch is configured'}"
    )
    news = [action for action in actions if not _is_told(turn, incident, action)]
    steps.ask(turn, incident, f"{Step.NO_PICTURE}/{incident.pressed}", news)


def _is_told(turn: Turn, incident: Incident, action: Action) -> bool:
    """Whether the same group is called about this very press already: nobody is called twice for it."""
    same_press = {f"{step}/{incident.pressed}" for step in (Step.SOS, Step.PRESSED_AGAIN)}
    fallback = turn.plan.fallbacks.get(action.driver)
    return action.operation is Operation.NOTIFY and any(
        delivery.operation is Operation.NOTIFY
        and delivery.target == action.target
        and delivery.driver in (action.driver, fallback and fallback.driver)
        and delivery.step in same_press
        and (delivery.state.done or not delivery.state.settled)
        for delivery in turn.state.deliveries_of(incident.id)
    )


def check_picture(turn: Turn, incident: Incident) -> None:
    """After bad news from a camera or display: tell dispatch at once if no picture can come any more."""
    if turn.has_timer(incident.id, "picture") and picture_of(turn, incident) < Picture.AWAITED:
        no_picture(turn, incident)


def suspend_on_console(turn: Turn, incident: Incident) -> None:
    """Start the wait that ends in suspended escalation, when the person is at a configured console."""
    on_console = turn.event.attributes.get("connected_to") in turn.plan.console_endpoints
    if on_console and incident.state is IncidentState.CONNECTED and incident.tier is Tier.EMERGENCY:
        turn.set_timer(incident.id, "console_settle", turn.plan.times.console_settle)


# --- the end ----------------------------------------------------------------------------------------


def post_roll(turn: Turn, incident: Incident) -> None:
    """Let what was started go on for a while."""
    times = turn.plan.times
    emergency = incident.tier is Tier.EMERGENCY
    seconds = times.post_roll_emergency if emergency else times.post_roll_routine
    turn.set_timer(incident.id, "post_roll", seconds)


def _beacons_off(turn: Turn, incident: Incident) -> None:
    stops.stop(turn, incident, (Operation.BEACON_ON,))


def _keep_on(turn: Turn, incident: Incident) -> None:
    turn.clear_timers(incident.id, ("post_roll",))
    stops.stay(turn, incident)
    turn.put_incident(replace(incident, clearing_at=None, closed_by="", close_reason=""))


def _stop_all(turn: Turn, incident: Incident) -> None:
    incident = turn.put_incident(replace(incident, closed_at=turn.event.occurred_at))
    turn.clear_timers(incident.id, turn.state.timers_of(incident.id))
    turn.clear_fault(f"incident/{incident.id}", "recording_cap")
    stops.stop_all(turn, incident)


# --- the past ---------------------------------------------------------------------------------------


def _tell_missed(turn: Turn, incident: Incident) -> None:
    """Bookmark what was, and have dispatch told where that is owed. Nothing is held or taken for it.

    The call to dispatch is tried until the SOS is `STILL_TOLD` old: then it is news no more.
    """
    [call] = turn.state.calls_of(incident.id)
    clock = turn.plan.local_time(incident.opened_at)[11:16]
    of_then = {"ended_ts": repr(call.ended_at), "missed": clock}
    is_owed = turn.event.attributes.get("owed") == OWED
    for action in actions_of(turn, incident, Step.MISSED):
        seconds = turn.plan.times.deadline_stop
        if action.operation is Operation.NOTIFY:
            seconds = incident.opened_at + STILL_TOLD - turn.now
        if action.operation not in OF_THE_PAST or seconds <= 0:
            continue
        if action.operation is not Operation.NOTIFY or is_owed:
            past = replace(action, params={**action.params, **of_then}, resource="")
            # An SOS of now goes before it, however many were missed.
            steps.bear(turn, incident, f"{Step.MISSED}/{incident.pressed}", past, seconds, tier=Tier.ROUTINE)


EFFECTS: Final[Mapping[Effect, Callable[[Turn, Incident], None]]] = MappingProxyType(
    {
        Effect.START_SOS: _start_sos,
        Effect.START_ROUTINE: _start_routine,
        Effect.START_TAMPER: _tell(Step.TAMPER),
        Effect.RESTORE: _restore,
        Effect.TELL_AGAIN: _tell(Step.PRESSED_AGAIN),
        Effect.TELL_CONNECTED: _tell(Step.CONNECTED),
        Effect.TELL_ACKNOWLEDGED: _tell(Step.ACKNOWLEDGED),
        Effect.TELL_CLEARED: _tell_cleared,
        Effect.ESCALATION: _escalation,
        Effect.CALM: _calm,
        Effect.REMIND: remind,
        Effect.COUNT: more.count,
        Effect.WATCH_DISPATCH: _watch_dispatch,
        Effect.REDIALLED: _redialled,
        Effect.HAND_OVER: passing_on.hand_over,
        Effect.BEACONS_OFF: _beacons_off,
        Effect.POST_ROLL: post_roll,
        Effect.KEEP_ON: _keep_on,
        Effect.STOP_ALL: _stop_all,
        Effect.TELL_MISSED: _tell_missed,
    }
)
