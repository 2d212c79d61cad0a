"""The recording switch of cameras that do not record all the time. Called by `events`."""

from __future__ import annotations

from bridge.drivers.frigate.stored import StoredEvents
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.http_limits import Limits


class RecordingSwitch:
    """The switches of one Frigate, and which of them we turned on. name: the driver instance's."""

    def __init__(self, api: FrigateApi, events: StoredEvents, *, name: str) -> None:
        self._api = api
        self._events = events
        self._name = name
        self._turned: set[str] = set()

    def is_ours(self, camera: str) -> bool:
        """Whether we turned it on, and not off again since."""
        return camera in self._turned

    async def on(self, camera: str, limits: Limits) -> None:
        """Turn recording on, where it is off and may be on."""
        cameras = {each.name: each for each in await self._api.cameras(limits)}
        known = cameras.get(camera)
        if known is None or known.records:
            return
        if not known.may_record:
            raise Permanent(f"{self._name}: {camera}: its configuration forbids recording (record.enabled)")
        self._turned.add(camera)  # before: it may turn although the answer is lost
        await self._turn(camera, "ON", limits)

    async def off(self, camera: str, limits: Limits) -> None:
        """Turn recording off again."""
        await self._turn(camera, "OFF", limits)
        self._turned.discard(camera)

    async def _turn(self, camera: str, to: str, limits: Limits) -> None:
        """Turn the switch; verified by the running configuration."""
        await self._api.command(f"{camera}/recordings/set", to, limits)

        async def shows() -> bool:
            return any(
                c.name == camera and c.records == (to == "ON") for c in await self._api.cameras(limits)
            )

        try:
            turned = await self._events.eventually(shows)
        except DeliveryError as error:
            raise Uncertain(
                f"{camera}: the recording switch was turned {to}; reading back failed: {error}"
            ) from error
        if not turned:
            raise Retryable(f"{self._name}: {camera}: the recording switch did not turn {to}")
