"""The REST calls of a Milestone API Gateway that an alarm needs. Called by the milestone driver.

Sources, all at doc.developer.milestonesys.com/mipvmsapi/api/: config-rest/v1 (cameras, presets, Smart Wall,
Matrix, user-defined events), events-rest/v1, alarms-rest/v1, bookmarks-rest/v1, evidencelocks-rest/v1; and
the Python samples in github.com/milestonesys/mipsdk-samples-protocol. 2024 R2 and later. Not seen on a real
system.
"""

from __future__ import annotations

import base64
import email.utils
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from bridge.errors import CameraMissing, Retryable
from bridge.model import Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.milestone_gateway import MilestoneGateway, TaskFailed
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
    seconds_in,
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
LEAST_PICTURE: Final = 1000
"""Bytes: a JPEG of that size has a few hundred bytes of tables alone."""
PAGE_WITH_PRESETS: Final = 20
"""Cameras of one page with their presets: hundreds of each must stay below what is read of an answer."""


def camera_path(camera: str) -> dict[str, str]:
    """A camera as the gateway writes a reference to it."""
    return {"type": "cameras", "id": camera}


class MilestoneApi:
    """The calls. Ids must be GUIDs (`GUID`), because they become part of the path."""

    def __init__(self, gateway: MilestoneGateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    async def version(self) -> str:
        """Return the management server's version (`24.2.0.1`: 2024 R2); empty if it does not say."""
        async for sites in self._gateway.pages("/sites"):
            return str(sites[0].get("version") or "")[:40] if sites else ""
        return ""

    # --- cameras ------------------------------------------------------------------------------------

    async def cameras(self) -> list[Camera]:
        """Every enabled camera that the user may see, without its presets."""
        return [camera_in(row) for row in await self._gateway.rows("/cameras")]

    async def cameras_with_presets(self) -> list[Camera]:
        rows = await self._gateway.rows(
            "/cameras", params={"includeChildren": "ptzPresets"}, size=PAGE_WITH_PRESETS
        )
        return [camera_in(row) for row in rows]

    async def presets(self, camera: str, limits: Limits = NO_LIMITS) -> list[Preset]:
        answer = await self._gateway.call("GET", f"/cameras/{camera}/ptzPresets", Effect.NONE, limits)
        return [preset_in(row) for row in rows_in(answer)]

    async def go_to(self, camera: str, preset: str, limits: Limits) -> None:
        """Send a camera to a preset. Raises CameraMissing if its recording server is away."""
        path = f"/ptzPresets/{_in_path(preset, 'preset')}"
        await self._camera_task(camera, path, "Goto", Effect.REPEATABLE, limits)

    async def position(self, camera: str, limits: Limits) -> Position | None:
        """Where the camera stands, or None if it cannot tell, or this user may not ask."""
        try:
            answer = await self._camera_task(camera, "", "GetPtzAbsolutePosition", Effect.NONE, limits)
        except TaskFailed:
            return None
        except Refused as error:
            if error.status not in {*_UNKNOWN_TASK, 403}:
                raise
            return None
        return position_in(part_in(answer, "result"))

    async def live_picture(self, camera: str, limits: Limits) -> Picture | None:
        """A picture of this moment; None if this gateway has no such task. Raises CameraMissing."""
        try:
            answer = await self._camera_task(
                camera, "", "JpegGetLive", Effect.NONE, limits, json=dict(PICTURE_SIZE)
            )
        except TaskFailed as error:
            raise CameraMissing(str(error)) from error
        except Refused as error:
            if error.status not in _UNKNOWN_TASK:
                raise
            return None
        said = part_in(answer, "result")
        picture = _jpeg(said.get("jpegDataAsBase64"))
        if len(picture) < LEAST_PICTURE:
            raise CameraMissing(f"camera {camera}: the gateway has no picture of it")
        taken = seconds_in(said.get("frameDateTime"))
        now, clock = self._clock_at(answer)
        return Picture(
            taken="an unknown time" if taken is None else str(said["frameDateTime"])[:40],
            size=len(picture),
            age=None if taken is None else now - taken,
            clock=clock,
        )

    def _clock_at(self, answer: HttpAnswer) -> tuple[float, str]:
        """The time of an answer, and whose: the gateway's where it says it (RFC 9110 6.6.1), else ours."""
        try:
            said = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
            return said.timestamp(), "the gateway's clock"
        except (ValueError, OverflowError):
            return self._clock.now(), "our clock"

    async def _camera_task(
        self, camera: str, below: str, name: str, effect: Effect, limits: Limits, *, json: Any = None
    ) -> HttpAnswer:
        answer, task = await self._gateway.task(
            f"/cameras/{camera}{below}", name, effect, limits, json=json, expect=_CAMERA_TASK
        )
        if answer.status in NO_RECORDER:
            said = f"HTTP {answer.status} {task.error}".strip()
            raise CameraMissing(f"camera {camera}: its recording server does not answer: {said}")
        return answer

    # --- events -------------------------------------------------------------------------------------

    async def user_defined_events(self, limits: Limits = NO_LIMITS) -> list[Named]:
        events = [named_in(row) for row in await self._gateway.rows("/userDefinedEvents", limits)]
        return [event for event in events if event.id.lower() not in BUILT_IN_EVENTS]

    async def raise_event(self, event: Mapping[str, Any], effect: Effect, limits: Limits) -> str:
        """Raise an event; return its id. 202 says it was accepted, not that a rule ran."""
        answer = await self._gateway.call("POST", "/events", effect, limits, json=event)
        return id_in(answer, part_in(answer, "data", "result"))

    # --- bookmarks and evidence ---------------------------------------------------------------------

    async def create(self, kind: str, body: Mapping[str, Any], limits: Limits) -> str:
        """Make a bookmark (`bookmarks`) or a lock (`evidenceLocks`); return its id."""
        answer = await self._gateway.call("POST", f"/{kind}", Effect.ONCE, limits, json=body)
        return id_in(answer, part_in(answer, "result", "data"))

    async def found(self, kind: str, number: str, limits: Limits) -> dict[str, Any] | None:
        """Return a bookmark or a lock, or None."""
        return await self._gateway.find(f"/{kind}/{number}", limits)

    async def change_bookmark(self, number: str, body: Mapping[str, Any], limits: Limits) -> None:
        await self._gateway.call("PATCH", f"/bookmarks/{number}", Effect.REPEATABLE, limits, json=body)

    async def search_bookmarks(self, body: Any, limits: Limits) -> list[dict[str, Any]] | None:
        """Return what the search finds; None if the gateway does not understand it, or we may not search."""
        try:
            answer = await self._gateway.call(
                "POST", "/bookmarks", Effect.NONE, limits, params={"task": "searchTime"}, json=body
            )
        except Refused as error:
            if error.status not in {*_UNKNOWN_TASK, 403}:
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

    async def alarms(self, limits: Limits = NO_LIMITS) -> AsyncIterator[Alarm]:
        """Yield every alarm, in the gateway's own order, and ask for no more pages than are taken."""
        async for page in self._gateway.pages("/alarms", limits, params={"include": "data"}):
            for row in page:
                yield alarm_in(row)

    async def change_alarm(self, number: str, body: Mapping[str, Any], limits: Limits) -> None:
        await self._gateway.call("PATCH", f"/alarms/{number}", Effect.REPEATABLE, limits, json=body)

    # --- screens ------------------------------------------------------------------------------------

    async def monitors(self) -> list[Named]:
        """Every monitor of every Smart Wall, named `wall/monitor`."""
        found = []
        for wall in [named_in(row) for row in await self._gateway.rows("/videoWalls")]:
            number = _in_path(wall.id, "Smart Wall")
            for row in await self._gateway.rows(f"/videoWalls/{number}/monitors"):
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


def _in_path(number: str, what: str) -> str:
    """Return an id that the gateway said. Raises Retryable if it is none: it becomes a part of the path."""
    if not GUID.fullmatch(number):
        raise Retryable(f"the gateway calls a {what} {number[:60]!r}, which is no GUID")
    return number


def _jpeg(data: Any) -> bytes:
    """Return the JPEG (it begins with FF D8 FF); nothing if it is none."""
    try:
        picture = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        return b""
    return picture if picture.startswith(b"\xff\xd8\xff") else b""
