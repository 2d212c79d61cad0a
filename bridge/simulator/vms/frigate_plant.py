"""Cameras, users and events of the Frigate that `frigate.py` serves, and how its queues delay them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class FakeCamera:
    name: str
    fps: float = 5.0
    enabled: bool = True
    records: bool = True
    may_record: bool = True
    alerts: bool = True
    keeps: str = "all"
    presets: tuple[str, ...] | None = None
    """Names in lower case; None: no ONVIF."""
    moved: list[str] = field(default_factory=list)
    """Presets that were recalled."""

    def as_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "enabled": self.enabled,
            "record": {
                "enabled": self.records,
                "enabled_in_config": self.may_record,
                "alerts": {"retain": {"days": 10, "mode": self.keeps}},
            },
            "review": {"alerts": {"enabled": self.alerts}},
            "onvif": {"host": "" if self.presets is None else "192.0.2.7", "port": 8000},
        }


@dataclass(slots=True)
class FakeUser:
    password: str
    role: str = "admin"


@dataclass(slots=True)
class FakeEvent:
    """A manual event, and when (UTC epoch seconds) the queue has let it and its end through."""

    row: dict[str, Any]
    stored_at: float
    end_time: float | None = None
    ended_at: float = 0.0

    def as_row(self, now: float) -> dict[str, Any]:
        ended = self.end_time is not None and now >= self.ended_at
        return {**self.row, "end_time": self.end_time if ended else None}


@dataclass(slots=True)
class Installation:
    """Everything that a request can change."""

    cameras: dict[str, FakeCamera]
    events: list[FakeEvent] = field(default_factory=list)

    def stored(self, number: str, now: float) -> FakeEvent | None:
        """The event, once it can be asked for."""
        return next((e for e in self.events if e.row["id"] == number and now >= e.stored_at), None)

    def restart(self) -> None:
        """As Frigate does at its start: events without an end get one 30 s after their beginning."""
        for event in self.events:
            if event.end_time is None:
                event.end_time = event.row["start_time"] + 30.0
                event.ended_at = 0.0
