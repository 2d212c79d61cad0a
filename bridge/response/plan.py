"""The site as plain values: phones, places, cameras, rules, times. Built by `bridge.config`."""

from __future__ import annotations

import enum
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from bridge.calls import extension_matches
from bridge.model import Event, Location, Operation, Phone


class Audience(enum.StrEnum):
    """Whose consoles a pop-up or picture goes to."""

    ASSIGNED = "assigned"
    """The location's first console: the one that routine calls go to."""
    LOCATION = "location"
    """All of the location's consoles."""
    NEXT = "next"
    """The operators' consoles of the site that are not the location's."""
    SUPERVISORS = "supervisors"
    WALLS = "walls"
    EVERYONE = "everyone"
    """All consoles, supervisors and walls."""


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
    """No dialplan rings dispatch: the phone hung up before a person had it, the SOS is no call, or the PBX is
    away."""
    MORE_WANTED = "more_wanted"
    """Somebody has the SOS, and the site wants more people to acknowledge it."""
    UNRESOLVED = "unresolved"
    CLEARED = "cleared"
    CLOSED = "closed"
    """The post-roll is over; what was started is being stopped."""
    TAMPER = "tamper"
    """Somebody meddles with the phone. Without actions here it is a fault and no incident."""
    MISSED = "missed"
    """An SOS of the past was found in a log. Only `OF_THE_PAST` is done for it."""


