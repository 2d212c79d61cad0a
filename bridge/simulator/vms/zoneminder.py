"""The part of ZoneMinder 1.36's interface that the bridge uses, as a real 1.36.33 answered it.

    POST /zm/api/host/login.json                       user, pass -> access_token (7200 s); wrong: 401
    GET  /zm/api/host/daemonCheck.json, getVersion.json
    GET  /zm/api/monitors.json, /zm/api/monitors/{id}.json      Monitor, Monitor_Status
    GET  /zm/api/monitors/alarm/id:{id}/command:{on|off|status}.json
    GET  /zm/api/events/index/MonitorId:{id}.json, .../Id:{id}.json   (newest with sort=Id&direction=desc)
    PUT  /zm/api/events/{id}.json                      Event[Name], Event[Notes], Event[Archived]
    GET  /zm/api/controls.json, /zm/api/users.json
    GET  /zm/index.php?view=request&request=control    always Ok with a valid token

A refusal is a JSON that repeats the address with its token. A forced alarm on a camera without pictures is
answered after `dead_wait` seconds without an event, and takes effect when the pictures come back. Restarting
a camera's capture drops its alarm and ends its event. A user without the right to `Stream` gets
`"status":"false"`. A name of more than 64 characters is a 500.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.server import Answer, FakeServer, Request
from bridge.simulator.vms.zoneminder_plant import FakeMonitor, FakeUser, Installation

__all__ = ["FakeMonitor", "FakeUser", "FakeZoneMinder"]

PREFIX: Final = "/zm"
TOKEN_LIFE: Final = 7200.0


class FakeZoneMinder(FakeServer):
    """monitors: id -> name; post_event: seconds that an alarm goes on after it was cancelled."""

    state: Installation

    def __init__(
        self,
        clock: Clock,
        *,
        monitors: Mapping[int | str, str],
        users: Mapping[str, FakeUser],
        post_event: float = 1.0,
        dead_wait: float = 11.0,
    ) -> None:
        super().__init__(clock)
        self.state = Installation({int(n): FakeMonitor(int(n), name) for n, name in monitors.items()})
        self.users = dict(users)
        self.post_event = post_event
        self.dead_wait = dead_wait
        self.token_life = TOKEN_LIFE
        self.log_ins = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        """token -> user, end (monotonic seconds)."""

    @property
    def base_url(self) -> str:
        return self.url + PREFIX

    def expire_tokens(self) -> None:
        """As after a restart with another AUTH_HASH_SECRET."""
        self._tokens.clear()

    def restart_capture(self, monitor: int) -> None:
        """The stream ended and began again: the alarm is gone, without a word."""
        self.state.monitors[monitor].forced = False
        self.state.monitors[monitor].alarmed_until = 0.0
        self.state.close_events(monitor, self.clock.now())

    def open_events(self, monitor: int) -> list[dict[str, Any]]:
        self.state.tick(self.clock.now())
        return self.state.open_events(monitor)

    def refusal(self, status: int, request: Request) -> Answer:
        words = {401: "Not Authenticated", 404: "Not Found"}.get(status, "An Internal Error Has Occurred.")
        return _refuse(status, request, words)

    async def answer(self, request: Request) -> Answer:
        self.state.tick(self.clock.now())
        if request.path == f"{PREFIX}/api/host/login.json":
            return self._log_in(request)
        user = self._user(request)
        if user is None:
            return _refuse(401, request, "Not Authenticated")
        match request.segments[1:]:
            case ["index.php"]:
                return self._control(request, user)
            case ["api", "monitors", "alarm", number, command]:
                return await self._alarm(request, user, self._monitor(number), command)
            case ["api", "events", number] if request.method == "PUT":
                return self._edit_event(request, user, number.removesuffix(".json"))
        return self._look_up(request, user) or _refuse(404, request, "Not Found")

    def _look_up(self, request: Request, user: FakeUser) -> Answer | None:
        """Answer what only asks."""
        found: dict[str, Any] | None = None
        match request.segments[1:]:
            case ["api", "host", "daemonCheck.json"]:
                found = {"result": 1}
            case ["api", "controls.json"]:
                found = {"controls": [{"Control": {"Id": 1, "HasPresets": 1, "NumPresets": 20}}]}
            case ["api", "users.json"] if user.rights.get("System", "None") != "None":
                rows = [{"User": {"Username": name, **each.rights}} for name, each in self.users.items()]
                found = {"users": rows}
            case ["api", "users.json"]:
                return _refuse(401, request, "Insufficient Privileges")
            case ["api", "monitors.json"]:
                found = {"monitors": [monitor.as_row() for monitor in self.state.monitors.values()]}
            case ["api", "monitors", number] if monitor := self._monitor(number):
                found = {"monitor": monitor.as_row()}
            case ["api", "events", "index", which]:
                found = self._events(request, which)
        return None if found is None else Answer.json(found)

    def _monitor(self, number: str) -> FakeMonitor | None:
        return self.state.monitors.get(int(number.removeprefix("id:").removesuffix(".json")))

    def _log_in(self, request: Request) -> Answer:
        name, password = request.form.get("user", ""), request.form.get("pass", "")
        user = self.users.get(name)
        if user is None or user.password != password:
            return _refuse(401, request, f"Login denied for user &quot;{name}&quot;")
        self.log_ins += 1
        token = f"eyJ0eXAi.{secrets.token_hex(16)}.{secrets.token_hex(8)}"
        self._tokens[token] = (name, self.clock.monotonic() + self.token_life)
        return Answer.json(
            {
                "access_token": token,
                "access_token_expires": self.token_life,
                "refresh_token": "eyJ0eXAi.refresh.token",
                "refresh_token_expires": 86400,
                "version": "1.36.33",
                "apiversion": "2.0",
            }
        )

    def _user(self, request: Request) -> FakeUser | None:
        name, end = self._tokens.get(request.query.get("token", ""), ("", 0.0))
        return self.users.get(name) if self.clock.monotonic() < end else None

    def _control(self, request: Request, user: FakeUser) -> Answer:
        if user.rights.get("Control", "None") == "None":
            words = "Unrecognised action or insufficient permissions"
            return Answer.json({"result": "Error", "message": words})
        monitor = self._monitor(request.query.get("id", "0"))
        if monitor is not None and monitor.controllable:
            monitor.moved.append(request.query.get("control", ""))
        return Answer.json({"result": "Ok", "message": "Success"})

    async def _alarm(
        self, request: Request, user: FakeUser, monitor: FakeMonitor | None, command: str
    ) -> Answer:
        if monitor is None:
            return _refuse(404, request, "Invalid monitor")
        blind = command == "command:status.json" and user.rights.get("Stream", "None") == "None"
        if not monitor.capturing or monitor.function == "None" or blind:
            return Answer.json({"status": "false", "code": 255, "error": ""})
        match command:
            case "command:status.json":
                state = monitor.alarm_state(self.clock.now())
                return Answer.json({"status": state, "output": state})
            case "command:off.json":
                monitor.cancel(self.clock.now(), self.post_event)
                return _says("Cancelling forced alarm on/off")
            case "command:on.json":
                return await self._force(monitor)
        return _refuse(400, request, "Invalid command")

    async def _force(self, monitor: FakeMonitor) -> Answer:
        if monitor.function == "Monitor":
            return _says("A Monitor in monitor mode cannot handle alarms.  Please use NoDect")
        monitor.forced = True
        if not monitor.pictures:
            await asyncio.sleep(self.dead_wait)
            return _says("Forcing alarm on current state: Idle, event 0")
        [event] = self.open_events(monitor.id)
        if "Forced Web" not in event["Notes"]:
            event["Notes"] += "Forced Web: "
        return _says(f"Alarmed event id: {event['Id']}")

    def _events(self, request: Request, which: str) -> dict[str, Any]:
        column, _, value = which.removesuffix(".json").partition(":")
        rows = [event for event in self.state.events if str(event.get(column)) == value]
        if request.query.get("direction") == "desc":
            rows.reverse()
        rows = rows[: int(request.query.get("limit", "100"))]
        return {"events": [{"Event": row} for row in rows], "pagination": {"count": len(rows)}}

    def _edit_event(self, request: Request, user: FakeUser, number: str) -> Answer:
        if user.rights.get("Events") != "Edit":
            return _refuse(401, request, "Insufficient privileges")
        event = self.state.event(number)
        if event is None:
            return _refuse(404, request, "Invalid event")
        form = request.form
        if len(form.get("Event[Name]", "")) > 64:
            return _refuse(500, request, "An Internal Error Has Occurred.")
        for column in ("Name", "Notes", "Archived"):
            if (value := form.get(f"Event[{column}]")) is not None:
                event[column] = int(value) if column == "Archived" else value
        return Answer.json({"message": "Saved"})


def _refuse(status: int, request: Request, words: str) -> Answer:
    address = f"{request.path}?{'&'.join(f'{name}={value}' for name, value in request.query.items())}"
    exception = {"class": "Exception", "code": status, "message": words}
    data = {"name": words, "message": words, "url": address, "exception": exception}
    return Answer.json({"success": False, "data": data}, status)


def _says(text: str) -> Answer:
    return Answer.json({"status": text, "output": text})
