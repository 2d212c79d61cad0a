"""Shows cameras in the tiles of a Security Desk, reads back what stands there, and tidies up afterwards.

Called by the driver. What a command does to a Security Desk that does not run is lost without a word, so
nothing counts as shown until the tile says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.drivers.genetec.settings import Config
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.genetec import Failed, WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.genetec_tile import NOTHING_TOLD, Shown, TileContent
from bridge.protocols.http_limits import Limits

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
        """A camera in each tile. `VERIFIED` when every one of them says that it is live there."""
        monitor = monitor_number(self._name, delivery.target)
        wanted = _cameras(delivery)
        if not wanted:
            raise Permanent(f"{self._name}: no camera is named that monitor {monitor} could show")
        pairs = list(zip(self._config.tiles, wanted, strict=False))

        async def one(tile: int, camera: str) -> tuple[Placed, bool]:
            return await self._show_one(monitor, tile, camera, limits)

        ended, failed = await _all([one(tile, camera) for tile, camera in pairs])
        said = [_shown(each, sure=sure) for each, sure in ended] + [f"not shown: {error}" for error in failed]
        if left := len(wanted) - len(pairs):
            said.append(f"{left} more cameras than tiles")
        proven = not failed and all(sure for _, sure in ended)
        return Receipt(
            outcome=DeliveryState.VERIFIED if proven else DeliveryState.ACCEPTED,
            proof=f"monitor {monitor}: " + "; ".join(said),
            reference="tiles:" + ";".join(str(each) for each, _ in ended),
        )

    async def hide(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Put back what stood there, in every tile that still shows what we put there."""
        monitor = monitor_number(self._name, delivery.target)
        there = self._placed(delivery)
        if not there:
            raise Permanent(f"{self._name}: what was shown at monitor {monitor} is not known: close it there")

        async def one(placed: Placed) -> tuple[DeliveryState, str]:
            return await self._hide_one(monitor, placed, limits)

        ended, failed = await _all([one(placed) for placed in there])
        ended += [(DeliveryState.ACCEPTED, f"not put back: {error}") for error in failed]
        states = {state for state, _ in ended}
        outcome = DeliveryState.VERIFIED if states <= {DeliveryState.VERIFIED} else DeliveryState.ACCEPTED
        if states == {DeliveryState.SUPERSEDED}:
            outcome = DeliveryState.SUPERSEDED
        return Receipt(outcome=outcome, proof=f"monitor {monitor}: " + ", ".join(text for _, text in ended))

    # --- one tile -----------------------------------------------------------------------------------

    async def _show_one(self, monitor: int, tile: int, camera: str, limits: Limits) -> tuple[Placed, bool]:
        """Where it stands now, and whether it is proven that it is live there."""
        before = (await self._content(monitor, tile, limits)).live_camera
        sure = await self._put(
            lambda: self._sdk.show_camera(monitor, tile, camera, limits),
            lambda now: _is_live(now, camera),
            f"monitor {monitor}: tile {tile} does not show camera {camera} live",
            (monitor, tile, limits),
        )
        return Placed(tile, camera, before if before != camera else ""), sure

    async def _hide_one(self, monitor: int, placed: Placed, limits: Limits) -> tuple[DeliveryState, str]:
        tile, before, content = placed.tile, placed.before, self._config.clear_content
        shown = (await self._sdk.tile(monitor, tile, limits)).shown(placed.camera)
        if shown not in (Shown.LIVE, Shown.NAMED):  # an operator who plays it back is at work there
            return DeliveryState.SUPERSEDED, f"tile {tile} shows something else by now: left so"
        if before:
            sure = await self._put(
                lambda: self._sdk.show_camera(monitor, tile, before, limits),
                lambda now: _is_live(now, before),
                f"monitor {monitor}: tile {tile} does not show {before} again",
                (monitor, tile, limits),
            )
            return _state(sure), f"tile {tile} shows {before} again"
        if content is None:
            return DeliveryState.ACCEPTED, f"tile {tile} is left as it is (no clear_content is configured)"
        sure = await self._put(
            lambda: self._sdk.show_in_tile(monitor, tile, content, limits),
            lambda now: _is_gone(now, placed.camera),
            f"monitor {monitor}: tile {tile} still shows {placed.camera}",
            (monitor, tile, limits),
        )
        return _state(sure), f"tile {tile} is cleared"

    async def _put(
        self,
        send: Callable[[], Awaitable[None]],
        holds: Callable[[TileContent], bool | None],
        otherwise: str,
        where: tuple[int, int, Limits],
    ) -> bool:
        """Send, then ask the tile until it holds. Return whether that is sure: `holds` says None if it is
        not. Raises Retryable with `otherwise` if it does not hold."""
        lost: Uncertain | None = None
        try:
            await send()
        except Uncertain as error:
            lost = error
        try:
            shown = await self._comes_to(holds, where)
        except DeliveryError as error:
            raise lost or Uncertain(f"sent, but the tile cannot be asked: {error}") from error
        if shown is None and lost is not None:
            raise lost
        if shown is False:
            raise lost or Retryable(
                f"{self._name}: {otherwise}; Security Center said yes. Is a Security Desk running and logged"
                " on at that monitor? To one that is not, the command is lost"
            )
        return shown is True

    async def _comes_to(
        self, holds: Callable[[TileContent], bool | None], where: tuple[int, int, Limits]
    ) -> bool | None:
        end = self._clock.monotonic() + self._config.show_wait
        while (now := holds(await self._content(*where))) is False:
            if self._clock.monotonic() >= end:
                return False
            await self._clock.sleep(ASK_EVERY)
        return now

    async def _content(self, monitor: int, tile: int, limits: Limits) -> TileContent:
        """What a tile shows; nothing told where Security Center says Fail, as it may of one that is empty."""
        try:
            return await self._sdk.tile(monitor, tile, limits)
        except Failed:
            return NOTHING_TOLD

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


def _is_live(now: TileContent, camera: str) -> bool | None:
    shown = now.shown(camera)
    return None if shown is Shown.NAMED else shown is Shown.LIVE


def _is_gone(now: TileContent, camera: str) -> bool | None:
    if now is NOTHING_TOLD:
        return None
    return now.shown(camera) is Shown.ABSENT


def _state(sure: bool) -> DeliveryState:
    return DeliveryState.VERIFIED if sure else DeliveryState.ACCEPTED


def _shown(placed: Placed, *, sure: bool) -> str:
    if sure:
        return f"tile {placed.tile} shows {placed.camera}"
    return f"tile {placed.tile} names {placed.camera}; whether it is live there is not told"


async def _all(waiting: Sequence[Awaitable[T]]) -> tuple[list[T], list[DeliveryError]]:
    """Let all of them end: none is left under way. Return what was done, and what is refused for good.

    Raises what may pass if nothing was done, and Uncertain if something was.
    """
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    done: list[T] = []
    failed: list[DeliveryError] = []
    for result in ended:
        if isinstance(result, DeliveryError):
            failed.append(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            done.append(result)
    passing = [error for error in failed if not isinstance(error, Permanent)]
    unknown = [error for error in passing if isinstance(error, Uncertain)]
    if unknown or (passing and not done):
        raise (unknown or passing)[0]
    if passing:
        raise Uncertain(f"{len(done)} of {len(ended)} tiles are done; {passing[0]}") from passing[0]
    if failed and not done:
        raise failed[0]
    return done, failed
