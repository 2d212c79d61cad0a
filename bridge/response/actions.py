"""What a step of an incident asks of which driver, by the site's response table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.model import (
    NOTHING,
    Incident,
    IncidentState,
    Location,
    Operation,
    Sharing,
    Tier,
    View,
)
from bridge.response.plan import Plan, Rule, Step

Words = Mapping[str, str]
"""What `describe` says of an incident."""

_OF_BOTH_TIERS: Final = frozenset({Step.CONNECTED, Step.ACKNOWLEDGED, Step.CLEARED})
"""Steps that a routine call takes too; dispatch hears of them for an SOS only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do, and the resource that must be held to do it."""

    operation: Operation
    driver: str
    target: str
    params: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    resource: str = ""
    sharing: Sharing = Sharing.TOGETHER


def actions_for(step: Step, incident: Incident, plan: Plan) -> Iterator[Action]:
    """Yield the actions of `step` for this incident, in the order of the response table."""
    rules = plan.rules_of.get(step)
    if not rules:
        return
    location = plan.locations.get(incident.location)
    words = describe(incident, plan)
    silent = incident.tier is Tier.ROUTINE and step in _OF_BOTH_TIERS
    for rule in rules:
        if not (silent and rule.operation is Operation.NOTIFY):
            yield from _expand(rule, words, location, plan)


def _expand(rule: Rule, words: Words, location: Location | None, plan: Plan) -> Iterator[Action]:
    views = location.views[: rule.max_views] if location else ()
    match rule.operation:
        case Operation.POPUP | Operation.UPDATE_POPUP | Operation.SHOW:
            consoles = rule.consoles or (location.consoles if location else ()) or plan.consoles
            yield from _on_consoles(rule, words, consoles, views, plan)
        case Operation.NOTIFY:
            yield from _to_dispatch(rule, words)
        case _:
            yield from _on_cameras(rule, words, views, plan)


def _on_cameras(rule: Rule, words: Words, views: Iterable[View], plan: Plan) -> Iterator[Action]:
    for view in views:
        target = plan.cameras.get(view.camera, {}).get(rule.driver)
        if target is None or (rule.operation is Operation.RECALL_PRESET and not view.preset):
            continue
        resource, sharing = _camera_resource(rule, view.camera, target)
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=target,
            params={**words, "camera": view.camera, "preset": view.preset},
            resource=resource,
            sharing=sharing,
        )


def _camera_resource(rule: Rule, camera: str, target: str) -> tuple[str, Sharing]:
    match rule.operation:
        case Operation.RECALL_PRESET | Operation.HOME:
            return f"ptz/{camera}", Sharing.ALONE
        case Operation.START_RECORDING | Operation.EVENT_START:
            return f"{rule.operation}/{rule.driver}/{target}", Sharing.TOGETHER
    return "", Sharing.TOGETHER


def _to_dispatch(rule: Rule, words: Words) -> Iterator[Action]:
    """A group hears of every SOS; the hold is there for the exercise that has to give way to a real one."""
    for group in rule.groups:
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=group,
            params=words,
            resource=f"dispatch/{rule.driver}/{group}",
        )


def _on_consoles(
    rule: Rule, words: Words, consoles: Iterable[str], views: Iterable[View], plan: Plan
) -> Iterator[Action]:
    shown = {view.camera: plan.cameras.get(view.camera, {}).get(rule.driver) for view in views}
    cameras = {tag: target for tag, target in shown.items() if target}
    shows = rule.operation is Operation.SHOW
    if shows and not cameras:
        return
    for console in consoles:
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=console,
            params={**words, "cameras": ",".join(cameras.values()), "views": ",".join(cameras)},
            resource=f"screen/{rule.driver}/{console}" if shows else "",
            sharing=Sharing.BY_TIER,
        )


def resources_at(location: str, plan: Plan) -> frozenset[str]:
    """Every resource that an incident at this location may want to hold; '' is an unknown location."""
    known = plan.resources.get(location)
    if known is None:
        pretend = Incident(
            id="",
            tier=Tier.EMERGENCY,
            state=IncidentState.OPEN,
            phone="",
            location=location,
            opened_at=0.0,
        )
        actions = (action for step in Step for action in actions_for(step, pretend, plan))
        known = plan.resources[location] = frozenset(action.resource for action in actions if action.resource)
    return known


def describe(incident: Incident, plan: Plan) -> dict[str, str]:
    """Return the words every action carries: what happened, where, since when; marked when an exercise."""
    location = plan.locations.get(incident.location)
    phone = plan.by_id.get(incident.phone)
    word = "SOS" if incident.tier is Tier.EMERGENCY else "Call"
    where = incident.location or "location unknown"
    mark = "EXERCISE " if incident.exercise else ""
    return {
        "incident": incident.id,
        "tier": incident.tier.value,
        "phone": incident.phone,
        "extension": phone.extension if phone else "",
        "location": incident.location,
        "spoken": location.spoken if location else "location unknown",
        "opened_at": plan.local_time(incident.opened_at),
        "acknowledged_by": incident.acknowledged_by,
        "exercise": "yes" if incident.exercise else "",
        "title": f"{mark}{word} {where}",
    }
