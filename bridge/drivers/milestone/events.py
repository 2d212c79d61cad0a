"""Raises the site's user-defined events, hears whether cameras record, and proves them live.

Called by the driver. The rule in XProtect that answers the event does the recording: no REST call
forces it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bridge.drivers.milestone.acts import (
    Actions,
    accepted,
    guid,
    repeated,
    values_of,
    verified,
)
from bridge.drivers.milestone.settings import Config
from bridge.errors import CameraMissing, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, Operation, Receipt
from bridge.protocols.http import Effect
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_feed import CameraFeed
from bridge.protocols.milestone_gateway import READ_BACK_SPARE
from bridge.protocols.milestone_values import Named, Picture
from bridge.protocols.recent import Recent
from bridge.protocols.template import Template, escape_line, fill_structure

FRESH: Final = 10.0
"""Seconds: a picture that is older is none of this moment."""
REPEATS_WAIT: Final = 1.0
"""Seconds for which a repeat waits for the recording at most."""


@dataclass(slots=True, kw_only=True)
class _Raised:
    """A start event that was raised. event: its name, for the proof; at: UTC epoch seconds, before it was."""

    event: str
    at: float
    recorded: bool | None
    """Whether the camera recorded just before; None: that was not known."""
    answered: bool = False

    @property
    def proves(self) -> bool:
        """Whether a recording that begins afterwards proves anything."""
        return self.recorded is False


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
        self._raised: Recent[str, _Raised] = Recent()
        """delivery -> the start event that it has raised."""
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
        if feed and feed.about(camera).reachable is False:
            return await self._start_without_camera(delivery, limits)
        if done := await self._done_before(delivery):
            return done
        raised = await self._raise_start(delivery, limits)
        event = raised.event
        if feed is None or raised.recorded is None:
            return accepted(f"event {event} accepted; whether the camera records is not known")
        if raised.recorded:
            return accepted(f"event {event} accepted; the camera recorded already")
        # A rule that was not there the first time is not waited for as long again: others wait for the lane.
        wait = self._config.recording_wait
        end = limits.earlier(READ_BACK_SPARE).wait(
            self._clock, min(wait, REPEATS_WAIT) if repeated(delivery) else wait
        )
        if await feed.recording_began(camera, raised.at, end - self._clock.monotonic()):
            return self._seen(camera, f"event {event} accepted; recording started")
        return self._unseen(feed, camera, event)

    async def _done_before(self, delivery: Delivery) -> Receipt | None:
        """What is known of an event that an earlier attempt has raised; None: raise it."""
        raised = self._raised.get(delivery.id)
        if raised is None:
            return None
        if self._feed and raised.proves and await self._feed.recording_began(delivery.target, raised.at, 0.0):
            return self._seen(delivery.target, "records since the event was raised before")
        if raised.answered and self._makes_alarm:
            return accepted(
                f"event {raised.event} accepted before; not raised again, because another alarm would come;"
                " no recording was seen"
            )
        return None

    def _unseen(self, feed: CameraFeed, camera: str, event: str) -> Receipt:
        """What is said of an event that was accepted, when no recording was seen in time."""
        if not feed.live:
            return accepted(f"event {event} accepted; the WebSocket broke: {feed.trouble}")
        if feed.about(camera).reachable is False:
            raise CameraMissing(f"{self._name}: camera {camera}: XProtect has lost contact with it")
        why = f"camera {camera} does not record: does a rule start recording on it at this event?"
        if self._makes_alarm:
            return accepted(f"event {event} accepted; no recording was seen: {why}")
        raise Retryable(f"{self._name}: event {event} was accepted, but {why}")

    async def stop(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = guid(delivery.target, "camera")
        self._recording.forget(camera)
        event = await self._named(delivery, starts=False, limits=limits)
        await self._api.raise_event(self._body(event, delivery), Effect.REPEATABLE, limits)
        return accepted(f"event {event.name!r} accepted; the rule stops the recording in its own time")

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
                return self._judged(camera, picture)
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

    @property
    def _makes_alarm(self) -> bool:
        """Whether an alarm definition answers the start event: twice raised, it makes two alarms."""
        return self._config.alarms == "by_definition"

    async def _raise_start(self, delivery: Delivery, limits: Limits) -> _Raised:
        """Raise the start event, and remember when, and whether the camera recorded just before."""
        event = await self._named(delivery, starts=True, limits=limits)
        body = self._body(event, delivery)
        recorded = self._feed.about(delivery.target).records if self._feed else None
        raised = _Raised(event=repr(event.name), at=self._clock.now(), recorded=recorded)
        try:
            effect = Effect.ONCE if self._makes_alarm else Effect.REPEATABLE
            await self._api.raise_event(body, effect, limits)
        except Uncertain:
            self._raised.note(delivery.id, raised)
            raise
        raised.answered = True
        self._raised.note(delivery.id, raised)
        return raised

    async def _named(self, delivery: Delivery, *, starts: bool, limits: Limits) -> Named:
        """Return the event of this delivery. Raises Permanent if there is none."""
        settings = self._config.events
        if settings is None:
            raise Permanent(f"{self._name}: no events are set")
        name = filled(settings.start if starts else settings.stop, delivery)
        return Named(id=await self._id_of(name, limits), name=name)

    def _body(self, event: Named, delivery: Delivery) -> dict[str, Any]:
        settings = self._config.events
        body: dict[str, Any] = {"type": event.id}
        if settings and settings.source != "none":
            body["source"] = ("cameras/" if settings.source == "path" else "") + delivery.target
        return body | (fill_structure(settings.fields, values_of(delivery)) if settings else {})

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
            await self._raise_start(delivery, limits)
        raise CameraMissing(
            f"{self._name}: camera {delivery.target}: XProtect has no contact with it, so nothing is recorded"
        )

    def _judged(self, camera: str, picture: Picture) -> Receipt:
        """A picture proves a camera live if it is of now, as far as a time is given."""
        said = f"a picture of {picture.taken}, {picture.size} bytes"
        if picture.age is None or abs(picture.age) <= FRESH:
            return verified(said)
        if picture.age < 0:
            return accepted(f"{said}: {-picture.age:.0f} s ahead of {picture.clock}: no proof")
        raise CameraMissing(
            f"{self._name}: camera {camera}: {said}: {picture.age:.0f} s old by {picture.clock}"
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
