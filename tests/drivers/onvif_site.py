"""Two cameras and the onvif driver. Called by test_onvif*.py; a test sets the first camera's habits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.drivers.onvif import Config, Driver
from bridge.model import Operation, Receipt, Targets
from bridge.simulator.vms.onvif_camera import FakeOnvifCamera, Habits
from bridge.simulator.vms.server import Answer, Request
from tests.drivers.case import SECRET, SECRET_NAME, HastyClock, delivery
from tests.drivers.cases_onvif import PRESETS

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100
AT_POST_3 = "position:0.5,-0.25,0.4"


class Site:
    """Two cameras in one driver: `ptz-1`, with the habits under test, and a good one, `ptz-2`."""

    def __init__(self, clock: HastyClock) -> None:
        self.clock = clock
        self.habits = Habits(snapshot=JPEG)
        self.cameras: dict[str, FakeOnvifCamera] = {}
        self._drivers: list[Driver] = []

    async def start(self) -> None:
        for number, habits in (("ptz-1", self.habits), ("ptz-2", Habits(snapshot=JPEG))):
            self.cameras[number] = FakeOnvifCamera(
                self.clock,
                user="sosbridge",
                password=SECRET,
                presets=PRESETS,
                relays=("out-1", "pulse"),
                habits=habits,
            )
            await self.cameras[number].start()

    async def stop(self) -> None:
        for driver in self._drivers:
            await driver.close()
        for camera in self.cameras.values():
            await camera.stop()

    @property
    def fake(self) -> FakeOnvifCamera:
        return self.cameras["ptz-1"]

    def driver(self, *numbers: str, presets: tuple[str, ...] = ("3",), **own: Any) -> Driver:
        """Make a driver for these cameras (else both). own: settings of the cameras."""
        cameras = {
            number: {
                "url": self.cameras[number].url,
                "user": "sosbridge",
                "password": {"env": SECRET_NAME},
                **own,
            }
            for number in numbers or self.cameras
        }
        timeouts = {"connect": 2, "read": 2, "total": 2}
        config = Config.model_validate({"cameras": cameras, "timeouts": timeouts})
        targets = Targets(cameras={"ptz-1": frozenset(presets)})
        driver = Driver("cams", config, targets=targets, clock=self.clock)
        self._drivers.append(driver)
        return driver

    async def do(
        self,
        driver: Driver,
        operation: Operation = Operation.RECALL_PRESET,
        target: str = "ptz-1",
        **fields: Any,
    ) -> Receipt:
        changes = {name: fields.pop(name) for name in ("doubtful", "attempts", "deadline") if name in fields}
        params = {"preset": "3", **fields} if operation is Operation.RECALL_PRESET else fields
        return await driver.perform(replace(delivery(self.clock, operation, target, **params), **changes))

    def sent(self, operation: str) -> int:
        """How often the first camera was asked this."""
        return sum(request.path.endswith(f"/{operation}") for request in self.fake.requests)


def intervene(
    monkeypatch: pytest.MonkeyPatch,
    fake: FakeOnvifCamera,
    operation: str,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    """Let something happen just before or after the camera does what it was asked."""
    answer = fake.answer

    async def intervened(request: Request) -> Answer:
        concerned = request.path.endswith(f"/{operation}")
        if concerned:
            before()
        said = await answer(request)
        if concerned:
            after()
        return said

    monkeypatch.setattr(fake, "answer", intervened)
