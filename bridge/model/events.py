"""What happened, as a trigger saw it: the only thing that enters the bridge."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.model.ids import NOTHING, derive_id


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
    SWAPPED = "swapped"
    """A named person (`by`) gives the incident what another one holds; `attributes` name the `resource`."""
    LEFT_ON = "left_on"
    """The bridge begins anew, and something that the closed incident switched on may not be off."""
    REPORTED = "reported"
    """Something that only the incident's story tells; `attributes` carry the `text`."""
    MISSED = "missed"
    """An alarm call that is over, and that nobody saw: a log tells of it. `source`, `key` and the rest are
    the call's, `occurred_at` is when it was dialled; `attributes`: `owed` (missed, review), `answered_at`,
    `connected_at`, `ended_at` (UTC epoch seconds), `ended_by`, `outcome`, `by` (who filed it)."""
    LINK_LOST = "link_lost"
    LINK_RESTORED = "link_restored"
    CLOCK_STEPPED = "clock_stepped"


CALL_KINDS: Final = frozenset(
    {Kind.CALL_DIALING, Kind.CALL_ANSWERED, Kind.CALL_CONNECTED, Kind.CALL_ENDED, Kind.CALL_FAILED}
)
"""What a call says of itself while it lives."""
OF_CALLS: Final = CALL_KINDS | {Kind.MISSED}
"""Kinds whose source and key are a call's."""


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
