"""Bookmarks and evidence locks: what of the recording is found again, and kept. Called by the driver."""

from __future__ import annotations

from typing import Any, Final

from bridge.drivers.milestone.acts import (
    Actions,
    accepted,
    description_of,
    ended_at,
    guid,
    made,
    opened_at,
    repeated,
    timestamp,
    title_of,
    verified,
)
from bridge.drivers.milestone.settings import Config, EvidenceSettings
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unsent
from bridge.model import Clock, Delivery, Operation, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.milestone import GUID, MilestoneApi, camera_path
from bridge.protocols.milestone_gateway import READ_BACK_SPARE
from bridge.protocols.milestone_values import seconds_in
from bridge.protocols.recent import Recent
from bridge.protocols.template import fill_structure

BOOKMARKS: Final = "bookmarks"
LOCKS: Final = "evidenceLocks"
WORDS: Final = {BOOKMARKS: "bookmark", LOCKS: "evidence lock"}
MOST_BLIND: Final = 2
"""How often a bookmark is sent without an answer where none can be searched for."""
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
        """delivery -> the bookmark or the lock that it made."""
        self._unanswered: Recent[str, int] = Recent()
        """delivery -> how often its bookmark or lock was sent, and no answer came."""
        self._unseen: Recent[str, bool] = Recent()
        """Deliveries that made something which, once already, was not there."""

    @property
    def actions(self) -> Actions:
        return {
            Operation.BOOKMARK: self.bookmark,
            Operation.BOOKMARK_PAST: self.bookmark,
            Operation.EXTEND_BOOKMARK: self.extend,
            Operation.LOCK_EVIDENCE: self.lock,
        }

    async def bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        number = await self._made_before(delivery, limits) if repeated(delivery) else None
        if number is None:
            number = await self._make(BOOKMARKS, self._body(camera, delivery), delivery, limits)
        return await self._read_back(BOOKMARKS, number, delivery, limits)

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Let the bookmark that `reference` names end now."""
        camera = guid(delivery.target, "camera")
        number = _referred(delivery, "bookmark")
        end = timestamp(self._clock.now())
        await self._api.change_bookmark(number, {"timeEnd": end, "devicePath": camera_path(camera)}, limits)
        reference = f"bookmark:{number}"
        try:
            row = await self._api.found(BOOKMARKS, number, limits.earlier(READ_BACK_SPARE))
        except DeliveryError as error:
            return accepted(f"bookmark {number}: changed; it cannot be read back: {error}", reference)
        if row is None:
            return accepted(f"bookmark {number}: changed, says the gateway; it is not to be seen", reference)
        reads = seconds_in(row.get("timeEnd"))
        if reads is None:
            return accepted(f"bookmark {number}: changed; its end cannot be read", reference)
        if reads < (seconds_in(end) or 0.0) - 1.0:
            raise Retryable(f"{self._name}: bookmark {number}: changed, but it ends at {row['timeEnd']}")
        return verified(f"bookmark {number} ends at {row['timeEnd']}", reference)

    async def lock(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Lock once: nothing finds a lock by its reference, and another one would stay for ever, too.

        After a restart nobody knows whether an earlier attempt did it: then it is done, perhaps twice.
        """
        camera = guid(delivery.target, "camera")
        settings = self._config.evidence_lock
        if settings is None:
            raise Permanent(f"{self._name}: evidence_lock is not set")
        number = self._made.get(delivery.id)
        if number is None:
            if self._unanswered.get(delivery.id):
                raise Unsent(
                    f"{self._name}: an evidence lock was sent before without an answer; it is not sent again,"
                    " because nobody can say whether it is there"
                )
            number = await self._make(LOCKS, self._lock_body(camera, delivery, settings), delivery, limits)
        return await self._read_back(LOCKS, number, delivery, limits)

    async def _make(self, kind: str, body: dict[str, Any], delivery: Delivery, limits: Limits) -> str:
        """Make it, and remember it, or that no answer came."""
        try:
            number = made(await self._api.create(kind, body, limits), WORDS[kind])
        except Uncertain:
            self._unanswered.note(delivery.id, (self._unanswered.get(delivery.id) or 0) + 1)
            raise
        self._made.note(delivery.id, number)
        return number

    # --- asking -------------------------------------------------------------------------------------

    async def _read_back(self, kind: str, number: str, delivery: Delivery, limits: Limits) -> Receipt:
        what = WORDS[kind]
        reference = f"{what.split(maxsplit=1)[0]}:{number}"
        try:
            row = await self._api.found(kind, number, limits.earlier(READ_BACK_SPARE))
        except DeliveryError as error:
            return accepted(f"{what} {number} made; it cannot be read back: {error}", reference)
        if row is None:
            if self._unseen.get(delivery.id):
                return accepted(f"{what} {number} made, says the gateway; it is not to be seen", reference)
            self._unseen.note(delivery.id, True)
            raise Uncertain(f"{self._name}: {what} {number} was promised, and is not there")
        if row.get("reference") != delivery.incident:
            return accepted(f"{what} {number} made; its reference reads otherwise", reference)
        return verified(f"{what} {number} reads {str(row.get('header'))[:120]!r}", reference)

    async def _made_before(self, delivery: Delivery, limits: Limits) -> str | None:
        """Return the bookmark of an earlier attempt; None if there is none, or none can be searched for.

        A bookmark twice harms nobody, none at all does; but raises Unsent when two may be there.
        """
        known = self._made.get(delivery.id)
        if known is not None and await self._may_be_there(known, limits):
            return known
        found = await self._api.search_bookmarks(self._question(delivery), limits)
        if found is None and (self._unanswered.get(delivery.id) or 0) >= MOST_BLIND:
            raise Unsent(f"{self._name}: {MOST_BLIND} bookmarks were sent without an answer; no more are")
        for row in found or ():
            number = str(row.get("id"))
            if f"delivery {delivery.id}" in str(row.get("description")) and GUID.fullmatch(number):
                return number
        return None

    async def _may_be_there(self, number: str, limits: Limits) -> bool:
        try:
            return await self._api.found(BOOKMARKS, number, limits) is not None
        except DeliveryError:
            return True  # it was made, and cannot be asked for

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
            "timeEnd": timestamp(ended_at(delivery, now) + self._config.bookmark_after),
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
