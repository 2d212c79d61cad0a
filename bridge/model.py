"""The nouns everybody shares, and the small protocols between the layers.

All times are UTC epoch seconds as float unless a name says otherwise; durations are seconds.
All values are immutable: a change is a new value (`dataclasses.replace`).
"""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol

NAMESPACE: Final = uuid.UUID("6f2d8a0e-51c4-5f0b-9a7e-2f6d1b1f9110")
"""Namespace of every UUIDv5 of this product. Never change it: stored ids depend on it."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def derive_id(*parts: str | int) -> str:
    """Return the UUIDv5 of `parts`. The same parts give the same id on every node, for ever."""
    return str(uuid.uuid5(NAMESPACE, json.dumps(parts, ensure_ascii=True, separators=(",", ":"))))


class Tier(enum.StrEnum):
    ROUTINE = "routine"
    EMERGENCY = "emergency"


class Kind(enum.StrEnum):
    """What an event says happened."""

    OFF_HOOK = "off_hook"
    SOS = "sos"
    SOS_CLEARED = "sos_cleared"
    TAMPER = "tamper"
    FAULT = "fault"
    FAULT_CLEARED = "fault_cleared"
    OFFLINE = "offline"
    ONLINE = "online"
    CALL_DIALING = "call_dialing"
    CALL_ANSWERED = "call_answered"
    """The PBX picked up. Not a person."""
    CALL_CONNECTED = "call_connected"
    """A person is on the line."""
    CALL_ENDED = "call_ended"
    CALL_FAILED = "call_failed"
    """The PBX refused or could not place the call."""
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    TIMER_DUE = "timer_due"
    DELIVERY_SETTLED = "delivery_settled"
    """An attempt of a delivery ended; `attributes` carry what `Settlement` holds."""
    HOLD_LOST = "hold_lost"
    """Something the bridge keeps switched on (a forced recording) was found off."""
    DISPATCH_STARTED = "dispatch_started"
    """The dialplan rings a dispatch tier for this incident (SOSTier), so the bridge need not."""
    REPORTED = "reported"
    """Something that only the incident's story tells; `attributes` carry the `text`."""
    LINK_LOST = "link_lost"
    LINK_RESTORED = "link_restored"
    CLOCK_STEPPED = "clock_stepped"


