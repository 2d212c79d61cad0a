"""Puts cameras on a Smart Wall monitor or a Matrix recipient, and takes them off. Called by the driver.

Never verified: what a monitor shows is in no answer of the gateway.
"""

from __future__ import annotations

from collections.abc import Awaitable

from bridge.drivers.milestone.acts import Actions, accepted, guid, values_of
from bridge.drivers.milestone.settings import Config
from bridge.errors import Permanent
from bridge.model import Delivery, Operation, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_gateway import TaskGoesOn
from bridge.protocols.template import escape_line


class Wall:
    """The screens of one XProtect."""

    def __init__(self, api: MilestoneApi, config: Config, name: str) -> None:
        self._api = api
        self._config = config
        self._name = name

    @property
    def actions(self) -> Actions:
        return {Operation.SHOW: self.show, Operation.HIDE: self.hide}

    async def show(self, delivery: Delivery, limits: Limits) -> Receipt:
        screen, cameras = guid(delivery.target, "monitor"), _cameras(delivery)
        matrix = self._config.matrix
        if matrix is not None and screen in matrix.recipients:
            values = {name: escape_line(text) for name, text in values_of(delivery).items()}
            said = f"Matrix command sent for {len(cameras)} cameras"
            sent = self._api.matrix_command(
                screen, matrix.camera_list.text(values), matrix.command.text(values), limits
            )
            return await _taken(sent, said)
        said = f"ApplyCameras: {len(cameras)} cameras; what the monitor shows cannot be asked"
        return await _taken(self._api.show(screen, cameras, limits), said)

    async def hide(self, delivery: Delivery, limits: Limits) -> Receipt:
        screen, cameras = guid(delivery.target, "monitor"), _cameras(delivery)
        if self._config.matrix is not None and screen in self._config.matrix.recipients:
            raise Permanent(f"{self._name}: a Matrix recipient keeps its cameras until it gets others")
        said = f"RemoveCameras: {len(cameras)} cameras; what the monitor shows cannot be asked"
        return await _taken(self._api.hide(screen, cameras, limits), said)


async def _taken(task: Awaitable[None], said: str) -> Receipt:
    """Accepted, also where the gateway took the task and its end is not seen."""
    try:
        await task
    except TaskGoesOn as error:
        return accepted(f"{said} ({error})")
    return accepted(said)


def _cameras(delivery: Delivery) -> list[str]:
    """Return the cameras to show. Raises Permanent if there are none, or one is no id."""
    cameras = [guid(each, "camera") for each in delivery.params.get("cameras", "").split(",") if each]
    if not cameras:
        raise Permanent("no camera of this location is in this XProtect")
    return cameras
