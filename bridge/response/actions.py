"""What a step of an incident asks of which driver, by the site's response table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
)
from bridge.response.names import SCREEN
from bridge.response.phones import TAMPERED
from bridge.response.plan import Plan, Rule, Step
from bridge.response.views import BY_PRESET, RECORDED, Look, consoles_of, every_view, looks_of

Words = Mapping[str, str]
"""What `describe` says of an incident."""

_OF_BOTH_TIERS: Final = frozenset({Step.CONNECTED, Step.ACKNOWLEDGED, Step.CLEARED, Step.CLOSED})
"""Steps that a routine call takes too; dispatch, supervisors and the like hear of them for an SOS only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do, and the resource that must be held to do it."""

    operation: Operation
    driver: str
    target: str
    params: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    resource: str = ""
    sharing: Sharing = Sharing.TOGETHER


def actions_for(step: Step, incident: Incident, plan: Plan, missing: Sequence[str] = ()) -> Iterator[Action]:
    """Yield the actions of `step` for this incident, in the order of the response table.

    missing: tags of the cameras of its location that are known to be missing, in the order in which they
    were found missing; the location's alternates stand in for them.
    """
    rules = plan.rules_of.get(step)
    if not rules:
        return
    location = plan.locations.get(incident.location)
    words = _with_news(describe(incident, plan, missing), _news(step, incident, missing))
    routine = incident.tier is Tier.ROUTINE and step in _OF_BOTH_TIERS
    for rule in rules:
        looks = looks_of(rule, location, missing) if location else []
        match rule.operation:
            case Operation.POPUP | Operation.UPDATE_POPUP | Operation.SHOW:
                consoles = consoles_of(rule, location, plan, routine=routine)
                yield from _on_consoles(rule, words, consoles, looks, plan)
            case Operation.NOTIFY:
                if not routine:
                    yield from _to_dispatch(rule, words)
            case Operation.BEACON_ON:
                yield from _on_beacons(rule, words, location, plan)
            case _:
                yield from _on_cameras(rule, words, looks, plan)


def _news(step: Step, incident: Incident, missing: Sequence[str]) -> str:
    """Say what is new at this step, as an operator wants it in a title; nothing at the first."""
    has_it = f"acknowledged by {incident.acknowledged_by}"
    talks = f"connected to {incident.connected_to}" if incident.connected_to else "connected"
    told = {
        # After a 1 the two come at once, and only the last word stays: it must not lose who has it.
        Step.CONNECTED: f"{talks}; {has_it}" if incident.acknowledged_by else talks,
        Step.ACKNOWLEDGED: has_it,
        Step.PRESSED_AGAIN: "pressed again",
        Step.ESCALATE_1: "not acknowledged",
        Step.ESCALATE_2: "still not acknowledged",
        Step.MORE_WANTED: f"{len(incident.acknowledgers)} of {incident.people_wanted} have acknowledged",
        Step.UNRESOLVED: "still unresolved",
        Step.CLEARED: f"cleared by {incident.closed_by}",
        Step.MISSED: "found in the PBX's log",
    }
    gone = [f"camera {' and '.join(missing)} missing"] if missing else []
    return "; ".join([*([told[step]] if step in told else []), *gone])


def _with_news(words: Words, news: str) -> Words:
    return {**words, "news": news, "title": f"{words['title']}: {news}" if news else words["title"]}


def _on_cameras(rule: Rule, words: Words, looks: Iterable[Look], plan: Plan) -> Iterator[Action]:
    for look in looks:
        camera, preset = look.view.camera, look.view.preset
        ids = plan.cameras.get(camera, {})
        target = ids.get(rule.driver)
        if target is None or not ids.keys().isdisjoint(rule.unless):
            continue
        if rule.operation in BY_PRESET and not preset:
            continue
        resource, sharing = _camera_resource(rule, camera, target)
        instead = {"instead_of": look.instead_of} if look.instead_of else NOTHING
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=target,
            params={**words, "camera": camera, "preset": preset, **instead},
            resource=resource,
            sharing=sharing,
        )


def _camera_resource(rule: Rule, camera: str, target: str) -> tuple[str, Sharing]:
    if rule.operation in BY_PRESET:
        return ptz(camera), Sharing.ALONE
    if rule.operation in RECORDED:
        return f"{rule.operation}/{rule.driver}/{target}", Sharing.TOGETHER
    return "", Sharing.TOGETHER


def _on_beacons(rule: Rule, words: Words, location: Location | None, plan: Plan) -> Iterator[Action]:
    """Incidents at one place share its lamp: the last to leave switches it off."""
    mine = plan.beacons.get(rule.driver, frozenset())
    for beacon in location.beacons if location else ():
        if beacon in mine:
            yield Action(
                operation=rule.operation,
                driver=rule.driver,
                target=beacon,
                params=words,
                resource=f"{rule.operation}/{rule.driver}/{beacon}",
            )


def _to_dispatch(rule: Rule, words: Words) -> Iterator[Action]:
    """A group hears of every SOS; the hold is there for the exercise that has to give way to a real one."""
    for group in rule.groups:
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=group,
            params=words,
            resource=dispatch(rule.driver, group),
        )


def _on_consoles(
    rule: Rule, words: Words, consoles: Iterable[str], looks: Sequence[Look], plan: Plan
) -> Iterator[Action]:
    shown = {look.view.camera: plan.cameras.get(look.view.camera, {}).get(rule.driver) for look in looks}
    cameras = {tag: target for tag, target in shown.items() if target}
    shows = rule.operation is Operation.SHOW
    if shows and not cameras:
        return
    for console in consoles:
        target = plan.console_at(rule.driver, console)
        if target is None:
            continue
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=target,
            params={
                **words,
                "cameras": ",".join(cameras.values()),
                "views": ",".join(cameras),
                "stand_ins": ",".join(look.view.camera for look in looks if look.instead_of),
                "console": console,
            },
            resource=f"{SCREEN}/{rule.driver}/{target}" if shows else "",
            sharing=Sharing.BY_TIER,
        )


def resources_at(location: str, plan: Plan) -> frozenset[str]:
    """Every resource that an incident at this location may want to hold; '' is an unknown location.

    That is more than its steps ask for at most times: a stand-in's, and each camera that may be moved.
    """
    known = plan.resources.get(location)
    if known is None:
        known = plan.resources[location] = frozenset(_resources_at(location, plan))
    return known


def _resources_at(tag: str, plan: Plan) -> Iterator[str]:
    pretend = Incident(
        id="", tier=Tier.EMERGENCY, state=IncidentState.OPEN, phone="", location=tag, opened_at=0.0
    )
    for step in Step:
        for action in actions_for(step, pretend, plan):
            if action.resource:
                yield action.resource
            if action.operation is Operation.NOTIFY and (fallback := plan.fallbacks.get(action.driver)):
                yield dispatch(fallback.driver, action.target)
    location = plan.locations.get(tag)
    looks = [Look(view) for view in every_view(location)] if location else []
    yield from (ptz(look.view.camera) for look in looks)
    for rule in plan.rules:
        if rule.operation in RECORDED:
            yield from (action.resource for action in _on_cameras(rule, NOTHING, looks, plan))


def ptz(camera: str) -> str:
    """Return the resource that whoever moves the camera has to hold."""
    return f"ptz/{camera}"


def dispatch(driver: str, group: str) -> str:
    """Return the resource that whoever has `driver` ring the group has to hold."""
    return f"dispatch/{driver}/{group}"


def describe(incident: Incident, plan: Plan, missing: Sequence[str] = ()) -> dict[str, str]:
    """Return the words every action carries: what happened, where, since when; marked when an exercise.

    missing: as `actions_for` takes it. The word `missing` has commas between the tags; `opened_ts` is in UTC
    epoch seconds, `opened_at` in the site's time.
    """
    location = plan.locations.get(incident.location)
    phone = plan.by_id.get(incident.phone.removeprefix(TAMPERED))
    word = "SOS" if incident.tier is Tier.EMERGENCY else "Call"
    if incident.phone.startswith(TAMPERED):
        word = "Tamper"
    where = incident.location or "location unknown"
    mark = "EXERCISE " if incident.exercise else ""
    return {
        "incident": incident.id,
        "tier": incident.tier.value,
        "phone": incident.phone.removeprefix(TAMPERED),
        "extension": phone.extension if phone else "",
        "location": incident.location,
        "spoken": location.spoken if location else "location unknown",
        "opened_at": plan.local_time(incident.opened_at),
        "opened_ts": repr(incident.opened_at),
        "acknowledged_by": incident.acknowledged_by,
        "closed_by": incident.closed_by,
        "close_reason": incident.close_reason,
        "missing": ",".join(missing),
        "exercise": "yes" if incident.exercise else "",
        "news": "",
        "title": f"{mark}{word} {where}",
    }
