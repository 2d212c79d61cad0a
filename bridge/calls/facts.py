"""What a PBX says about channels, in words of no protocol. Made by the AMI, ARI and log triggers.

`at` is UTC by the PBX's own clock. A channel is known by its `uniqueid`; `channel` is its name
(`PJSIP/1001-0000002a`). All text is the PBX's or the caller's own: untrusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A channel exists. `incoming`: its device called the PBX; else the PBX calls the device."""

    at: float
    uniqueid: str
    linkedid: str
    channel: str
    incoming: bool
    caller: str = ""
    name: str = ""
    exten: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """A channel is now `Up`, `Ringing`, `Busy` (the PBX refused it), ..."""

    at: float
    uniqueid: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialBegan:
    """The PBX calls the device of `dest_*`, for `caller` (empty where the PBX itself started it)."""

    at: float
    dest_uniqueid: str
    dest_channel: str
    linkedid: str
    caller: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEnded:
    """Calling that device came to an end: `ANSWER`, `BUSY`, `NOANSWER`, `CANCEL`, `CONGESTION`, ..."""

    at: float
    dest_uniqueid: str
    linkedid: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The channel entered a bridge. `mixing`: its members hear each other (a parking lot's do not)."""

    at: float
    uniqueid: str
    bridge: str
    mixing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    at: float
    uniqueid: str
    bridge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangupRequested:
    """The channel's own device hung up (not the PBX)."""

    at: float
    uniqueid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """The channel is gone. `cause` is the PBX's wording, good for people only.

    lost: it is certain that nobody hung up.
    by: Uniqueid of the channel whose device hung up, where that is told only now (in a log).
    """

    at: float
    uniqueid: str
    cause: str = ""
    lost: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The dialplan pack reports something (UserEvent), with the channel it runs on."""

    at: float
    name: str
    uniqueid: str
    linkedid: str
    channel: str
    caller: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: _NO_FIELDS)
    """By lower-case name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The PBX did not believe, or did not let in, a device that claims to be `account`."""

    at: float
    account: str
    what: str
    """The PBX's word for it: `ChallengeResponseFailed`, `InvalidAccountID`, `FailedACL`, ..."""
    remote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A device proved that it is `account`."""

    at: float
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """The PBX can, or cannot, reach the device of `endpoint`."""

    at: float
    endpoint: str
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChannel:
    """One row of a snapshot of all channels."""

    uniqueid: str
    linkedid: str
    channel: str
    state: str
    caller: str = ""
    """Caller ID number of the channel's own device."""
    connected: str = ""
    """Number of the other side."""
    exten: str = ""
    """Where its dialplan is now; not always what was dialled."""
    dialled_by_pbx: bool = False
    """The PBX called this device."""
    bridge: str = ""
    mixing: bool = True
    variables: Mapping[str, str] = field(default_factory=lambda: _NO_FIELDS)


Fact = (
    Created
    | StateChanged
    | DialBegan
    | DialEnded
    | Entered
    | Left
    | HangupRequested
    | Destroyed
    | Said
    | Refused
    | Trusted
    | Reachability
)
