"""The PTZ service: presets, going to one, going home, where the camera stands. Pure. ONVIF PTZ WSDL."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from bridge.errors import ProtocolError
from bridge.protocols.onvif.soap import (
    Message,
    attribute,
    children,
    element,
    node_at,
    text_at,
)

REFERENCE: Final = "position:"
_NUMBER: Final = r"-?\d{1,6}(?:\.\d{1,9})?"
_WRITTEN: Final = re.compile(rf"{REFERENCE}({_NUMBER}|),({_NUMBER}|),({_NUMBER}|)")


@dataclass(frozen=True, slots=True)
class Position:
    """Pan, tilt and zoom in the camera's own units, mostly -1 to 1 and 0 to 1; None: it has no such axis."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None
    spaces: tuple[str, str, str] = field(default=("", "", ""), compare=False)
    """URIs of the axes' units, where the camera says them: a preset may have others than the status."""

    @property
    def axes(self) -> tuple[float | None, float | None, float | None]:
        return (self.pan, self.tilt, self.zoom)

    @property
    def known(self) -> bool:
        return any(axis is not None for axis in self.axes)

    def comparable(self, other: Position) -> bool:
        """Whether there is an axis that both know in the same units."""
        return bool(self._distances(other))

    def near(self, other: Position, tolerance: float) -> bool:
        """Whether both are the same place, on the axes that both know; without a common one, no."""
        distances = self._distances(other)
        return bool(distances) and max(distances) <= tolerance

    def _distances(self, other: Position) -> list[float]:
        pairs = zip(self.axes, other.axes, self.spaces, other.spaces, strict=True)
        return [
            abs(ours - theirs)
            for ours, theirs, our_space, their_space in pairs
            if ours is not None and theirs is not None
            if our_space == their_space or not (our_space and their_space)
        ]

    def __str__(self) -> str:
        return ",".join("" if axis is None else f"{axis:.6f}".rstrip("0").rstrip(".") for axis in self.axes)

    @property
    def reference(self) -> str:
        """As a receipt keeps it: `position:0.1,-0.2,0.5`; empty where nothing is known."""
        return f"{REFERENCE}{self}" if self.known else ""

    @classmethod
    def of_reference(cls, text: str) -> Position | None:
        """Read what `reference` wrote; None where it is something else."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            return None
        pan, tilt, zoom = (float(axis) if axis else None for axis in match.groups())
        position = cls(pan, tilt, zoom)
        return position if position.known else None


@dataclass(frozen=True, slots=True)
class Preset:
    token: str
    name: str
    position: Position
    """Of which nothing may be known."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where the camera stands. `moving` is None where it does not say."""

    position: Position
    moving: bool | None


def get_presets(profile: str) -> Message:
    return Message("tptz", "GetPresets", element("tptz:ProfileToken", profile))


def goto_preset(profile: str, preset: str) -> Message:
    """Raises ProtocolError if the token cannot be sent."""
    inner = element("tptz:ProfileToken", profile) + element("tptz:PresetToken", preset)
    return Message("tptz", "GotoPreset", inner)


def goto_home(profile: str) -> Message:
    return Message("tptz", "GotoHomePosition", element("tptz:ProfileToken", profile))


def get_status(profile: str) -> Message:
    return Message("tptz", "GetStatus", element("tptz:ProfileToken", profile))


def read_presets(answer: Element) -> tuple[Preset, ...]:
    """Return the presets. Where all of several have one position, the camera only fills the field in."""
    rows = list(children(answer, "Preset"))
    places = [_position(node_at(row, "PTZPosition")) for row in rows]
    if len(places) > 1 and len(set(places)) == 1:
        places = [Position()] * len(places)
    return tuple(
        Preset(attribute(row, "token"), text_at(row, "Name"), place)
        for row, place in zip(rows, places, strict=True)
        if attribute(row, "token")
    )


def read_status(answer: Element) -> Status:
    """Raises ProtocolError where there is no status."""
    status = node_at(answer, "PTZStatus")
    if status is None:
        raise ProtocolError("the answer holds no PTZStatus")
    states = {text_at(status, "MoveStatus", axis).upper() for axis in ("PanTilt", "Zoom")}
    moving = True if "MOVING" in states else False if "IDLE" in states else None
    return Status(_position(node_at(status, "Position")), moving)


def _position(node: Element | None) -> Position:
    if node is None:
        return Position()
    turned, zoomed = node_at(node, "PanTilt"), node_at(node, "Zoom")
    turns, zooms = (attribute(axis, "space") if axis is not None else "" for axis in (turned, zoomed))
    return Position(_axis(turned, "x"), _axis(turned, "y"), _axis(zoomed, "x"), (turns, turns, zooms))


def _axis(node: Element | None, name: str) -> float | None:
    if node is None:
        return None
    try:
        value = float(attribute(node, name))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e6 else None
