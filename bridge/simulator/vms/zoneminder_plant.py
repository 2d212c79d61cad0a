"""Monitors, users and events of the ZoneMinder that `zoneminder.py` serves, and how time changes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(slots=True)
class FakeMonitor:
    id: int
    name: str
    function: str = "Nodect"
    controllable: bool = True
    pictures: bool = True
    capturing: bool = True
    """Whether its capture process runs."""
    forced: bool = False
    alarmed_until: float = 0.0
    """UTC epoch seconds at which the frames after the alarm end."""
    moved: list[str] = field(default_factory=list)
    """PTZ commands that reached the camera."""

    @property
    def continuous(self) -> bool:
        return self.function in ("Record", "Mocord")

    @property
    def live(self) -> bool:
        return self.pictures and self.capturing and self.function != "None"

    def alarm_state(self, now: float) -> int:
        """0 idle, 2 alarm, 3 alert, 4 tape."""
        if self.forced and self.live:
            return 2
        if now < self.alarmed_until:
            return 3
        return 4 if self.continuous else 0

    def cancel(self, now: float, post_event: float) -> None:
        if self.forced:
            self.forced = False
            self.alarmed_until = now + post_event

    def as_row(self) -> dict[str, Any]:
        """As the API lists it."""
        return {
            "Monitor": {
                "Id": self.id,
                "Name": self.name,
                "Function": self.function,
                "Enabled": 1,
                "Controllable": int(self.controllable),
                "ControlId": 1,
            },
            "Monitor_Status": {
                "MonitorId": self.id,
                "Status": "Connected" if self.live else "Running",
                "CaptureFPS": "9.96" if self.live else "0.00",
            },
        }


@dataclass(slots=True)
class FakeUser:
    """One account and its rights by area: None, View or Edit. The default has the least that is needed."""

    password: str
    rights: dict[str, str] = field(
        default_factory=lambda: {"Stream": "View", "Events": "Edit", "Control": "View", "Monitors": "View"}
    )


@dataclass(slots=True)
class Installation:
    """Everything that a request can change."""

    monitors: dict[int, FakeMonitor]
    events: list[dict[str, Any]] = field(default_factory=list)
    """As the API lists them, oldest first."""

    def tick(self, now: float) -> None:
        """Open and close events as time and cameras have it."""
        for monitor in self.monitors.values():
            records = monitor.live and monitor.alarm_state(now) > 0
            if records and not self.open_events(monitor.id):
                self._open(monitor)
            elif not records:
                self.close_events(monitor.id, now)

    def open_events(self, monitor: int) -> list[dict[str, Any]]:
        return [e for e in self.events if e["MonitorId"] == monitor and e["EndDateTime"] is None]

    def close_events(self, monitor: int, now: float) -> None:
        for event in self.open_events(monitor):
            event["EndDateTime"] = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
            if event["Name"] == "New Event":
                event["Name"] = f"Event-{event['Id']}"

    def event(self, number: str) -> dict[str, Any] | None:
        return next((event for event in self.events if str(event["Id"]) == number), None)

    def _open(self, monitor: FakeMonitor) -> None:
        self.events.append(
            {
                "Id": len(self.events) + 1,
                "MonitorId": monitor.id,
                "Name": "New Event",
                "Cause": "Continuous" if monitor.continuous else "Forced Web",
                "Notes": "" if monitor.continuous else "Forced Web: ",
                "Archived": 0,
                "EndDateTime": None,
            }
        )