OF_THE_PAST: Final = frozenset({Operation.BOOKMARK_PAST, Operation.NOTIFY})
"""What may be done for a call that is over: nothing moves, pops up or records, as if it were new."""


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
    fallback: float = 2.0
    """A call to dispatch that is still not started by then is asked of the fallback."""
    redial_wait: float = 5.0
    post_roll_emergency: float = 60.0
    post_roll_routine: float = 30.0
    recording_cap: float = 4 * 3600.0
    recording_warning: float = 600.0
    """Warn this long before the cap."""
    deadline_emergency: float = 300.0
    deadline_routine: float = 30.0
    deadline_stop: float = 4 * 3600.0
    """A stop is tried for so long: what is left on by a VMS that is away must go off when it is back."""
    picture_proof: float = 26 * 3600.0
    """For so long after a person has seen what a driver of `Plan.unread` shows, its word is believed."""
    segment: float = 90.0
    """Phones of one segment that stop answering within so long of one another are one fault. A PBX that asks
    them every 30 or 60 s notices the last of them that much later than the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cell of the response table: at `step`, ask `driver` for `operation`."""

    step: Step
    operation: Operation
    driver: str
    consoles: tuple[str, ...] = ()
    """For pop-ups and screens, by name; where there are none, `audience` says whose."""
    audience: tuple[Audience, ...] = ()
    """Where that is empty too: the location's own consoles."""
    groups: tuple[str, ...] = ()
    """For `notify`: the dispatch groups to call."""
    max_views: int = 16
    """Cameras at most; of those that have a preset, where the operation is about presets."""
    wider: bool = False
    """The location's `wider` views follow its `views`."""
    unless: tuple[str, ...] = ()
    """Drivers: a camera that one of them has is left to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Who rings the dispatch groups where their first driver cannot."""

    driver: str
    """Its name. It knows the same groups, and its own way to their people."""
    links: tuple[str, ...] = ()
    """Subjects of the faults that say that the first driver's PBX is away."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The site, as the engine needs it. Everything is keyed by name; order of `rules` is priority."""

    site: str
    timezone: str = "UTC"
    phones: tuple[Phone, ...] = ()
    locations: Mapping[str, Location] = field(default_factory=dict)
    cameras: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """camera tag -> driver name -> the camera's id in that VMS."""
    beacons: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """driver name -> the beacons that it switches."""
    alarm_extensions: tuple[str, ...] = ()
    """Extensions or Asterisk patterns (`_911X`)."""
    consoles: tuple[str, ...] = ()
    """Consoles for a call whose location is unknown or names none."""
    supervisors: tuple[str, ...] = ()
    """Names of the consoles with that role; likewise `walls`."""
    walls: tuple[str, ...] = ()
    console_ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """console name -> driver name -> the console's id there; see `console_at`."""
    console_endpoints: frozenset[str] = frozenset()
    """PBX endpoints of consoles, where a connected call means a person at the screen."""
    capabilities: Mapping[str, frozenset[Operation]] = field(default_factory=dict)
    """driver name -> what it can be asked to do."""
    unread: frozenset[str] = frozenset()
    """Names of the drivers that show pictures and cannot be asked what they show: a person has to look."""
    rules: tuple[Rule, ...] = ()
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    """Name of a dispatch driver -> who stands in for it."""
    acknowledgements: tuple[int, ...] = ()
    """How many people must acknowledge an SOS until dispatch is quiet, by the tier rung last; empty: one.
    There are as many tiers as numbers."""
    times: Times = Times()

    @cached_property
    def own_endpoint(self) -> Mapping[str, Phone]:
        return {phone.endpoint: phone for phone in self.phones if phone.endpoint and not phone.shared}

    @cached_property
    def by_number(self) -> Mapping[tuple[str, str], Phone]:
        return {
            (phone.endpoint, phone.extension): phone
            for phone in self.phones
            if phone.shared and phone.endpoint and phone.extension
        }

    @cached_property
    def shared_endpoints(self) -> frozenset[str]:
        return frozenset(phone.endpoint for phone in self.phones if phone.shared)

    @cached_property
    def by_id(self) -> Mapping[str, Phone]:
        return {phone.id: phone for phone in self.phones}

    @cached_property
    def segments(self) -> Mapping[str, tuple[str, ...]]:
        """Segment -> the ids of its phones, in the order of the site file; '' has those of no segment.

        Without phones behind a gateway: of them nobody hears whether they answer.
        """
        members: dict[str, list[str]] = {}
        for phone in self.phones:
            if not phone.shared:
                members.setdefault(phone.segment, []).append(phone.id)
        return {segment: tuple(ids) for segment, ids in members.items()}

    @cached_property
    def rules_of(self) -> Mapping[Step, tuple[Rule, ...]]:
        return {step: tuple(rule for rule in self.rules if rule.step is step) for step in Step}

    @cached_property
    def everyone(self) -> tuple[str, ...]:
        """The names of all consoles, supervisors and walls that the site names anywhere."""
        at_locations = (console for location in self.locations.values() for console in location.consoles)
        named = (*self.consoles, *at_locations, *self.console_ids, *self.supervisors, *self.walls)
        return tuple(dict.fromkeys(named))

    @cached_property
    def operators(self) -> tuple[str, ...]:
        """The names of the consoles that are neither a supervisor's nor a wall."""
        others = {*self.supervisors, *self.walls}
        return tuple(console for console in self.everyone if console not in others)

    @cached_property
    def resources(self) -> dict[str, frozenset[str]]:
        """What `resources_at` has found so far, by location."""
        return {}

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)

    def can(self, driver: str, operation: Operation) -> bool:
        return operation in self.capabilities.get(driver, frozenset())

    def console_at(self, driver: str, console: str) -> str | None:
        """Return the console's id at the driver, None where the driver does not have it.

        A console that names no id at all is known to every driver by its own name.
        """
        ids = self.console_ids.get(console)
        return ids.get(driver) if ids else console

    def is_alarm(self, extension: str) -> bool:
        """Whether dialling this is an SOS; the emergency services of RFC 5031 always are."""
        if extension.startswith("urn:service:sos"):
            return True
        return any(extension_matches(pattern, extension) for pattern in self.alarm_extensions)

    def phone_of(self, event: Event) -> Phone | None:
        """The configured phone: by endpoint; by caller ID only where the endpoint is marked shared.

        The caller of a call *to* a shared endpoint is the other side, and names none of its phones.
        """
        if phone := self.own_endpoint.get(event.endpoint):
            return phone
        inbound = event.attributes.get("direction") == "in"
        caller = None if inbound else self.by_number.get((event.endpoint, event.caller))
        return caller or self.by_id.get(event.attributes.get("phone", ""))

    def local_time(self, at: float) -> str:
        """`at` in the site's time zone, ISO 8601 to the second."""
        return datetime.fromtimestamp(at, self.zone).isoformat(sep=" ", timespec="seconds")
