"""What each effect of the transition table does, and what each timer does when it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bridge.engine import steps
from bridge.engine.state import Reason
from bridge.engine.table import TRANSITIONS, Effect, Signal
from bridge.engine.turn import Turn
from bridge.model import Incident, IncidentState, Operation, Tier
from bridge.response import Step, actions_for

ESCALATION_TIMERS: Final = ("picture", "escalate_1", "escalate_2", "console_settle", "console_click")
CALLING_TIMERS: Final = (*ESCALATION_TIMERS, "hangup_dispatch", "unresolved")
"""Everything that calls for attention; stopped when somebody has the incident."""


def apply_signal(turn: Turn, incident: Incident, signal: Signal, text: str, *, new: bool = False) -> Incident:
    """Move the incident by the transition table, tell its story, and carry out the row's effects in order."""
    row = TRANSITIONS[None if new else incident.state, signal]
    turn.because(row.reason)
    incident = turn.put_incident(replace(incident, state=row.to))
    turn.note(incident.id, text)
    for effect in row.effects:
        EFFECTS[effect](turn, turn.state.incidents[incident.id])
    return turn.state.incidents[incident.id]


# --- effects ----------------------------------------------------------------------------------------


def _start(step: Step) -> Callable[[Turn, Incident], None]:
    def effect(turn: Turn, incident: Incident) -> None:
        steps.take(turn, incident, step)
        times = turn.plan.times
        turn.set_timer(incident.id, "recording_warning", times.recording_cap - times.recording_warning)
        turn.set_timer(incident.id, "recording_cap", times.recording_cap)

    return effect


def _tell(step: Step) -> Callable[[Turn, Incident], None]:
    def effect(turn: Turn, incident: Incident) -> None:
        steps.take(turn, incident, step)

    return effect


def _escalation(turn: Turn, incident: Incident) -> None:
    times = turn.plan.times
    turn.set_timer(incident.id, "escalate_1", times.escalate_1)
    turn.set_timer(incident.id, "escalate_2", times.escalate_2)
    if steps.picture_possible(turn, incident):
        turn.set_timer(incident.id, "picture", times.picture)
    else:
        no_picture(turn, incident)


def _calm(turn: Turn, incident: Incident) -> None:
    turn.clear_timers(incident.id, CALLING_TIMERS)


def _remind(turn: Turn, incident: Incident) -> None:
    turn.set_timer(incident.id, "unresolved", turn.plan.times.unresolved)


def _watch_dispatch(turn: Turn, incident: Incident) -> None:
    """The dialplan waits `redial_wait`, then rings; the bridge gives it `dispatch_grace` to say so."""
    times = turn.plan.times
    turn.set_timer(incident.id, "hangup_dispatch", times.redial_wait + times.dispatch_grace)


def _redialled(turn: Turn, incident: Incident) -> None:
    turn.clear_timers(incident.id, ("hangup_dispatch",))


def _post_roll(turn: Turn, incident: Incident) -> None:
    times = turn.plan.times
    emergency = incident.tier is Tier.EMERGENCY
    turn.set_timer(
        incident.id, "post_roll", times.post_roll_emergency if emergency else times.post_roll_routine
    )


def _keep_on(turn: Turn, incident: Incident) -> None:
    turn.clear_timers(incident.id, ("post_roll",))
    turn.put_incident(replace(incident, clearing_at=None, closed_by="", close_reason=""))


def _stop_all(turn: Turn, incident: Incident) -> None:
    turn.put_incident(replace(incident, closed_at=turn.event.occurred_at))
    turn.clear_timers(incident.id, [name for owner, name in list(turn.state.timers) if owner == incident.id])
    turn.clear_fault(f"incident/{incident.id}", "recording_cap")
    steps.stop_all(turn, incident)


EFFECTS: Final[Mapping[Effect, Callable[[Turn, Incident], None]]] = MappingProxyType(
    {
        Effect.START_SOS: _start(Step.SOS),
        Effect.START_ROUTINE: _start(Step.OFF_HOOK),
        Effect.TELL_AGAIN: _tell(Step.PRESSED_AGAIN),
        Effect.TELL_CONNECTED: _tell(Step.CONNECTED),
        Effect.TELL_ACKNOWLEDGED: _tell(Step.ACKNOWLEDGED),
        Effect.TELL_CLEARED: _tell(Step.CLEARED),
        Effect.ESCALATION: _escalation,
        Effect.CALM: _calm,
        Effect.REMIND: _remind,
        Effect.WATCH_DISPATCH: _watch_dispatch,
        Effect.REDIALLED: _redialled,
        Effect.POST_ROLL: _post_roll,
        Effect.KEEP_ON: _keep_on,
        Effect.STOP_ALL: _stop_all,
    }
)


