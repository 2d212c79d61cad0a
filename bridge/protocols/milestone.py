"""The REST calls of a Milestone API Gateway that an alarm needs. Called by the milestone driver.

Sources, all at doc.developer.milestonesys.com/mipvmsapi/api/: config-rest/v1 (cameras, presets, Smart Wall,
Matrix, user-defined events), events-rest/v1, alarms-rest/v1, bookmarks-rest/v1, evidencelocks-rest/v1; and
the Python samples in github.com/milestonesys/mipsdk-samples-protocol. 2024 R2 and later. Not seen on a real
system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.errors import CameraMissing
from bridge.protocols.http import SUCCESS, Effect, Refused
from bridge.protocols.milestone_gateway import NO_LIMITS, Limits, MilestoneGateway, TaskFailed
from bridge.protocols.milestone_values import (
    Alarm,
    AlarmState,
    Camera,
    Named,
    Picture,
    Position,
    Preset,
    alarm_in,
    alarm_state_in,
    camera_in,
    id_in,
    named_in,
    object_in,
    part_in,
    position_in,
    preset_in,
    rows_in,
)

GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
BUILT_IN_EVENTS: Final = frozenset(
    {
        "85867627-b287-4439-9e55-a63701e1715b",
        "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a",
        "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c",
    }
)
"""User-defined events of every installation that cannot be raised (EventsRestApiPython)."""
NO_RECORDER: Final = frozenset({502, 504})
"""What a task at a camera answers while its recording server does not."""
_CAMERA_TASK: Final = frozenset({*SUCCESS, *NO_RECORDER})
_UNKNOWN_TASK: Final = frozenset({400, 404, 405})
PICTURE_SIZE: Final = {"width": 320, "height": 240}
"""Small: it is a proof of life and is never shown."""


def camera_path(camera: str) -> dict[str, str]:
    """A camera as the gateway writes a reference to it."""
    return {"type": "cameras", "id": camera}


class MilestoneApi:
    """The calls. Ids must be GUIDs (`GUID`), because they become part of the path."""

    def __init__(self, gateway: MilestoneGateway) -> None:
        self._gateway = gateway

    async def version(self) -> str:
        """Return the management server's version (`24.2.0.1`: 2024 R2); empty if it does not say."""
        sites = await self._gateway.rows("/sites", pages=1)
        return str(sites[0].get("version") or "") if sites else ""

    # --- cameras ------------------------------------------------------------------------------------

    async def cameras(self) -> list[Camera]:
        """Every enabled camera that the user may see, with its presets."""
        rows = await self._gateway.rows("/cameras", params={"includeChildren": "ptzPresets"})
        return [camera_in(row) for row in rows]

    async def presets(self, camera: str, limits: Limits = NO_LIMITS) -> list[Preset]:
        answer = await self._gateway.call("GET", f"/cameras/{camera}/ptzPresets", Effect.NONE, limits)
        return [preset_in(row) for row in rows_in(answer)]

    async def go_to(self, camera: str, preset: str, limits: Limits) -> None:
        """Send a camera to a preset. Raises CameraMissing if its recording server is away."""
        await self._camera_task(camera, f"/ptzPresets/{preset}", "Goto", Effect.REPEATABLE, limits)

    async def position(self, camera: str, limits: Limits) -> Position | None:
        """Where the camera stands, or None if it cannot tell, or this user may not ask."""
        try:
            said = await self._camera_task(camera, "", "GetPtzAbsolutePosition", Effect.NONE, limits)
        except TaskFailed:
            return None
        except Refused as error:
            if error.status not in {*_UNKNOWN_TASK, 403}:
                raise
            return None
        return position_in(said)

    async def live_picture(self, camera: str, limits: Limits) -> Picture | None:
        """A picture of this moment; None if this gateway has no such task. Raises CameraMissing."""
        try:
            said = await self._camera_task(
                camera, "", "JpegGetLive", Effect.NONE, limits, json=dict(PICTURE_SIZE)
            )
        except TaskFailed as error:
            raise CameraMissing(str(error)) from error
        except Refused as error:
            if error.status not in _UNKNOWN_TASK:
                raise
            return None
        data = said.get("jpegDataAsBase64")
        # A JPEG begins with FF D8 FF, which is "/9j/" in Base64.
        if not isinstance(data, str) or not data.startswith("/9j/"):
            raise CameraMissing(f"camera {camera}: the gateway has no picture of it")
        return Picture(
            taken=str(said.get("frameDateTime") or "an unknown time")[:40], size=len(data) * 3 // 4
        )

    async def _camera_task(
        self, camera: str, below: str, name: str, effect: Effect, limits: Limits, *, json: Any = None
    ) -> dict[str, Any]:
        answer, task = await self._gateway.task(
            f"/cameras/{camera}{below}", name, effect, limits, json=json, expect=_CAMERA_TASK
        )
        if answer.status in NO_RECORDER:
            said = f"HTTP {answer.status} {task.error}".strip()
            raise CameraMissing(f"camera {camera}: its recording server does not answer: {said}")
        return part_in(answer, "result")

    # --- events -------------------------------------------------------------------------------------

    async def user_defined_events(self, limits: Limits = NO_LIMITS) -> list[Named]:
        events = [named_in(row) for row in await self._gateway.rows("/userDefinedEvents", limits)]
        return [event for event in events if event.id.lower() not in BUILT_IN_EVENTS]

    async def raise_event(self, event: Mapping[str, Any], limits: Limits) -> str:
        """Raise an event; return its id. 202 says it was accepted, not that a rule ran."""
        answer = await self._gateway.call("POST", "/events", Effect.REPEATABLE, limits, json=event)
        return id_in(answer, part_in(answer, "data", "result"))

    # --- bookmarks and evidence ---------------------------------------------------------------------

    async def create(self, kind: str, body: Mapping[str, Any], effect: Effect, limits: Limits) -> str:
        """Make a bookmark (`bookmarks`) or a lock (`evidenceLocks`); return its id."""
        answer = await self._gateway.call("POST", f"/{kind}", effect, limits, json=body)
        return id_in(answer, part_in(answer, "result", "data"))

    async def found(self, kind: str, number: str, limits: Limits) -> dict[str, Any] | None:
        """Return a bookmark or a lock, or None."""
        return await self._gateway.find(f"/{kind}/{number}", limits)

    async def change_bookmark(self, number: str, body: Mapping[str, Any], limits: Limits) -> None:
        await self._gateway.call("PATCH", f"/bookmarks/{number}", Effect.REPEATABLE, limits, json=body)

    async def search_bookmarks(self, body: Any, limits: Limits) -> list[dict[str, Any]] | None:
        """Return what the search finds; None if the gateway does not understand the question."""
        try:
            answer = await self._gateway.call(
                "POST", "/bookmarks", Effect.NONE, limits, params={"task": "searchTime"}, json=body
            )
        except Refused as error:
            if error.status not in _UNKNOWN_TASK:
                raise
            return None
        said = object_in(answer)
        inner = said.get("result")
        for place in (said, inner if isinstance(inner, dict) else {}):
            for name in ("array", "bookmarks", "result", "data"):
                rows = place.get(name)
                if isinstance(rows, list):
                    return [row for row in rows if isinstance(row, dict)]
        raise answer.unusable("the answer holds no list of bookmarks")

    # --- alarms -------------------------------------------------------------------------------------

    async def alarm_states(self, limits: Limits = NO_LIMITS) -> list[AlarmState]:
        answer = await self._gateway.call("GET", "/alarmStates", Effect.NONE, limits)
        return [alarm_state_in(row) for row in rows_in(answer)]

    async def raise_alarm(self, alarm: Mapping[str, Any], limits: Limits) -> str:
        answer = await self._gateway.call("POST", "/alarms", Effect.ONCE, limits, json=alarm)
        return id_in(answer, part_in(answer, "data", "result"))

    async def alarm(self, number: str, limits: Limits = NO_LIMITS) -> Alarm | None:
        row = await self._gateway.find(f"/alarms/{number}", limits, params={"include": "data"})
        return None if row is None else alarm_in(row)

    async def alarms(self, limits: Limits = NO_LIMITS, *, pages: int) -> list[Alarm]:
        """The alarms of the first pages, in the gateway's own order."""
        rows = await self._gateway.rows("/alarms", limits, params={"include": "data"}, pages=pages)
        return [alarm_in(row) for row in rows]

    async def change_alarm(self, number: str, body: Mapping[str, Any], limits: Limits) -> None:
        await self._gateway.call("PATCH", f"/alarms/{number}", Effect.REPEATABLE, limits, json=body)

    # --- screens ------------------------------------------------------------------------------------

    async def monitors(self) -> list[Named]:
        """Every monitor of every Smart Wall, named `wall/monitor`."""
        found = []
        for wall in [named_in(row) for row in await self._gateway.rows("/videoWalls")]:
            for row in await self._gateway.rows(f"/videoWalls/{wall.id}/monitors"):
                monitor = named_in(row)
                found.append(Named(id=monitor.id, name=f"{wall.name}/{monitor.name}"))
        return found

    async def matrix_recipients(self) -> list[Named]:
        return [named_in(row) for row in await self._gateway.rows("/matrix")]

    async def show(self, monitor: str, cameras: Iterable[str], limits: Limits) -> None:
        """Put cameras on a Smart Wall monitor, from its first place on."""
        body = {**_cameras(cameras), "beginPosition": 0}
        await self._gateway.task(f"/monitors/{monitor}", "ApplyCameras", Effect.REPEATABLE, limits, json=body)

    async def hide(self, monitor: str, cameras: Iterable[str], limits: Limits) -> None:
        """Take cameras off a Smart Wall monitor."""
        await self._gateway.task(
            f"/monitors/{monitor}", "RemoveCameras", Effect.REPEATABLE, limits, json=_cameras(cameras)
        )

    async def matrix_command(self, recipient: str, cameras: str, command: str, limits: Limits) -> None:
        body = {"matrixCameraList": cameras, "matrixCommandType": command}
        await self._gateway.task(
            f"/matrix/{recipient}", "MatrixCommand", Effect.REPEATABLE, limits, json=body
        )


def _cameras(cameras: Iterable[str]) -> dict[str, Any]:
    return {"cameraPaths": [camera_path(camera) for camera in cameras], "cameraGroupPaths": []}
