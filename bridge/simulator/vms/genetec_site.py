"""Cameras, Security Desks, alarms and users of the Security Center that `genetec.py` serves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

SYSTEM: Final = "00000000-0000-0000-0000-000000000007"
NOBODY: Final = str(uuid.UUID(int=0))


@dataclass(slots=True)
class FakeEntity:
    """Anything that has a GUID. properties: as the Web SDK names them, besides those that all have."""

    guid: str
    kind: str
    name: str
    logical_id: int | None = None
    online: bool = True
    properties: dict[str, Any] = field(default_factory=dict)

    def all(self) -> dict[str, Any]:
        return {
            "Guid": self.guid,
            "Name": self.name,
            "EntityType": self.kind,
            "LogicalId": self.logical_id,
            "IsOnline": self.online,
            "RunningState": "Running" if self.online else "NotRunning",
            **self.properties,
        }


@dataclass(slots=True, kw_only=True)
class FakeInstance:
    """One occurrence of an alarm. Times are UTC epoch seconds."""

    id: int
    alarm: str
    source: str
    triggered_at: float
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    state: str = "Active"

    def as_row(self) -> dict[str, Any]:
        """As the report AlarmActivity lists it."""
        return {
            "InstanceId": self.id,
            "Alarm": self.alarm,
            "TriggerEntity": self.source or NOBODY,
            "TriggerTime": written(self.triggered_at),
            "State": self.state,
            "AckedBy": self.acknowledged_by or NOBODY,
            "AckedTime": written(self.acknowledged_at) if self.acknowledged_at else None,
        }


@dataclass(slots=True)
class Site:
    """Everything that a request can change."""

    entities: dict[str, FakeEntity] = field(default_factory=dict)
    custom_events: dict[int, str] = field(default_factory=dict)
    tiles: dict[tuple[int, int], str] = field(default_factory=dict)
    """(monitor's LogicalId, tile) -> content; an empty tile is not here."""
    instances: list[FakeInstance] = field(default_factory=list)
    raised: list[tuple[int, str, str]] = field(default_factory=list)
    """(custom event, entity, message), in order."""
    rules: dict[int, str] = field(default_factory=dict)
    """custom event -> alarm that an event-to-action triggers at the entity of the event."""
    bookmarks: list[tuple[str, str, str]] = field(default_factory=list)
    """(camera, time, text), in order."""
    messages: list[tuple[str, str]] = field(default_factory=list)
    """(user, text) that somebody saw."""
    others: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Commands of the integrator's own, with their arguments."""

    def add(self, kind: str, guid: str, name: str, **more: Any) -> FakeEntity:
        entity = FakeEntity(guid, kind, name, **more)
        self.entities[guid] = entity
        return entity

    def of_kind(self, kind: str) -> list[FakeEntity]:
        return [entity for entity in self.entities.values() if entity.kind == kind]

    def by_number(self, kind: str, number: int) -> FakeEntity | None:
        return next((entity for entity in self.of_kind(kind) if entity.logical_id == number), None)

    def desk_runs(self, monitor: int) -> bool:
        """Whether a Security Desk is logged on at the monitor: only then a tile can be seen or changed."""
        found = self.by_number("Monitor", monitor)
        desks = [desk for desk in self.of_kind("Application") if desk.online]
        return found is not None and any(found.guid in desk.properties["Monitors"] for desk in desks)

    def trigger(self, alarm: str, source: str, now: float) -> FakeInstance:
        instance = FakeInstance(id=len(self.instances) + 1, alarm=alarm, source=source, triggered_at=now)
        self.instances.append(instance)
        return instance

    def acknowledge(self, number: int, user: str, now: float) -> bool:
        """Whether there was such an active instance."""
        for instance in self.instances:
            if instance.id == number and instance.state == "Active":
                instance.state, instance.acknowledged_by, instance.acknowledged_at = "Acked", user, now
                return True
        return False


def written(at: float) -> str:
    """A time as .NET writes it: seven digits of a second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
