"""Bookmarks and evidence locks: what of the recording is found again, and kept. Called by the driver."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bridge.drivers.milestone.acts import (
    Actions,
    Recent,
    accepted,
    description_of,
    guid,
    made,
    opened_at,
    repeated,
    timestamp,
    title_of,
    verified,
)
from bridge.drivers.milestone.settings import Config, EvidenceSettings
from bridge.errors import Permanent, Retryable
from bridge.model import Clock, Delivery, Operation, Receipt
from bridge.protocols.http import Effect, Refused
from bridge.protocols.milestone import GUID, MilestoneApi, camera_path
from bridge.protocols.milestone_gateway import Limits
from bridge.protocols.template import fill_structure

BOOKMARKS: Final = "bookmarks"
LOCKS: Final = "evidenceLocks"
LOCK_BEFORE: Final = 30.0
"""Seconds before the incident opened that a lock protects."""
FOR_EVER: Final = "9999-12-31T22:59:59.9999999Z"
"""As the vendor's sample of an indefinite lock has it."""


class Evidence:
    """What one XProtect keeps of an incident."""

    def __init__(self, api: MilestoneApi, config: Config, clock: Clock, name: str) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._made: Recent[str, str] = Recent()
        """delivery -> the bookmark that it made."""

    @property
    def actions(self) -> Actions:
        return {
            Operation.BOOKMARK: self.bookmark,
            Operation.EXTEND_BOOKMARK: self.extend,
            Operation.LOCK_EVIDENCE: self.lock,
        }

    async def bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        number = await self._made_before(delivery, limits) if repeated(delivery) else None
        if number is None:
            body = self._body(camera, delivery)
            number = made(await self._api.create(BOOKMARKS, body, Effect.ONCE, limits), "bookmark")
            self._made.note(delivery.id, number)
        return await self._read_back(BOOKMARKS, number, delivery, limits)

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Let the bookmark that `reference` names end now."""
        camera = guid(delivery.target, "camera")
        number = _referred(delivery, "bookmark")
        end = timestamp(self._clock.now())
        await self._api.change_bookmark(number, {"timeEnd": end, "devicePath": camera_path(camera)}, limits)
        row = await self._api.found(BOOKMARKS, number, limits)
        if row is None:
            raise Permanent(f"{self._name}: there is no bookmark {number} any more")
        reads = _seconds(row.get("timeEnd"))
        if reads is None:
            return accepted(f"bookmark {number}: changed; its end cannot be read", f"bookmark:{number}")
        if reads < (_seconds(end) or 0.0) - 1.0:
            raise Retryable(f"{self._name}: bookmark {number}: changed, but it ends at {row['timeEnd']}")
        return verified(f"bookmark {number} ends at {row['timeEnd']}", f"bookmark:{number}")

    async def lock(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        settings = self._config.evidence_lock
        if settings is None:
            raise Permanent(f"{self._name}: evidence_lock is not set")
        body = self._lock_body(camera, delivery, settings)
        number = made(await self._api.create(LOCKS, body, Effect.REPEATABLE, limits), "evidence lock")
        return await self._read_back(LOCKS, number, delivery, limits)

    # --- asking -------------------------------------------------------------------------------------

    async def _read_back(self, kind: str, number: str, delivery: Delivery, limits: Limits) -> Receipt:
        what = "bookmark" if kind == BOOKMARKS else "evidence lock"
        reference = f"{what.split(maxsplit=1)[0]}:{number}"
        try:
            row = await self._api.found(kind, number, limits)
        except Refused as error:
            return accepted(f"{what} {number} made; it cannot be read back: {error}", reference)
        if row is None:
            self._made.forget(delivery.id)
            raise Retryable(f"{self._name}: {what} {number} was promised, and is not there")
        if row.get("reference") != delivery.incident:
            return accepted(f"{what} {number} made; its reference reads otherwise", reference)
        return verified(f"{what} {number} reads {str(row.get('header'))[:120]!r}", reference)

    async def _made_before(self, delivery: Delivery, limits: Limits) -> str | None:
        """Return the bookmark of an earlier attempt; None if there is none, or the search is not understood.

        A bookmark twice harms nobody, none at all does.
        """
        known = self._made.get(delivery.id)
        if known is not None and await self._api.found(BOOKMARKS, known, limits) is not None:
            return known
        found = await self._api.search_bookmarks(self._question(delivery), limits)
        for row in found or ():
            number = str(row.get("id"))
            if f"delivery {delivery.id}" in str(row.get("description")) and GUID.fullmatch(number):
                return number
        return None

    def _question(self, delivery: Delivery) -> Any:
        now = self._clock.now()
        values = {
            "target": delivery.target,
            "incident": delivery.incident,
            "delivery": delivery.id,
            "opened": timestamp(opened_at(delivery, now)),
            "now": timestamp(now),
        }
        return fill_structure(self._config.bookmark_search, values)

    # --- what is sent -------------------------------------------------------------------------------

    def _body(self, camera: str, delivery: Delivery) -> dict[str, Any]:
        now = self._clock.now()
        opened = opened_at(delivery, now)
        return {
            "header": title_of(delivery),
            "description": description_of(delivery),
            "reference": delivery.incident,
            "timeBegin": timestamp(opened - self._config.bookmark_before),
            "timeTriggered": timestamp(opened),
            "timeEnd": timestamp(now + self._config.bookmark_after),
            "devicePath": camera_path(camera),
        }

    def _lock_body(self, camera: str, delivery: Delivery, settings: EvidenceSettings) -> dict[str, Any]:
        now = self._clock.now()
        opened = opened_at(delivery, now)
        end = now + settings.ahead
        kept = settings.keep_days
        return {
            "header": title_of(delivery),
            "description": description_of(delivery),
            "reference": delivery.incident,
            "startTime": timestamp(opened - LOCK_BEFORE),
            "tagTime": timestamp(opened),
            "endTime": timestamp(end),
            "retentionExpire": FOR_EVER if kept is None else timestamp(end + kept * 86400),
            "retentionOption": {
                "retentionType": settings.retention_type,
                "retentionUnits": settings.retention_units,
            },
            "devicePaths": [camera_path(camera)],
        }


def _referred(delivery: Delivery, kind: str) -> str:
    """Return the id that an earlier receipt gave. Raises Permanent if the reference is of another kind."""
    found, _, number = delivery.params.get("reference", "").partition(":")
    if found != kind:
        raise Permanent(f"the reference {delivery.params.get('reference', '')!r} names no {kind}")
    return guid(number, kind)


def _seconds(text: Any) -> float | None:
    """UTC epoch seconds of an ISO 8601 time; .NET writes seven digits of a second."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
