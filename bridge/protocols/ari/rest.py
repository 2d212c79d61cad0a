"""ARI's requests with an answer, on `HttpLink`: it knows when nothing was sent, when it may have been, and
takes secrets out of every error. aiohttp, which carries the WebSocket, does neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.model import Clock, Finding
from bridge.protocols.ari.settings import AriSettings
from bridge.protocols.http import Effect, HttpAnswer, HttpLink

ROOT = "/ari"


class Rest:
    """One user's requests to one Asterisk. name: begins every error text."""

    def __init__(self, settings: AriSettings, *, name: str, clock: Clock) -> None:
        """Raises ConfigError if the settings' CA file cannot be used."""
        self._settings = settings
        self._link = HttpLink(settings, name=name, clock=clock)

    def warnings(self) -> list[Finding]:
        """What `sosbridge check` must keep saying about the way to this PBX."""
        return self._link.warnings()

    async def get(self, path: str, **params: str) -> Any:
        """Return the JSON value at `path` below `/ari`. Raises as `HttpLink.request`, or ConfigError."""
        return (await self._request("GET", path, params=params, effect=Effect.NONE)).json()

    async def put(self, path: str, json: Any) -> None:
        """Set what is the same however often it is set. Raises as `get`."""
        await self._request("PUT", path, json=json, effect=Effect.REPEATABLE)

    async def post(self, path: str, params: Mapping[str, str], json: Any = None) -> None:
        """Do something that a repeat would do again. Raises as `get`; Uncertain: it may have happened."""
        await self._request("POST", path, params=params, json=json, effect=Effect.ONCE, urgent=True)

    async def delete(self, path: str) -> None:
        """End or remove something. Raises as `get`; Refused with status 404 where it is not there."""
        await self._request("DELETE", path, effect=Effect.REPEATABLE)

    async def close(self) -> None:
        """Cut what is under way."""
        await self._link.close()

    async def _request(self, method: str, path: str, *, effect: Effect, **more: Any) -> HttpAnswer:
        authorization = self._settings.authorization()
        self._link.conceal(self._settings.secret.reveal())
        self._link.conceal(authorization.partition(" ")[2])
        headers: Mapping[str, str] = {"Authorization": authorization}
        return await self._link.request(method, f"{ROOT}{path}", effect=effect, headers=headers, **more)
