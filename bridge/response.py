"""Which phone it is, how urgent, and which actions answer it. Pure; called by engine and ingest.

A `Plan` is the site's configuration as plain values (built by `bridge.config`). `identify` turns what
a source said about a phone into a configured phone; `actions_for` turns a step of an incident into
the ordered actions of the site's response table.
"""

from __future__ import annotations

import enum
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from bridge.calls import extension_matches
from bridge.model import (
    CALL_KINDS,
    NOTHING,
    Event,
    Incident,
    IncidentState,
    Kind,
    Location,
    Operation,
    Phone,
    Sharing,
    Tier,
    View,
)

UNKNOWN_PHONE: Final = "unknown/"
"""Prefix of the phone id of a caller that no configuration names."""


class Step(enum.StrEnum):
    """The moments of an incident that a site can attach actions to."""

    OFF_HOOK = "off_hook"
    SOS = "sos"
    CONNECTED = "connected"
    ACKNOWLEDGED = "acknowledged"
    PRESSED_AGAIN = "pressed_again"
    ESCALATE_1 = "escalate_1"
    ESCALATE_2 = "escalate_2"
    NO_PICTURE = "no_picture"
    UNANSWERED = "unanswered"
    """The phone hung up before a person had it, and the dialplan did not ring dispatch."""
    UNRESOLVED = "unresolved"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Every waiting time of semantics.md, in seconds."""

    picture: float = 4.0
    """Without a confirmed picture by then, dispatch is told."""
    escalate_1: float = 20.0
    escalate_2: float = 60.0
    unresolved: float = 600.0
    """Acknowledged but unresolved: alert again."""
    console_settle: float = 5.0
    """A console connected this long suspends escalation."""
    console_click: float = 60.0
    """Without a click or key by then, escalation resumes."""
    dispatch_grace: float = 2.0
    """After an unanswered hangup: the dialplan should have rung dispatch by then, else the bridge does."""
    redial_wait: float = 5.0
    post_roll_emergency: float = 60.0
    post_roll_routine: float = 30.0
    recording_cap: float = 4 * 3600.0
    recording_warning: float = 600.0
    """Warn this long before the cap."""
    deadline_emergency: float = 300.0
    deadline_routine: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cell of the response table: at `step`, ask `driver` for `operation`."""

    step: Step
    operation: Operation
    driver: str
    consoles: tuple[str, ...] = ()
    """For pop-ups and screens; empty means the location's own consoles."""
    groups: tuple[str, ...] = ()
    """For `notify`: the dispatch groups to call."""
    max_views: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do, and the resource that must be held to do it."""

    operation: Operation
    driver: str
    target: str
    params: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    resource: str = ""
    sharing: Sharing = Sharing.TOGETHER


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The site, as the engine needs it. Everything is keyed by name; order of `rules` is priority."""

    site: str
    timezone: str = "UTC"
    phones: tuple[Phone, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=dict)
    cameras: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """camera tag -> driver name -> the camera's id in that VMS."""
    alarm_extensions: tuple[str, ...] = ()
    """Extensions or Asterisk patterns (`_911X`)."""
    consoles: tuple[str, ...] = ()
    """Consoles for a call whose location is unknown or names none."""
    console_endpoints: frozenset[str] = frozenset()
    """PBX endpoints of consoles, where a connected call means a person at the screen."""
    capabilities: Mapping[str, frozenset[Operation]] = field(default_factory=dict)
    """driver name -> what it can be asked to do."""
    rules: tuple[Rule, ...] = ()
    times: Times = Times()

    @cached_property
    def own_endpoint(self) -> Mapping[str, Phone]:
        return {phone.endpoint: phone for phone in self.phones if not phone.shared}

    @cached_property
    def by_number(self) -> Mapping[tuple[str, str], Phone]:
        return {(phone.endpoint, phone.extension): phone for phone in self.phones if phone.shared}

    @cached_property
    def by_id(self) -> Mapping[str, Phone]:
        return {phone.id: phone for phone in self.phones}

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)

    def can(self, driver: str, operation: Operation) -> bool:
        return operation in self.capabilities.get(driver, frozenset())

    def is_alarm(self, extension: str) -> bool:
        return any(extension_matches(pattern, extension) for pattern in self.alarm_extensions)

    def phone_of(self, event: Event) -> Phone | None:
        """The configured phone: by endpoint; by caller ID only where the endpoint is marked shared."""
        return (
            self.own_endpoint.get(event.endpoint)
            or self.by_number.get((event.endpoint, event.caller))
            or self.by_id.get(event.attributes.get("phone", ""))
        )

    def local_time(self, at: float) -> str:
        """`at` in the site's time zone, ISO 8601 to the second."""
        return datetime.fromtimestamp(at, self.zone).isoformat(sep=" ", timespec="seconds")


