"""What the XProtect that `milestone.py` serves has: cameras, alarms, bookmarks, screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final = {
    "sites": 0x51,
    "cameras": 0xCA,
    "ptzPresets": 0xBE,
    "userDefinedEvents": 0xE0,
    "events": 0xE1,
    "alarms": 0xA1,
    "alarmStates": 0xA5,
    "bookmarks": 0xB0,
    "evidenceLocks": 0xEC,
    "videoWalls": 0x3A,
    "monitors": 0x30,
    "matrix": 0x3B,
}

STATES: Final = {"New": 1, "In progress": 4, "On hold": 9, "Closed": 11}
"""Alarm state -> its level."""


def number_of(kind: str, count: int) -> str:
    """The GUID of the `count`th thing of a kind, the same in every run."""
    return f"{KINDS[kind]:08x}-0000-4000-8000-{count:012x}"


def alarm_state(name: str) -> dict[str, Any]:
    level = STATES[name]
    return {"id": number_of("alarmStates", level), "name": name, "level": level}


def state_by_id(number: str) -> dict[str, Any]:
    return next(state for state in map(alarm_state, STATES) if state["id"] == number)


@dataclass(slots=True)
class FakePreset:
    id: str
    name: str
    position: tuple[float, float, float]
    home: bool = False
    in_camera: bool = False
    """Kept by the camera: the VMS does not know where it looks."""

    def as_row(self) -> dict[str, Any]:
        pan, tilt, zoom = (0.0, 0.0, 0.0) if self.in_camera else self.position
        return {
            "id": self.id,
            "name": self.name,
            "displayName": self.name,
            "defaultPreset": self.home,
            "devicePreset": self.in_camera,
            "pan": pan,
            "tilt": tilt,
            "zoom": zoom,
        }


@dataclass(slots=True)
class FakeCamera:
    id: str
    name: str
    ptz: bool = True
    online: bool = True
    recording: bool = False
    tells_position: bool = True
    stuck: bool = False
    """Says Success and does not move."""
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    presets: list[FakePreset] = field(default_factory=list)

    def preset(self, number: str) -> FakePreset | None:
        return next((preset for preset in self.presets if preset.id == number), None)

    def go_to(self, preset: FakePreset) -> None:
        if not self.stuck:
            self.position = preset.position

    def axes(self) -> dict[str, float]:
        return dict(zip(("pan", "tilt", "zoom"), self.position, strict=True))

    def as_row(self, *, with_presets: bool) -> dict[str, Any]:
        row = {
            "id": self.id,
            "name": self.name,
            "displayName": self.name,
            "enabled": True,
            "ptzEnabled": self.ptz,
            "recordingEnabled": True,
        }
        if with_presets:
            row["ptzPresets"] = [preset.as_row() for preset in self.presets]
        return row


@dataclass(slots=True)
class Installation:
    """Everything that a request can change."""

    cameras: dict[str, FakeCamera]
    events: list[dict[str, Any]] = field(default_factory=list)
    """As they were raised."""
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    bookmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    evidence_locks: dict[str, dict[str, Any]] = field(default_factory=dict)
    monitors: dict[str, list[str]] = field(default_factory=dict)
    """monitor -> the cameras it shows."""
    matrix_commands: list[dict[str, Any]] = field(default_factory=list)
    moves: int = 0
    tasks: dict[str, str] = field(default_factory=dict)
    """Tasks that go on: number -> state."""
    made: int = 0
    """Counts everything that was made, for its id."""

    def new(self, kind: str) -> str:
        self.made += 1
        return number_of(kind, self.made)


def tank_farm() -> dict[str, FakeCamera]:
    """A PTZ camera with three presets, and a fixed one."""
    ptz = FakeCamera(number_of("cameras", 1), "TANKFARM-EAST-PTZ-01", position=(0.9, 0.1, 0.0))
    ptz.presets = [
        FakePreset(number_of("ptzPresets", 1), "home", (0.0, 0.0, 0.0), home=True),
        FakePreset(number_of("ptzPresets", 2), "post-03", (0.25, -0.5, 0.4)),
        FakePreset(number_of("ptzPresets", 3), "kept in the camera", (-0.5, 0.5, 0.1), in_camera=True),
    ]
    fixed = FakeCamera(number_of("cameras", 2), "TANKFARM-EAST-FIX-02", ptz=False)
    return {camera.id: camera for camera in (ptz, fixed)}
