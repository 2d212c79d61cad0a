"""Sends PTZ cameras to their presets and home, and asks where they stand. Called by the driver."""

from __future__ import annotations

import re
from typing import Final

from bridge.drivers.milestone.acts import Actions, accepted, guid, repeated, verified
from bridge.drivers.milestone.settings import Config
from bridge.errors import DeliveryError, Permanent, Retryable
from bridge.model import Clock, Delivery, DeliveryState, Operation, Receipt
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_gateway import READ_BACK_SPARE, TaskGoesOn
from bridge.protocols.milestone_values import Position, Preset
from bridge.protocols.recent import Recent

ASK_EVERY: Final = 0.4
_NUMBER: Final = r"-?\d{1,3}(?:\.\d{1,6})?"
_STOOD: Final = re.compile(rf"position:({_NUMBER}),({_NUMBER}),({_NUMBER})")


class Ptz:
    """The PTZ cameras of one XProtect."""

    def __init__(self, api: MilestoneApi, config: Config, clock: Clock, name: str) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._presets: Recent[str, tuple[float, list[Preset]]] = Recent()
        """camera -> when they were asked for (monotonic seconds), and what they were."""
        self._stood: Recent[str, Position] = Recent()
        """delivery -> where its last attempt left the camera."""

    @property
    def actions(self) -> Actions:
        return {Operation.RECALL_PRESET: self.recall, Operation.HOME: self.home}

    async def recall(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        preset = await self._preset(camera, delivery.params.get("preset", ""), limits)
        if repeated(delivery) and (done := await self._done_before(delivery, preset, limits)):
            return done
        return await self._send(delivery, preset, limits)

    async def home(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Go home, unless the camera stands elsewhere than our recall left it: then an operator has it.

        Where our recall left it must be known: else nobody can say whether an operator has it.
        """
        camera = guid(delivery.target, "camera")
        home = await self._preset(camera, self._config.home_preset, limits)
        here = await self._position(camera, limits)
        if here is not None and home.position is not None and self._near(here, home.position):
            return verified(f"stands at home ({here})", _reference(here))
        left = await self._left_at(camera, delivery.params.get("reference", ""), limits)
        if left is None:
            return _left_alone("where the recall left the camera is not known, so an operator may have it")
        if here is not None and not self._near(here, left):
            return _left_alone(f"an operator has moved the camera since: left there ({here})")
        return await self._send(delivery, home, limits)

    async def presets(self, camera: str, limits: Limits = NO_LIMITS, *, fresh: bool = False) -> list[Preset]:
        """The camera's presets, asked for at most every `remember` seconds."""
        known = self._presets.get(camera)
        if fresh or known is None or self._clock.monotonic() - known[0] > self._config.remember:
            known = (self._clock.monotonic(), await self._api.presets(camera, limits))
            self._presets.note(camera, known)
        return known[1]

    # --- which preset -------------------------------------------------------------------------------

    async def _preset(self, camera: str, wanted: str, limits: Limits) -> Preset:
        """Find a preset by id or name; empty: the camera's default. Raises Permanent if there is none."""
        for fresh in (False, True):
            presets = await self.presets(camera, limits, fresh=fresh)
            if found := chosen(presets, wanted):
                return found
        there = ", ".join(preset.name for preset in presets[:10]) or "none"
        what = f"preset {wanted!r}" if wanted else "default preset (or set home_preset)"
        raise Permanent(f"{self._name}: camera {camera} has no {what}; there is {there}")

    async def _left_at(self, camera: str, reference: str, limits: Limits) -> Position | None:
        """Where the recall left the camera, by the reference of its receipt; None if that is not known."""
        if match := _STOOD.fullmatch(reference):
            pan, tilt, zoom = map(float, match.groups())
            return Position(pan=pan, tilt=tilt, zoom=zoom)
        kind, _, number = reference.partition(":")
        preset = chosen(await self.presets(camera, limits), number) if kind == "preset" else None
        return preset.position if preset else None

    # --- moving and asking --------------------------------------------------------------------------

    async def _send(self, delivery: Delivery, preset: Preset, limits: Limits) -> Receipt:
        camera = delivery.target
        said, ended = f"preset {preset.name}: Success", True
        try:
            await self._api.go_to(camera, preset.id, limits)
        except TaskGoesOn as error:
            said, ended = f"preset {preset.name}: {error}", False
        if not self._config.ptz_read_back:
            return accepted(f"{said}; not read back", f"preset:{preset.id}")
        try:
            return await self._arrived(delivery, preset, said, limits.earlier(READ_BACK_SPARE))
        except _Elsewhere as error:
            if ended:
                raise
            return accepted(str(error), f"preset:{preset.id}")
        except DeliveryError as error:
            return accepted(f"{said}; its position cannot be asked: {error}", f"preset:{preset.id}")

    async def _arrived(self, delivery: Delivery, preset: Preset, said: str, limits: Limits) -> Receipt:
        """Ask until the camera stands at its preset, or stands still where no position is known of it."""
        end = limits.wait(self._clock, self._config.ptz_wait)
        first = last = None
        while (here := await self._position(delivery.target, limits)) is not None:
            if preset.position is not None and self._near(here, preset.position):
                return verified(f"stands at preset {preset.name} ({here})", _reference(here))
            if preset.position is None and last is not None and self._near(here, last):
                return accepted(f"{said}; stands still at {here}", _reference(here))
            if self._clock.monotonic() >= end:
                break
            first, last = first or here, here
            await self._clock.sleep(ASK_EVERY)
        if here is None:
            return accepted(f"{said}; the camera cannot tell where it stands", f"preset:{preset.id}")
        if preset.position is None or (first is not None and not self._near(first, here)):
            return accepted(f"{said}; still moving ({here})", f"preset:{preset.id}")
        self._stood.note(delivery.id, here)
        raise _Elsewhere(
            f"{self._name}: camera {delivery.target}: {said}, but it stands at {here},"
            f" not at {preset.position} (if the two are never alike here, set ptz_read_back: false)"
        )

    async def _done_before(self, delivery: Delivery, preset: Preset, limits: Limits) -> Receipt | None:
        """Whether an earlier attempt has done it, or somebody has moved the camera since."""
        here = await self._position(delivery.target, limits)
        if here is None:
            return None
        if preset.position is not None and self._near(here, preset.position):
            return verified(f"stands at preset {preset.name} already ({here})", _reference(here))
        stood = self._stood.get(delivery.id)
        if stood is not None and not self._near(here, stood):
            proof = f"preset {preset.name}: sent there before; it has moved since ({here})"
            return accepted(proof, f"preset:{preset.id}")
        return None

    async def _position(self, camera: str, limits: Limits) -> Position | None:
        return await self._api.position(camera, limits) if self._config.ptz_read_back else None

    def _near(self, one: Position, other: Position) -> bool:
        return one.near(other, self._config.ptz_tolerance)


class _Elsewhere(Retryable):
    """The camera was asked, and stands elsewhere."""


def chosen(presets: list[Preset], wanted: str) -> Preset | None:
    """Return the preset with this id or name; empty: the default one."""
    if not wanted:
        return next((preset for preset in presets if preset.home), None)
    for alike in (lambda p: p.id.lower() == wanted.lower(), lambda p: p.name == wanted):
        if found := next(filter(alike, presets), None):
            return found
    return None


def _left_alone(why: str) -> Receipt:
    return Receipt(outcome=DeliveryState.SUPERSEDED, proof=why)


def _reference(position: Position) -> str:
    return f"position:{position.pan:.6f},{position.tilt:.6f},{position.zoom:.6f}"
