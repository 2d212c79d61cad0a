"""Devices, rules, users and bookmarks of the Nx server that `nx.py` plays, and what its events do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model import derive_id

SERVER: Final = "5e7e7000-0000-4000-8000-000000000001"
"""Id of the one server of the site."""
RIGHTS: Final = frozenset({"view", "manageBookmarks", "userInput"})


@dataclass(slots=True)
class FakeUser:
    """One account. The default may what the bridge needs, and no more."""

    password: str
    id: str
    permissions: frozenset[str] = frozenset({"generateEvents"})
    rights: frozenset[str] = RIGHTS
    """Access rights, the same at every device."""
    lists: frozenset[str] = frozenset({"rules", "users"})
    """What else than devices it may list."""
    groups: tuple[str, ...] = ()


@dataclass(slots=True)
class FakeDevice:
    id: str
    name: str
    presets: dict[str, str] = field(default_factory=dict)
    """id -> name; a camera without any is no PTZ."""
    status: str = "Online"
    """Offline, Unauthorized, ...; Online, whether it records or not."""
    always_records: bool = False
    records_from: float | None = None
    """UTC epoch seconds from which its status says Recording; None while no rule records it."""
    active: tuple[str, str] | None = None
    """(kind, id) of the active object."""
    home: tuple[str, str] | None = None
    moved: list[str] = field(default_factory=list)
    """Objects that the camera was sent to."""

    position: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
    """Pan, tilt, zoom; None where the camera cannot tell."""

    def move_by_hand(self) -> None:
        self.active = None
        if self.position is not None:
            self.position = (self.position[0] + 20.0, *self.position[1:])

    def shown_status(self, now: float) -> str:
        recording = self.always_records or (self.records_from is not None and now >= self.records_from)
        return "Recording" if self.status == "Online" and recording else self.status

    def as_row(self, now: float) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "status": self.shown_status(now),
            "ptz": {"capabilities": "continuousPan|presets" if self.presets else "none"},
        }


def recording_rule(camera: str, caption: str, *, source: str = "sosbridge", **action: Any) -> dict[str, Any]:
    """A rule as the installer makes it: this camera is recorded while its event lasts."""
    return {
        "id": derive_id("rule", camera, caption),
        "enabled": True,
        "comment": "SOS",
        "event": {
            "type": "generic",
            "source": {"checkType": "containsKeywords", "value": source},
            "caption": {"checkType": "containsKeywords", "value": caption},
        },
        "action": {
            "type": "deviceRecording",
            "devices": {"ids": [camera], "useSource": False},
            "durationS": 0,
            **action,
        },
    }


def soft_trigger(name: str, *devices: str, prolonged: bool = False) -> dict[str, Any]:
    """A soft trigger at these devices; at all without any."""
    where: dict[str, Any] = {"ids": list(devices)} if devices else {"all": True}
    return {
        "triggerId": derive_id("trigger", name),
        "prolonged": prolonged,
        "devices": where,
        "name": name,
        "icon": "_alarm_on",
    }


@dataclass(slots=True)
class Site:
    """Everything that a request can change."""

    devices: dict[str, FakeDevice]
    rules: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    """Generic events as they arrived, oldest first."""
    triggers: list[dict[str, Any]] = field(default_factory=list)
    """Soft triggers, as the API lists them."""
    fired: list[tuple[str, str]] = field(default_factory=list)
    """(trigger, device) that were set off."""
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    """Rules whose event has started: a second start does nothing there."""

    def take_event(self, event: dict[str, Any], now: float, lag: float) -> None:
        """Log the event and let the rules act. lag: seconds until a status changes."""
        self.events.append(event)
        for rule in self.rules:
            if not rule["enabled"] or not _hears(rule, event):
                continue
            if event["state"] == "started" and rule["id"] not in self.running:
                self.running.add(rule["id"])
                self._record(rule, event, now + lag)
            elif event["state"] == "stopped" and rule["id"] in self.running:
                self.running.discard(rule["id"])
                self._record(rule, event, None)

    def _record(self, rule: dict[str, Any], event: dict[str, Any], since: float | None) -> None:
        devices = rule["action"]["devices"]
        targets = {*devices.get("ids", []), *(event["deviceIds"] if devices.get("useSource") else [])}
        for target in targets & self.devices.keys():
            self.devices[target].records_from = since

    def add_bookmark(
        self, device: str, fields: dict[str, Any], *, creator: str, now: float
    ) -> dict[str, Any]:
        """`fields` as the API takes them. Returns the record."""
        number = len(self.bookmarks) + 1
        record = {
            "description": "",
            "tags": [],
            **fields,
            "id": f"b00c0000-0000-4000-8000-{number:012d}_{SERVER}",
            "deviceId": device,
            "creatorUserId": creator,
            "creationTimeMs": round(now * 1000),
        }
        self.bookmarks.append(record)
        return record

    def acknowledge(self, device: str, *, user: str, now: float) -> dict[str, Any]:
        """What the desktop client makes of an operator's "Acknowledge" on the device's last event."""
        event = next(event for event in reversed(self.events) if device in event["deviceIds"])
        fields = {
            "name": f"Generic Event at {event['source']}",
            "description": "seen, sending somebody",
            "startTimeMs": int(event["timestamp"]),
            "durationMs": 10_000,
        }
        return self.add_bookmark(device, fields, creator=user, now=now)

    def bookmark(self, number: str) -> dict[str, Any] | None:
        return next((record for record in self.bookmarks if record["id"] == number), None)


def _hears(rule: dict[str, Any], event: dict[str, Any]) -> bool:
    wanted = rule["event"]
    if wanted["type"] != "generic" or rule["action"]["type"] != "deviceRecording":
        return False
    return all(
        _fits(wanted.get(name, {}).get("value", ""), event[name])
        for name in ("source", "caption", "description")
    )


def _fits(words: str, text: str) -> bool:
    """One of the words is contained, or there are none."""
    return not words or any(word in text for word in words.split())
