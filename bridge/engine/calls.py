"""What a call's events mean to its phone's incident: open, join, raise, connect, end. Called by `fold`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bridge.engine.effects import apply_signal, clear, suspend_on_console
from bridge.engine.holds import end_exercise
from bridge.engine.state import Reason
from bridge.engine.table import Signal
from bridge.engine.turn import Turn
from bridge.model import CALL_KINDS, NOTHING, Call, Event, Incident, IncidentState, Kind, Tier, derive_id
from bridge.response import UNKNOWN_PHONE, tier_of

REUSE_AFTER: Final = 60.0
"""Seconds after a call's end from which its key means a new call (a PBX or phone that repeats keys)."""
LED_ON_WITHIN: Final = 2.0
"""Seconds between the end of a call that the PBX led on and the beginning of what it became."""
REFUSED: Final = "call_refused"
"""The fault of a phone whose alarm call the PBX could not place."""
_OVER: Final = frozenset({Kind.CALL_ENDED, Kind.CALL_FAILED})


# --- identity ---------------------------------------------------------------------------------------


def call_of(event: Event, calls: Sequence[Call]) -> Call | None:
    """Return the call that the event is about; None if it is a new one.

    calls: all of the event's key, oldest first. Another phone or extension is another call, and so is
    whatever is not an end and comes more than `REUSE_AFTER` after the end. A late end is no new call: two
    nodes may each find out in their own time that the phone is gone.
    """
    mine = [call for call in calls if (call.endpoint, call.dialled) == (event.endpoint, event.dialled)]
    if not mine:
        return None
    begun = [call for call in mine if call.dialing_at - REUSE_AFTER <= event.occurred_at]
    call = begun[-1] if begun else mine[0]
    if event.kind in _OVER or call.ended_at is None or event.occurred_at <= call.ended_at + REUSE_AFTER:
        return call
    return None


def occurrence_of(call: Call | None, calls: Sequence[Call]) -> int:
    """Which call of its key it is: 0 for the first, then counting up; a new one comes after all others."""
    if call is not None:
        return call.occurrence
    return 1 + max((earlier.occurrence for earlier in calls), default=-1)


def is_exercise(event: Event) -> bool:
    return event.attributes.get("exercise") == "yes"


# --- starting ---------------------------------------------------------------------------------------


def start(turn: Turn, call: Call | None) -> Incident:
    """Open the phone's incident, or join it: a second trigger can only raise its tier."""
    event = turn.event
    tier = tier_of(event, turn.plan)
    known = turn.state.live_incident(event.phone, exercise=is_exercise(event))
    if known is None:
        signal, incident = _opened(turn, tier)
    else:
        signal, incident = _joined(known, tier)
    if call is not None:  # first of all, for dispatch may have to be told at once which call it is
        turn.put_call(replace(call, incident=incident.id))
    text = _told(event, call, joined=known is not None)
    incident = apply_signal(turn, incident, signal, text, new=known is None)
    if tier is Tier.EMERGENCY:
        _part_from_exercise(turn)
    return incident


def _opened(turn: Turn, tier: Tier) -> tuple[Signal, Incident]:
    event = turn.event
    emergency = tier is Tier.EMERGENCY
    if emergency and event.phone.startswith(UNKNOWN_PHONE):
        turn.open_fault(event.phone, "unknown_phone", "an SOS came from a phone that no configuration names")
    return Signal.PRESS if emergency else Signal.CALL, Incident(
        id=_incident_id(turn),
        tier=tier,
        state=IncidentState.OPEN,
        phone=event.phone,
        location=event.location,
        opened_at=event.occurred_at,
        pressed=1 if emergency else 0,
        exercise=is_exercise(event),
        recovered=event.attributes.get("recovered") == "yes",
    )


def _incident_id(turn: Turn) -> str:
    """A call's incident is named after the call, whichever of its events came first; others after theirs."""
    event = turn.event
    if event.kind in CALL_KINDS:
        return derive_id("incident", event.source, event.key, event.occurrence)
    return derive_id("incident", turn.event_id)


