"""Reads what an Nx server answers; every part that is missing or of another type is an error.

Called by `bridge.protocols.nx` and `nx_session`. Each function raises what the answer's `Effect` says of an
answer that cannot be used. Source of the shapes: the vendor's OpenAPI file of REST v4 (VMS 6.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from bridge.protocols.http import HttpAnswer
from bridge.protocols.nx_values import (
    Bookmark,
    Device,
    Position,
    PtzObject,
    Rights,
    Rule,
    SiteInfo,
    SoftTrigger,
    ids_in,
    part,
    plain_id,
)

FARTHEST: Final = 10**15
"""Milliseconds since the epoch that are no time any more (the year 33658)."""


def object_in(answer: HttpAnswer) -> dict[str, Any]:
    said = answer.json()
    if not isinstance(said, dict):
        raise answer.unusable("the answer has another shape than an Nx server's")
    return said


def rows_in(answer: HttpAnswer) -> list[dict[str, Any]]:
    said = answer.json()
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise answer.unusable("the answer holds no list")
    return said


def text_in(answer: HttpAnswer, row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise answer.unusable(f"the answer holds no {name}")
    return value


def parse_site(answer: HttpAnswer) -> SiteInfo:
    said = object_in(answer)
    versions = said.get("restApiVersions")
    highest = str(versions.get("max") or "") if isinstance(versions, dict) else ""
    number = highest.removeprefix("v")
    time = said.get("synchronizedTimeMs")
    return SiteInfo(
        version=text_in(answer, said, "version"),
        brand=str(said.get("customization") or "Nx"),
        api=min(int(number), 4) if number.isascii() and number.isdigit() else 1,
        time=time / 1000 if _is_time(time) and time > 0 else None,
    )


def parse_device(answer: HttpAnswer, row: Mapping[str, Any]) -> Device:
    status = row.get("status")
    if not isinstance(status, str):
        raise answer.unusable("the answer holds no status")
    ptz = row.get("ptz")
    abilities = ptz.get("capabilities") if isinstance(ptz, dict) else None
    return Device(
        id=plain_id(text_in(answer, row, "id")),
        name=str(row.get("name") or ""),
        status=status,
        ptz=abilities not in (None, "", "none"),
    )


def parse_object(answer: HttpAnswer) -> PtzObject:
    said = object_in(answer)
    kind = text_in(answer, said, "type")
    if kind not in ("preset", "tour"):
        raise answer.unusable(f"the answer names a {kind}, which is neither preset nor tour")
    return PtzObject(kind=kind, id=text_in(answer, said, "objectId"))


def parse_position(answer: HttpAnswer) -> Position:
    """An axis that the camera has not is left out, and counts as 0."""
    said = object_in(answer)
    axes = {name: said.get(name, 0) for name in ("pan", "tilt", "zoom")}
    if not any(name in said for name in axes) or not all(map(_is_number, axes.values())):
        raise answer.unusable("the answer holds no position")
    return Position(**axes)


def parse_bookmark(answer: HttpAnswer, row: Mapping[str, Any]) -> Bookmark:
    tags = row.get("tags") or []
    start, duration = row.get("startTimeMs"), row.get("durationMs")
    if not (isinstance(tags, list) and _is_time(start) and _is_time(duration)):
        raise answer.unusable("the answer holds no bookmark with start, length and tags")
    created = row.get("creationTimeMs")
    return Bookmark(
        id=text_in(answer, row, "id"),
        device=plain_id(row.get("deviceId")),
        name=str(row.get("name") or ""),
        description=str(row.get("description") or ""),
        start=start,
        duration=duration,
        tags=frozenset(map(str, tags)),
        creator=plain_id(row.get("creatorUserId")),
        created=created if _is_time(created) else start,
    )


def parse_rights(answer: HttpAnswer) -> Rights:
    said = object_in(answer)
    groups, resources = said.get("groupIds"), said.get("resourceAccessRights") or {}
    if not isinstance(groups, list) or not isinstance(resources, dict):
        raise answer.unusable("the answer holds no groups and rights")
    return Rights(
        groups=frozenset(map(plain_id, groups)),
        permissions=_flags(said.get("permissions")),
        resources={plain_id(name): _flags(rights) for name, rights in resources.items()},
    )


def parse_trigger(answer: HttpAnswer, row: Mapping[str, Any]) -> SoftTrigger:
    devices = part(row, "devices")
    return SoftTrigger(
        id=text_in(answer, row, "triggerId"),
        name=str(row.get("name") or ""),
        prolonged=row.get("prolonged") is not False,
        everywhere=devices.get("all") is True,
        devices=ids_in(devices),
    )


def parse_rule(answer: HttpAnswer, row: Mapping[str, Any]) -> Rule:
    event, action = row.get("event"), row.get("action")
    if not isinstance(event, dict) or not isinstance(action, dict):
        raise answer.unusable("the answer holds a rule without event or action")
    return Rule(
        id=plain_id(row.get("id")),
        enabled=row.get("enabled", True) is not False,
        comment=str(row.get("comment") or ""),
        event=event,
        action=action,
    )


def number_in(answer: HttpAnswer, row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if not _is_number(value):
        raise answer.unusable(f"the answer holds no number {name}")
    return float(value)


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether it is one that can be reckoned with: JSON has whole numbers that no float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float(FARTHEST)


def _is_time(value: Any) -> TypeGuard[int]:
    """Whether it is a whole number of milliseconds that a clock may show."""
    return _is_number(value) and isinstance(value, int)


def _flags(value: Any) -> frozenset[str]:
    """Names joined by `|`, as the server writes a set of flags."""
    return frozenset(str(value or "").split("|")) - {"", "none"}
