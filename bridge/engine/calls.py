"""What a call's events mean to its phone's incident: open, join, raise, connect, end."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.engine.effects import apply_signal, suspend_on_console
from bridge.engine.state import Reason, State
from bridge.engine.table import Signal
from bridge.engine.turn import Turn
from bridge.model import Call, Event, Incident, IncidentState, Kind, Tier, derive_id
from bridge.response import UNKNOWN_PHONE, tier_of

REUSE_AFTER: Final = 60.0
"""Seconds after a call's end from which its key means a new call (a PBX or phone that repeats keys)."""


# --- identity ---------------------------------------------------------------------------------------


def occurrence_of(event: Event, state: State) -> int:
    """Which call of this key the event belongs to: 0 for the first, then counting up."""
    mine = [call for call in state.calls_with(event.source, event.key) if _same_party(call, event)]
    begun = [call for call in mine if call.dialing_at - REUSE_AFTER <= event.occurred_at]
    if not mine:
        return 0
    call = begun[-1] if begun else mine[0]
    over = call.ended_at is not None and event.occurred_at > call.ended_at + REUSE_AFTER
    return call.occurrence + 1 if over else call.occurrence


def _same_party(call: Call, event: Event) -> bool:
    return (call.endpoint, call.dialled) == (event.endpoint, event.dialled)


def _call_id(event: Event) -> str:
    return derive_id("call", event.source, event.key, event.endpoint, event.dialled, event.occurrence)


# --- starting ---------------------------------------------------------------------------------------


def start(turn: Turn, call: Call | None) -> Incident:
    """Open the phone's incident, or join it: a second trigger can only raise its tier."""
    event = turn.event
    exercise = event.attributes.get("exercise") == "yes"
    tier = tier_of(event, turn.plan)
    if tier is Tier.EMERGENCY and not exercise:
        _end_exercise(turn)
    incident = turn.state.live_incident(event.phone, exercise=exercise)
    if incident is None:
        return _open(turn, tier, exercise, call)
    signal, incident = _join(incident, tier)
    return apply_signal(turn, incident, signal, _told(event, call, joined=True))


def _open(turn: Turn, tier: Tier, exercise: bool, call: Call | None) -> Incident:
    event = turn.event
    emergency = tier is Tier.EMERGENCY
    if emergency and event.phone.startswith(UNKNOWN_PHONE):
        turn.open_fault(event.phone, "unknown_phone", "an SOS came from a phone that no configuration names")
    incident = Incident(
        id=derive_id("incident", event.source, event.key, event.occurrence),
        tier=tier,
        state=IncidentState.OPEN,
        phone=event.phone,
        location=event.location,
        opened_at=event.occurred_at,
        pressed=1 if emergency else 0,
        exercise=exercise,
        recovered=event.attributes.get("recovered") == "yes",
    )
    signal = Signal.PRESS if emergency else Signal.CALL
    return apply_signal(turn, incident, signal, _told(event, call, joined=False), new=True)


def _join(incident: Incident, tier: Tier) -> tuple[Signal, Incident]:
    """Return what a further trigger means to the incident, and the incident with the press counted."""
    if tier is Tier.ROUTINE:
        return (Signal.CALL if incident.tier is Tier.ROUTINE else Signal.SIDE_CALL), incident
    signal = Signal.PRESS if incident.tier is Tier.EMERGENCY else Signal.RAISE
    asleep = incident.state is not IncidentState.OPEN or signal is Signal.RAISE
    pressed = replace(incident, tier=Tier.EMERGENCY, pressed=incident.pressed + 1)
    if asleep:  # whoever had it before has to be told, and to answer, again
        pressed = replace(
            pressed, acknowledged_at=None, acknowledged_by="", connected_at=None, connected_to=""
        )
    return signal, pressed


def _end_exercise(turn: Turn) -> None:
    exercise = turn.state.live_incident(turn.event.phone, exercise=True)
    if exercise is not None and exercise.state is not IncidentState.CLEARING:
        clear(turn, exercise, Signal.RESOLVE, "a real call", "a real SOS ends the exercise")


def _told(event: Event, call: Call | None, *, joined: bool) -> str:
    if call is None:
        return f"{event.kind.replace('_', ' ')} from {event.source}"
    who = f"{call.phone} was called" if call.direction == "in" else f"{call.phone} dialled {call.dialled}"
    late = " (found after a blind interval)" if event.attributes.get("recovered") == "yes" else ""
    return f"{who}{', again' if joined else ''}{late}"


# --- a call's own events ----------------------------------------------------------------------------


def dialing(turn: Turn) -> None:
    call, new = _ensure(turn)
    if not new:
        turn.because(Reason.NOTED)
    elif call.direction == "in":
        _join_inbound(turn, call)