def _joined(incident: Incident, tier: Tier) -> tuple[Signal, Incident]:
    """Return what a further trigger means to the incident, and the incident with the press counted."""
    if tier is Tier.ROUTINE:
        return (Signal.CALL if incident.tier is Tier.ROUTINE else Signal.SIDE_CALL), incident
    # Whoever had it before has to be told, and to answer, again.
    pressed = replace(
        _alone(incident),
        tier=Tier.EMERGENCY,
        pressed=incident.pressed + 1,
        acknowledged_at=None,
        acknowledged_by="",
        people_wanted=1,
        acknowledgers=NOTHING,
    )
    return (Signal.PRESS if incident.tier is Tier.EMERGENCY else Signal.RAISE), pressed


def _alone(incident: Incident) -> Incident:
    """Nobody is with the caller (any more): what comes now has to be answered anew."""
    return replace(incident, connected_at=None, connected_to="")


def _part_from_exercise(turn: Turn) -> None:
    """A real SOS and an exercise never live on one phone, whichever came first."""
    real = turn.state.live_incident(turn.event.phone, exercise=False)
    exercise = turn.state.live_incident(turn.event.phone, exercise=True)
    if exercise is not None and real is not None and real.tier is Tier.EMERGENCY:
        end_exercise(turn, exercise)


def _told(event: Event, call: Call | None, *, joined: bool) -> str:
    if call is None:
        return f"{event.kind.replace('_', ' ')} from {event.source}"
    who = f"{call.phone} was called" if call.direction == "in" else f"{call.phone} dialled {call.dialled}"
    late = " (found after a blind interval)" if event.attributes.get("recovered") == "yes" else ""
    return f"{who}{', again' if joined else ''}{late}"


# --- a call's own events ----------------------------------------------------------------------------


def dialing(turn: Turn) -> None:
    """The call exists. Seen after its other events, it only tells when they began."""
    known, at = turn.call, turn.event.occurred_at
    call = _ensure(turn)
    if known is not None:
        turn.because(Reason.NOTED)
        if at < known.dialing_at:
            turn.put_call(replace(known, dialing_at=at))
    elif call.direction == "in":
        _join_inbound(turn, call)


def answered(turn: Turn) -> None:
    """The PBX picked up a call of ours, or the phone picked up a call to it."""
    call = _ensure(turn)
    if call.answered_at is None:
        call = turn.put_call(replace(call, answered_at=turn.event.occurred_at))
    if call.direction == "in" and not call.incident and call.live:
        start(turn, call)
        return
    turn.because(Reason.PICKED_UP)
    if call.incident:
        turn.note(call.incident, "the PBX picked up" if call.direction == "out" else "the phone picked up")
    if call.tier is Tier.EMERGENCY:
        turn.clear_fault(call.phone, REFUSED)


def connected(turn: Turn) -> None:
    """A person is on the line."""
    call = _ensure(turn)
    if call.live and not call.incident:
        start(turn, call)
        call = turn.state.calls[call.id]
    at, to = turn.event.occurred_at, turn.event.attributes.get("connected_to", "")
    if call.connected_at is None:
        call = turn.put_call(replace(call, connected_at=at, connected_to=to))
    incident = turn.state.incidents.get(call.incident)
    text = f"connected to {to or 'a person'}"
    if incident is None:
        turn.because(Reason.ORPHAN)
    elif not call.live:  # who talked before it ended is worth knowing, and nobody is with the caller now
        turn.because(Reason.LATE)
        turn.note(incident.id, f"{text}, before it ended")
    else:
        if incident.connected_at is None:
            incident = replace(incident, connected_at=at, connected_to=to)
        incident = apply_signal(turn, incident, Signal.CONNECT, text)
        suspend_on_console(turn, incident)


