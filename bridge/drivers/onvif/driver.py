"""Sends cameras to their presets and home, proves that they give pictures, and switches their outputs.

An instance is a list of cameras. One of them out of reach is a missing camera and no reason to leave the
others alone; only when none of them answers any more is the whole system away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bridge.drivers.onvif.checks import findings_of, one_named
from bridge.drivers.onvif.pictures import is_picture
from bridge.drivers.onvif.settings import Config, capabilities_of
from bridge.drivers.onvif.steering import Steering
from bridge.errors import (
    CameraMissing,
    DeliveryError,
    Permanent,
    ProtocolError,
    Retryable,
    Uncertain,
    Unreachable,
    Unsent,
)
from bridge.model import (
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Inventory,
    Operation,
    Receipt,
    Targets,
    VmsCamera,
)
from bridge.protocols.http import Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.onvif.camera import Camera
from bridge.protocols.onvif.ptz import Position
from bridge.protocols.onvif.session import NotAuthorized, Session


class Driver:
    """ONVIF cameras. See `bridge.model.Driver`; targets are the ids in `cameras`."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._config = config
        self._targets = targets
        self._clock = clock
        self._cameras = {number: self._camera(number) for number in config.cameras}
        self._silent: set[str] = set()
        """Cameras that did not answer when they were last asked."""
        self._actions: Mapping[Operation, Callable[[Delivery, Camera, Limits], Awaitable[Receipt]]] = {
            Operation.RECALL_PRESET: self._recall_preset,
            Operation.HOME: self._home,
            Operation.PROVE_LIVE: self._prove_live,
            Operation.EVENT_START: self._switch,
            Operation.EVENT_STOP: self._switch,
        }

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it at one camera, and read its position back where it tells that."""
        action = self._actions.get(delivery.operation)
        if action is None:
            raise Permanent(f"{self.name}: a camera has nothing for {delivery.operation}")
        camera = self._cameras.get(delivery.target)
        if camera is None:
            there = ", ".join(list(self._cameras)[:10])
            raise Permanent(f"{self.name}: there is no camera {delivery.target!r}; there is {there}")
        limits = Limits.of(delivery)
        try:
            receipt = await action(delivery, camera, limits)
        except Unreachable as error:
            raise self._missing(delivery.target, error) from error
        except Uncertain:
            raise  # says nothing about the camera: it may be gone, or only its answer
        except ProtocolError as error:
            raise Permanent(f"{self.name}: {delivery.operation} cannot be sent: {error}") from error
        except DeliveryError:
            self._silent.discard(delivery.target)
            raise
        self._silent.discard(delivery.target)
        return receipt

    async def check(self) -> list[Finding]:
        """Prove log-in, clock, profile, presets and outputs of every camera. Moves nothing."""
        return await findings_of(self.name, self._config, self._cameras, self._targets.cameras)

    async def inventory(self) -> Inventory:
        """The configured cameras and their presets. Raises DeliveryError if none of them answers."""
        found: list[VmsCamera] = []
        failures: list[DeliveryError] = []
        for number, camera in self._cameras.items():
            try:
                ptz = (await camera.profile()).ptz
                presets = {preset.token: preset.name for preset in await camera.presets()} if ptz else {}
                found.append(VmsCamera(id=number, name=number, ptz=ptz, presets=presets))
            except (DeliveryError, ProtocolError) as error:
                found.append(VmsCamera(id=number, name=number))
                failures.append(error if isinstance(error, DeliveryError) else Permanent(str(error)))
        if len(failures) == len(found):
            raise failures[0]
        return Inventory(cameras=tuple(found))

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Always None: an output's state cannot be asked, and a preset is not held."""
        del operation, target  # nothing can be asked
        return None

    async def close(self) -> None:
        for camera in self._cameras.values():
            await camera.close()

    def _camera(self, number: str) -> Camera:
        settings = self._config.cameras[number]
        session = Session(
            f"{self.name}/{number}",
            self._config.link_to(settings),
            device=settings.device_service,
            user=settings.user,
            password=settings.password,
            clock=self._clock,
        )
        return Camera(session, profile=settings.profile)

    def _missing(self, number: str, error: Unreachable) -> DeliveryError:
        """One camera away is a missing camera; with the last of them the whole system is."""
        self._silent.add(number)
        return error if self._silent >= self._cameras.keys() else CameraMissing(str(error))

    # --- moving -------------------------------------------------------------------------------------

    async def _recall_preset(self, delivery: Delivery, camera: Camera, limits: Limits) -> Receipt:
        wanted = delivery.params.get("preset", "")
        preset = one_named(wanted, await camera.presets(limits), camera.session.name)
        return await self._steering(camera, limits).recall(preset)

    async def _home(self, delivery: Delivery, camera: Camera, limits: Limits) -> Receipt:
        wanted = self._config.cameras[delivery.target].home_preset
        preset = one_named(wanted, await camera.presets(limits), camera.session.name) if wanted else None
        return await self._steering(camera, limits).home(
            Position.of_reference(delivery.params.get("reference", "")),
            preset,
            doubtful=delivery.doubtful or delivery.attempts > 1,
        )

    def _steering(self, camera: Camera, limits: Limits) -> Steering:
        left = self._config.move_wait
        if limits.deadline is not None:
            left = min(left, limits.deadline - self._clock.now())
        return Steering(
            who=camera.session.name,
            camera=camera,
            limits=limits,
            clock=self._clock,
            wait=left,
            tolerance=self._config.tolerance,
        )

    # --- pictures and outputs -----------------------------------------------------------------------

    async def _prove_live(self, _: Delivery, camera: Camera, limits: Limits) -> Receipt:
        try:
            picture = await camera.snapshot(limits)
        except (Unreachable, Unsent, NotAuthorized):
            raise
        except (Refused, Retryable) as error:
            wait = error.retry_after if isinstance(error, Retryable) else None
            raise CameraMissing(f"{error}: it gives no picture", retry_after=wait) from error
        if picture is None:
            proof = "the camera answers; it has no snapshots that could prove more"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        size = f"{len(picture.body)} bytes"
        if not is_picture(picture.body):
            raise CameraMissing(f"{camera.session.name}: its snapshot is no picture ({size})")
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"a snapshot of {size}")

    async def _switch(self, delivery: Delivery, camera: Camera, limits: Limits) -> Receipt:
        relay = self._config.cameras[delivery.target].relay
        if not relay:
            raise Permanent(f"{camera.session.name}: no `relay` is configured for this camera")
        active = delivery.operation is Operation.EVENT_START
        await camera.set_relay(relay, limits, active=active)
        word = "active" if active else "inactive"
        return Receipt(
            outcome=DeliveryState.ACCEPTED, proof=f"output {relay}: {word}; its state cannot be asked"
        )
