"""An ONVIF camera with PTZ, inputs and outputs: the other end of the onvif driver and trigger.

Written from the ONVIF Core, Media, PTZ and Device Management WSDL files (onvif-zeep-async 4.3.0, which is
strict about them, read its answers), and from what real cameras and their clients are reported to do. It
plays, with or without authentication (WS-Security digest, HTTP Digest):

    device  GetSystemDateAndTime GetServices GetCapabilities GetRelayOutputs SetRelayOutputState
    media   GetProfiles GetSnapshotUri, and GET /snapshot.jpg (HTTP Digest, whatever the services want)
    ptz     GetPresets GotoPreset GotoHomePosition GetStatus
    events  CreatePullPointSubscription PullMessages Renew Unsubscribe SetSynchronizationPoint

and, by its `Habits` and `EventHabits`, what cameras do wrong: a clock that is off, addresses that nobody
can reach, a yes to unknown presets, faults with any HTTP status, no positions, subscriptions that are
shortened or gone. Silence, slowness and dropped connections are faults of `server.py`.

Each request is written down with its operation behind the path: `POST /onvif/ptz/GotoPreset`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, fromstring

from bridge.model import Clock
from bridge.simulator.vms import onvif_camera_words as words
from bridge.simulator.vms.onvif_camera_access import Access
from bridge.simulator.vms.onvif_camera_events import PullPoints, Refusal
from bridge.simulator.vms.onvif_camera_plant import EventHabits, FakePreset, Habits, Optics
from bridge.simulator.vms.server import Answer, FakeServer, Request

__all__ = ["EventHabits", "FakeOnvifCamera", "FakePreset", "Habits"]

KIND: Final = "application/soap+xml; charset=utf-8"
PATHS: Final = {
    "device": "/onvif/device_service",
    "media": "/onvif/media",
    "ptz": "/onvif/ptz",
    "events": "/onvif/events",
}
SUBSCRIPTION: Final = "/onvif/subscription"
SNAPSHOT: Final = "/snapshot.jpg"
NAMES: Final = "http://docs.oasis-open.org/wsn/b-2"
"""Namespace of Renew and Unsubscribe."""


class FakeOnvifCamera(FakeServer):
    """presets: token -> preset; relays: tokens of its outputs."""

    state: Optics

    def __init__(
        self,
        clock: Clock,
        *,
        user: str,
        password: str,
        presets: Mapping[str, FakePreset],
        relays: tuple[str, ...] = (),
        habits: Habits | None = None,
        event_habits: EventHabits | None = None,
    ) -> None:
        super().__init__(clock)
        self.habits = habits or Habits()
        self.access = Access(user, password, self.habits)
        self.state = Optics(dict(presets), relays=dict.fromkeys(relays, False))
        self.pull_points = PullPoints(event_habits or EventHabits(), clock)

    @property
    def device_url(self) -> str:
        return self.url + PATHS["device"]

    @property
    def now(self) -> float:
        """By the camera's clock."""
        return self.clock.now() + self.habits.clock_offset

    def set_input(self, token: str, *, active: bool, times: int = 1) -> None:
        """Close or open a digital input."""
        self.pull_points.set_input(token, active=active, at=self.now, times=times)

    def refusal(self, status: int, request: Request) -> Answer:
        if status == 401:
            return self._unauthorized(request, 401)
        code = "Receiver" if status >= 500 else "Sender"
        return Answer(status, words.fault(code, ("err:Action",), "refused"), KIND)

    async def answer(self, request: Request) -> Answer:
        path, _, operation = request.path.rpartition("/")
        if request.method == "GET":
            return self._picture(request) if request.path == SNAPSHOT else self.refusal(404, request)
        root = _parsed(request.body)
        if root is None:
            return Answer(400, words.fault("Sender", ("err:WellFormed",), "not well formed"), KIND)
        free = operation == "GetSystemDateAndTime" and self.habits.tells_time
        if not free and not self.access.allows(replace(request, path=path), root, self.now):
            return self._unauthorized(request, self.habits.refusal_status)
        try:
            return await self._do(path, operation, root)
        except Refusal as refusal:
            text = words.fault(refusal.code, refusal.subcodes, refusal.reason)
            return Answer(self.habits.fault_status, text, KIND)

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        """Write the operation behind the path: all questions to a service have one."""
        request = await super()._read(reader)
        match = re.search(rb"<(?:[\w-]+:)?Body\b[^>]*>\s*<(?:[\w-]+:)?(\w+)", request.body)
        return replace(request, path=f"{request.path}/{match[1].decode()}") if match else request

    def _unauthorized(self, request: Request, status: int) -> Answer:
        if self.habits.authentication == "digest" or request.method == "GET":
            return Answer(401, b"", "text/plain", self.access.challenge())
        text = words.fault("Sender", ("err:NotAuthorized",), "Sender not authorized")
        return Answer(status, text, KIND)

    def _picture(self, request: Request) -> Answer:
        if not self.access.allows_download(request):
            return self._unauthorized(request, 401)
        if self.habits.snapshot is None:
            return Answer(404, b"", "text/plain")
        self.state.snapshots += 1
        return Answer(200, self.habits.snapshot, self.habits.snapshot_kind)

    # --- services -----------------------------------------------------------------------------------

    async def _do(self, path: str, operation: str, root: Element) -> Answer:
        if path.startswith(SUBSCRIPTION) and operation != "CreatePullPointSubscription":
            return await self._subscription(path, operation, root)
        for service, answer in (
            ("device", self._device),
            ("media", self._media),
            ("ptz", self._ptz),
            ("events", self._events),
        ):
            if path == PATHS[service] and (inner := answer(operation, root)) is not None:
                return self._said(words.SPACES[service], operation, inner)
        raise Refusal("Receiver", ("err:ActionNotSupported",), "optional action not implemented")

    def _said(self, space: str, operation: str, inner: str) -> Answer:
        return Answer(200, words.said(space if self.habits.namespaces else "", operation, inner), KIND)

    def _device(self, operation: str, root: Element) -> str | None:
        match operation:
            case "GetSystemDateAndTime":
                return words.clock(self.now)
            case "GetServices" if self.habits.knows_services:
                return words.services(self._addresses())
            case "GetCapabilities":
                return words.capabilities(self._addresses())
            case "GetRelayOutputs":
                return words.relays(self.state.relays, self.habits.pulse_relays)
            case "SetRelayOutputState":
                token = _text(root, "RelayOutputToken")
                if token not in self.state.relays:
                    raise Refusal("Sender", ("err:InvalidArgVal", "err:RelayToken"), "no such relay")
                self.state.relays[token] = _text(root, "LogicalState") == "active"
                return ""
        return None

    def _media(self, operation: str, root: Element) -> str | None:
        match operation:
            case "GetProfiles":
                return words.PROFILES
            case "GetSnapshotUri" if self.habits.snapshot is not None:
                self._require_profile(root)
                return words.snapshot_uri(f"{self._told}{SNAPSHOT}")
        return None

    def _ptz(self, operation: str, root: Element) -> str | None:
        now = self.clock.now()
        self._require_profile(root)
        match operation:
            case "GetPresets":
                positions = self.habits.tells_position and self.habits.tells_preset_positions
                return words.presets(self.state.presets, positions=positions)
            case "GotoPreset":
                self._goto(_text(root, "PresetToken"), now)
                return ""
            case "GotoHomePosition":
                if self.state.home is None:
                    raise Refusal("Receiver", ("err:Action", "err:NoHomePosition"), "no home position")
                self.state.go("home", self.state.home, now)
                return ""
            case "GetStatus" if self.habits.tells_position:
                moving = self.state.moving(now) if self.habits.tells_movement else None
                return words.status(self.state.place(now), moving=moving, at=self.now)
        return None

    def _goto(self, token: str, now: float) -> None:
        preset = self.state.presets.get(token)
        if preset is not None:
            self.state.go(token, preset.place, now)
        elif not self.habits.believes_anything:
            raise Refusal(
                "Sender", ("err:InvalidArgVal", "err:NoToken"), "The requested preset does not exist"
            )

    def _events(self, operation: str, root: Element) -> str | None:
        if operation != "CreatePullPointSubscription":
            return None
        number, end = self.pull_points.create(_text(root, "InitialTerminationTime"), self.now)
        by_parameters = self.pull_points.habits.by_parameters
        where = f"{self._told}{SUBSCRIPTION}" + ("" if by_parameters else f"/{number}")
        return words.subscription(where, number if by_parameters else "", self._times(end, "n"))

    async def _subscription(self, path: str, operation: str, root: Element) -> Answer:
        number = _text(root, "Subscription") or path.removeprefix(SUBSCRIPTION).strip("/")
        match operation:
            case "PullMessages":
                wait = float(_text(root, "Timeout").strip("PTS"))
                messages = await self.pull_points.pull(
                    number, wait, int(_text(root, "MessageLimit")), self.now
                )
                inner = words.times(self.now, self.now + wait, "r") + messages
                return self._said(words.SPACES["events"], operation, inner)
            case "SetSynchronizationPoint":
                self.pull_points.synchronize(number, self.now)
                return self._said(words.SPACES["events"], operation, "")
            case "Renew":
                end = self.pull_points.renew(number, _text(root, "TerminationTime"), self.now)
                return self._said(NAMES, operation, self._times(end, "r"))
            case "Unsubscribe":
                self.pull_points.end(number, self.now)
                return self._said(NAMES, operation, "")
        raise Refusal("Receiver", ("err:ActionNotSupported",), "optional action not implemented")

    def _times(self, end: float, prefix: str) -> str:
        return words.times(self.now, end, prefix) if self.pull_points.habits.tells_times else ""

    @property
    def _told(self) -> str:
        """Where the camera says that it is."""
        return f"http://{self.habits.host_told}" if self.habits.host_told else self.url

    def _addresses(self) -> dict[str, str]:
        return {service: self._told + path for service, path in PATHS.items()}

    @staticmethod
    def _require_profile(root: Element) -> None:
        if _text(root, "ProfileToken") != "main":
            raise Refusal(
                "Sender", ("err:InvalidArgVal", "err:NoProfile"), "The requested profile does not exist"
            )


def _parsed(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError):
        return None
    return root


def _text(root: Element, name: str) -> str:
    """The text of the first element with this local name, wherever it stands."""
    return next((each.text or "" for each in root.iter() if str(each.tag).rpartition("}")[2] == name), "")