def ended(turn: Turn) -> None:
    """The call is over: hung up, or refused by the PBX. The last living call's end may clear the incident."""
    event = turn.event
    call = _ensure(turn)
    if call.ended_at is not None:
        turn.because(Reason.LATE)
        return
    by = event.attributes.get("ended_by", "")
    call = turn.put_call(replace(call, ended_at=event.occurred_at, ended_by=by))
    text = _ending(event, call, by)
    if event.kind is Kind.CALL_FAILED and call.tier is Tier.EMERGENCY:
        turn.open_fault(call.phone, REFUSED, f"an alarm call got nowhere: {text}")
    turn.because(Reason.HUNG_UP)
    incident = turn.state.incidents.get(call.incident)
    if incident is not None:
        _hung_up(turn, incident, call, by, text)


def _hung_up(turn: Turn, incident: Incident, call: Call, by: str, text: str) -> None:
    others = turn.state.live_calls(incident.id)
    if _clears(incident, turn.event):
        if not others:
            clear(turn, incident, Signal.PART, by or "hangup", text)
            return
    elif _phone_is_on(call) and not any(_phone_is_on(other) for other in others):
        apply_signal(turn, _alone(incident), Signal.DROP, text)
        return
    turn.note(incident.id, text)


def _phone_is_on(call: Call) -> bool:
    """Whether the phone itself takes part: a call to it that it never picked up says nothing about it."""
    return call.direction == "out" or call.answered_at is not None or call.connected_at is not None


def _ending(event: Event, call: Call, by: str) -> str:
    if event.kind is Kind.CALL_FAILED:
        return f"the PBX could not place the call: {event.attributes.get('text', 'no reason given')}"
    if _is_lost(event):
        return "lost: nobody hung up, and nobody hears the phone any more"
    verb = "hung up" if call.connected_at is not None else "hung up before a person answered"
    return f"{verb} ({by})" if by else verb


def _clears(incident: Incident, event: Event) -> bool:
    """Routine: by its end. SOS: by hangup, if a person was connected and it was acknowledged."""
    if incident.tier is Tier.ROUTINE:
        return True
    if _is_lost(event):
        return False
    return incident.connected_at is not None and incident.acknowledged_at is not None


def _is_lost(event: Event) -> bool:
    return event.attributes.get("lost") == "yes"


# --- the call itself --------------------------------------------------------------------------------


def _ensure(turn: Turn) -> Call:
    """Return the event's call; a call seen for the first time starts its incident.

    Whichever event of a call comes first, its SOS counts: after a blind interval that may be its end.
    """
    if turn.call is not None:
        return turn.call
    event = turn.event
    _report_reuse(turn)
    identity = (event.source, event.key, event.endpoint, event.dialled, event.occurrence)
    call = turn.put_call(
        Call(
            id=derive_id("call", *identity),
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
    if call.direction == "out" and (call.tier is Tier.EMERGENCY or event.kind not in _OVER):
        start(turn, call)
    return turn.state.calls[call.id]


def _join_inbound(turn: Turn, call: Call) -> None:
    """A call to the phone joins its open incident; else it waits until the phone picks up."""
    if turn.state.live_incident(call.phone, exercise=is_exercise(turn.event)) is None:
        turn.because(Reason.NOTED)
    else:
        start(turn, call)


def _report_reuse(turn: Turn) -> None:
    """A key that names a second call is a fault, unless the PBX led the phone's call on (`*9` to 9110)."""
    event = turn.event
    earlier = turn.state.calls_with(event.source, event.key)
    if not all(_may_lead_on(call, event) for call in earlier):
        turn.open_fault(
            event.source,
            "reused_key",
            f"{event.key} names more than one call: a clock went back, or a phone repeats its Call-IDs",
        )


def _may_lead_on(call: Call, event: Event) -> bool:
    """Whether the PBX may have led this very call on to the extension of the event."""
    if call.endpoint != event.endpoint:
        return False
    if call.ended_at is None:
        return True
    return call.ended_by == "pbx" and abs(event.occurred_at - call.ended_at) <= LED_ON_WITHIN
