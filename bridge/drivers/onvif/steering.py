"""Moves one camera for one delivery, and says how surely it arrived. Called by the driver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bridge.drivers.onvif.arrival import Journey, at_rest, watch
from bridge.errors import DeliveryError, Retryable, Uncertain
from bridge.model import Clock, DeliveryState, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.onvif.camera import Camera
from bridge.protocols.onvif.ptz import Position, Preset, Status

NOWHERE: Final = Position()
"""A position of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """wait: seconds that an arrival may take; tolerance: in the camera's units."""

    who: str
    camera: Camera
    limits: Limits
    clock: Clock
    wait: float
    tolerance: float

    async def recall(self, preset: Preset) -> Receipt:
        """Go to a preset. Raises Retryable if the camera stands elsewhere although it said yes."""
        return await self._to(preset, await self._status())

    async def home(self, left: Position | None, preset: Preset | None, *, doubtful: bool) -> Receipt:
        """Go home, but not from where an operator has moved the camera since.

        Where it cannot be told that nobody has, it stays: an operator may be watching somebody through it.

        left: where the recall left it, None where that is not known. preset: the one that counts as home.
        doubtful: an earlier attempt may have gone through.
        """
        status = await self._standing()
        if status is None or left is None or not left.comparable(status.position):
            return _untold(status, left)
        if not self._near(status, left):
            return self._home_already(status, preset) if doubtful else _taken(status, left)
        if preset is not None:
            return await self._to(preset, status)
        return await self._go(
            lambda: self.camera.goto_home(self.limits),
            "home position",
            before=status.position,
            goal=NOWHERE,
        )

    def _home_already(self, status: Status, preset: Preset | None) -> Receipt:
        if preset is not None and self._near(status, preset.position):
            return Receipt(outcome=DeliveryState.VERIFIED, proof=f"at home already: {status.position}")
        return Receipt(
            outcome=DeliveryState.ACCEPTED,
            proof=f"at {status.position}, where the recall did not leave it: sent home by an earlier attempt,"
            " or moved by an operator; left there",
        )

    async def _to(self, preset: Preset, before: Status | None) -> Receipt:
        return await self._go(
            lambda: self.camera.goto_preset(preset.token, self.limits),
            f"preset {preset.token} ({preset.name})",
            before=before.position if before else NOWHERE,
            goal=preset.position,
        )

    async def _go(
        self, go: Callable[[], Awaitable[None]], where: str, *, before: Position, goal: Position
    ) -> Receipt:
        journey = Journey(before=before, goal=goal, tolerance=self.tolerance)
        lost: Uncertain | None = None
        try:
            await go()
        except Uncertain as error:
            lost = error
        unasked = "it does not tell its position"
        try:
            last, status = await self._arrival(journey)
        except DeliveryError as error:
            last, status, unasked = None, None, f"its position cannot be asked: {error}"
        if status is not None and journey.arrived(status):
            proof, reference = f"{where}: stands at {status.position}", status.position.reference
            return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=reference)
        if lost is not None:
            raise lost
        if status is None:
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"{where}: accepted; {unasked}")
        return self._unproven(where, journey, last, status)

    def _unproven(self, where: str, journey: Journey, last: Status | None, status: Status) -> Receipt:
        if not at_rest(last, status):
            proof = f"{where}: accepted, and still moving at {status.position}"
        elif journey.goal.comparable(status.position):
            raise Retryable(
                f"{self.who}: {where} was promised, but the camera stands at {status.position}"
                f" instead of {journey.goal}"
            )
        elif journey.moved(status):
            proof = f"{where}: accepted; it has moved to {status.position}: whether that is there is not told"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=status.position.reference)
        else:
            proof = f"{where}: accepted; it stands where it stood, at {status.position}"
        # Not where it is now: that is a place on the way, or one that it has yet to leave.
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=journey.goal.reference)

    async def _arrival(self, journey: Journey) -> tuple[Status | None, Status | None]:
        if not journey.goal.known and not journey.before.known:
            return None, None
        return await watch(self._status, journey.over, clock=self.clock, wait=self.wait)

    async def _standing(self) -> Status | None:
        """Where it comes to rest; None where the camera does not tell."""
        _, status = await watch(self._status, at_rest, clock=self.clock, wait=self.wait)
        return status

    async def _status(self) -> Status | None:
        return await self.camera.status(self.limits)

    def _near(self, status: Status, position: Position) -> bool:
        return status.position.near(position, self.tolerance)


def _untold(status: Status | None, left: Position | None) -> Receipt:
    if left is None:
        why = "where our recall left the camera is not known"
    elif status is None:
        why = "the camera does not tell where it stands"
    else:
        why = f"{status.position} and {left} cannot be compared"
    return Receipt(
        outcome=DeliveryState.SUPERSEDED,
        proof=f"left where it is: {why}, so an operator may have moved it since",
    )


def _taken(status: Status, left: Position) -> Receipt:
    return Receipt(
        outcome=DeliveryState.SUPERSEDED,
        proof=f"an operator has moved the camera since ({status.position} instead of {left}): left there",
    )
