"""The part of an Nx server's REST API that the bridge uses, version 4 and before.

From the vendor's OpenAPI file of REST v4 (VMS 6.1); shapes of errors and words of the older events from its
Python client and its manual. Not from a real server. `api` is the highest version served.

    GET  /rest/v1/system/info, /rest/v4/site/info      no log-in; version, restApiVersions
    POST /rest/v{n}/login/sessions                     token, expiresInS; wrong: 401
    GET  /rest/v{n}/devices, /devices/{id}             status
    GET  .../ptz/presets; POST .../ptz/presets/{id}/activate (speed is required), .../ptz/tours/{id}/active
    GET  .../ptz/activeObject, .../ptz/homeObject      the first since v4; 404 where there is none
    GET  .../ptz/position
    GET, POST .../bookmarks; GET, PATCH .../bookmarks/{id}; GET /devices/*/bookmarks
    POST /rest/v4/events/generic                       started, stopped; 200 with an empty body
    GET  /rest/v4/events/rules, /users, /users/-/permissions
    GET, POST /rest/v4/events/triggers                 soft triggers: list, fire
    POST /api/createEvent                              Active, Inactive; `{"error": "0"}`

Before v4 a device's default status, Offline, is left out unless `_keepDefault` is asked for.
Rules for recordings act on the events; a status follows `status_lag` seconds later. A rule that runs does not
begin again. A token that ran out is a 401, one that is too old a 403 whose `errorId` names the session.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.nx_plant import FakeDevice, FakeUser, Site, recording_rule, soft_trigger
from bridge.simulator.vms.server import Answer, FakeServer, Request

__all__ = ["FakeDevice", "FakeNx", "FakeUser", "recording_rule", "soft_trigger"]

SESSION_LIFE: Final = 3600
EMPTY: Final = Answer(200)
MODERN: Final = 4


class FakeNx(FakeServer):
    """One site with one server. users: name -> account."""

    state: Site

    def __init__(
        self,
        clock: Clock,
        *,
        devices: list[FakeDevice],
        users: Mapping[str, FakeUser],
        api: int = MODERN,
        status_lag: float = 0.5,
    ) -> None:
        super().__init__(clock)
        self.state = Site({device.id: device for device in devices})
        self.users = dict(users)
        self.api = api
        self.status_lag = status_lag
        self.clock_ahead = 0.0
        """Seconds that its clock is ahead of ours."""
        self.log_ins = 0
        self._tokens: dict[str, tuple[FakeUser, float]] = {}
        """token -> user, end (monotonic seconds)."""
        self._too_old: set[str] = set()

    def expire_tokens(self) -> None:
        """As after a restart of the server."""
        self._tokens.clear()

    def age_tokens(self) -> None:
        """The sessions live on, and are too old for what is asked."""
        self._too_old |= self._tokens.keys()

    def acknowledge(self, device: str, *, user: str) -> dict[str, Any]:
        """An operator acknowledges the device's last event in the desktop client. user: its id."""
        return self.state.acknowledge(device, user=user, now=self.clock.now())

    def refusal(self, status: int, request: Request) -> Answer:
        del request  # the same for all
        return _refuse(status, {401: "unauthorized", 404: "notFound"}.get(status, "forbidden"))

    async def answer(self, request: Request) -> Answer:
        public = self._without_log_in(request)
        if public is not None:
            return public
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        user, end = self._tokens.get(token, (None, 0.0))
        if user is None or self.clock.monotonic() >= end:
            return _refuse(401, "unauthorized")
        if token in self._too_old:
            return _refuse(403, "sessionExpired")
        return self._route(request, user) or _refuse(404, "notFound")

    def _without_log_in(self, request: Request) -> Answer | None:
        found = None
        match request.segments:
            case ["rest", "v1", "system", "info"]:
                found = Answer.json(self._info())
            case ["rest", "v4", "site", "info"] if self.api >= MODERN:
                found = Answer.json(self._info())
            case ["rest", version, *_] if not 1 <= int(version.removeprefix("v")) <= self.api:
                found = _refuse(404, "notFound")
            case ["rest", _, "login", "sessions"] if request.method == "POST":
                found = self._log_in(request)
        return found

    def _route(self, request: Request, user: FakeUser) -> Answer | None:
        found = None
        match request.segments[2:] if request.segments[0] == "rest" else request.segments:
            case ["api", "createEvent"]:
                found = self._create_event(request, user)
            case ["users" as kind] | ["events", "rules" as kind] if kind not in user.lists:
                found = _refuse(403, "forbidden")
            case ["users"]:
                rows = [{"id": each.id, "name": name} for name, each in self.users.items()]
                found = Answer.json(rows)
            case ["devices"]:
                found = Answer.json([each.as_row(self.clock.now()) for each in self.state.devices.values()])
            case ["devices", "*", "bookmarks"]:
                since = int(request.query.get("creationStartTimeMs", "0"))
                made = [each for each in self.state.bookmarks if each["creationTimeMs"] >= since]
                found = Answer.json(made[::-1])
            case ["devices", number, *rest] if device := self.state.devices.get(number):
                found = self._device(request, user, device, rest)
            case rest if self.api >= MODERN:
                found = self._route_modern(request, user, rest)
        return found

    def _route_modern(self, request: Request, user: FakeUser, rest: list[str]) -> Answer | None:
        match rest:
            case ["events", "generic"] if request.method == "POST":
                return self._generic_event(request.json(), user)
            case ["events", "rules"]:
                return Answer.json(self.state.rules)
            case ["events", "triggers"]:
                return self._soft_trigger(request)
            case ["users", "-", "permissions"]:
                return Answer.json(_permissions(user))
        return None

    def _device(self, request: Request, user: FakeUser, device: FakeDevice, rest: list[str]) -> Answer | None:
        match rest:
            case []:
                row = device.as_row(self.clock.now())
                if self.api < MODERN and row["status"] == "Offline" and "_keepDefault" not in request.query:
                    del row["status"]
                return Answer.json(row)
            case ["ptz", *rest]:
                return self._ptz(request, user, device, rest)
            case ["bookmarks", *rest]:
                return self._bookmarks(request, user, device, rest)
        return None

    def _bookmarks(
        self, request: Request, user: FakeUser, device: FakeDevice, rest: list[str]
    ) -> Answer | None:
        if "manageBookmarks" not in user.rights:
            return _refuse(403, "forbidden")
        found = None
        match request.method, rest:
            case "GET", []:
                since = int(request.query.get("startTimeMs", "0"))
                rows = [each for each in self.state.bookmarks if each["deviceId"] == device.id]
                found = Answer.json([each for each in reversed(rows) if each["startTimeMs"] >= since])
            case "POST", []:
                found = self._add_bookmark(device, request.json(), user)
            case _, [number] if record := self.state.bookmark(number):
                if request.method == "PATCH":
                    record.update(request.json())
                found = Answer.json(record)
        return found

    def _add_bookmark(self, device: FakeDevice, fields: Any, user: FakeUser) -> Answer:
        if not isinstance(fields, dict) or not {"name", "durationMs"} <= fields.keys():
            return _refuse(400, "missingParameter")
        made = self.state.add_bookmark(device.id, fields, creator=user.id, now=self.clock.now())
        return Answer.json(made)

    def _ptz(self, request: Request, user: FakeUser, device: FakeDevice, rest: list[str]) -> Answer | None:
        found = None
        match request.method, rest:
            case "GET", ["presets"]:
                rows = [{"id": i, "deviceId": device.id, "name": n} for i, n in device.presets.items()]
                found = Answer.json(rows)
            case "GET", ["activeObject"] if self.api >= MODERN and device.active:
                found = _object(device, device.active)
            case "GET", ["homeObject"] if device.home:
                found = _object(device, device.home)
            case "GET", ["position"] if device.position:
                found = Answer.json(dict(zip(("pan", "tilt", "zoom"), device.position, strict=True)))
            case "POST", ["presets", number, "activate"] if "speed" in (request.json() or {}):
                found = self._activate(device, user, "preset", number)
            case "POST", ["presets", _, "activate"]:
                found = _refuse(400, "missingParameter")
            case "POST", ["tours", number, "active"]:
                found = self._activate(device, user, "tour", number)
        return found

    @staticmethod
    def _activate(device: FakeDevice, user: FakeUser, kind: str, number: str) -> Answer:
        if "userInput" not in user.rights:
            return _refuse(403, "forbidden")
        if kind == "preset" and number not in device.presets:
            return _refuse(404, "notFound")
        if device.status != "Online":
            return _refuse(500, "cantProcessRequest")
        device.active = (kind, number)
        device.moved.append(number)
        if device.position:
            device.position = (len(number) / 2, 0.5, float(len(device.moved)))
        return EMPTY

    def _generic_event(self, event: Any, user: FakeUser) -> Answer:
        if "generateEvents" not in user.permissions:
            return _refuse(403, "forbidden")
        if not isinstance(event, dict) or event.get("state") not in ("started", "stopped"):
            return _refuse(400, "invalidParameter")
        words = {name: str(event.get(name, "")) for name in ("source", "caption", "description")}
        devices = event.get("deviceIds", [])
        self.state.take_event({**event, **words, "deviceIds": devices}, self.clock.now(), self.status_lag)
        return EMPTY

    def _soft_trigger(self, request: Request) -> Answer:
        if request.method == "GET":
            return Answer.json(self.state.triggers)
        body = request.json() or {}
        if not any(trigger["triggerId"] == body.get("triggerId") for trigger in self.state.triggers):
            return _refuse(404, "notFound")
        self.state.fired.append((body["triggerId"], body["deviceId"]))
        return EMPTY

    def _create_event(self, request: Request, user: FakeUser) -> Answer:
        event = request.json()
        state = {"Active": "started", "Inactive": "stopped"}.get(event.pop("state", ""), "instant")
        devices = event.pop("metadata", {}).get("cameraRefs", [])
        refused = self._generic_event({**event, "state": state, "deviceIds": devices}, user)
        return refused if refused.status != 200 else Answer.json({"error": "0", "errorString": ""})

    def _log_in(self, request: Request) -> Answer:
        body = request.json() or {}
        user = self.users.get(body.get("username", ""))
        if user is None or user.password != body.get("password"):
            return _refuse(401, "unauthorized")
        self.log_ins += 1
        token = f"vms-{secrets.token_hex(16)}-{secrets.token_hex(4)}"
        self._tokens[token] = (user, self.clock.monotonic() + SESSION_LIFE)
        said = {"username": body["username"], "token": token, "ageS": 0, "expiresInS": SESSION_LIFE}
        return Answer.json({"id": user.id, **said})

    def _info(self) -> dict[str, Any]:
        return {
            "name": "plant",
            "customization": "default",
            "version": "6.1.0.42000" if self.api >= MODERN else "6.0.6.41837",
            "protoVersion": 6100,
            "restApiVersions": {"min": "v1", "max": f"v{self.api}"},
            "cloudHost": "",
            "edgeServerCount": 0,
            "synchronizedTimeMs": round((self.clock.now() + self.clock_ahead) * 1000),
        }


def _object(device: FakeDevice, found: tuple[str, str]) -> Answer:
    return Answer.json({"deviceId": device.id, "type": found[0], "objectId": found[1]})


def _permissions(user: FakeUser) -> dict[str, Any]:
    return {
        "groupIds": list(user.groups),
        "permissions": "|".join(sorted(user.permissions)) or "none",
        "resourceAccessRights": {"00000000-0000-0000-0000-200000000001": "|".join(sorted(user.rights))},
    }


def _refuse(status: int, error: str) -> Answer:
    return Answer.json({"error": "4", "errorId": error, "errorString": f"Request refused: {error}"}, status)
