"""What the bridge remembers: incidents with their calls, timers, claims, faults and stories."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.model.events import Tier
from bridge.model.ids import NOTHING


class IncidentState(enum.StrEnum):
    OPEN = "open"
    CONNECTED = "connected"
    ACKNOWLEDGED = "acknowledged"
    CLEARING = "clearing"
    """Cleared; what was started goes on until the post-roll is over."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a phone, from its first sight to its end. `None` = did not happen (yet)."""

    id: str
    source: str
    key: str
    endpoint: str
    caller: str = ""
    dialled: str
    direction: str = "out"
    """`out`: the phone called; `in`: the phone was called."""
    occurrence: int = 0
    phone: str
    location: str
    tier: Tier
    incident: str = ""
    dialing_at: float
    answered_at: float | None = None
    connected_at: float | None = None
    connected_to: str = ""
    ended_at: float | None = None
    ended_by: str = ""
    """`caller`, `called` or `pbx`."""

    @property
    def live(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    id: str
    tier: Tier
    state: IncidentState
    phone: str
    location: str
    """Location tag; empty when unknown."""
    opened_at: float
    pressed: int = 1
    """How often the phone asked for help during this incident."""
    connected_at: float | None = None
    connected_to: str = ""
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    clearing_at: float | None = None
    closed_at: float | None = None
    closed_by: str = ""
    close_reason: str = ""
    dispatch_at: float | None = None
    """When dispatch was last known to be ringing."""
    exercise: bool = False
    recovered: bool = False
    """Found by reconciling after a blind interval, not seen live."""
    merged_into: str = ""
    people_wanted: int = 1
    """How many different people must acknowledge it until dispatch is quiet."""
    acknowledgers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Who has, in their order, where one is not enough: name -> how."""

    @property
    def live(self) -> bool:
        return self.state is not IncidentState.CLOSED

    @property
    def wants_more(self) -> bool:
        """Whether somebody has it, or had it until it was cleared, and more people were wanted."""
        return max(1, len(self.acknowledgers)) < self.people_wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A due time in a row: a crash loses nothing."""

    incident: str
    name: str
    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An incident's claim on a shared camera or screen. `held` is False while others have it."""

    resource: str
    incident: str
    tier: Tier
    since: float
    held: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that a person must know and mend; an interval while `cleared_at` is None.

    `subject` is what is faulty (`ami/pbx1`, `phone/P-03`, `config`), `what` the kind of fault
    (`blind`, `unknown_phone`, `delivery`, `login`, ...). Together they are the key.
    """

    subject: str
    what: str
    text: str
    opened_at: float
    cleared_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of an incident's story, for people."""

    incident: str
    at: float
    event: str
    """Id of the event that caused it."""
    reason: str
    text: str
