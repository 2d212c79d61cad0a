"""What has to be loaded before events can be decided. Called by ingest, answered by the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from bridge.calls import unanswered_subject
from bridge.engine.segments import subjects_beside
from bridge.engine.state import Needs, State
from bridge.model import OF_CALLS, Event, Incident, Kind, Tier
from bridge.response import TAMPERED, Plan, every_view, resources_at

_NEVER_CLAIM: Final = frozenset({Kind.DISPATCH_STARTED, Kind.HOLD_LOST, Kind.REPORTED, Kind.MISSED})
"""Kinds that concern an incident, but never make it want what it does not hold already."""
REVIEW: Final = "review"
"""`Fault.what` of an incident of the past that a person has to look into."""

ENDED_BY_HAND: Final = frozenset({Kind.RESOLVED, Kind.SOS_CLEARED})
"""Kinds after which nothing about the incident is left to be mended."""


def needs_of(events: Iterable[Event], plan: Plan) -> Needs:
    """Return what must be loaded to decide these (identified) events."""
    events = list(events)
    there = {event.location for event in events if event.phone}
    return Needs(
        event_keys=frozenset((event.source, event.key) for event in events),
        call_keys=frozenset(pair for event in events for pair in _call_keys(event)),
        phones=frozenset(phone for event in events if event.phone for phone in _phones_of(event)),
        incidents=frozenset(event.incident for event in events if event.incident),
        deliveries=frozenset(
            event.attributes["delivery"] for event in events if event.kind is Kind.DELIVERY_SETTLED
        ),
        resources=frozenset(resource for location in there for resource in resources_at(location, plan))
        | frozenset(event.attributes["resource"] for event in events if event.kind is Kind.SWAPPED),
        subjects=frozenset(subject for event in events for subject in (subject_of(event), event.source))
        | frozenset(f"incident/{event.incident}" for event in events if event.incident)
        | frozenset(f"driver/{rule.driver}" for rule in plan.rules)
        | frozenset(subject for subject in _of_fallbacks(plan))
        | frozenset(subjects_beside(events, plan))
        | frozenset(subject for location in there for subject in _cameras_at(location, plan))
        | frozenset(
            subject_of_camera(event.attributes["camera"]) for event in events if _is_of_camera(event)
        ),
    )


def further_needs(needs: Needs, events: Sequence[Event], state: State, plan: Plan) -> Needs | None:
    """Return what must be loaded instead, now that the incidents are known; None if `state` will do.

    A timer or an acknowledgement names its incident, not the place, and may yet claim a camera or screen
    there that another incident holds. And what was found off, any of those who keep it on may have switched
    on again already. Who resolves an incident ends the faults of its calls. Which cameras
    are missing matters to all who may be given one. What was left on may be somebody's by now, wherever the
    configuration has moved it.
    """
    concerned = [incident for event in events for incident in _concerned(event, state)]
    there = {incident.location for incident in concerned}
    heirs = {incident.location for incident in _heirs(state)} if concerned else set()
    resources = frozenset(resource for location in there for resource in resources_at(location, plan))
    keepers = frozenset(
        hold.incident
        for event in events
        if event.kind is Kind.HOLD_LOST
        for hold in state.holds_on(event.attributes["resource"])
    )
    resources |= frozenset(
        delivery.resource
        for event in events
        if event.kind is Kind.LEFT_ON
        for delivery in state.deliveries_of(event.incident)
        if delivery.resource
    )
    subjects = frozenset(subject for event in events for subject in _over_with(event, state)) | frozenset(
        subject for location in there | heirs for subject in _cameras_at(location, plan)
    )
    if resources <= needs.resources and keepers <= needs.incidents and subjects <= needs.subjects:
        return None
    return replace(
        needs,
        resources=needs.resources | resources,
        incidents=needs.incidents | keepers,
        subjects=needs.subjects | subjects,
    )


def _phones_of(event: Event) -> Iterator[str]:
    """The phone, and what stands for it in an incident that is about the phone itself."""
    yield event.phone
    if event.kind is Kind.TAMPER:
        yield f"{TAMPERED}{event.phone}"


def _heirs(state: State) -> Iterator[Incident]:
    """Who waits for something, or may lose it and get it back within the batch."""
    for hold in state.holds.values():
        incident = state.incidents.get(hold.incident)
        if incident and (not hold.held or hold.tier is Tier.ROUTINE or incident.exercise):
            yield incident


def _cameras_at(location: str, plan: Plan) -> Iterator[str]:
    """The subjects of the faults of whatever the location may look at."""
    if known := plan.locations.get(location):
        yield from (subject_of_camera(view.camera) for view in every_view(known))


def _of_fallbacks(plan: Plan) -> Iterator[str]:
    """The subjects of the faults that tell whether a call to dispatch is asked of somebody else."""
    for fallback in plan.fallbacks.values():
        yield f"driver/{fallback.driver}"
        yield from fallback.links


def _is_of_camera(event: Event) -> bool:
    return event.kind is Kind.DELIVERY_SETTLED and "camera" in event.attributes


def subject_of_camera(camera: str) -> str:
    """Return the subject of the camera's faults."""
    return f"camera/{camera}"


def review_of(incident: str) -> tuple[str, str]:
    """Return subject and kind of the fault that stands for the review of an incident of the past."""
    return f"incident/{incident}", REVIEW


def _over_with(event: Event, state: State) -> Iterator[str]:
    """The subjects of faults that end when somebody ends the incident (`effects.clear`)."""
    if event.kind in ENDED_BY_HAND:
        for incident in _concerned(event, state):
            yield from subjects_of_calls(incident, state)


def subjects_of_calls(incident: Incident, state: State) -> Iterator[str]:
    """What the dialplan's faults of this incident are about."""
    yield unanswered_subject(incident.id)
    yield from (unanswered_subject(call.key) for call in state.calls_of(incident.id))


def _concerned(event: Event, state: State) -> Iterator[Incident]:
    """The incidents that the event may make ask for something."""
    if event.kind in _NEVER_CLAIM or _is_good_news(event):
        return
    named = {event.incident}
    named.update(call.incident for pair in _call_keys(event) for call in state.calls_with(*pair))
    if delivery := state.deliveries.get(event.attributes.get("delivery", "")):
        named.add(delivery.incident)
    yield from (state.incidents[incident] for incident in named if incident in state.incidents)
    for exercise in (False, True):
        if event.phone and (incident := state.live_incident(event.phone, exercise=exercise)):
            yield incident


def _is_good_news(event: Event) -> bool:
    return event.kind is Kind.DELIVERY_SETTLED and event.attributes.get("state") in ("verified", "accepted")


def _call_keys(event: Event) -> Iterator[tuple[str, str]]:
    if event.kind in OF_CALLS:
        yield event.source, event.key
    if call_key := event.attributes.get("call_key"):
        yield event.source, call_key


def subject_of(event: Event) -> str:
    """What a fault event is about: its `subject`, else the phone, else its source."""
    return event.attributes.get("subject") or event.phone or event.source
