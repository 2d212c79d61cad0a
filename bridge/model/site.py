"""The plant: phones, places, views; and what a driver is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.model.ids import NOTHING


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
    language: str = ""
    """Of what its caller hears; empty: the site's."""
    segment: str = ""
    """The network segment that it is connected by; empty where the site does not say."""


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
    """Best first."""
    wider: tuple[View, ...] = ()
    """What an SOS looks at besides."""
    alternates: tuple[View, ...] = ()
    """The nearest first: each stands in for a camera of `views` that is missing."""
    consoles: tuple[str, ...] = ()
    """The first is the one that routine calls go to."""
    beacons: tuple[str, ...] = ()
    """Lamps and horns there, by the names that a driver has for its outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the site uses of one video system, so that `check` can prove each."""

    cameras: Mapping[str, frozenset[str]] = field(default_factory=lambda: NOTHING)
    """camera id there -> presets that some location uses."""
    consoles: frozenset[str] = frozenset()
    """Ids there of screens, users or workstations that are shown something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmsCamera:
    """A camera as the video system lists it."""

    id: str
    name: str
    ptz: bool = False
    presets: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """what the driver takes as `preset` -> the name that people gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmsConsole:
    """A screen, user or workstation as the video system lists it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a video system has, for `sosbridge import`."""

    cameras: tuple[VmsCamera, ...] = ()
    consoles: tuple[VmsConsole, ...] = ()
