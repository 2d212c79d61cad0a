"""A generic video system with a plain REST interface: the other end of the `http` driver, in demo and tests.

    GET    /api/status                               {"ok": true}
    GET    /api/cameras, /api/monitors               {"items": [{"id": "11", "name": "camera 11"}]}
    GET    /api/cameras/{camera}                     {"preset": "7", "recording": true, "live": true}
    PUT    /api/cameras/{camera}/position            {"preset": "7"}
    DELETE /api/cameras/{camera}/position            home
    PUT    /api/cameras/{camera}/recording           {"on": true}
    POST   /api/cameras/{camera}/bookmarks           {"incident": ...}; every request adds one
    GET    /api/cameras/{camera}/bookmarks/{incident}   the first of this incident
    PUT, GET, DELETE /api/monitors/{screen}/layout             {"cameras": ..., ...}
    PUT, GET, DELETE /api/monitors/{screen}/alarms/{incident}  {"title": ..., ...}: a pop-up

A write is answered with {"ok": true}; an unknown camera or screen with 404, a wrong credential with 401, a
camera that is offline with 409.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model import Clock
from bridge.simulator.vms.server import Answer, FakeServer, Request

DONE: Final = Answer.json({"ok": True})


@dataclass(slots=True)
class Wall:
    """Everything that a request can change."""

    presets: dict[str, str] = field(default_factory=dict)
    """camera -> the preset it was sent to; a camera at home is not here."""
    recording: set[str] = field(default_factory=set)
    offline: set[str] = field(default_factory=set)
    bookmarks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(camera, bookmark), in order."""
    layouts: dict[str, Any] = field(default_factory=dict)
    """screen -> what it shows."""
    popups: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(screen, incident) -> the open pop-up."""


class GenericVms(FakeServer):
    """authorization: the exact Authorization header to demand; empty demands none."""

    state: Wall

    def __init__(
        self, clock: Clock, *, cameras: Iterable[str], screens: Iterable[str], authorization: str = ""
    ) -> None:
        super().__init__(clock)
        self.state = Wall()
        self.cameras = frozenset(cameras)
        self.screens = frozenset(screens)
        self.authorization = authorization

    async def answer(self, request: Request) -> Answer:
        if self.authorization and request.headers.get("authorization") != self.authorization:
            return self.refusal(401, request)
        reply: Answer | None = None
        match request.segments:
            case ["api", "status"]:
                reply = DONE
            case ["api", "cameras"]:
                reply = _listed("camera", self.cameras)
            case ["api", "monitors"]:
                reply = _listed("screen", self.screens)
            case ["api", "cameras", camera, *what] if camera in self.cameras:
                reply = self._camera(request, camera, what)
            case ["api", "monitors", screen, "layout"] if screen in self.screens:
                reply = _stored(request, self.state.layouts, screen)
            case ["api", "monitors", screen, "alarms", incident] if screen in self.screens:
                reply = _stored(request, self.state.popups, (screen, incident))
        return reply or self.refusal(404, request)

    def _camera(self, request: Request, camera: str, what: list[str]) -> Answer | None:
        state, said = self.state, request.json() or {}
        if request.method != "GET" and camera in state.offline:
            return self.refusal(409, request)
        match (request.method, *what):
            case ("GET",):
                return Answer.json(
                    {
                        "preset": state.presets.get(camera),
                        "recording": camera in state.recording,
                        "live": camera not in state.offline,
                    }
                )
            case ("GET", "bookmarks", incident):
                found = [
                    mark
                    for where, mark in state.bookmarks
                    if (where, mark.get("incident")) == (camera, incident)
                ]
                return Answer.json(found[0]) if found else None
            case ("PUT", "position"):
                state.presets[camera] = str(said.get("preset"))
            case ("DELETE", "position"):
                state.presets.pop(camera, None)
            case ("PUT", "recording"):
                (state.recording.add if said.get("on") else state.recording.discard)(camera)
            case ("POST", "bookmarks"):
                state.bookmarks.append((camera, said))
            case _:
                return None
        return DONE


def _listed(kind: str, ids: Iterable[str]) -> Answer:
    return Answer.json({"items": [{"id": each, "name": f"{kind} {each}"} for each in sorted(ids)]})


def _stored(request: Request, shelf: dict[Any, Any], key: Any) -> Answer | None:
    """PUT, GET or DELETE one thing. Deleting what is not there is no error."""
    match request.method:
        case "PUT":
            shelf[key] = request.json()
        case "DELETE":
            shelf.pop(key, None)
        case "GET":
            return Answer.json(shelf[key]) if key in shelf else None
        case _:
            return None
    return DONE