# --- timers -----------------------------------------------------------------------------------------


def no_picture(turn: Turn, incident: Incident) -> None:
    """Tell dispatch in words, once per press, unless a picture is confirmed or a person has it."""
    turn.clear_timers(incident.id, ("picture",))
    if steps.picture_confirmed(turn, incident):
        return
    picture = "not confirmed" if steps.picture_possible(turn, incident) else "none"
    turn.note(incident.id, "no picture confirmed: dispatch is told")
    steps.take(turn, incident, Step.NO_PICTURE, {"picture": picture})


def _picture_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.NO_PICTURE)
    no_picture(turn, incident)


def _escalate(step: Step) -> Callable[[Turn, Incident], None]:
    def due(turn: Turn, incident: Incident) -> None:
        turn.because(Reason.ESCALATED)
        turn.note(incident.id, "not acknowledged: the next consoles are told")
        steps.take(turn, incident, step)

    return due


def _unresolved_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.REMINDED)
    turn.note(incident.id, f"acknowledged by {incident.acknowledged_by}, but still unresolved")
    label = f"{Step.UNRESOLVED}/{turn.event.id[:8]}"
    steps.ask(turn, incident, label, actions_for(Step.UNRESOLVED, incident, turn.plan))
    _remind(turn, incident)


def _console_settled(turn: Turn, incident: Incident) -> None:
    """A console has been talking for a while: hold escalation until a click or key must have come."""
    if not any(call.connected_at is not None for call in turn.state.live_calls(incident.id)):
        return
    turn.because(Reason.SUSPENDED)
    turn.clear_timers(incident.id, ESCALATION_TIMERS)
    turn.set_timer(incident.id, "console_click", turn.plan.times.console_click)
    turn.note(incident.id, f"{incident.connected_to} is talking to the phone: escalation waits for a click")


def _console_silent(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.ESCALATED)
    turn.note(incident.id, "nobody clicked: escalation goes on")
    steps.take(turn, incident, Step.ESCALATE_1)
    times = turn.plan.times
    turn.set_timer(incident.id, "escalate_2", max(0.0, times.escalate_2 - times.escalate_1))


def _dispatch_missing(turn: Turn, incident: Incident) -> None:
    if any(call.connected_at is not None for call in turn.state.live_calls(incident.id)):
        return
    turn.because(Reason.DISPATCHED)
    turn.note(incident.id, "hung up unanswered and the PBX did not ring dispatch: the bridge does")
    steps.take(turn, incident, Step.UNANSWERED, {"picture": "not confirmed"})


def _post_roll_due(turn: Turn, incident: Incident) -> None:
    if turn.state.live_calls(incident.id):
        _post_roll(turn, incident)
    else:
        apply_signal(turn, incident, Signal.POST_ROLL, "closed: what was started is stopped")


def _recording_warning(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.REMINDED)
    minutes = turn.plan.times.recording_warning / 60
    turn.note(incident.id, f"forced recording ends in {minutes:g} min unless the incident is resolved first")
    turn.open_fault(f"incident/{incident.id}", "recording_cap", "forced recording is about to end")


def _recording_capped(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.CAPPED)
    turn.note(incident.id, "forced recording reached its limit and is stopped")
    turn.open_fault(f"incident/{incident.id}", "recording_cap", "forced recording reached its limit")
    steps.stop(turn, incident, (Operation.START_RECORDING,))


TIMERS: Final[Mapping[str, Callable[[Turn, Incident], None]]] = MappingProxyType(
    {
        "picture": _picture_due,
        "escalate_1": _escalate(Step.ESCALATE_1),
        "escalate_2": _escalate(Step.ESCALATE_2),
        "unresolved": _unresolved_due,
        "console_settle": _console_settled,
        "console_click": _console_silent,
        "hangup_dispatch": _dispatch_missing,
        "post_roll": _post_roll_due,
        "recording_warning": _recording_warning,
        "recording_cap": _recording_capped,
    }
)
"""Every timer an incident can have. A due timer has been cleared before this is called."""


def suspend_on_console(turn: Turn, incident: Incident) -> None:
    """Start the wait that ends in suspended escalation, when the person is at a configured console."""
    on_console = turn.event.attributes.get("connected_to") in turn.plan.console_endpoints
    if on_console and incident.state is IncidentState.CONNECTED and incident.tier is Tier.EMERGENCY:
        turn.set_timer(incident.id, "console_settle", turn.plan.times.console_settle)
