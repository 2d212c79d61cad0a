"""What ZoneMinder's API answers, as values; every part that is missing or of another type is an error.

Called by `bridge.protocols.zoneminder`. Each function raises what the answer's `Effect` says of an answer
that cannot be used.
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from bridge.protocols.http import HttpAnswer

FORCED: Final = "Forced Web"
"""Stands in the cause of an event that a forced alarm opened, or in the notes of one that it joined."""
_TOKEN: Final = re.compile(r"[!-~]*")


class AlarmState(enum.IntEnum):
    """What `command:status` says. Recording by alarm goes on in `ALARM` and `ALERT` (the frames after it)."""

    UNKNOWN = -1
    IDLE = 0
    PREALARM = 1
    ALARM = 2
    ALERT = 3
    TAPE = 4
    """Continuous recording, without alarm (1.36; later versions say idle)."""

    @property
    def alarmed(self) -> bool:
        return self in (AlarmState.ALARM, AlarmState.ALERT)

    def __str__(self) -> str:
        return f"{self.value} ({self.name.lower()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEvent:
    """A recording of ZoneMinder."""

    id: int
    monitor: str
    name: str
    cause: str
    notes: str
    archived: bool
    """The filter that empties full disks leaves archived events alone."""
    open: bool

    @property
    def forced(self) -> bool:
        return FORCED in self.cause or FORCED in self.notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A camera as ZoneMinder has it."""

    id: str
    name: str
    function: str
    """1.36: None, Monitor, Modect, Record, Mocord, Nodect. Empty from 1.37 on."""
    recording: str
    """From 1.37 on: None, OnMotion, Always. Empty before."""
    controllable: bool
    control: str
    """Id of its control type."""
    status: str
    """Connected, Running, NotRunning; a camera that lost its source is Running with 0 pictures a second."""
    fps: float

    @property
    def alive(self) -> bool:
        """Whether pictures come."""
        return self.status == "Connected" and self.fps > 0

    @property
    def can_record(self) -> bool:
        """Whether a forced alarm records here at all."""
        return self.recording != "None" if self.recording else self.function not in ("None", "Monitor")

    @property
    def continuous(self) -> bool:
        return self.recording == "Always" or self.function in ("Record", "Mocord")


def object_in(answer: HttpAnswer) -> dict[str, Any]:
    said = answer.json()
    if not isinstance(said, dict):
        raise answer.unusable("the answer has another shape than ZoneMinder's")
    return said


def rows_in(answer: HttpAnswer, name: str) -> list[Any]:
    rows = object_in(answer).get(name)
    if not isinstance(rows, list):
        raise answer.unusable(f"the answer holds no list of {name}")
    return rows


def part_in(answer: HttpAnswer, row: Any, name: str) -> dict[str, Any]:
    part = row.get(name) if isinstance(row, dict) else None
    if not isinstance(part, dict):
        raise answer.unusable(f"the answer holds no {name}")
    return part


def number_in(answer: HttpAnswer, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # JSON has whole numbers that no float can hold
        number = math.nan
    if not math.isfinite(number):
        raise answer.unusable("the answer holds no number where one must be")
    return number


def token_in(answer: HttpAnswer, said: dict[str, Any]) -> str:
    """The token of a log-in; empty where ZoneMinder runs without authentication."""
    token = said.get("access_token") or ""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise answer.unusable("the token that it gave is none")
    return token


def parse_event(answer: HttpAnswer, row: Any) -> VideoEvent:
    event = part_in(answer, row, "Event")
    return VideoEvent(
        id=int(number_in(answer, event.get("Id"))),
        monitor=str(event.get("MonitorId")),
        name=str(event.get("Name") or ""),
        cause=str(event.get("Cause") or ""),
        notes=str(event.get("Notes") or ""),
        archived=_yes(event.get("Archived")),
        open=event.get("EndDateTime") is None,
    )


def parse_monitor(answer: HttpAnswer, row: Any) -> Monitor:
    monitor, status = part_in(answer, row, "Monitor"), part_in(answer, row, "Monitor_Status")
    return Monitor(
        id=str(monitor.get("Id")),
        name=str(monitor.get("Name") or ""),
        function=str(monitor.get("Function") or "") if "Recording" not in monitor else "",
        recording=str(monitor.get("Recording") or ""),
        controllable=_yes(monitor.get("Controllable")),
        control=str(monitor.get("ControlId") or ""),
        status=str(status.get("Status") or ""),
        fps=number_in(answer, status.get("CaptureFPS") or 0),
    )


def _yes(flag: Any) -> bool:
    """Versions write flags as 1, "1" or true."""
    return str(flag).lower() in ("1", "true")
