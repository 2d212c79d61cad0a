"""The calls of an Nx server that an alarm needs. Called by the nx driver; knows no incident.

Nx Witness, Nx Meta, DW Spectrum and Hanwha Wave are the same server. Source: the vendor's OpenAPI file of
REST v4 (VMS 6.1); v1 to v3 are called at the same paths, as the vendor's samples do. Times are milliseconds
since the epoch, as the server wants them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from bridge.errors import Permanent
from bridge.model import NOTHING
from bridge.protocols.http import Effect, HttpAnswer, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.http_settings import MEGABYTE
from bridge.protocols.nx_answers import (
    object_in,
    parse_bookmark,
    parse_device,
    parse_object,
    parse_position,
    parse_rights,
    parse_rule,
    parse_trigger,
    rows_in,
    text_in,
)
from bridge.protocols.nx_session import NxSession
from bridge.protocols.nx_values import (
    Bookmark,
    Device,
    Position,
    Preset,
    PtzObject,
    Rights,
    Rule,
    SoftTrigger,
    User,
    plain_id,
)

GENERIC_EVENTS_SINCE: Final = 4
"""The API's version that has `events/generic` and lists the rules; older servers have `/api/createEvent`."""
MOST_BOOKMARKS: Final = 200
"""Bookmarks that one question may bring back."""
MOST_OF_RULES: Final = 32 * MEGABYTE
"""Bytes of the list of rules, whatever `max_body` says: each camera has a rule of about 700 bytes."""
LISTED: Final = "id,name,status,ptz.capabilities"
"""Fields of a device that are asked for: the whole record is long."""


class EventState(enum.StrEnum):
    STARTED = "started"
    STOPPED = "stopped"

    @property
    def old_name(self) -> str:
        """The word of `/api/createEvent`."""
        return "Active" if self is EventState.STARTED else "Inactive"


