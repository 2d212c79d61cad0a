"""Shows cameras by soft triggers, where a site has made some: rules that our user may fire. For the driver.

A soft trigger belongs to cameras, its rule to users; so each console has a trigger of its own, found by name.
"""

from __future__ import annotations

from bridge.drivers.nx.settings import Config
from bridge.errors import DeliveryError, Permanent, Uncertain
from bridge.model import Delivery, DeliveryState, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.nx import NxApi
from bridge.protocols.nx_values import SoftTrigger, plain_id


class SoftTriggers:
    """Fires them. The list is asked for each time: a rule that is saved anew has another id."""

    def __init__(self, api: NxApi, config: Config, *, name: str) -> None:
        self._api = api
        self._config = config
        self._name = name

    async def show(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Fire the console's trigger at every camera, best first."""
        return await self._fire(delivery, _cameras(delivery), limits)

    async def popup(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Fire the console's trigger once, at the best camera."""
        return await self._fire(delivery, _cameras(delivery)[:1], limits)

    async def _fire(self, delivery: Delivery, cameras: list[str], limits: Limits) -> Receipt:
        if not cameras:
            raise Permanent(f"{self._name}: a soft trigger needs a camera, and the location has none here")
        wanted = self._config.trigger_for(delivery.operation, delivery.target)
        trigger = usable(wanted, await self._api.triggers(limits))
        if isinstance(trigger, str):
            raise Permanent(f"{self._name}: {trigger}")
        for camera in cameras:  # all of them first: half a picture would be told as none
            if not (trigger.everywhere or plain_id(camera) in trigger.devices):
                raise Permanent(f"{self._name}: soft trigger {wanted!r} is not for camera {camera}")
        for done, camera in enumerate(cameras):
            try:
                await self._api.fire(trigger, camera, limits)
            except DeliveryError as error:
                if not done:
                    raise
                raise Uncertain(f"fired at {done} of {len(cameras)} cameras, then: {error}") from error
        return Receipt(
            outcome=DeliveryState.ACCEPTED,
            proof=f"soft trigger {wanted!r} was taken ({len(cameras)} times); what it shows cannot be asked",
        )


def usable(wanted: str, there: list[SoftTrigger]) -> SoftTrigger | str:
    """The trigger of this name, or why it cannot be fired."""
    found = next((trigger for trigger in there if trigger.name == wanted), None)
    if found is None:
        names = ", ".join(sorted({trigger.name for trigger in there})[:10]) or "none"
        return f"there is no soft trigger {wanted!r} that this user may fire; there is {names}"
    if found.prolonged:
        return (
            f"soft trigger {wanted!r} runs until it is stopped: to show something it must be an instant one"
        )
    return found


def _cameras(delivery: Delivery) -> list[str]:
    return [camera for camera in delivery.params.get("cameras", "").split(",") if camera]
