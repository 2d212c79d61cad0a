"""What an Nx server tells of itself, its devices, bookmarks, users and rules, as values. Pure.

Made by `nx_answers`; called by `bridge.protocols.nx` and the driver.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.model import NOTHING

LIVE: Final = frozenset({"Online", "Recording"})
"""Statuses of a device that gives pictures."""
UNDECIDED: Final = frozenset({"NotDefined", ""})
"""Statuses while servers synchronize: neither live nor missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInfo:
    """What the server says of itself without a log-in."""

    version: str
    brand: str
    """`customization`: the brand the server was built for."""
    api: int
    """Highest version of its REST API: 1 to 4."""
    time: float | None
    """Its clock, UTC epoch seconds; None where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A camera as the server lists it."""

    id: str
    name: str
    status: str
    """Offline, Unauthorized, Online, Recording, NotDefined, Incompatible, mismatchedCertificate."""
    ptz: bool = False

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def records(self) -> bool:
        return self.status == "Recording"

    @property
    def missing(self) -> bool:
        """Whether the server knows that it gives no pictures."""
        return not self.live and self.status not in UNDECIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PtzObject:
    """The preset or tour that a camera stands on, or goes home to."""

    kind: str
    """`preset` or `tour`."""
    id: str
    """As the server writes it: a camera's own presets may have ids of any form."""

    def same(self, other: PtzObject | None) -> bool:
        return other is not None and plain_id(self.id) == plain_id(other.id)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a PTZ camera looks, in numbers whose range is the camera's own."""

    pan: float
    tilt: float
    zoom: float

    def near(self, other: Position) -> bool:
        """Whether nobody has moved it in between: cameras answer with a little noise."""
        pairs = ((self.pan, other.pan), (self.tilt, other.tilt), (self.zoom, other.zoom))
        return all(math.isclose(one, two, rel_tol=0.01, abs_tol=0.01) for one, two in pairs)

    def __str__(self) -> str:
        return f"{self.pan:g},{self.tilt:g},{self.zoom:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A marked part of a recording. start, duration, created: milliseconds (since the epoch)."""

    id: str
    """`{bookmark}_{server}` in v4."""
    device: str
    name: str
    description: str
    start: int
    duration: int
    tags: frozenset[str]
    creator: str
    """Id of the user who made it; empty when the server did."""
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftTrigger:
    """A rule that the logged-in user may set off."""

    id: str
    name: str
    prolonged: bool
    """It runs until it is stopped."""
    everywhere: bool
    devices: frozenset[str]
    """Where it may be set off, unless it is everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the logged-in user may, groups included."""

    groups: frozenset[str]
    permissions: frozenset[str]
    resources: Mapping[str, frozenset[str]]
    """Device or group of devices -> names of access rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An event rule: what it waits for and what it does, as the server writes it."""

    id: str
    enabled: bool
    comment: str
    event: Mapping[str, Any]
    action: Mapping[str, Any]


def plain_id(value: Any) -> str:
    """An id as all versions can be compared: older ones put braces around it, or use capitals."""
    return str(value or "").strip("{}").lower()


def part(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object of a rule; empty where it is left out, which means its default."""
    value = row.get(name)
    return value if isinstance(value, dict) else NOTHING


def ids_in(row: Mapping[str, Any]) -> frozenset[str]:
    ids = row.get("ids")
    return frozenset(map(plain_id, ids)) if isinstance(ids, list) else frozenset()
