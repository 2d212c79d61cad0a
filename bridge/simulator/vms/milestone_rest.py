"""The resources below `/api/rest/v1` of the XProtect that `milestone.py` serves.

    GET  /sites, /cameras (page, size, includeChildren), /cameras/{id}/ptzPresets
    POST /cameras/{id}/ptzPresets/{id}?task=Goto        502 while `recorder_up` is False
    POST /cameras/{id}?task=GetPtzAbsolutePosition, JpegGetLive
    GET  /tasks/{id}; POST ?task=TaskCleanup            with `slow_tasks`
    GET  /userDefinedEvents; POST /events               202, and the rules of `rules` run
    POST, GET, PATCH /alarms, /alarms/{id}; GET /alarmStates    202
    POST, GET, PATCH /bookmarks, /bookmarks/{id}; POST ?task=searchTime
    POST, GET /evidenceLocks, /evidenceLocks/{id}
    GET  /videoWalls, /videoWalls/{id}/monitors, /matrix
    POST /monitors/{id}?task=ApplyCameras, RemoveCameras; /matrix/{id}?task=MatrixCommand

A refusal is `{"error":{"httpCode":…,"details":[…]}}`, without the outer `error` for bookmarks.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.milestone_plant import (
    STATES,
    FakeCamera,
    Installation,
    alarm_state,
    number_of,
    state_by_id,
)
from bridge.simulator.vms.server import Answer, Request

BUILT_IN_EVENT: Final = "85867627-b287-4439-9e55-a63701e1715b"
SUCCESS: Final = Answer.json({"result": {"state": "Success"}})
JPEG: Final = base64.b64encode(b"\xff\xd8\xff\xe0" + b"picture " * 200).decode()
WALL: Final = number_of("videoWalls", 1)


@dataclass(slots=True, kw_only=True)
class Rest:
    """How this gateway behaves. rules, events: as `FakeMilestone` has them."""

    clock: Clock
    rules: Mapping[str, bool]
    events: tuple[str, ...]
    version: str = "24.2.0.1"
    slow_tasks: bool = False
    recorder_up: bool = True
    knows_pictures: bool = True
    jpeg: str = JPEG
    picture_age: float = 0.0
    """Seconds since the picture that it gives was taken."""
    finds_bookmarks: bool = True
    late_alarms: int = 0
    """How often an alarm is asked for in vain before it is there."""
    monitor: str = number_of("monitors", 1)
    matrix: str = number_of("matrix", 1)

    def answer(self, request: Request, path: list[str], state: Installation) -> Answer | None:
        """The answer, with its effect on `state`; None where there is no such resource."""
        match request.method:
            case "GET":
                return self._get(request, path, state)
            case "POST":
                return self._post(request, path, state)
            case "PATCH":
                return _patch(request, path, state)
        return None

    # --- GET ----------------------------------------------------------------------------------------

    def _get(self, request: Request, path: list[str], state: Installation) -> Answer | None:
        rows = self._rows(request, path, state)
        if rows is not None:
            size = int(request.query.get("size", "1000"))
            first = int(request.query.get("page", "0")) * size
            return Answer.json({"array": rows[first : first + size]})
        if len(path) == 1:
            return refuse(400, "Bad request: Unknown request")
        found = self._one(path, state)
        return None if found is None else Answer.json({"data": found})

    def _rows(self, request: Request, path: list[str], state: Installation) -> list[dict[str, Any]] | None:
        rows: list[dict[str, Any]] | None = None
        match path:
            case ["sites"]:
                rows = [{"id": number_of("sites", 1), "name": "XP", "version": self.version}]
            case ["cameras"]:
                children = request.query.get("includeChildren") == "ptzPresets"
                rows = [camera.as_row(with_presets=children) for camera in state.cameras.values()]
            case ["cameras", number, "ptzPresets"] if camera := state.cameras.get(number):
                rows = [preset.as_row() for preset in camera.presets]
            case ["userDefinedEvents"]:
                own = [{"id": number, "name": name} for name, number in self.event_ids().items()]
                rows = [{"id": BUILT_IN_EVENT, "name": "built in"}, *own]
            case ["alarmStates"]:
                rows = [alarm_state(name) for name in STATES]
            case ["alarms"]:
                rows = list(state.alarms.values())
            case ["videoWalls"]:
                rows = [{"id": WALL, "name": "Wall"}]
            case ["videoWalls", number, "monitors"] if number == WALL:
                rows = [{"id": number, "name": "Left"} for number in state.monitors]
            case ["matrix"]:
                rows = [{"id": self.matrix, "name": "Gate"}]
        return rows

    def _one(self, path: list[str], state: Installation) -> dict[str, Any] | None:
        found: dict[str, Any] | None = None
        match path:
            case ["tasks", number] if number in state.tasks:
                state.tasks[number] = "Success"
                found = {"state": "Success", "progress": 100}
            case ["alarms", _] if self.late_alarms:
                self.late_alarms -= 1
            case ["alarms", number]:
                found = state.alarms.get(number)
            case ["bookmarks", number]:
                found = state.bookmarks.get(number)
            case ["evidenceLocks", number]:
                found = state.evidence_locks.get(number)
        return found

    # --- POST ---------------------------------------------------------------------------------------

    def _post(self, request: Request, path: list[str], state: Installation) -> Answer | None:
        answer: Answer | None = None
        match path:
            case ["cameras", number, *below] if camera := state.cameras.get(number):
                answer = self._camera_task(request, camera, below, state)
            case ["tasks", number] if state.tasks.pop(number, None):
                answer = SUCCESS
            case ["monitors", number] if number in state.monitors:
                answer = _monitor_task(request, number, state)
            case ["matrix", number] if number == self.matrix:
                state.matrix_commands.append(request.json())
                answer = SUCCESS
            case ["events"]:
                answer = self._raise_event(request, state)
            case ["alarms"]:
                alarm = {"id": state.new("alarms"), "state": alarm_state("New"), **request.json()}
                state.alarms[alarm["id"]] = alarm
                answer = Answer.json({"data": {"id": alarm["id"]}}, 202)
            case ["bookmarks"] if request.query.get("task") == "searchTime":
                answer = self._search(request, state)
            case ["bookmarks" | "evidenceLocks" as kind]:
                answer = _create(kind, request, state)
        return answer

    def _camera_task(
        self, request: Request, camera: FakeCamera, below: list[str], state: Installation
    ) -> Answer:
        answer = refuse(400, "Unknown task")
        match below, request.query.get("task"):
            case _ if not self.recorder_up:
                answer = refuse(502, "Bad Gateway")
            case ["ptzPresets", number], "Goto" if preset := camera.preset(number):
                if not camera.online:
                    return _failed("The device is not responding")
                state.moves += 1
                camera.go_to(preset)
                answer = _goes_on(state) if self.slow_tasks else SUCCESS
            case [], "GetPtzAbsolutePosition" if camera.ptz and camera.tells_position:
                answer = Answer.json({"result": {**camera.axes(), "state": "Success"}})
            case [], "JpegGetLive" if self.knows_pictures:
                if not camera.online:
                    return _failed("No live image")
                taken = datetime.fromtimestamp(self.clock.now() - self.picture_age, UTC).isoformat()
                picture = {"jpegDataAsBase64": self.jpeg, "frameDateTime": taken}
                answer = Answer.json({"result": {**picture, "state": "Success"}})
        return answer

    def event_ids(self) -> dict[str, str]:
        return {name: number_of("userDefinedEvents", count) for count, name in enumerate(self.events, 1)}

    def _raise_event(self, request: Request, state: Installation) -> Answer:
        said = request.json()
        name = next((name for name, number in self.event_ids().items() if number == said.get("type")), None)
        if name is None:
            return refuse(400, "Unknown event type")
        event = {"id": state.new("events"), **said}
        state.events.append({"name": name, **event})
        camera = state.cameras.get(str(said.get("source")).removeprefix("cameras/"))
        if camera is not None and name in self.rules:
            camera.recording = self.rules[name] and camera.online
        return Answer.json({"data": event}, 202)

    def _search(self, request: Request, state: Installation) -> Answer:
        if not self.finds_bookmarks:
            return refuse(400, "Incorrect formatted JSON", bare=True)
        cameras = request.json()["deviceIds"]
        found = [mark for mark in state.bookmarks.values() if mark["devicePath"]["id"] in cameras]
        return Answer.json({"array": found})


def _patch(request: Request, path: list[str], state: Installation) -> Answer | None:
    changes = request.json()
    match path:
        case ["alarms", number] if alarm := state.alarms.get(number):
            if "state" in changes:
                changes["state"] = state_by_id(changes["state"])
            alarm |= changes
            return Answer.json({"data": {"id": number}}, 202)
        case ["bookmarks", number] if bookmark := state.bookmarks.get(number):
            bookmark |= changes
            return Answer.json({"data": bookmark})
    return None


def _goes_on(state: Installation) -> Answer:
    number = str(33 + len(state.tasks))
    state.tasks[number] = "InProgress"
    return Answer.json({"result": {"state": "InProgress", "path": {"type": "tasks", "id": number}}}, 201)


def _monitor_task(request: Request, number: str, state: Installation) -> Answer:
    said = request.json()
    cameras = [path["id"] for path in said["cameraPaths"]]
    shown = state.monitors[number]
    match request.query.get("task"):
        case "ApplyCameras":
            state.monitors[number] = [*cameras, *shown[len(cameras) :]]
        case "RemoveCameras":
            state.monitors[number] = [each for each in shown if each not in cameras]
        case _:
            return refuse(400, "Unknown task")
    return Answer.json({"result": said})


def _create(kind: str, request: Request, state: Installation) -> Answer:
    shelf = state.bookmarks if kind == "bookmarks" else state.evidence_locks
    made = {"id": state.new(kind), **request.json()}
    shelf[made["id"]] = made
    return Answer.json({"result": {"id": made["id"], "state": "Success"}}, 201)


def refuse(status: int, words: str, *, bare: bool = False) -> Answer:
    """A refusal; `bare`: without the outer `error`, as bookmarks were seen to answer."""
    refusal = {"httpCode": status, "details": [{"errorText": words}]}
    return Answer.json(refusal if bare else {"error": refusal}, status)


def _failed(words: str) -> Answer:
    return Answer.json({"result": {"state": "Error", "errorCode": 60000, "errorText": words}})
