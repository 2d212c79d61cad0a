"""An alarm call that is over, and that nobody saw: it gets its incident after the fact. Called by `fold`.

The incident is closed from its beginning and has the id that the live call would have given it. It joins,
reopens and disturbs no living incident of its phone, and it holds nothing: no camera moves, nothing pops up
or records. What it leaves is the review item, a fault that a named person clears by resolving the incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.engine.calls import is_exercise
from bridge.engine.effects import apply_signal
from bridge.engine.needs import review_of
from bridge.engine.state import Reason
from bridge.engine.table import Signal
from bridge.engine.turn import Turn
from bridge.model import Call, Event, Incident, IncidentState, Operation, Tier, derive_id
from bridge.response import UNKNOWN_PHONE, tier_of

SAME_CALL_WITHIN: Final = 60.0
"""Seconds between what a log and the store say of one call's beginning; a PBX may use a key again later."""
CLOSED_BY: Final = "the bridge"
CLOSE_REASON: Final = "over before the bridge knew of it"


def call_of(event: Event, calls: Sequence[Call]) -> Call | None:
    """Return the call that the event tells of, where it was seen or filed. calls: all of the event's key."""
    for call in calls:
        about = (call.endpoint, call.dialled) == (event.endpoint, event.dialled)
        near = abs(call.dialing_at - event.occurred_at) <= SAME_CALL_WITHIN
        if near and (about or call.tier is Tier.EMERGENCY):
            return call
    return None


def missed(turn: Turn) -> None:
    """Open the call's incident, closed, unless the call has one: whoever saw it live knows it better."""
    event = turn.event
    if turn.call is not None:
        turn.because(Reason.LATE)
        return
    if tier_of(event, turn.plan) is not Tier.EMERGENCY:
        turn.because(Reason.ORPHAN)
        return
    if event.phone.startswith(UNKNOWN_PHONE):
        turn.open_fault(event.phone, "unknown_phone", "an SOS came from a phone that no configuration names")
    incident = _incident_of(turn)
    call = turn.put_call(_call(event, incident))
    told = f"{call.phone} dialled {call.dialled} (found in the PBX's log)"
    incident = apply_signal(turn, incident, Signal.MISSED, told, new=True)
    turn.note(incident.id, _course(event))
    by = event.attributes.get("by", "")
    turn.note(incident.id, f"filed{f' by {by}' if by else ''} when it was over: somebody has to look into it")
    turn.open_fault(*review_of(incident.id), _review(turn, event))


def reviewed(turn: Turn, incident: Incident, who: str, why: str) -> bool:
    """Close the review item of a closed incident, by name; False where it has none."""
    if not turn.clear_fault(*review_of(incident.id)):
        return False
    turn.because(Reason.REVIEWED)
    for delivery in turn.state.deliveries_of(incident.id):
        if delivery.operation is Operation.NOTIFY and not delivery.state.settled:
            turn.supersede(delivery, "somebody has looked into it")
    turn.note(incident.id, f"looked into by {who}" + (f": {why}" if why else ""))
    return True


def _incident_of(turn: Turn) -> Incident:
    event = turn.event
    return Incident(
        id=derive_id("incident", event.source, event.key, event.occurrence),
        tier=Tier.EMERGENCY,
        state=IncidentState.OPEN,  # for the moment in which the table closes it
        phone=event.phone,
        location=event.location,
        opened_at=event.occurred_at,
        connected_at=_time(event, "connected_at"),
        connected_to=event.attributes.get("connected_to", ""),
        clearing_at=turn.now,
        closed_at=turn.now,
        closed_by=CLOSED_BY,
        close_reason=CLOSE_REASON,
        exercise=is_exercise(event),
        recovered=True,
    )


def _call(event: Event, incident: Incident) -> Call:
    """The call as the log tells it. One whose end is not written counts as over since its last sign: a key
    that lives for ever would swallow the next call of that key."""
    answered, connected = _time(event, "answered_at"), _time(event, "connected_at")
    last_sign = max(event.occurred_at, answered or 0.0, connected or 0.0)
    ended = _time(event, "ended_at")
    return Call(
        id=derive_id("call", event.source, event.key, event.endpoint, event.dialled, event.occurrence),
        source=event.source,
        key=event.key,
        endpoint=event.endpoint,
        caller=event.caller,
        dialled=event.dialled,
        occurrence=event.occurrence,
        phone=event.phone,
        location=event.location,
        tier=Tier.EMERGENCY,
        incident=incident.id,
        dialing_at=event.occurred_at,
        answered_at=answered,
        connected_at=connected,
        connected_to=incident.connected_to,
        ended_at=last_sign if ended is None else ended,
        ended_by=event.attributes.get("ended_by", ""),
    )


def _course(event: Event) -> str:
    """What the log says became of it."""
    outcome = event.attributes.get("outcome") or "unknown"
    ended = _time(event, "ended_at")
    after = "its end is not in the log" if ended is None else f"over after {ended - event.occurred_at:.1f} s"
    return f"the log says: {outcome}; {after}"


def _review(turn: Turn, event: Event) -> str:
    at = turn.plan.local_time(event.occurred_at)
    outcome = event.attributes.get("outcome") or "unknown"
    return f"an SOS of {event.phone} at {at} was not seen by the bridge; the PBX's log says: {outcome}"


def _time(event: Event, name: str) -> float | None:
    text = event.attributes.get(name)
    return float(text) if text else None
