"""The part of a Milestone API Gateway that the bridge uses, by the vendor's documents alone.

    POST /API/IDP/connect/token, /IDP/connect/token     password grant -> token of 3600 s; wrong: 401
    POST /IDP/connect/token                             windows_credentials, with NTLM: ntlm.py
    *    /api/rest/v1/...                               milestone_rest.py
    WS   /api/ws/events/v1/                             milestone_feed.py

(config-rest/v1, events-rest/v1, alarms-rest/v1, bookmarks-rest/v1, evidencelocks-rest/v1, events-ws/v1 at
doc.developer.milestonesys.com/mipvmsapi/api/, and the vendor's Python samples.)
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from bridge.model import Clock
from bridge.simulator.vms.milestone_feed import FakeFeed
from bridge.simulator.vms.milestone_plant import FakeCamera, Installation, alarm_state, tank_farm
from bridge.simulator.vms.milestone_rest import Rest, refuse
from bridge.simulator.vms.ntlm import NtlmDoor
from bridge.simulator.vms.server import Answer, FakeServer, Request

__all__ = ["FakeMilestone"]

TOKEN_LIFE: Final = 3600
WINDOWS_LOG_IN: Final = "/IDP/connect/token"
FEED_PATH: Final = "/api/ws/events/v1/"


class FakeMilestone(FakeServer):
    """users: name -> password.

    rules: user-defined event -> whether the rule that answers it starts (or stops) recording.
    events: more user-defined events, whose rules are missing: 202 without effect.
    """

    state: Installation

    def __init__(
        self,
        clock: Clock,
        *,
        users: Mapping[str, str],
        rules: Mapping[str, bool],
        events: tuple[str, ...] = (),
    ) -> None:
        super().__init__(clock)
        self.state = Installation(tank_farm())
        self.users = dict(users)
        self.rest = Rest(clock=clock, rules=dict(rules), events=(*rules, *events))
        self.state.monitors[self.rest.monitor] = []
        self.log_ins = 0
        self.token_path = "/API/IDP/connect/token"  # noqa: S105 -- a path
        self.ntlm = NtlmDoor()
        self.feed = FakeFeed(clock, self.state.cameras)
        self._tokens: dict[str, float] = {}
        """token -> its end (monotonic seconds)."""

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def camera(self, name: str) -> FakeCamera:
        return next(camera for camera in self.state.cameras.values() if camera.name.endswith(name))

    def operator_takes(self, alarm: str, state: str, who: str) -> None:
        """An operator gives an alarm another state in his Smart Client."""
        self.state.alarms[alarm] |= {"state": alarm_state(state), "assignedTo": {"displayName": who}}

    def changed(self) -> None:
        """Tell the WebSocket's clients what a test has changed at a camera."""
        self.feed.cameras = self.state.cameras
        self.feed.publish()

    def refusal(self, status: int, request: Request) -> Answer:
        return refuse(status, HTTPStatus(status).phrase, bare="bookmarks" in request.path)

    async def upgraded(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if request.path != FEED_PATH or not self._authorized(request):
            return False
        await self.feed.serve(request, reader, writer)
        return True

    async def answer(self, request: Request) -> Answer:
        # After the answer: whoever lies has taken its effect back by then.
        asyncio.get_running_loop().call_soon(self.changed)
        if request.path == WINDOWS_LOG_IN and request.form.get("grant_type") == "windows_credentials":
            return self.ntlm.refusal(request) or self._grant()
        if request.path == self.token_path:
            return self._log_in(request)
        match request.segments:
            case ["api", *path]:
                if not self._authorized(request):
                    return self.refusal(401, request)
                if path[:2] == ["rest", "v1"] and (found := self.rest.answer(request, path[2:], self.state)):
                    return found
        return refuse(404, f"Unknown resource: {request.segments[-1]}")

    def _log_in(self, request: Request) -> Answer:
        form = request.form
        known = form.get("client_id") == "GrantValidatorClient" and form.get("grant_type") == "password"
        if not known or self.users.get(form.get("username", "")) != form.get("password"):
            return Answer.json({"error": "invalid_grant"}, 401)
        return self._grant()

    def _grant(self) -> Answer:
        self.log_ins += 1
        token = f"eyJhbGciOi.{secrets.token_hex(16)}.{secrets.token_hex(8)}"
        self._tokens[token] = self.clock.monotonic() + TOKEN_LIFE
        said = {"access_token": token, "expires_in": TOKEN_LIFE, "token_type": "Bearer"}
        return Answer.json({**said, "scope": "managementserver"})

    def _authorized(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self.clock.monotonic() < self._tokens.get(token, float("-inf"))
