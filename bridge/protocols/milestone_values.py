"""What a Milestone gateway answers, as values; every part that is missing or of another type is an error.

Called by `bridge.protocols.milestone*`. Each function raises what the answer's
`Effect` says of an answer that cannot be used. Answers are `{"array": []}`, `{"data": {}}` or
`{"result": {}}`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bridge.protocols.http import HttpAnswer
from bridge.protocols.template import encodable

SUCCEEDED: Final = frozenset({"", "Success", "Completed"})
"""Task states that are the end. Some tasks answer with their own fields and no state."""
FAILED: Final = frozenset({"Error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a PTZ camera stands: pan and tilt -1 to 1, zoom 0 to 1 (task GetPtzAbsolutePosition)."""

    pan: float
    tilt: float
    zoom: float

    def near(self, other: Position, tolerance: float) -> bool:
        """Whether no axis differs by more than `tolerance`. Pan -1 and 1 are the same direction."""
        pan = abs(self.pan - other.pan)
        return max(min(pan, 2 - pan), abs(self.tilt - other.tilt), abs(self.zoom - other.zoom)) <= tolerance

    def __str__(self) -> str:
        return f"pan {self.pan:g}, tilt {self.tilt:g}, zoom {self.zoom:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """position: None for presets that the camera itself keeps: the VMS does not know where they look."""

    id: str
    name: str
    home: bool
    position: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    id: str
    name: str
    ptz: bool
    presets: tuple[Preset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Anything of which the id and the name matter: an event, a monitor."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """A site defines its own; New, In progress, On hold and Closed exist by default."""

    id: str
    name: str
    level: str

    def called(self, wanted: str) -> bool:
        """Whether `wanted` is its name or level."""
        return bool(wanted) and (wanted.casefold() == self.name.casefold() or wanted == self.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """state: the id, name or level as the gateway said it; empty where the answer does not tell."""

    id: str
    name: str
    message: str
    state: str
    assigned_to: str

    def stands_at(self, state: AlarmState) -> bool:
        return bool(self.state) and (self.state.casefold() == state.id.casefold() or state.called(self.state))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """taken: the time that the gateway says, as text; size: bytes of the JPEG.

    age: seconds between `taken` and `clock` ("the gateway's clock", "our clock"); None: it says no time.
    """

    taken: str
    size: int
    age: float | None
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The state of a task; `number` is where to ask again while it goes on."""

    state: str
    error: str = ""
    number: str = ""

    @property
    def failed(self) -> bool:
        return self.state in FAILED

    @property
    def final(self) -> bool:
        return self.failed or self.state in SUCCEEDED or not self.number


def object_in(answer: HttpAnswer) -> dict[str, Any]:
    said = answer.json()
    if not isinstance(said, dict):
        raise answer.unusable("the answer has another shape than Milestone's")
    return said


def part_in(answer: HttpAnswer, *names: str) -> dict[str, Any]:
    """Return the first of these parts that is there."""
    said = object_in(answer)
    for name in names:
        part = said.get(name)
        if isinstance(part, dict):
            return part
    raise answer.unusable(f"the answer holds no {' or '.join(names)}")


def rows_in(answer: HttpAnswer, name: str = "array") -> list[dict[str, Any]]:
    rows = object_in(answer).get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise answer.unusable(f"the answer holds no list called {name}")
    return rows


def id_in(answer: HttpAnswer, part: Mapping[str, Any]) -> str:
    """Return the id of what was made, wherever the answer has it."""
    path = part.get("path")
    relations = part.get("relations")
    own = relations.get("self") if isinstance(relations, dict) else None
    for place in (part, path, own):
        found = place.get("id") if isinstance(place, Mapping) else None
        if isinstance(found, str) and found:
            return found
    raise answer.unusable("the answer does not say which id was made")


def task_in(answer: HttpAnswer, result: Any, *, number: str = "") -> Task:
    if not isinstance(result, dict):
        raise answer.unusable("the answer holds no result of a task")
    return Task(
        state=_text(result.get("state")),
        error=_text(result.get("errorText")),
        number=number or _task_number(result.get("path")),
    )


def _task_number(path: Any) -> str:
    """The path is `{"type": "tasks", "id": "33"}` or `tasks/33`."""
    if isinstance(path, dict) and path.get("type") == "tasks":
        path = f"tasks/{path.get('id')}"
    kind, _, number = str(path).partition("/")
    return number if kind == "tasks" and number.isascii() and number.isdigit() else ""


def camera_in(row: Mapping[str, Any]) -> Camera:
    presets = row.get("ptzPresets")
    return Camera(
        id=_text(row.get("id")),
        name=name_in(row),
        ptz=row.get("ptzEnabled") in (True, "true"),
        presets=tuple(preset_in(each) for each in presets if isinstance(each, dict))
        if isinstance(presets, list)
        else (),
    )


def preset_in(row: Mapping[str, Any]) -> Preset:
    kept_by_camera = row.get("devicePreset") in (True, "true")
    return Preset(
        id=_text(row.get("id")),
        name=name_in(row),
        home=row.get("defaultPreset") in (True, "true"),
        position=None if kept_by_camera else position_in(row),
    )


def position_in(row: Mapping[str, Any]) -> Position | None:
    """Return the position, or None where not all three numbers are there."""
    axes = [number_in(row.get(axis)) for axis in ("pan", "tilt", "zoom")]
    if any(math.isnan(axis) for axis in axes):
        return None
    return Position(pan=axes[0], tilt=axes[1], zoom=axes[2])


def named_in(row: Mapping[str, Any]) -> Named:
    return Named(id=_text(row.get("id")), name=name_in(row))


def name_in(row: Mapping[str, Any]) -> str:
    return _text(row.get("name")) or _text(row.get("displayName"))


def alarm_state_in(row: Mapping[str, Any]) -> AlarmState:
    return AlarmState(id=_text(row.get("id")), name=name_in(row), level=_text(row.get("level")))


def alarm_in(row: Mapping[str, Any]) -> Alarm:
    """The shape of an alarm's `state` and `assignedTo` is in no published sample: each form is taken."""
    return Alarm(
        id=_text(row.get("id")),
        name=_text(row.get("name")),
        message=_text(row.get("message")),
        state=_said(row.get("state"), "id", "name", "level"),
        assigned_to=_said(row.get("assignedTo"), "displayName", "name"),
    )


def _said(value: Any, *names: str) -> str:
    """Return a value that is a text, a number, or an object with one of these names."""
    if isinstance(value, dict):
        return next((text for name in names if (text := _text(value.get(name)))), "")
    return _text(value).removeprefix("alarmStates/")


def _text(value: Any) -> str:
    """Return texts and numbers as text that UTF-8 can hold; everything else is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return encodable(str(value))


def seconds_in(text: Any) -> float | None:
    """UTC epoch seconds of an ISO 8601 time (UTC where it does not say); .NET writes seven digits."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def number_in(value: Any) -> float:
    """Return the number, or NaN. A number may be written as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
