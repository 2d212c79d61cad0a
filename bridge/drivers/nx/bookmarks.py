"""The incident's bookmark at a camera: made once, lengthened at the end. Called by the driver."""

from __future__ import annotations

from typing import Final

from bridge.drivers.nx.settings import Config
from bridge.drivers.nx.words import bookmark_fields, incident_tag
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.nx import NxApi
from bridge.protocols.nx_values import Bookmark

SLACK: Final = 1000
"""Milliseconds before our bookmark's beginning from which it is looked for."""
PREFIX: Final = "bookmark:"


class Bookmarks:
    """Makes and lengthens them. The incident's tag is what they are known by."""

    def __init__(self, api: NxApi, config: Config, *, name: str, clock: Clock) -> None:
        self._api = api
        self._config = config
        self._name = name
        self._clock = clock

    async def make(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Make it, unless the camera has it already. Always asked first: two would confuse the operator."""
        found = await self._find(delivery, limits)
        if found is not None:
            return _verified(found, "found already")
        fields = bookmark_fields(
            delivery, before=self._config.bookmark_before, length=self._config.bookmark_length
        )
        try:
            made = await self._api.add_bookmark(delivery.target, fields, limits)
        except Uncertain as lost:
            return await self._find_out(delivery, limits, lost)
        try:
            read_back = await self._api.bookmark(delivery.target, made.id, limits)
        except DeliveryError as error:
            return _promised(made, error)
        if read_back is None or incident_tag(delivery) not in read_back.tags:
            raise Retryable(f"{self._name}: bookmark {made.id} was promised, but reading back shows none")
        return _verified(read_back, "read back")

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Lengthen the bookmark to now."""
        bookmark = await self._named(delivery, limits)
        wanted = round(self._clock.now() * 1000) - bookmark.start
        if wanted > bookmark.duration:
            await self._api.lengthen(delivery.target, bookmark.id, wanted, limits)
            try:
                after = await self._api.bookmark(delivery.target, bookmark.id, limits)
            except DeliveryError as error:
                return _promised(bookmark, error)
            if after is None or after.duration < wanted:
                raise Retryable(f"{self._name}: bookmark {bookmark.id} did not become {wanted} ms long")
            bookmark = after
        return _verified(bookmark, f"{bookmark.duration / 1000:g} s long")

    async def _find_out(self, delivery: Delivery, limits: Limits, lost: Uncertain) -> Receipt:
        """No answer to the order: ask what became of it. Raises `lost` if that cannot be known."""
        try:
            found = await self._find(delivery, limits)
        except DeliveryError:
            raise lost from None
        if found is None:
            raise lost
        return _verified(found, "found; the answer itself was lost")

    async def _named(self, delivery: Delivery, limits: Limits) -> Bookmark:
        """The bookmark that the receipt named, or else the incident's."""
        reference = delivery.params.get("reference", "")
        bookmark = None
        if reference.startswith(PREFIX):
            bookmark = await self._api.bookmark(delivery.target, reference.removeprefix(PREFIX), limits)
        bookmark = bookmark or await self._find(delivery, limits)
        if bookmark is None:
            raise Permanent(f"{self._name}: the incident has no bookmark at camera {delivery.target}")
        return bookmark

    async def _find(self, delivery: Delivery, limits: Limits) -> Bookmark | None:
        """The incident's bookmark at the camera; told by its tag, not by the server's word search."""
        before = self._config.bookmark_before
        begins: int = bookmark_fields(delivery, before=before, length=0)["startTimeMs"]
        known = await self._api.bookmarks(delivery.target, begins - SLACK, limits)
        return next((each for each in known if incident_tag(delivery) in each.tags), None)


def _promised(bookmark: Bookmark, error: DeliveryError) -> Receipt:
    """The server said yes, and could not be asked afterwards."""
    return Receipt(
        outcome=DeliveryState.ACCEPTED,
        proof=f"bookmark {bookmark.name!r}: the answer was yes; reading back failed: {error}",
        reference=f"{PREFIX}{bookmark.id}",
    )


def _verified(bookmark: Bookmark, how: str) -> Receipt:
    return Receipt(
        outcome=DeliveryState.VERIFIED,
        proof=f"bookmark {bookmark.name!r}: {how}",
        reference=f"{PREFIX}{bookmark.id}",
    )
