"""Shows cameras in the tiles of a Security Desk, reads back what stands there, and tidies up afterwards.

Called by the driver. What a command does to a Security Desk that does not run is lost without a word, so
nothing counts as shown until the tile says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.drivers.genetec.settings import Config
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.genetec import Failed, Limits, WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.genetec_values import TileContent

ASK_EVERY: Final = 0.25
"""Seconds between two questions what a tile shows."""
T = TypeVar("T")
_PLACED: Final = re.compile(r"([0-9]{1,3})=([0-9a-f-]{36})>([0-9a-f-]{36})?")


@dataclass(frozen=True, slots=True)
class Placed:
    """A tile, the camera that we put there, and the one that stood there before (empty: none, or not known).

    Written into the receipt's reference as `tiles:1=<guid>><guid>;2=<guid>>`.
    """

    tile: int
    camera: str
    before: str = ""

    def __str__(self) -> str:
        return f"{self.tile}={self.camera}>{self.before}"


class Tiles:
    """The monitors' tiles, as far as the bridge uses them."""

    def __init__(self, name: str, sdk: WebSdk, config: Config, clock: Clock) -> None:
        self._name = name
        self._sdk = sdk
        self._config = config
        self._clock = clock

    async def show(self, delivery: Delivery, limits: Limits) -> Receipt:
        """A camera in each tile. `VERIFIED` when every one of them says so."""
        monitor = monitor_number(self._name, delivery.target)
        wanted = _cameras(delivery)
        if not wanted:
            raise Permanent(f"{self._name}: no camera is named that monitor {monitor} could show")
        pairs = list(zip(self._config.tiles, wanted, strict=False))

        async def one(tile: int, camera: str) -> Placed:
            return await self._show_one(monitor, tile, camera, limits)

        placed = await _all([one(tile, camera) for tile, camera in pairs])
        left = len(wanted) - len(pairs)
        more = f"; {left} more cameras than tiles" if left else ""
        shown = ", ".join(f"tile {each.tile} shows {each.camera}" for each in placed)
        return Receipt(
            outcome=DeliveryState.VERIFIED,
            proof=f"monitor {monitor}: {shown}{more}",
            reference="tiles:" + ";".join(map(str, placed)),
        )

    async def hide(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Put back what stood there, in every tile that still shows what we put there."""
        monitor = monitor_number(self._name, delivery.target)
        there = self._placed(delivery)
        if not there:
            raise Permanent(f"{self._name}: what was shown at monitor {monitor} is not known: close it there")

        async def one(placed: Placed) -> tuple[DeliveryState, str]:
            return await self._hide_one(monitor, placed, limits)

        ended = await _all([one(placed) for placed in there])
        states = {state for state, _ in ended}
        outcome = DeliveryState.VERIFIED if states <= {DeliveryState.VERIFIED} else DeliveryState.ACCEPTED
        if states == {DeliveryState.SUPERSEDED}:
            outcome = DeliveryState.SUPERSEDED
        return Receipt(outcome=outcome, proof=f"monitor {monitor}: " + ", ".join(text for _, text in ended))

    # --- one tile -----------------------------------------------------------------------------------

    async def _show_one(self, monitor: int, tile: int, camera: str, limits: Limits) -> Placed:
        before = (await self._content(monitor, tile, limits)).live_camera
        await self._put(
            lambda: self._sdk.show_camera(monitor, tile, camera, limits),
            lambda now: now.shows(camera),
            f"monitor {monitor}: tile {tile} does not show camera {camera}",
            (monitor, tile, limits),
        )
        return Placed(tile, camera, before if before != camera else "")

    async def _hide_one(self, monitor: int, placed: Placed, limits: Limits) -> tuple[DeliveryState, str]:
        tile, before, content = placed.tile, placed.before, self._config.clear_content
        if not (await self._sdk.tile(monitor, tile, limits)).shows(placed.camera):
            return DeliveryState.SUPERSEDED, f"tile {tile} shows something else by now: left so"
        if before:
            await self._put(
                lambda: self._sdk.show_camera(monitor, tile, before, limits),
                lambda now: now.shows(before),
                f"monitor {monitor}: tile {tile} does not show {before} again",
                (monitor, tile, limits),
            )
            return DeliveryState.VERIFIED, f"tile {tile} shows {before} again"
        if content is None:
            return DeliveryState.ACCEPTED, f"tile {tile} is left as it is (no clear_content is configured)"
        await self._put(
            lambda: self._sdk.show_in_tile(monitor, tile, content, limits),
            lambda now: not now.shows(placed.camera),
            f"monitor {monitor}: tile {tile} still shows {placed.camera}",
            (monitor, tile, limits),
        )
        return DeliveryState.VERIFIED, f"tile {tile} is cleared"

    async def _put(
        self,
        send: Callable[[], Awaitable[None]],
        holds: Callable[[TileContent], bool],
        otherwise: str,
        where: tuple[int, int, Limits],
    ) -> None:
        """Send, then ask the tile until it holds. Raises Retryable with `otherwise` if it does not."""
        lost: Uncertain | None = None
        try:
            await send()
        except Uncertain as error:
            lost = error
        try:
            shown = await self._comes_to(holds, where)
        except DeliveryError as error:
            raise lost or Uncertain(f"sent, but the tile cannot be asked: {error}") from error
        if not shown:
            raise lost or Retryable(
                f"{self._name}: {otherwise}; Security Center said yes. Is a Security Desk running and logged"
                " on at that monitor? To one that is not, the command is lost"
            )

    async def _comes_to(self, holds: Callable[[TileContent], bool], where: tuple[int, int, Limits]) -> bool:
        end = self._clock.monotonic() + self._config.show_wait
        while not holds(await self._content(*where)):
            if self._clock.monotonic() >= end:
                return False
            await self._clock.sleep(ASK_EVERY)
        return True

    async def _content(self, monitor: int, tile: int, limits: Limits) -> TileContent:
        """What a tile shows; nothing where Security Center says Fail, as it may of one that is empty."""
        try:
            return await self._sdk.tile(monitor, tile, limits)
        except Failed:
            return TileContent("")

    def _placed(self, delivery: Delivery) -> list[Placed]:
        """What the receipt of the showing says; without one, what was asked for."""
        reference = delivery.params.get("reference", "")
        if reference.startswith("tiles:"):
            return [Placed(int(tile), camera, before) for tile, camera, before in _PLACED.findall(reference)]
        return [
            Placed(tile, camera) for tile, camera in zip(self._config.tiles, _cameras(delivery), strict=False)
        ]


def monitor_number(name: str, console: str) -> int:
    """The LogicalId of a console's monitor. Raises Permanent if it is no number."""
    if not re.fullmatch(r"[0-9]{1,7}", console):
        raise Permanent(f"{name}: {console!r} is not the logical id of a monitor")
    return int(console)


def _cameras(delivery: Delivery) -> list[str]:
    named = delivery.params.get("cameras", "").split(",")
    return list(dict.fromkeys(guid(camera) for camera in named if camera))


async def _all(waiting: list[Awaitable[T]]) -> list[T]:
    """Let all of them end before the first error is raised: none is left under way."""
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return [result for result in ended if not isinstance(result, BaseException)]
