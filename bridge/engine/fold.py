"""`fold`: what each kind of event means. Called by ingest (live) and replay (logs) alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bridge.engine import calls, missed
from bridge.engine.deliveries import hold_lost, settled
from bridge.engine.effects import apply_signal, clear
from bridge.engine.fallback import stand_in
from bridge.engine.more import how_of, people_wanted, who_of
from bridge.engine.needs import subject_of
from bridge.engine.passing_on import give_to
from bridge.engine.segments import OFFLINE, regroup
from bridge.engine.state import Decision, Reason, State
from bridge.engine.stops import stop_again
from bridge.engine.table import Signal
from bridge.engine.tamper import look_at_tamper
from bridge.engine.timers import TIMERS
from bridge.engine.turn import Turn
from bridge.model import OF_CALLS, Event, Incident, IncidentState, Kind, Operation, Tier
from bridge.response import Plan, Step


def fold(events: Sequence[Event], state: State, plan: Plan, now: float) -> list[Decision]:
    """Decide each event in order, each on what the ones before it left.

    events: identified (`response.identify`), all that `needs_of` named is in `state`.
    now: UTC epoch seconds; timers and deadlines count from it.
    Returns one decision an event; `state` is brought up to date.
    """
    return [_decide(event, state, plan, now) for event in events]


def _decide(event: Event, state: State, plan: Plan, now: float) -> Decision:
    call = None
    if event.kind in OF_CALLS:
        known = state.calls_with(event.source, event.key)
        call = (missed if event.kind is Kind.MISSED else calls).call_of(event, known)
        if occurrence := calls.occurrence_of(call, known):
            event = replace(event, occurrence=occurrence)
    turn = Turn(event, call, state, plan, now)
    if turn.event_id in state.known:
        turn.because(Reason.DUPLICATE)
    else:
        state.known.add(turn.event_id)
        DECIDERS[event.kind](turn)
        stand_in(turn)
    return turn.decision


# --- not calls: buttons, people, timers -------------------------------------------------------------


def _button(turn: Turn) -> None:
    """A press or an off-hook contact that is no call. Without a call nothing would ever end a routine one."""
    incident = calls.start(turn, call=None)
    if incident.tier is Tier.ROUTINE and not turn.state.live_calls(incident.id):
        turn.set_timer(incident.id, "no_call", turn.plan.times.post_roll_routine)


def _incident_of(turn: Turn) -> Incident | None:
    """The incident the event names, by its id or by a call's key; else the phone's open one."""
    event, state = turn.event, turn.state
    if incident := state.incidents.get(event.incident):
        return incident
    if call_key := event.attributes.get("call_key"):
        known = [call for call in state.calls_with(event.source, call_key) if call.incident]
        return state.incidents.get(known[-1].incident) if known else None
    if event.incident or not event.phone:
        return None
    return state.live_incident(event.phone, exercise=calls.is_exercise(event))


def _acknowledged(turn: Turn) -> None:
    """A named person has it. The first one wins, every one is told."""
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
        return
    who, how = who_of(turn.event), how_of(turn.event)
    text = f"acknowledged by {who}" + (f" ({how})" if how else "")
    if incident.acknowledged_at is not None:
        text = f"also {text}; {incident.acknowledged_by} was first"
    elif incident.state in (IncidentState.OPEN, IncidentState.CONNECTED):
        incident = replace(
            incident,
            acknowledged_at=turn.event.occurred_at,
            acknowledged_by=who,
            people_wanted=people_wanted(turn, incident),
        )
    apply_signal(turn, incident, Signal.ACKNOWLEDGE, text)


def _resolved(turn: Turn) -> None:
    """A person says that it is over. An SOS takes one with a name."""
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
    elif incident.tier is Tier.EMERGENCY and not turn.event.attributes.get("by"):
        turn.note(incident.id, "not resolved: an SOS is cleared by a named person, and nobody is named")
    else:
        who, said = who_of(turn.event), turn.event.attributes.get("reason", "")
        if not missed.reviewed(turn, incident, who, said):
            clear(turn, incident, Signal.RESOLVE, who, said or f"resolved by {who}")


def _reset(turn: Turn) -> None:
    """The SOS button was reset at the phone. That says nothing about a routine call."""
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
    elif incident.tier is Tier.EMERGENCY:
        clear(turn, incident, Signal.RESOLVE, "the phone's reset", "reset at the phone")


def _timer_due(turn: Turn) -> None:
    """A timer that was cleared or set anew since is not due: a later row of the same name stays."""
    event = turn.event
    name = event.attributes["name"]
    timer = turn.state.timers.get((event.incident, name))
    incident = turn.state.incidents.get(event.incident)
    if timer is None or incident is None or repr(timer.due_at) != event.attributes["due_at"]:
        turn.because(Reason.LATE)
        return
    turn.clear_timers(incident.id, (name,))
    TIMERS[name](turn, incident)


def _dispatch_started(turn: Turn) -> None:
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
        return
    if not incident.live:
        _rung_afterwards(turn, incident)
        return
    turn.because(Reason.DISPATCHED)
    if turn.event.attributes.get("ringing") != "notify":  # that is ours, rings once, and calls nobody back
        turn.clear_timers(incident.id, ("hangup_dispatch",))
    turn.put_incident(replace(incident, dispatch_at=turn.event.occurred_at))
    if turn.event.attributes.get("loop", "1") == "1":  # it rings on and on: the story tells it once
        tier = turn.event.attributes.get("tier", "")
        turn.note(incident.id, f"the PBX rings dispatch tier {tier}".rstrip())


def _rung_afterwards(turn: Turn, incident: Incident) -> None:
    """Of an SOS of the past dispatch is told when it is over; of any other that is odd."""
    turn.because(Reason.LATE)
    owed = any(
        delivery.operation is Operation.NOTIFY and delivery.step.startswith(f"{Step.MISSED}/")
        for delivery in turn.state.deliveries_of(incident.id)
    )
    if not owed:
        turn.note(incident.id, "the PBX rings dispatch, after it was closed")
    elif turn.event.attributes.get("loop") == "1":
        turn.note(incident.id, "the PBX rings dispatch, to tell of the missed SOS")


def _reported(turn: Turn) -> None:
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
    else:
        turn.note(incident.id, turn.event.attributes["text"])


def _swapped(turn: Turn) -> None:
    """A person gives the incident a camera that another one has."""
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
    else:
        attributes = turn.event.attributes
        give_to(turn, incident, attributes["resource"], attributes.get("by", ""))


def _left_on(turn: Turn) -> None:
    """The bridge has begun anew: what an incident that is over left on is switched off."""
    incident = _incident_of(turn)
    if incident is None:
        turn.because(Reason.ORPHAN)
    elif incident.live:
        turn.because(Reason.LATE)
    else:
        turn.because(Reason.STOPPED_AGAIN)
        if stop_again(turn, incident):
            turn.note(incident.id, "something was left on when the bridge began anew: stopped once more")
        else:
            turn.because(Reason.LATE)


# --- faults -----------------------------------------------------------------------------------------

FAULT_OF: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TAMPER: "tamper",
        Kind.OFFLINE: OFFLINE,
        Kind.ONLINE: OFFLINE,
        Kind.LINK_LOST: "link",
        Kind.LINK_RESTORED: "link",
        Kind.CLOCK_STEPPED: "clock",
    }
)
"""The kind of fault each event opens or clears; `fault` and `fault_cleared` name their own."""


def _what(event: Event) -> str:
    return event.attributes.get("what") or FAULT_OF.get(event.kind, "fault")


def _fault_opened(turn: Turn) -> None:
    event = turn.event
    turn.because(Reason.FAULT_OPENED)
    text = event.attributes.get("text", "")
    turn.open_fault(subject_of(event), _what(event), text, event.occurred_at)


def _tampered(turn: Turn) -> None:
    _fault_opened(turn)
    look_at_tamper(turn)


def _went_away(turn: Turn) -> None:
    _fault_opened(turn)
    regroup(turn)


def _fault_cleared(turn: Turn) -> None:
    event = turn.event
    cleared = turn.clear_fault(subject_of(event), _what(event), event.occurred_at)
    turn.because(Reason.FAULT_CLEARED if cleared else Reason.NOTED)


def _came_back(turn: Turn) -> None:
    _fault_cleared(turn)
    regroup(turn)


DECIDERS: Final[Mapping[Kind, Callable[[Turn], None]]] = MappingProxyType(
    {
        Kind.CALL_DIALING: calls.dialing,
        Kind.CALL_ANSWERED: calls.answered,
        Kind.CALL_CONNECTED: calls.connected,
        Kind.CALL_ENDED: calls.ended,
        Kind.CALL_FAILED: calls.ended,
        Kind.OFF_HOOK: _button,
        Kind.SOS: _button,
        Kind.SOS_CLEARED: _reset,
        Kind.ACKNOWLEDGED: _acknowledged,
        Kind.RESOLVED: _resolved,
        Kind.TIMER_DUE: _timer_due,
        Kind.DELIVERY_SETTLED: settled,
        Kind.HOLD_LOST: hold_lost,
        Kind.DISPATCH_STARTED: _dispatch_started,
        Kind.REPORTED: _reported,
        Kind.MISSED: missed.missed,
        Kind.SWAPPED: _swapped,
        Kind.LEFT_ON: _left_on,
        Kind.TAMPER: _tampered,
        Kind.FAULT: _fault_opened,
        Kind.OFFLINE: _went_away,
        Kind.LINK_LOST: _fault_opened,
        Kind.CLOCK_STEPPED: _fault_opened,
        Kind.FAULT_CLEARED: _fault_cleared,
        Kind.ONLINE: _came_back,
        Kind.LINK_RESTORED: _fault_cleared,
    }
)