def answered(turn: Turn) -> None:
    """The PBX picked up a call of ours, or the phone picked up a call to it."""
    call, _ = _ensure(turn)
    call = turn.put_call(replace(call, answered_at=call.answered_at or turn.event.occurred_at))
    if call.direction == "in" and not call.incident:
        call = _attach(turn, call, start(turn, call))
        return
    turn.because(Reason.PICKED_UP)
    if call.incident:
        turn.note(call.incident, "the PBX picked up" if call.direction == "out" else "the phone picked up")


def connected(turn: Turn) -> None:
    call, _ = _ensure(turn)
    if not call.incident:
        call = _attach(turn, call, start(turn, call))
    at, to = turn.event.occurred_at, turn.event.attributes.get("connected_to", "")
    turn.put_call(replace(call, connected_at=call.connected_at or at, connected_to=call.connected_to or to))
    incident = turn.state.incidents.get(call.incident)
    if incident is None:
        turn.because(Reason.ORPHAN)
        return
    if incident.connected_at is None:
        incident = replace(incident, connected_at=at, connected_to=to)
    incident = apply_signal(turn, incident, Signal.CONNECT, f"connected to {to or 'a person'}")
    suspend_on_console(turn, incident)


def ended(turn: Turn) -> None:
    """The call is over: hung up, or refused by the PBX. The last living call's end may clear the incident."""
    event = turn.event
    call, _ = _ensure(turn)
    if call.ended_at is not None:
        turn.because(Reason.LATE)
        return
    by = event.attributes.get("ended_by", "")
    call = turn.put_call(replace(call, ended_at=event.occurred_at, ended_by=by))
    turn.because(Reason.HUNG_UP)
    incident = turn.state.incidents.get(call.incident)
    if incident is None:
        return
    text = _ending(event, call, by)
    if not incident.live or turn.state.live_calls(incident.id):
        turn.note(incident.id, text)
    elif _clears(incident):
        clear(turn, incident, Signal.PART, by or "hangup", text)
    else:
        apply_signal(turn, incident, Signal.DROP, text)


def _ending(event: Event, call: Call, by: str) -> str:
    if event.kind is Kind.CALL_FAILED:
        return f"the PBX could not place the call: {event.attributes.get('text', 'no reason given')}"
    verb = "hung up" if call.connected_at is not None else "hung up before a person answered"
    return f"{verb} ({by})" if by else verb


def _clears(incident: Incident) -> bool:
    """Routine: by hangup. SOS: only if a person was connected and it was acknowledged."""
    if incident.tier is Tier.ROUTINE:
        return True
    return incident.connected_at is not None and incident.acknowledged_at is not None


def clear(turn: Turn, incident: Incident, signal: Signal, by: str, reason: str) -> Incident:
    """Clear the incident by `signal`, keeping who and why of the first time."""
    if incident.state is not IncidentState.CLEARING and incident.live:
        incident = replace(incident, clearing_at=turn.event.occurred_at, closed_by=by, close_reason=reason)
    return apply_signal(turn, incident, signal, f"cleared: {reason}")


def _ensure(turn: Turn) -> tuple[Call, bool]:
    """Return the event's call and whether it is new; a call seen for the first time starts its incident.

    Whichever event of a call comes first, its SOS counts: after a blind interval that may be its end.
    """
    event = turn.event
    known = turn.state.calls.get(_call_id(event))
    if known is not None:
        return known, False
    _report_reuse(turn)
    call = turn.put_call(
        Call(
            id=_call_id(event),
            source=event.source,
            key=event.key,
            endpoint=event.endpoint,
            caller=event.caller,
            dialled=event.dialled,
            direction=event.attributes.get("direction", "out"),
            occurrence=event.occurrence,
            phone=event.phone,
            location=event.location,
            tier=tier_of(event, turn.plan),
            dialing_at=event.occurred_at,
        )
    )
    over = event.kind in (Kind.CALL_ENDED, Kind.CALL_FAILED)
    if call.direction == "out" and (call.tier is Tier.EMERGENCY or not over):
        call = _attach(turn, call, start(turn, call))
    return call, True


def _attach(turn: Turn, call: Call, incident: Incident) -> Call:
    return turn.put_call(replace(call, incident=incident.id))


def _join_inbound(turn: Turn, call: Call) -> None:
    """A call to the phone joins its open incident; else it waits until the phone picks up."""
    incident = turn.state.live_incident(call.phone, exercise=False)
    if incident is None:
        turn.because(Reason.NOTED)
        return
    _attach(turn, call, start(turn, call))


def _report_reuse(turn: Turn) -> None:
    event = turn.event
    if turn.state.calls_with(event.source, event.key):
        turn.open_fault(
            event.source,
            "reused_key",
            f"{event.key} names more than one call: a clock went back, or a phone repeats its Call-IDs",
        )