def identify(event: Event, plan: Plan) -> Event | None:
    """Name the phone and location of `event`; None if it concerns no phone or alarm of this site."""
    if event.kind not in CALL_KINDS and not (event.endpoint or event.caller or event.attributes.get("phone")):
        return event
    phone = plan.phone_of(event)
    if phone is not None:
        return replace(event, phone=phone.id, location=phone.location)
    if event.kind in CALL_KINDS and not _is_outgoing_alarm(event, plan):
        return None
    return replace(event, phone=f"{UNKNOWN_PHONE}{event.endpoint or event.caller or event.key}")


def _is_outgoing_alarm(event: Event, plan: Plan) -> bool:
    return event.attributes.get("direction", "out") == "out" and plan.is_alarm(event.dialled)


def tier_of(event: Event, plan: Plan) -> Tier:
    """An alarm extension or an `sos` is an emergency, everything else is routine."""
    if event.kind is Kind.SOS or (event.kind in CALL_KINDS and _is_outgoing_alarm(event, plan)):
        return Tier.EMERGENCY
    return Tier.ROUTINE


def actions_for(step: Step, incident: Incident, plan: Plan) -> Iterator[Action]:
    """Yield the actions of `step` for this incident, in the order of the response table."""
    location = plan.locations.get(incident.location)
    for rule in plan.rules:
        if rule.step is step:
            yield from _expand(rule, incident, location, plan)


def _expand(rule: Rule, incident: Incident, location: Location | None, plan: Plan) -> Iterator[Action]:
    views = location.views[: rule.max_views] if location else ()
    match rule.operation:
        case Operation.POPUP | Operation.UPDATE_POPUP | Operation.SHOW:
            consoles = rule.consoles or (location.consoles if location else ()) or plan.consoles
            yield from _on_consoles(rule, incident, consoles, views, plan)
        case Operation.NOTIFY:
            for group in rule.groups:
                yield Action(
                    operation=rule.operation,
                    driver=rule.driver,
                    target=group,
                    params=describe(incident, plan),
                )
        case _:
            yield from _on_cameras(rule, incident, views, plan)


def _on_cameras(rule: Rule, incident: Incident, views: Iterable[View], plan: Plan) -> Iterator[Action]:
    for view in views:
        target = plan.cameras.get(view.camera, {}).get(rule.driver)
        if target is None or (rule.operation is Operation.RECALL_PRESET and not view.preset):
            continue
        resource, sharing = _camera_resource(rule, view.camera, target)
        yield Action(
            operation=rule.operation,
            driver=rule.driver,
            target=target,
            params={**describe(incident, plan), "camera": view.camera, "preset": view.preset},
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


def _on_consoles(
    rule: Rule, incident: Incident, consoles: Iterable[str], views: Iterable[View], plan: Plan
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
            params={
                **describe(incident, plan),
                "cameras": ",".join(cameras.values()),
                "views": ",".join(cameras),
            },
            resource=f"screen/{rule.driver}/{console}" if shows else "",
            sharing=Sharing.BY_TIER,
        )


def resources_at(location: str, plan: Plan) -> frozenset[str]:
    """Every resource that an incident at this location may want to hold."""
    pretend = Incident(
        id="",
        tier=Tier.EMERGENCY,
        state=IncidentState.OPEN,
        phone="",
        location=location,
        opened_at=0.0,
    )
    return frozenset(
        action.resource for step in Step for action in actions_for(step, pretend, plan) if action.resource
    )


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
        "exercise": "yes" if incident.exercise else "",
        "title": f"{mark}{word} {where}",
    }
