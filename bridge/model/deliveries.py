"""What the bridge does: one action at one driver, and how surely it is known to have happened."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bridge.model.events import Tier
from bridge.model.ids import NOTHING


class Operation(enum.StrEnum):
    """What a driver may be asked to do. `UNDO` names what takes it back by itself.

    A recalled preset is not among them: going home is a rule of its own, because the camera may be
    somebody else's by then.
    """

    START_RECORDING = "start_recording"
    STOP_RECORDING = "stop_recording"
    BOOKMARK = "bookmark"
    BOOKMARK_PAST = "bookmark_past"
    """Bookmark a call that is over: from `opened_ts` to `ended_ts`, however long ago."""
    EXTEND_BOOKMARK = "extend_bookmark"
    """Lengthen the incident's bookmark to now; `reference` names it."""
    LOCK_EVIDENCE = "lock_evidence"
    """Protect the recording from being overwritten."""
    PROVE_LIVE = "prove_live"
    """Ask whether the camera gives a picture at this moment. Changes nothing."""
    RECALL_PRESET = "recall_preset"
    HOME = "home"
    SHOW = "show"
    HIDE = "hide"
    POPUP = "popup"
    UPDATE_POPUP = "update_popup"
    CLOSE_POPUP = "close_popup"
    EVENT_START = "event_start"
    EVENT_STOP = "event_stop"
    BEACON_ON = "beacon_on"
    """Switch on the lamp or horn at the place."""
    BEACON_OFF = "beacon_off"
    NOTIFY = "notify"
    """Call the dispatch group."""


UNDO: Final[Mapping[Operation, Operation]] = MappingProxyType(
    {
        Operation.START_RECORDING: Operation.STOP_RECORDING,
        Operation.SHOW: Operation.HIDE,
        Operation.POPUP: Operation.CLOSE_POPUP,
        Operation.EVENT_START: Operation.EVENT_STOP,
        Operation.BEACON_ON: Operation.BEACON_OFF,
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

    outcome: `VERIFIED`, `ACCEPTED`, or `SUPERSEDED` where somebody else's wish stands (an operator has moved
    the camera since: it is not sent home).
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
