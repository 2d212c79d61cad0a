"""What Frigate's API answers, as values; every part that is missing or of another type is an error.

Called by `frigate.py`. Each function raises what the answer's `Effect` says of an answer that cannot be used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.protocols.http import HttpAnswer

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrigateEvent:
    """A manual event: what it spans of the recordings is kept, and shown in the review."""

    id: str
    camera: str
    label: str
    sub_label: str
    open: bool
    has_clip: bool
    """Whether recording was on at that camera when it began."""
    retained: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrigateCamera:
    """A camera as the running configuration has it."""

    name: str
    enabled: bool
    records: bool
    may_record: bool
    """Whether its configuration allows recording: only then the switch works."""
    alerts: bool
    """Whether manual events make an alert: without one their recording is not kept."""
    keeps: str
    """Which recordings of an alert are kept: `all`, `motion` or `active_objects`; empty if it is not said."""
    keeps_days: float
    """Days that the recording of an alert is kept; 0 if it is not said."""
    ptz: bool


def object_in(answer: HttpAnswer) -> dict[str, Any]:
    said = answer.json()
    if not isinstance(said, dict):
        raise answer.unusable("the answer has another shape than Frigate's")
    return said


def is_plain(event: Any) -> bool:
    """Whether this is an event's id that can stand in a path as it is."""
    return isinstance(event, str) and _PLAIN.fullmatch(event) is not None and bool(event.strip("."))


def parse_event(answer: HttpAnswer, row: Any) -> FrigateEvent:
    if not isinstance(row, dict) or not is_plain(row.get("id")):
        raise answer.unusable("the answer holds no event")
    data = row.get("data")
    return FrigateEvent(
        id=row["id"],
        camera=str(row.get("camera") or ""),
        label=str(row.get("label") or ""),
        sub_label=str(row.get("sub_label") or ""),
        open=row.get("end_time") is None,
        has_clip=row.get("has_clip") is True,
        retained=row.get("retain_indefinitely") is True,
        description=str(data.get("description") or "") if isinstance(data, dict) else "",
    )


def parse_events(answer: HttpAnswer) -> list[FrigateEvent]:
    rows = answer.json()
    if not isinstance(rows, list):
        raise answer.unusable("the answer holds no list of events")
    return [parse_event(answer, row) for row in rows]


def parse_cameras(answer: HttpAnswer) -> list[FrigateCamera]:
    cameras = object_in(answer).get("cameras")
    if not isinstance(cameras, dict):
        raise answer.unusable("the answer holds no cameras")
    return [_camera(str(name), _part(camera)) for name, camera in cameras.items()]


def parse_rates(answer: HttpAnswer) -> dict[str, float]:
    """Camera -> pictures a second. Frigate up to 0.12 had the cameras beside the other figures."""
    cameras = object_in(answer).get("cameras")
    if not isinstance(cameras, dict):
        raise answer.unusable("the answer holds no cameras")
    return {str(name): _number(_part(figures).get("camera_fps")) for name, figures in cameras.items()}


def _camera(name: str, camera: Mapping[str, Any]) -> FrigateCamera:
    record = _part(camera.get("record"))
    retain = _part(_part(record.get("alerts")).get("retain"))
    return FrigateCamera(
        name=name,
        enabled=camera.get("enabled") is not False,
        records=record.get("enabled") is True,
        may_record=record.get("enabled_in_config") is not False,
        alerts=_part(_part(camera.get("review")).get("alerts")).get("enabled") is not False,
        keeps=str(retain.get("mode") or ""),
        keeps_days=_number(retain.get("days")),
        ptz=bool(_part(camera.get("onvif")).get("host")),
    )


def _part(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    """The value, or 0 where it is no number that can be reckoned with."""
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
    except OverflowError:  # JSON has whole numbers that no float can hold
        number = 0.0
    return number if math.isfinite(number) else 0.0