CALL_KINDS: Final = frozenset(
    {Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED, Kind.CALL_ENDED, Kind.CALL_FAILED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact, as a trigger saw it. The only thing that enters the bridge.

    A trigger fills what its source says (`kind` to `attributes`); ingest adds the rest.
    """

    kind: Kind
    source: str
    """The system that knows the fact, not the way it came: `asterisk/pbx1` for AMI, ARI and logs alike."""
    key: str
    """The source's own key of the fact: the Uniqueid of the phone's channel, a timer's id, a webhook's id."""
    occurred_at: float
    """By the source's clock where it has one."""
    endpoint: str = ""
    """The phone as the source names it (PJSIP endpoint, SIP digest user). Untrusted text."""
    caller: str = ""
    """Caller ID number; empty when withheld. Untrusted text."""
    dialled: str = ""
    incident: str = ""
    """The incident the event is about, where the source knows it (timer, delivery, acknowledgement)."""
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Kind-specific facts as text: `direction` (out, in), `connected_to`, `ended_by`, `by`, `name`, ..."""
    via: str = ""
    """The way it came (`ami`, `ari`, `cli`). Not part of the identity."""
    received_at: float = 0.0
    phone: str = ""
    """Configured phone id, or `unknown/...`; set by `response.identify`."""
    location: str = ""
    occurrence: int = 0
    """Counts earlier calls of the same key that had ended long before; set by the engine."""

    @property
    def id(self) -> str:
        """UUIDv5 of what the source says, so that one fact seen twice is one event."""
        return derive_id(
            "event", self.source, self.key, self.endpoint, self.dialled, self.kind, self.occurrence
        )


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

    @property
    def live(self) -> bool:
        return self.state is not IncidentState.CLOSED


class Operation(enum.StrEnum):
    """What a driver may be asked to do. `UNDO` names what takes it back by itself.

    A recalled preset is not among them: going home is a rule of its own, because the camera may be
    somebody else's by then.
    """

    START_RECORDING = "start_recording"
    STOP_RECORDING = "stop_recording"
    BOOKMARK = "bookmark"
    RECALL_PRESET = "recall_preset"
    HOME = "home"
    SHOW = "show"
    HIDE = "hide"
    POPUP = "popup"
    UPDATE_POPUP = "update_popup"
    CLOSE_POPUP = "close_popup"
    EVENT_START = "event_start"
    EVENT_STOP = "event_stop"
    NOTIFY = "notify"
    """Call the dispatch group."""


UNDO: Final[Mapping[Operation, Operation]] = MappingProxyType(
    {
        Operation.START_RECORDING: Operation.STOP_RECORDING,
        Operation.SHOW: Operation.HIDE,
        Operation.POPUP: Operation.CLOSE_POPUP,
        Operation.EVENT_START: Operation.EVENT_STOP,
    }
)


class Capability(enum.StrEnum):
    """How a driver can do an operation."""

    REPEATABLE = "repeatable"
    """Direct; doing it twice is the same as once."""
    ASK_FIRST = "ask_first"
    """Direct; before a repeat the driver asks the VMS whether it already happened."""
    BY_RULE = "by_rule"
    """A rule in the VMS does it when our event arrives."""
    IMPOSSIBLE = "impossible"


class Sharing(enum.StrEnum):
    """How incidents get on with each other at one resource."""

    TOGETHER = "together"
    """All of them have it (a recording); it is given up when the last one goes."""
    BY_TIER = "by_tier"
    """Those of the highest tier have it (a screen); the others wait."""
    ALONE = "alone"
    """One has it (a PTZ): the higher tier, and within a tier the first."""


class DeliveryState(enum.StrEnum):
    PENDING = "pending"
    """Committed, taken by no node yet."""
    LEASED = "leased"
    """A node is performing it, or was when it died."""
    VERIFIED = "verified"
    """Read back from the other side."""
    ACCEPTED = "accepted"
    """The other side said yes and cannot be asked."""
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"

    @property
    def settled(self) -> bool:
        return self not in (DeliveryState.PENDING, DeliveryState.LEASED)

    @property
    def done(self) -> bool:
        return self in (DeliveryState.VERIFIED, DeliveryState.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a driver knows after performing: never more than it was told.

    outcome: `VERIFIED` or `ACCEPTED`.
    proof: what was read back or answered, for a person ("status 2, event 17").
    reference: the VMS's own id of what was made, kept for later steps ("event:17").
    """

    outcome: DeliveryState
    proof: str
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One action at one driver. Born with the decision, settled by a receipt."""

    id: str
    incident: str
    step: str
    """Which step of the incident asked for it: `sos/1`, `stop/1`, `notify/2`, ..."""
    driver: str
    """The driver instance's name in the configuration."""
    operation: Operation
    target: str
    """The driver's own id of the camera, console or group."""
    params: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    tier: Tier
    order: int
    """Position within its incident: lower starts first."""
    resource: str = ""
    """The hold it needs, or empty."""
    sharing: Sharing = Sharing.TOGETHER
    state: DeliveryState
    attempts: int = 0
    created_at: float
    deadline: float
    next_attempt_at: float | None = None
    started_at: float | None = None
    settled_at: float | None = None
    proof: str = ""
    """What the receipt said, or why it failed."""
    reference: str = ""
    leased_by: str = ""
    doubtful: bool = False
    """An earlier attempt may have reached the other side: ask before repeating."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    id: str
    endpoint: str
    extension: str
    location: str
    shared: bool = False
    """Its PBX endpoint serves several phones: the caller ID tells them apart."""
    kind: str = "telephone"
    callback: str = "auto_answer"
    """`auto_answer`, `ring` or `never`."""
    announce: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera as a location wants it."""

    camera: str
    preset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    tag: str
    spoken: str
    views: tuple[View, ...] = ()
    consoles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `sosbridge check`: `level` is `ok`, `warning` or `error`."""

    level: str
    subject: str
    text: str


class Accept(Protocol):
    """The one door in. Queues at once, in call order; the awaitable ends when the event is durable."""

    def __call__(self, event: Event) -> Awaitable[None]: ...


class Clock(Protocol):
    """Time as the app owns it. Tests pass a fake."""

    def now(self) -> float:
        """UTC epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never step."""

    async def sleep(self, seconds: float) -> None: ...


class Driver(Protocol):
    """One VMS, dispatch group or relay. A module in `drivers/` exposes `Config` and `Driver`.

    `perform` raises Retryable, Permanent or Uncertain (errors.py), nothing else on purpose;
    what else escapes is settled as uncertain and is a fault.
    """

    @property
    def capabilities(self) -> Mapping[Operation, Capability]: ...
    async def perform(self, delivery: Delivery) -> Receipt: ...
    async def check(self) -> list[Finding]: ...
    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether what `operation` switched on is still on; None where it cannot be asked."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus:
    """How a trigger's link is. `since`: when it went up or down; `lag`: seconds behind the source."""

    up: bool
    since: float
    text: str = ""
    lag: float | None = None


class Trigger(Protocol):
    """One source of events. Runs until cancelled; the app restarts it with capped backoff (<= 5 s).

    carries_calls: the voice goes through it, so that it must outlive a reload of the configuration.
    """

    carries_calls: ClassVar[bool]

    @property
    def status(self) -> TriggerStatus: ...

    async def run(self, accept: Accept) -> None: ...
    async def check(self) -> list[Finding]: ...
