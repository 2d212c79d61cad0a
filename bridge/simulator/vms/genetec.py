"""The part of Security Center's Web SDK that the bridge uses, as its public documents describe it.

    GET  /WebSdk/                                        {"Rsp": {"Status": "Ok"}}
    GET  /WebSdk/entity?q=entity={guid},Name,...         several entities in a call
    GET  /WebSdk/entity/LogicalId(Monitor,12)
    GET  /WebSdk/report/EntityConfiguration?q=EntityTypes@Camera,Page=1,PageSize=1000   (one more: go on)
    GET  /WebSdk/report/AlarmActivity?q=Alarms@({guid}),States@Active
    POST /WebSdk/events/RaiseCustomEvent/{id}/{guid}?msg=
    POST /WebSdk/action?q=AddCameraBookmark | SendMessage | DisplayInTile | GetTile | any other: kept
    GET  /WebSdk/alarm?q=TriggerAlarm({alarm}[,{source}]) | AcknowledgeAlarm({instance},{alarm},Ack)

From Genetec's WebSDKStudio sample, the wiki of Genetec/DAP and public clients; the columns of AlarmActivity
after the Platform SDK's sample. A real one was never seen. Basic authentication `user;ApplicationId`; a wrong
one or a session idle for too long is a 401, a licence without the part number a 403, a POST without
Content-Length a 411, a command that cannot be read a 400 with a web page. Without `Accept: text/json` the
older serializer answers. What a command does to a Security Desk that does not run is lost behind an Ok.

In the record of requests a command's name follows the path (`POST /WebSdk/action?GetTile`), so that faults
and tests can tell the commands apart.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.genetec_grammar import Command, GrammarError, commands, entities, pieces
from bridge.simulator.vms.genetec_site import SYSTEM, FakeEntity, Site
from bridge.simulator.vms.server import Answer, FakeServer, Request

__all__ = ["FakeEntity", "FakeGenetec", "Site"]

PREFIX: Final = "/WebSdk"
PAGE: Final = Answer(400, b"<!DOCTYPE html><html><body>Bad Request</body></html>", "text/html")


class FakeGenetec(FakeServer):
    """user, application_id, password: what Basic authentication must hold."""

    state: Site

    def __init__(self, clock: Clock, *, user: str, application_id: str, password: str) -> None:
        super().__init__(clock)
        self.state = Site()
        self.user = user
        self.expected = base64.b64encode(f"{user};{application_id}:{password}".encode()).decode()
        self.licensed = True
        self.idle_after: float | None = None
        """Seconds after which the session is forgotten, and the next request refused once."""
        self.older = False
        """Answer by the older serializer whatever is asked for."""
        self.says: dict[str, str] = {}
        """command or report -> the status to answer with instead of doing it."""
        self.unreadable: set[str] = set()
        """Properties that this version does not have under this name."""
        self.timeless = False
        """Whether the report AlarmActivity refuses to be confined to a time."""
        self._last = clock.monotonic()

    @property
    def base_url(self) -> str:
        return self.url + PREFIX

    def refusal(self, status: int, request: Request) -> Answer:
        del request  # a page, whatever was asked
        return Answer(status, b"<html><body>Error</body></html>", "text/html")

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        request = await super()._read(reader)
        name = re.match(r"[A-Za-z]+(?=\()", request.query.get("q", ""))
        return replace(request, path=f"{request.path}?{name[0]}") if name else request

    async def answer(self, request: Request) -> Answer:
        refused = self._refuses(request)
        if refused is not None:
            return refused
        try:
            status, result = self._do(request)
        except GrammarError:
            return PAGE
        if self.older or "text/json" not in request.headers.get("accept", ""):
            return Answer.json(_older(status, result, report="/report/" in request.path))
        return Answer.json({"Rsp": {"Status": status, **({} if result is None else {"Result": result})}})

    def _refuses(self, request: Request) -> Answer | None:
        if not request.path.startswith(PREFIX):
            return self.refusal(404, request)
        now, last = self.clock.monotonic(), self._last
        self._last = now
        if request.headers.get("authorization") != f"Basic {self.expected}":
            return self.refusal(401, request)
        if self.idle_after is not None and now - last > self.idle_after:
            return self.refusal(401, request)
        if not self.licensed:
            return self.refusal(403, request)
        if request.method == "POST" and "content-length" not in request.headers:
            return self.refusal(411, request)
        return None

    def _do(self, request: Request) -> tuple[str, Any]:
        """Return the status and what it carries."""
        path = request.path.removeprefix(PREFIX).partition("?")[0].strip("/").split("/")
        q = request.query.get("q", "")
        said: tuple[str, Any] = ("Ok", None)
        match (request.method, *path):
            case ("GET", ""):
                pass
            case ("GET", "entity"):
                said = self._entities(q)
            case ("GET", "entity", which):
                said = self._numbered(which)
            case ("GET", "report", "EntityConfiguration"):
                said = self._listed(q)
            case ("GET", "report", "AlarmActivity"):
                said = self._activity(q)
            case ("POST", "events", "RaiseCustomEvent", number, guid):
                said = self._raise(int(number), guid.lower(), request.query.get("msg", ""))
            case ("POST", "action") | ("GET", "alarm"):
                said = self._obey(commands(q), path[0])
            case _:
                raise GrammarError(str(request))
        return said

    # --- asking -------------------------------------------------------------------------------------

    def _numbered(self, which: str) -> tuple[str, Any]:
        found = re.fullmatch(r"LogicalId\((\w+),(\d+)\)", which)
        if found is None:
            raise GrammarError(which)
        entity = self.state.by_number(found[1], int(found[2]))
        return ("Ok", entity.all()) if entity else _fail("no such entity")

    def _entities(self, q: str) -> tuple[str, Any]:
        rows: list[dict[str, Any]] = []
        for guid, columns in entities(q):
            if self.unreadable.intersection(columns):
                return _fail(f"{guid} has no such property")
            if guid == SYSTEM:
                events = [{"Id": number, "Name": name} for number, name in self.state.custom_events.items()]
                rows.append({"CustomEvents": events})
                continue
            entity = self.state.entities.get(guid)
            if entity is None:
                return _fail(f"entity {guid} not found")
            everything = entity.all()
            rows.append({column: everything.get(column) for column in columns})
        return "Ok", rows[0] if len(rows) == 1 else rows

    def _listed(self, q: str) -> tuple[str, Any]:
        wanted = dict(re.split("[=@]", piece, maxsplit=1) for piece in pieces(q))
        found = [{"Guid": entity.guid} for entity in self.state.of_kind(wanted["EntityTypes"])]
        size = int(wanted["PageSize"])
        first = (int(wanted["Page"]) - 1) * size
        rows = found[first : first + size + 1]
        return self.says.get("EntityConfiguration", "Ok"), rows[0] if len(rows) == 1 else rows

    def _activity(self, q: str) -> tuple[str, Any]:
        found = re.fullmatch(r"Alarms@\(([0-9a-f-]{36})\),States@(Active|Acked)(,TriggeredTimeRange\..*)?", q)
        if found is None or (self.timeless and found[3]):
            raise GrammarError(q)
        rows = [
            instance.as_row()
            for instance in self.state.instances
            if (instance.alarm, instance.state) == (found[1], found[2])
        ]
        return self.says.get("AlarmActivity", "Ok"), rows[0] if len(rows) == 1 else rows

    # --- doing --------------------------------------------------------------------------------------

    def _raise(self, number: int, guid: str, message: str) -> tuple[str, Any]:
        if said := self.says.get("RaiseCustomEvent"):
            return said, None
        if number not in self.state.custom_events or guid not in self.state.entities:
            return _fail("no such event or entity")
        self.state.raised.append((number, guid, message))
        if alarm := self.state.rules.get(number):
            self.state.trigger(alarm, guid, self.clock.now())
        return "Ok", None

    def _obey(self, wanted: Iterable[Command], where: str) -> tuple[str, Any]:
        said: tuple[str, Any] = ("Ok", None)
        for command in wanted:
            if status := self.says.get(command.name):
                return status, {"SdkErrorCode": "UnableToDoIt", "Message": "it was told to say so"}
            said = self._alarm(command) if where == "alarm" else self._action(command)
        return said

    def _action(self, command: Command) -> tuple[str, Any]:
        state = self.state
        match command.name, *command.arguments:
            case "AddCameraBookmark", camera, time, text:
                if camera not in state.entities:
                    return _fail(f"camera {camera} not found")
                state.bookmarks.append((camera, time, text))
            case "SendMessage", user, text:
                if state.entities[user].online:
                    state.messages.append((user, text))
            case "DisplayInTile", monitor, tile, content:
                self._show(int(monitor), int(tile), content)
            case "GetTile", monitor, tile:
                return "Ok", {"Content": state.tiles.get((int(monitor), int(tile)), "")}
            case (("AddCameraBookmark" | "SendMessage" | "DisplayInTile" | "GetTile"), *_):
                raise GrammarError(f"{command.name} with {len(command.arguments)} arguments")
            case _:
                state.others.append((command.name, command.arguments))
        return "Ok", None

    def _show(self, monitor: int, tile: int, content: str) -> None:
        if not self.state.desk_runs(monitor):
            return
        if "VideoContent" in content:
            self.state.tiles[monitor, tile] = content
        else:
            self.state.tiles.pop((monitor, tile), None)

    def _alarm(self, command: Command) -> tuple[str, Any]:
        now = self.clock.now()
        match command.name, *command.arguments:
            case "TriggerAlarm", alarm, *source if alarm in self.state.entities:
                self.state.trigger(alarm, "".join(source), now)
                return "Ok", None
            case "AcknowledgeAlarm", instance, _, "Ack":
                user = next(each.guid for each in self.state.of_kind("User") if each.name == self.user)
                if self.state.acknowledge(int(instance), user, now):
                    return "Ok", None
        return _fail(f"{command.name} cannot be done")


def _fail(words: str) -> tuple[str, Any]:
    return "Fail", {"SdkErrorCode": "UnableToRetrieveEntity", "Message": words}


def _older(status: str, result: Any, *, report: bool) -> dict[str, Any]:
    """The older serializer: small letters, an error of its own, entities and reports under their names."""
    if status != "Ok":
        return {"rsp": {"status": status.lower(), "error": {"code": 1, "message": str(result)}}}
    if result is None:
        return {"rsp": {"status": "ok"}}
    if not report:
        return {"rsp": {"status": "ok", "entity": result}}
    rows = result if isinstance(result, list) else [result]
    table = {
        "HeaderRow": {"Cell": [{"HeaderColumnName": name} for name in (rows[0] if rows else ())]},
        "Row": [{"Cell": list(row.values())} for row in rows],
    }
    return {"rsp": {"status": "ok", "QueryResult": table}}
