"""The part of Frigate's interface that the bridge uses, as its documents and code (0.13 to 0.18) have it.

    POST /api/login                       {"user", "password"} -> JWT in a cookie; wrong: 401; too many: 429
    GET  /api/version                     plain text, open to everybody
    GET  /api/config                      cameras with record, onvif
    GET  /api/stats                       cameras with camera_fps
    GET  /api/{camera}/ptz/info           presets; {} without ONVIF
    POST /api/events/{camera}/{label}/create   {"duration": null, ...} -> event_id; a wrong body: 422
    GET  /api/events, /api/events/{id}    404 until the queue has stored it (`lag` seconds)
    PUT  /api/events/{id}/end, POST .../description, .../retain
    WS   /ws                              {camera}/ptz, {camera}/recordings/set; nothing is answered

From docs/static/frigate-api.yaml, docs/docs/integrations/mqtt.md, docs/docs/configuration/authentication.md,
frigate/api/event.py, frigate/api/auth.py, frigate/comms/ws.py and frigate/comms/dispatcher.py. Without users
it is port 5000, which asks for no log-in. Whoever changes events needs the role admin (403); a command by the
web socket without rights is dropped without a word.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.frigate_plant import FakeCamera, FakeEvent, FakeUser, Installation
from bridge.simulator.vms.frigate_socket import accept_key, messages, text_frame
from bridge.simulator.vms.server import Answer, FakeServer, Request

__all__ = ["FakeCamera", "FakeFrigate", "FakeUser"]

SESSION: Final = 86_400.0
VIEWER_TOPICS_SINCE: Final = (0, 18)
"""From then on the web socket looks at the role; before, whoever is logged in may move cameras."""


class FakeFrigate(FakeServer):
    """users: none for port 5000; lag: seconds that the queue delays an event and its end."""

    state: Installation

    def __init__(
        self,
        clock: Clock,
        *,
        cameras: Iterable[FakeCamera],
        users: Mapping[str, FakeUser],
        version: str = "0.18.0-abc1234",
        lag: float = 0.0,
        log_ins_a_minute: int = 20,
    ) -> None:
        super().__init__(clock)
        self.state = Installation({camera.name: camera for camera in cameras})
        self.users = dict(users)
        self.version = version
        self.lag = lag
        self.log_ins_a_minute = log_ins_a_minute
        self.session = SESSION
        self.lacks: set[str] = set()
        """Last words of paths that this version does not have."""
        self.log_ins: list[float] = []
        """Monotonic seconds of every attempt."""
        self.commands: list[tuple[str, str]] = []
        """What came by the web socket, done or not."""
        self._tokens: dict[str, tuple[str, float]] = {}
        """token -> user, end (monotonic seconds)."""
        self._upgraded: dict[asyncio.StreamReader, Request] = {}

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def refusal(self, status: int, request: Request) -> Answer:
        del request  # one shape for all
        if status == 401:  # nginx says it, before Frigate is asked
            return Answer(
                401, b"<html><head><title>401 Authorization Required</title></head></html>", "text/html"
            )
        return Answer.json({"detail": {404: "Not Found"}.get(status, "Error")}, status)

    async def answer(self, request: Request) -> Answer:
        if request.segments == ["api", "login"]:
            return self._log_in(request)
        if request.segments == ["api", "version"]:
            return Answer(200, self.version.encode(), "text/plain; charset=utf-8")
        role = self._role(request)
        if role is None:
            return self.refusal(401, request)
        known = request.segments[-1] not in self.lacks
        return (self._answer_to(request, role) if known else None) or self.refusal(404, request)

    def _answer_to(self, request: Request, role: str) -> Answer | None:
        match (request.method, *request.segments):
            case ("GET", "ws"):
                return self._upgrade(request)
            case ("GET", "api", *what):
                return self._look_up(request, what)
            case _ if role != "admin":
                return Answer.json({"detail": "Access denied. A user with the admin role is required."}, 403)
            case ("POST", "api", "events", camera, label, "create"):
                return self._create(request, camera, label)
            case (_, "api", "events", number, what):
                return self._change(request, number, what)
        return None

    def _log_in(self, request: Request) -> Answer:
        now = self.clock.monotonic()
        self.log_ins.append(now)
        if not self.users:
            return Answer.json({"message": "Authentication is disabled"}, 404)
        if sum(at > now - 60 for at in self.log_ins) > self.log_ins_a_minute:
            return Answer.json({"error": "Rate limit exceeded"}, 429)
        said = request.json() or {}
        user = self.users.get(str(said.get("user")))
        if user is None or user.password != said.get("password"):
            return Answer.json({"message": "Login failed"}, 401)
        claims = {"sub": said["user"], "role": user.role, "exp": int(self.clock.now() + self.session)}
        token = f"{_base64url({'alg': 'HS256'})}.{_base64url(claims)}.{secrets.token_urlsafe(32)}"
        self._tokens[token] = (said["user"], now + self.session)
        return Answer(200, headers={"Set-Cookie": f"frigate_token={token}; HttpOnly; Path=/; SameSite=lax"})

    def _role(self, request: Request) -> str | None:
        if not self.users:
            return "admin"
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        name, end = self._tokens.get(token, ("", 0.0))
        return self.users[name].role if self.clock.monotonic() < end else None

    def _look_up(self, request: Request, what: list[str]) -> Answer | None:
        now = self.clock.now()
        cameras = self.state.cameras
        match what:
            case ["config"]:
                return Answer.json({"cameras": {name: cameras[name].as_config() for name in cameras}})
            case ["stats"]:
                rates = {c.name: {"camera_fps": c.fps, "process_fps": c.fps} for c in cameras.values()}
                return Answer.json({"cameras": rates, "service": {"version": self.version}})
            case [camera, "ptz", "info"] if camera in cameras:
                presets = cameras[camera].presets
                info = {"name": camera, "features": ["pt"], "presets": list(presets or ())}
                return Answer.json({} if presets is None else info)
            case ["events"]:
                return Answer.json(self._events(request, now))
            case ["events", number]:
                event = self.state.stored(number, now)
                return (
                    Answer.json("Event not found", 404) if event is None else Answer.json(event.as_row(now))
                )
        return None

    def _events(self, request: Request, now: float) -> list[dict[str, Any]]:
        rows = [event.as_row(now) for event in self.state.events if now >= event.stored_at]
        query = request.query
        return [
            row
            for row in rows
            if row["camera"] == query.get("cameras", row["camera"])
            and row["label"] == query.get("labels", row["label"])
            and (query.get("in_progress") != "1" or row["end_time"] is None)
        ]

    def _create(self, request: Request, camera: str, label: str) -> Answer:
        said = request.json()
        if not _fits(said):
            return Answer.json({"detail": [{"loc": ["body"], "type": "value_error"}]}, 422)
        if camera not in self.state.cameras:
            return Answer.json({"success": False, "message": f"{camera} is not a valid camera."}, 404)
        now = self.clock.now()
        number = f"{now:.6f}-{len(self.state.events) + 1:06d}"
        duration = said.get("duration", 30)
        row = {
            "id": number,
            "camera": camera,
            "label": label,
            "sub_label": said.get("sub_label"),
            "start_time": now - (said.get("pre_capture") or 5),
            "has_clip": self.state.cameras[camera].records and said.get("include_recording", True),
            "retain_indefinitely": False,
            "data": {"type": "api", "score": said.get("score", 0)},
        }
        end = None if duration is None else now + duration
        self.state.events.append(FakeEvent(row, stored_at=now + self.lag, end_time=end))
        return Answer.json({"success": True, "message": "Successfully created event.", "event_id": number})

    def _change(self, request: Request, number: str, what: str) -> Answer:
        event = self.state.stored(number, self.clock.now())
        if event is None:
            return Answer.json({"success": False, "message": f"Event {number} not found."}, 404)
        said = request.json() or {}
        match (request.method, what):
            case ("PUT", "end"):
                event.end_time = said.get("end_time") or self.clock.now()
                event.ended_at = self.clock.now() + self.lag
            case ("POST", "description"):
                event.row["data"]["description"] = said.get("description")
            case ("POST", "retain"):
                event.row["retain_indefinitely"] = True
            case _:
                return self.refusal(404, request)
        return Answer.json({"success": True, "message": "Event successfully changed."})

    # --- the web socket -----------------------------------------------------------------------------

    def _upgrade(self, request: Request) -> Answer:
        key = accept_key(request.headers.get("sec-websocket-key", ""))
        return Answer(
            101, headers={"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": key}
        )

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        request = await super()._read(reader)
        if request.path == "/ws":
            self._upgraded[reader] = request
        return request

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        goes_on = await super()._serve_one(reader, writer)
        request = self._upgraded.pop(reader, None)
        role = self._role(request) if request else None
        if not goes_on or role is None:
            return goes_on
        async for message in messages(reader, writer):
            # Whoever is connected is told whatever happens, in the middle of anything else.
            writer.write(text_frame(json.dumps({"topic": "stats", "payload": "{}"})))
            with contextlib.suppress(ValueError, AttributeError):
                said = json.loads(message)
                self._command(str(said.get("topic")), str(said.get("payload")), role)
        return False

    def _command(self, topic: str, payload: str, role: str) -> None:
        self.commands.append((topic, payload))
        camera = self.state.cameras.get(topic.partition("/")[0])
        major, minor = (int(part) for part in self.version.split(".")[:2])
        if camera is None or (role != "admin" and (major, minor) >= VIEWER_TOPICS_SINCE):
            return
        match topic.split("/")[1:]:
            case ["ptz"] if payload.startswith("preset_"):
                preset = payload.removeprefix("preset_").lower()
                if preset in (camera.presets or ()):
                    camera.moved.append(preset)
            case ["recordings", "set"] if camera.may_record or payload == "OFF":
                camera.records = payload == "ON"


def _fits(said: Any) -> bool:
    """Whether a creation's body has the types that Frigate demands."""
    return (
        isinstance(said, dict)
        and isinstance(said.get("sub_label"), str | None)
        and isinstance(said.get("duration", 30), int | None)
        and isinstance(said.get("include_recording", True), bool | None)
    )


def _base64url(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
