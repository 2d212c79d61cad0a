"""Raises the site's user-defined events, hears whether cameras record, and proves them live.

Called by the driver. The rule in XProtect that answers the event does the recording: no REST call
forces it.
"""

from __future__ import annotations

from typing import Any, Final

from bridge.drivers.milestone.acts import (
    Actions,
    Recent,
    accepted,
    guid,
    repeated,
    values_of,
    verified,
)
from bridge.drivers.milestone.settings import Config
from bridge.errors import CameraMissing, Permanent, Retryable
from bridge.model import Clock, Delivery, Operation, Receipt
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_feed import CameraFeed
from bridge.protocols.milestone_gateway import NO_LIMITS, Limits
from bridge.protocols.milestone_values import Named
from bridge.protocols.template import Template, escape_line, fill_structure

REPEATS_WAIT: Final = 1.0
"""Seconds for which a repeat waits for the recording at most."""


class Events:
    """The events of one XProtect. feed: None where the WebSocket is switched off."""

    def __init__(
        self, api: MilestoneApi, config: Config, clock: Clock, name: str, feed: CameraFeed | None
    ) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._feed = feed
        self._known: dict[str, str] = {}
        """name -> id of the event."""
        self._asked_at = float("-inf")
        self._recording: Recent[str, bool] = Recent()
        """Cameras whose recording is known to have begun by our event."""

    @property
    def actions(self) -> Actions:
        found: Actions = {Operation.PROVE_LIVE: self.prove_live}
        if self._config.events is None:
            return found
        return {**found, Operation.EVENT_START: self.start, Operation.EVENT_STOP: self.stop}

    def still_recording(self, camera: str) -> bool | None:
        """Whether the recording that our event began goes on; None where that was never seen."""
        if self._feed is None or not self._recording.get(camera):
            return None
        return self._feed.about(camera).records

    async def start(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        feed = self._listening()
        before = feed.about(camera) if feed else None
        if before and before.reachable is False:
            return await self._start_without_camera(delivery, limits)
        if feed and repeated(delivery) and await feed.recording_began(camera, delivery.created_at, 0.0):
            return self._seen(camera, "records since the event was raised before")
        event = await self._raise(delivery, starts=True, limits=limits)
        if feed is None or before is None or before.records is None:
            return accepted(f"event {event} accepted; whether the camera records is not known")
        if before.records:
            return accepted(f"event {event} accepted; the camera recorded already")
        wait = self._config.recording_wait
        # A rule that was not there the first time is not waited for as long again: others wait for the lane.
        within = min(wait, REPEATS_WAIT) if repeated(delivery) else wait
        if await feed.recording_began(camera, delivery.created_at, within):
            return self._seen(camera, f"event {event} accepted; recording started")
        if not feed.live:
            return accepted(f"event {event} accepted; the WebSocket broke: {feed.trouble}")
        if feed.about(camera).reachable is False:
            raise CameraMissing(f"{self._name}: camera {camera}: XProtect has lost contact with it")
        raise Retryable(
            f"{self._name}: event {event} was accepted, but camera {camera} does not record after"
            f" {within:g} s: does a rule start recording on it at this event?"
        )

    async def stop(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        self._recording.forget(camera)
        event = await self._raise(delivery, starts=False, limits=limits)
        return accepted(f"event {event} accepted; the rule stops the recording in its own time")

    async def prove_live(self, delivery: Delivery, limits: Limits) -> Receipt:
        """A picture of this moment, or at least the contact that XProtect has with the camera."""
        camera = guid(delivery.target, "camera")
        feed = self._listening()
        reachable = feed.about(camera).reachable if feed else None
        if reachable is False:
            raise CameraMissing(f"{self._name}: camera {camera}: XProtect has no contact with it")
        if self._config.live_picture:
            picture = await self._api.live_picture(camera, limits)
            if picture is not None:
                return verified(f"a picture of {picture.taken}, {picture.size} bytes")
        if reachable:
            return verified("XProtect has contact with the camera (WebSocket)")
        why = f": {feed.trouble}" if feed and feed.trouble else ""
        raise Retryable(f"{self._name}: camera {camera}: whether it is live cannot be asked now{why}")

    async def names(self, limits: Limits = NO_LIMITS, *, fresh: bool = False) -> dict[str, str]:
        """The user-defined events, name -> id, asked for at most every `remember` seconds."""
        now = self._clock.monotonic()
        if fresh or now - self._asked_at > self._config.remember:
            events: list[Named] = await self._api.user_defined_events(limits)
            self._known = {event.name: event.id for event in events}
            self._asked_at = now
        return self._known

    # --- raising ------------------------------------------------------------------------------------

    async def _raise(self, delivery: Delivery, *, starts: bool, limits: Limits) -> str:
        """Raise the event; return its name, for the proof."""
        settings = self._config.events
        if settings is None:
            raise Permanent(f"{self._name}: no events are set")
        name = filled(settings.start if starts else settings.stop, delivery)
        number = await self._id_of(name, limits)
        event: dict[str, Any] = {"type": number}
        if settings.source != "none":
            path = "cameras/" if settings.source == "path" else ""
            event["source"] = path + delivery.target
        event |= fill_structure(settings.fields, values_of(delivery))
        await self._api.raise_event(event, limits)
        return repr(name)

    async def _id_of(self, name: str, limits: Limits) -> str:
        for fresh in (False, True):
            known = await self.names(limits, fresh=fresh)
            if name in known:
                return known[name]
        there = ", ".join(sorted(known)[:10]) or "none"
        missing = f"there is no user-defined event {name!r}, or the user may not see it"
        raise Permanent(f"{self._name}: {missing}; there is {there}")

    async def _start_without_camera(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Raise the event all the same, once: its rule may do more than record on this camera."""
        if not repeated(delivery):
            await self._raise(delivery, starts=True, limits=limits)
        raise CameraMissing(
            f"{self._name}: camera {delivery.target}: XProtect has no contact with it, so nothing is recorded"
        )

    # --- listening ----------------------------------------------------------------------------------

    def _listening(self) -> CameraFeed | None:
        if self._feed is not None:
            self._feed.start()
        return self._feed

    def _seen(self, camera: str, proof: str) -> Receipt:
        self._recording.note(camera, True)
        return verified(proof)


def filled(name: Template, delivery: Delivery) -> str:
    """Return the name of the event for this delivery, on one line."""
    return escape_line(name.text(values_of(delivery)))
