"""What each timer of an incident does when it is due. Called by `fold`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bridge.engine import steps, stops
from bridge.engine.effects import ESCALATION, apply_signal, clear, no_picture, post_roll, remind
from bridge.engine.fallback import fallback_due, what_is_away
from bridge.engine.more import more_due
from bridge.engine.state import Reason
from bridge.engine.table import Signal
from bridge.engine.turn import Turn
from bridge.engine.wanted import actions_of
from bridge.model import Call, Incident, Operation, Tier
from bridge.response import Step

_SCREENS: Final = frozenset({Operation.POPUP, Operation.UPDATE_POPUP, Operation.SHOW})


def _picture_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.NO_PICTURE)
    no_picture(turn, incident)


def _escalate_1_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.ESCALATED)
    turn.note(incident.id, f"not acknowledged: {_who_is_told(turn, incident, Step.ESCALATE_1)}")
    steps.take(turn, incident, Step.ESCALATE_1)
    _ring_without_a_dialplan(turn, incident)


def _escalate_2_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.ESCALATED)
    turn.note(incident.id, f"still not acknowledged: {_who_is_told(turn, incident, Step.ESCALATE_2)}")
    steps.take(turn, incident, Step.ESCALATE_2)
    _ring_without_a_dialplan(turn, incident)
    remind(turn, incident)  # an SOS that nobody has must not fall silent either


def _ring_without_a_dialplan(turn: Turn, incident: Incident) -> None:
    """Have all tiers rung, on and on, where no dialplan does: the SOS is no call, or the PBX is away."""
    asked = f"{Step.UNANSWERED}/{incident.pressed}"
    if incident.tier is not Tier.EMERGENCY or incident.exercise or _has_step(turn, incident, asked):
        return
    away = what_is_away(turn)
    if away or not turn.state.calls_of(incident.id):
        told = _who_is_told(turn, incident, Step.UNANSWERED)
        turn.note(incident.id, f"no dialplan rings dispatch ({away or 'it is no call'}): {told}")
        steps.take(turn, incident, Step.UNANSWERED)


def _unresolved_due(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.REMINDED)
    who = incident.acknowledged_by
    turn.note(
        incident.id, f"acknowledged by {who}, but unresolved" if who else "nobody has acknowledged it yet"
    )
    steps.take_anew(turn, incident, Step.UNRESOLVED)
    remind(turn, incident)


def _who_is_told(turn: Turn, incident: Incident, step: Step) -> str:
    """Say who hears of this step by the response table: there may be nobody."""
    actions = list(actions_of(turn, incident, step))
    told = sorted({action.params["console"] for action in actions if action.operation in _SCREENS})
    if any(action.operation is Operation.NOTIFY for action in actions):
        told.append("dispatch")
    if not told:
        return "nobody is configured to be told"
    return f"{' and '.join(told)} {'is' if len(told) == 1 else 'are'} told"


def _has_step(turn: Turn, incident: Incident, label: str) -> bool:
    return any(delivery.step == label for delivery in turn.state.deliveries_of(incident.id))


# --- a console has picked up ------------------------------------------------------------------------


def _console_settled(turn: Turn, incident: Incident) -> None:
    """A console has been talking for a while: hold escalation until a click or key must have come."""
    talking = [call for call in turn.state.live_calls(incident.id) if _is_at_console(turn, call)]
    if not talking:
        return
    turn.because(Reason.SUSPENDED)
    turn.clear_timers(incident.id, ESCALATION)
    turn.set_timer(incident.id, "console_click", turn.plan.times.console_click)
    console = talking[-1].connected_to
    turn.note(incident.id, f"{console} is talking to the phone: escalation waits for a click")


def _is_at_console(turn: Turn, call: Call) -> bool:
    return call.connected_at is not None and call.connected_to in turn.plan.console_endpoints


def _console_silent(turn: Turn, incident: Incident) -> None:
    """Go on with the step whose time has passed meanwhile; the one after it keeps its distance."""
    turn.because(Reason.ESCALATED)
    turn.note(incident.id, "nobody clicked: escalation goes on")
    first_done = f"{Step.ESCALATE_1}/{incident.pressed}"
    if _has_step(turn, incident, first_done):
        _escalate_2_due(turn, incident)
        return
    steps.take(turn, incident, Step.ESCALATE_1)
    times = turn.plan.times
    turn.set_timer(incident.id, "escalate_2", times.escalate_2 - times.escalate_1)


# --- the end of calls and incidents -----------------------------------------------------------------


def _dispatch_missing(turn: Turn, incident: Incident) -> None:
    if any(call.connected_at is not None for call in turn.state.live_calls(incident.id)):
        return
    turn.because(Reason.DISPATCHED)
    told = _who_is_told(turn, incident, Step.UNANSWERED)
    turn.note(incident.id, f"hung up before anybody had it, and the PBX does not ring dispatch: {told}")
    steps.take_anew(turn, incident, Step.UNANSWERED)


def _no_call_came(turn: Turn, incident: Incident) -> None:
    """An off-hook contact without a call is over when its recording is long enough."""
    if incident.tier is Tier.ROUTINE and not turn.state.live_calls(incident.id):
        clear(turn, incident, Signal.PART, "no call", "no call followed")


def _exercise_over(turn: Turn, incident: Incident) -> None:
    clear(turn, incident, Signal.RESOLVE, "a real SOS", "a real SOS ends the exercise")


def _post_roll_due(turn: Turn, incident: Incident) -> None:
    if turn.state.live_calls(incident.id):
        post_roll(turn, incident)
    else:
        apply_signal(turn, incident, Signal.POST_ROLL, "closed: what was started is being stopped")


def _recording_warning(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.REMINDED)
    minutes = turn.plan.times.recording_warning / 60
    turn.note(incident.id, f"forced recording ends in {minutes:g} min unless the incident is resolved first")
    turn.open_fault(f"incident/{incident.id}", "recording_cap", "forced recording is about to end")


def _recording_capped(turn: Turn, incident: Incident) -> None:
    turn.because(Reason.CAPPED)
    turn.note(incident.id, "forced recording reached its limit and is stopped")
    turn.open_fault(f"incident/{incident.id}", "recording_cap", "forced recording reached its limit")
    stops.stop(turn, incident, (Operation.START_RECORDING, Operation.EVENT_START))


TIMERS: Final[Mapping[str, Callable[[Turn, Incident], None]]] = MappingProxyType(
    {
        "picture": _picture_due,
        "escalate_1": _escalate_1_due,
        "escalate_2": _escalate_2_due,
        "unresolved": _unresolved_due,
        "console_settle": _console_settled,
        "console_click": _console_silent,
        "hangup_dispatch": _dispatch_missing,
        "fallback": fallback_due,
        "more_wanted": more_due,
        "no_call": _no_call_came,
        "exercise_over": _exercise_over,
        "post_roll": _post_roll_due,
        "recording_warning": _recording_warning,
        "recording_cap": _recording_capped,
    }
)
"""Every timer an incident can have. A due timer has been cleared before this is called."""
