"""Marks an incident's recordings, extends the mark, keeps them from being deleted. Called by the driver.

Everything written is read back: each receipt is `VERIFIED`, or `ACCEPTED` where that could not be asked.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.drivers.zoneminder.bookmark import annotated, bears, describe, extended, mentions
from bridge.drivers.zoneminder.forced import ForcedAlarms
from bridge.errors import DeliveryError, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.incident_note import end_line
from bridge.protocols.zoneminder import ZoneMinderApi
from bridge.protocols.zoneminder_values import VideoEvent

LOOKED_AT: Final = 10
"""Newest events of a monitor that are looked at: a recording is split when its camera's stream restarts."""


class Evidence:
    """The recordings of one ZoneMinder. name: the driver instance's."""

    def __init__(self, api: ZoneMinderApi, *, name: str, clock: Clock, forced: ForcedAlarms) -> None:
        self._api = api
        self._name = name
        self._clock = clock
        self._forced = forced

    async def bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Name and annotate the recording, unless it bears the incident already."""
        event = await self._event_to_mark(delivery, limits)
        if not bears(event, delivery):
            await self._api.annotate(event.id, limits, **annotated(event, delivery))
            after = await self._read_back(event.id, limits)
            if isinstance(after, str):
                return _saved(event, after)
            event = after
            if not bears(event, delivery):
                raise Retryable(f"{self._name}: event {event.id}: saved, but reading back shows no bookmark")
        return _verified(event, describe(event))

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Write into the marked recording until when the incident lasted, and who ended it and why."""
        event = await self._event_to_mark(delivery, limits)
        now = self._clock.now()
        line = end_line(delivery, now)
        await self._api.annotate(event.id, limits, **extended(event, delivery, now))
        after = await self._read_back(event.id, limits)
        if isinstance(after, str):
            return _saved(event, after)
        event = after
        if line not in event.notes.splitlines():
            raise Retryable(f"{self._name}: event {event.id}: saved, but reading back shows no end")
        return _verified(event, f"the notes of event {event.id} say: {line}")

    async def lock(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Archive every recording of the incident at this camera: deleting to free the disk leaves those."""
        recordings = await self._recordings(delivery, limits)
        due = [event for event in recordings if not event.archived]
        for done, event in enumerate(due):
            try:
                await self._api.archive(event.id, limits)
            except DeliveryError as error:
                if not done:
                    raise
                raise Uncertain(f"{done} of {len(due)} recordings were archived; then: {error}") from error
        for event in due:
            after = await self._read_back(event.id, limits)
            if isinstance(after, str):
                return _saved(event, after)
            if not after.archived:
                raise Retryable(f"{self._name}: event {event.id}: saved, but it is not archived")
        numbers = ", ".join(str(event.id) for event in recordings)
        return _verified(recordings[0], f"archived: event {numbers}")

    async def _recordings(self, delivery: Delivery, limits: Limits) -> list[VideoEvent]:
        """The camera's recordings that belong to the incident, the newest first; at least one."""
        events = await self._api.latest_events(delivery.target, limits, count=LOOKED_AT)
        first = _referred(delivery)
        ours = [event for event in events if event.open or event.id == first or mentions(event, delivery)]
        if not ours:
            raise Retryable(f"{self._name}: monitor {delivery.target} has no recording of this incident")
        return ours

    async def _event_to_mark(self, delivery: Delivery, limits: Limits) -> VideoEvent:
        number = _referred(delivery) or _event_in(self._forced.reference_after(delivery))
        if number is not None:
            event = await self._api.event(number, limits)
            if event is not None and event.monitor == delivery.target:
                return event
        event = await self._api.latest_event(delivery.target, limits)
        if event is None or not (event.open or bears(event, delivery)):
            raise Retryable(f"{self._name}: monitor {delivery.target} records no event that could be marked")
        return event

    async def _read_back(self, number: int, limits: Limits) -> VideoEvent | str:
        """The event as it is now, or why it cannot be asked. Raises Retryable where it is gone."""
        try:
            event = await self._api.event(number, limits)
        except DeliveryError as error:
            return str(error)
        if event is None:
            raise Retryable(f"{self._name}: event {number}: saved, but it is gone")
        return event


def _referred(delivery: Delivery) -> int | None:
    """The event that an earlier receipt named."""
    reference = delivery.reference or delivery.params.get("reference", "")
    return _event_in(reference)


def _event_in(reference: str) -> int | None:
    match = re.fullmatch(r"event:(\d{1,18})", reference)
    return int(match[1]) if match else None


def _saved(event: VideoEvent, why: str) -> Receipt:
    """ZoneMinder said that it is saved, and could not be asked afterwards (`why`)."""
    return Receipt(
        outcome=DeliveryState.ACCEPTED,
        proof=f"event {event.id}: the answer was yes; reading back failed: {why}",
        reference=f"event:{event.id}",
    )


def _verified(event: VideoEvent, proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=f"event:{event.id}")
