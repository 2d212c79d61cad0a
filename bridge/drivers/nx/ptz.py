"""Sends cameras to their presets, and home where nobody has moved them since. Called by the driver."""

from __future__ import annotations

import re
from typing import Final

from bridge.drivers.nx.settings import Config
from bridge.errors import CameraMissing, DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.http import Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.nx import NxApi
from bridge.protocols.nx_values import Position, Preset, PtzObject, plain_id

ASK_EVERY: Final = 0.25
"""Seconds between two questions which preset is active."""
ASK_POSITION_EVERY: Final = 0.5
"""Seconds between two questions where the camera looks."""
STEADY: Final = 3
"""So many equal positions, one after the other, are a standstill: the first may be from before it moved."""
OBJECT: Final = "object:"
POSITION: Final = "position:"
"""What a recall's reference says: the active object, or else where the camera came to stand."""
_UUID: Final = re.compile(r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")


class Ptz:
    """Recalls and homes. Preset names are looked up once per camera, and again when one is not found."""

    def __init__(self, api: NxApi, config: Config, *, name: str, clock: Clock) -> None:
        self._api = api
        self._config = config
        self._name = name
        self._clock = clock
        self._presets: dict[str, list[Preset]] = {}

    async def recall(self, delivery: Delivery, limits: Limits) -> Receipt:
        wanted = delivery.params.get("preset", "")
        goal = await self._preset(delivery.target, wanted, limits)
        try:
            await self._activate(delivery.target, goal, limits)
        except Refused as error:
            # A preset that was made anew has its old name and another id.
            self._presets.pop(delivery.target, None)
            again = await self._preset(delivery.target, wanted, limits) if error.status == 404 else goal
            if again.same(goal):
                raise
            goal = again
            await self._activate(delivery.target, goal, limits)
        return await self._arrival(delivery.target, goal, limits)

    async def home(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Go home if the camera still stands where our recall has left it."""
        camera = delivery.target
        left_at = _left_at(delivery.params.get("reference", ""))
        if not left_at:
            return _left("it is not known where our recall left the camera: left there")
        active = await self._api.active_object(camera, limits)
        home = await self._api.home_object(camera, limits)
        if home is None:
            raise Permanent(f"{self._name}: camera {camera} has no home position: set one in the VMS")
        if home.same(active):
            return Receipt(outcome=DeliveryState.VERIFIED, proof=f"at home already: {home}")
        if not await self._stands_at(camera, left_at, active, limits):
            return _left("an operator has moved the camera since: left there")
        await self._activate(camera, home, limits)
        return await self._arrival(camera, home, limits)

    async def _stands_at(
        self, camera: str, left_at: str | Position, active: PtzObject | None, limits: Limits
    ) -> bool:
        """Whether the camera is where a recall has left it: at an object (its id), or at a position."""
        if isinstance(left_at, Position):
            return (await self._api.position(camera, limits)).near(left_at)
        return active is not None and plain_id(active.id) == plain_id(left_at)

    async def _activate(self, camera: str, goal: PtzObject, limits: Limits) -> None:
        """Raises CameraMissing where the server refuses or fails because the camera is not there."""
        try:
            await self._api.activate(camera, goal, self._config.preset_speed, limits)
        except (Refused, Retryable) as error:
            await self._require_camera(camera, limits, error)
            raise

    async def _arrival(self, camera: str, goal: PtzObject, limits: Limits) -> Receipt:
        """Read back which object is active. Servers before v4 cannot be asked."""
        if not (self._config.preset_proof and self._api.modern):
            return await self._standstill(camera, goal, limits)
        end = self._clock.monotonic() + self._config.preset_wait
        while True:
            try:
                active = await self._api.active_object(camera, limits)
            except DeliveryError as error:
                raise Uncertain(f"{goal} was ordered; what became of it cannot be asked: {error}") from error
            if goal.same(active):
                proof = f"the active object is {goal}"
                reference = f"{OBJECT}{goal.id}"
                return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=reference)
            if self._clock.monotonic() >= end:
                break
            await self._clock.sleep(ASK_EVERY)
        lied = Retryable(f"{self._name}: {goal} was promised, but active at camera {camera} is {active}")
        await self._require_camera(camera, limits, lied)
        raise lied

    async def _standstill(self, camera: str, goal: PtzObject, limits: Limits) -> Receipt:
        """Where the server cannot tell the active object: remember the position once it no longer changes.

        It proves no preset, because nobody says which position that has.
        """
        end = self._clock.monotonic() + self._config.preset_wait
        seen: list[Position] = []
        while len(seen) < STEADY or len({str(each) for each in seen[-STEADY:]}) > 1:
            if self._clock.monotonic() >= end:
                return _accepted(goal, "it still moves", "")
            try:
                seen.append(await self._api.position(camera, limits))
            except DeliveryError:
                return _accepted(goal, "and neither active object nor position can be asked", "")
            await self._clock.sleep(ASK_POSITION_EVERY)
        return _accepted(goal, f"the camera stands at {seen[-1]}", f"{POSITION}{seen[-1]}")

    async def _require_camera(self, camera: str, limits: Limits, cause: DeliveryError) -> None:
        """Raise CameraMissing if that explains `cause`."""
        try:
            device = await self._api.device(camera, limits)
        except DeliveryError:
            return
        if device.missing:
            raise CameraMissing(
                f"camera {device.name or camera} cannot be moved (status {device.status})"
            ) from cause

    async def _preset(self, camera: str, wanted: str, limits: Limits) -> PtzObject:
        """The preset of this id or name. Raises Permanent if the camera has none, and says which it has."""
        if _UUID.fullmatch(wanted):
            return PtzObject(kind="preset", id=wanted)
        if found := _named(self._presets.get(camera, []), wanted):
            return found
        self._presets[camera] = await self._api.presets(camera, limits)
        if found := _named(self._presets[camera], wanted):
            return found
        there = ", ".join(preset.name for preset in self._presets[camera][:10]) or "none"
        raise Permanent(f"{self._name}: camera {camera} has no preset {wanted!r}; it has {there}")


def _named(presets: list[Preset], wanted: str) -> PtzObject | None:
    ids = [preset.id for preset in presets if wanted in (preset.id, preset.name)]
    return PtzObject(kind="preset", id=ids[0]) if ids else None


def _left_at(reference: str) -> str | Position | None:
    """The object's id or the position that a receipt named; nothing where it names neither."""
    if not reference.startswith(POSITION):
        return reference.removeprefix(OBJECT) if reference.startswith(OBJECT) else None
    try:
        pan, tilt, zoom = map(float, reference.removeprefix(POSITION).split(","))
    except ValueError:
        return None
    return Position(pan=pan, tilt=tilt, zoom=zoom)


def _accepted(goal: PtzObject, what: str, reference: str) -> Receipt:
    proof = f"{goal} was ordered; {what}"
    return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=reference)


def _left(proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.SUPERSEDED, proof=proof)