class NxApi:
    """The calls. Every one raises DeliveryError as `HttpLink.request` does."""

    def __init__(self, session: NxSession) -> None:
        self.session = session

    @property
    def modern(self) -> bool:
        """Whether the server has the events and rules of v4. Known once the session is open."""
        return self.session.version >= GENERIC_EVENTS_SINCE

    # --- devices ------------------------------------------------------------------------------------

    async def device(self, device: str, limits: Limits = NO_LIMITS) -> Device:
        """One camera with its status. Raises Refused 404 if there is none, or none for this user."""
        answer = await self._ask(f"/devices/{segment(device)}", limits, {"_with": LISTED})
        return parse_device(answer, object_in(answer))

    async def devices(self) -> list[Device]:
        answer = await self._ask("/devices", NO_LIMITS, {"_with": LISTED})
        return [parse_device(answer, row) for row in rows_in(answer)]

    # --- PTZ ----------------------------------------------------------------------------------------

    async def presets(self, device: str, limits: Limits = NO_LIMITS) -> list[Preset]:
        answer = await self._ask(f"/devices/{segment(device)}/ptz/presets", limits)
        return [
            Preset(id=text_in(answer, row, "id"), name=str(row.get("name") or "")) for row in rows_in(answer)
        ]

    async def activate(self, device: str, goal: PtzObject, speed: float, limits: Limits = NO_LIMITS) -> None:
        """Send the camera to a preset at a part (0 to 1) of its speed, or start a tour."""
        where = f"/devices/{segment(device)}/ptz/{goal.kind}s/{segment(goal.id)}"
        if goal.kind == "preset":
            await self._do("POST", f"{where}/activate", {"speed": speed}, limits)
        else:
            await self._do("POST", f"{where}/active", {}, limits)

    async def active_object(self, device: str, limits: Limits = NO_LIMITS) -> PtzObject | None:
        """Where the camera was sent last; None after anybody has moved it by hand."""
        return await self._object(device, "activeObject", limits)

    async def home_object(self, device: str, limits: Limits = NO_LIMITS) -> PtzObject | None:
        """Where the camera belongs; None where nobody has said so."""
        return await self._object(device, "homeObject", limits)

    async def position(self, device: str, limits: Limits = NO_LIMITS) -> Position:
        """Where the camera looks. Raises Refused where it cannot tell."""
        return parse_position(await self._ask(f"/devices/{segment(device)}/ptz/position", limits))

    async def _object(self, device: str, name: str, limits: Limits) -> PtzObject | None:
        try:
            return parse_object(await self._ask(f"/devices/{segment(device)}/ptz/{name}", limits))
        except Refused as error:
            if error.status != 404:
                raise
            return None

    # --- bookmarks ----------------------------------------------------------------------------------

    async def bookmarks(self, device: str, since: int, limits: Limits = NO_LIMITS) -> list[Bookmark]:
        """The device's bookmarks that begin at or after `since`, the latest made first."""
        params = {"startTimeMs": str(since), "limit": str(MOST_BOOKMARKS), "order": "desc"}
        return await self._bookmarks(f"/devices/{segment(device)}/bookmarks", params, limits)

    async def new_bookmarks(self, since: int) -> list[Bookmark]:
        """The bookmarks of all devices that were made at or after `since` (v4)."""
        params = {
            "creationStartTimeMs": str(since),
            "limit": str(MOST_BOOKMARKS),
            "_orderBy": "creationTimeMs",
            "order": "desc",
        }
        return await self._bookmarks("/devices/*/bookmarks", params, NO_LIMITS)

    async def bookmark(self, device: str, bookmark: str, limits: Limits = NO_LIMITS) -> Bookmark | None:
        try:
            answer = await self._ask(f"/devices/{segment(device)}/bookmarks/{segment(bookmark)}", limits)
        except Refused as error:
            if error.status != 404:
                raise
            return None
        return parse_bookmark(answer, object_in(answer))

    async def add_bookmark(
        self, device: str, fields: Mapping[str, Any], limits: Limits = NO_LIMITS
    ) -> Bookmark:
        """fields: `name`, `description`, `startTimeMs`, `durationMs`, `tags`."""
        path = f"/devices/{segment(device)}/bookmarks"
        answer = await self.session.rest("POST", path, Effect.ONCE, limits, body=fields)
        return parse_bookmark(answer, object_in(answer))

    async def lengthen(self, device: str, bookmark: str, duration: int, limits: Limits = NO_LIMITS) -> None:
        """Give the bookmark another length (milliseconds)."""
        path = f"/devices/{segment(device)}/bookmarks/{segment(bookmark)}"
        await self._do("PATCH", path, {"durationMs": duration}, limits)

    async def _bookmarks(self, path: str, params: Mapping[str, str], limits: Limits) -> list[Bookmark]:
        answer = await self._ask(path, limits, params)
        return [parse_bookmark(answer, row) for row in rows_in(answer)]

    # --- events and rules ---------------------------------------------------------------------------

    async def generic_event(
        self,
        state: EventState,
        *,
        source: str,
        caption: str,
        description: str,
        devices: Sequence[str],
        at: int,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Raise or end a generic event; the server's rules decide what that does. at: milliseconds."""
        words = {"source": source, "caption": caption, "description": description, "timestamp": str(at)}
        await self.session.open(limits)
        if self.modern:
            await self._do(
                "POST", "/events/generic", {**words, "state": state, "deviceIds": list(devices)}, limits
            )
            return
        body = {**words, "state": state.old_name, "metadata": {"cameraRefs": list(devices)}}
        answer = await self.session.request("POST", "/api/createEvent", Effect.REPEATABLE, limits, body=body)
        said = answer.json()
        if not isinstance(said, dict) or "error" not in said:
            raise answer.unusable("the answer has another shape than an Nx server's")
        if str(said["error"]) != "0":
            raise Permanent(f"the Nx server takes no event: {said.get('errorString') or said['error']}")

    async def triggers(self, limits: Limits = NO_LIMITS) -> list[SoftTrigger]:
        """The soft triggers that the logged-in user may fire (v4)."""
        answer = await self._ask("/events/triggers", limits)
        return [parse_trigger(answer, row) for row in rows_in(answer)]

    async def fire(self, trigger: SoftTrigger, device: str, limits: Limits = NO_LIMITS) -> None:
        """Set off an instant soft trigger at a camera (v4)."""
        body = {"triggerId": trigger.id, "deviceId": device, "state": "instant"}
        await self._do("POST", "/events/triggers", body, limits)

    async def rules(self) -> list[Rule]:
        """Every event rule of the site (v4). Raises Refused 403 where the user may not see them."""
        answer = await self._ask("/events/rules", Limits(max_body=MOST_OF_RULES))
        return [parse_rule(answer, row) for row in rows_in(answer)]

    # --- users --------------------------------------------------------------------------------------

    async def users(self) -> list[User]:
        """The users that the logged-in one may see."""
        answer = await self._ask("/users", NO_LIMITS, {"_with": "id,name"})
        return [
            User(id=plain_id(text_in(answer, row, "id")), name=str(row.get("name") or ""))
            for row in rows_in(answer)
        ]

    async def rights(self) -> Rights:
        """What the logged-in user may, by itself and by its groups (v4)."""
        return parse_rights(await self._ask("/users/-/permissions", NO_LIMITS))

    async def _ask(self, path: str, limits: Limits, params: Mapping[str, str] = NOTHING) -> HttpAnswer:
        await self.session.open(limits)
        # Servers before v4 leave out what has its default value, and Offline is one.
        more = {} if self.modern else {"_keepDefault": "true"}
        return await self.session.rest("GET", path, Effect.NONE, limits, params={**params, **more})

    async def _do(self, method: str, path: str, body: Mapping[str, Any], limits: Limits) -> None:
        """Send what may be sent twice. The answer is empty, or JSON that says nothing more."""
        answer = await self.session.rest(method, path, Effect.REPEATABLE, limits, body=body)
        if answer.body.strip():
            answer.json()


def segment(value: str) -> str:
    """An id as one part of a path. Raises Permanent for what could lead to another place."""
    if not value.strip(".") or value in ("*", "-"):
        raise Permanent(f"{value!r} is no id of an Nx server")
    return quote(value, safe="{}:_-", errors="replace")
