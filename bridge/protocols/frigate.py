"""Frigate's HTTP API (0.13 to 0.18), as far as an alarm needs it. Called by the frigate driver.

Source: docs.frigate.video/integrations/api and the code of each release. Not seen on a real system. A manual
event is queued: its id comes before it can be asked for, and so does the answer to its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import Permanent
from bridge.model import NOTHING, Clock
from bridge.protocols.frigate_account import Account
from bridge.protocols.frigate_socket import CommandSocket
from bridge.protocols.frigate_values import (
    FrigateCamera,
    FrigateEvent,
    is_plain,
    object_in,
    parse_cameras,
    parse_event,
    parse_events,
    parse_rates,
)
from bridge.protocols.http import Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.secret import Secret

MOST_EVENTS: Final = 50
"""Open events of a camera that are looked at."""


class FrigateApi:
    """The calls, each with the log-in it needs. name: the driver instance's."""

    def __init__(
        self, link: HttpLink, *, name: str, user: str, password: Secret | None, clock: Clock
    ) -> None:
        self._link = link
        self._clock = clock
        self._socket = CommandSocket(link.settings, name=name)
        self.account = Account(link, user=user, password=password, clock=clock)

    def close(self) -> None:
        """End the web socket; the link is its owner's to close."""
        self._socket.close()

    async def version(self) -> str:
        """Such as `0.16.1-1a2b3c4`. Open to everybody. Raises Retryable if this is no Frigate."""
        answer = await self._call("GET", "/api/version", Effect.NONE)
        version = answer.text.strip().strip('"')
        if not re.match(r"\d+\.\d+", version):
            raise answer.unusable(f"that is no version of Frigate: {self._link.excerpt(version, 40)}")
        return version

    async def cameras(self, limits: Limits = NO_LIMITS) -> list[FrigateCamera]:
        """Every camera the user may see, as it runs now (switches included)."""
        return parse_cameras(await self._call("GET", "/api/config", Effect.NONE, limits))

    async def rates(self, limits: Limits = NO_LIMITS) -> dict[str, float]:
        """Camera -> pictures a second, as counted by Frigate at most 15 s ago."""
        return parse_rates(await self._call("GET", "/api/stats", Effect.NONE, limits))

    async def presets(self, camera: str, limits: Limits = NO_LIMITS) -> list[str] | None:
        """Names in lower case, as Frigate takes them; None where it reaches no ONVIF at this camera."""
        answer = await self._call("GET", f"/api/{camera}/ptz/info", Effect.NONE, limits)
        said = object_in(answer)
        if not said:
            return None
        presets = said.get("presets")
        if not isinstance(presets, list):
            raise answer.unusable("the answer holds no presets")
        return [str(preset) for preset in presets]

    async def create_event(
        self, camera: str, label: str, limits: Limits = NO_LIMITS, *, sub_label: str, before: int
    ) -> str:
        """Begin a manual event that stays open; return its id. It is stored later.

        before: seconds of recording ahead of it that belong to it (0.18 and later).
        Raises Refused 404 for an unknown camera, 403 without the role admin.
        """
        body = {
            "sub_label": sub_label,
            "duration": None,
            "include_recording": True,
            "score": 0,
            "pre_capture": before,
        }
        path = f"/api/events/{camera}/{label}/create"
        answer = await self._call("POST", path, Effect.ONCE, limits, json=body)
        said = object_in(answer)
        event = said.get("event_id")
        if said.get("success") is not True or not isinstance(event, str) or not is_plain(event):
            raise answer.unusable(f"no event was promised: {self._link.excerpt(answer.body)}")
        return event

    async def event(self, event: str, limits: Limits = NO_LIMITS) -> FrigateEvent | None:
        """The event, or None while it is not stored."""
        try:
            answer = await self._call("GET", f"/api/events/{event}", Effect.NONE, limits)
        except Refused as error:
            if error.status != 404:
                raise
            return None
        return parse_event(answer, object_in(answer))

    async def open_events(self, camera: str, label: str, limits: Limits = NO_LIMITS) -> list[FrigateEvent]:
        """The camera's manual events of this label that have not ended."""
        params = {
            "cameras": camera,
            "labels": label,
            "in_progress": "1",
            "include_thumbnails": "0",
            "limit": str(MOST_EVENTS),
        }
        answer = await self._call("GET", "/api/events", Effect.NONE, limits, params=params)
        # A version that does not know a filter answers without it.
        return [e for e in parse_events(answer) if e.open and (e.camera, e.label) == (camera, label)]

    async def end_event(self, event: str, limits: Limits = NO_LIMITS) -> None:
        """End it now, which shows some time later. Raises Refused 404 while it is not stored."""
        await self._write("PUT", f"/api/events/{event}/end", {}, limits)

    async def describe(self, event: str, text: str, limits: Limits = NO_LIMITS) -> None:
        """Write its description (0.15 and later)."""
        await self._write("POST", f"/api/events/{event}/description", {"description": text}, limits)

    async def retain(self, event: str, limits: Limits = NO_LIMITS) -> None:
        """Keep it, and its recordings when the disk runs full."""
        await self._write("POST", f"/api/events/{event}/retain", {}, limits)

    async def command(self, topic: str, payload: str, limits: Limits = NO_LIMITS) -> None:
        """Send by the web socket what MQTT takes; nothing is answered. Raises as `CommandSocket.send`."""

        async def send(token: str) -> None:
            await self._socket.send(topic, payload, token=token, budget=self._budget(limits))

        await self.account.tokens.use(send, limits)

    def require_admin(self) -> None:
        """Raise Permanent where the last log-in showed another role."""
        role = self.account.role
        if role not in ("", "admin"):
            raise Permanent(f"Frigate: the user has the role {role!r}; events and PTZ need admin")

    def _budget(self, limits: Limits) -> float:
        total = self._link.settings.timeouts.total
        return total if limits.deadline is None else min(total, limits.deadline - self._clock.now())

    async def _write(self, method: str, path: str, body: Mapping[str, Any], limits: Limits) -> None:
        answer = await self._call(method, path, Effect.REPEATABLE, limits, json=dict(body))
        if object_in(answer).get("success") is not True:
            raise answer.unusable(f"not done: {self._link.excerpt(answer.body)}")

    async def _call(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        json: Any = None,
    ) -> HttpAnswer:
        """Send with a valid token; after a 401 log in and send once more."""

        async def send(token: str) -> HttpAnswer:
            return await self._link.request(
                method,
                path,
                effect=effect,
                params=params,
                json=json,
                headers={"Authorization": f"Bearer {token}"} if token else NOTHING,
                deadline=limits.deadline,
                urgent=limits.urgent,
            )

        return await self.account.tokens.use(send, limits)
