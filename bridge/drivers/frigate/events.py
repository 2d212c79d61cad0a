"""Begins and ends the incident's event, each read back. Called by the driver."""

from __future__ import annotations

from bridge.drivers.frigate.settings import Config
from bridge.drivers.frigate.stored import StoredEvents, promised, referred
from bridge.drivers.frigate.switch import RecordingSwitch
from bridge.drivers.frigate.words import belongs, sub_label
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Delivery, DeliveryState, Receipt
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.http_limits import NO_LIMITS, Limits


class Events:
    """The manual events of one Frigate. name: the driver instance's."""

    def __init__(self, api: FrigateApi, config: Config, events: StoredEvents, *, name: str) -> None:
        self._api = api
        self._config = config
        self._events = events
        self._name = name
        self._switch = RecordingSwitch(api, events, name=name)

    async def start(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Open an event, unless an earlier attempt did; verified by reading it."""
        camera = delivery.target
        if delivery.doubtful or delivery.attempts > 1:
            found = await self._events.open_of(delivery, limits)
            if found is not None:
                return self._recording(found, "found open already")
        if self._config.switch_recording == "on":
            await self._switch.on(camera, limits)
        try:
            made = await self._api.create_event(
                camera,
                self._config.label,
                limits,
                sub_label=sub_label(delivery),
                before=self._config.pre_capture,
            )
        except Uncertain as lost:
            return await self._find_out(delivery, limits, lost)
        try:
            event = await self._events.stored(made, limits)
        except DeliveryError as error:
            return promised(made, "promised", str(error), self._was_off(camera))
        if event is None or not event.open:
            raise Uncertain(f"{self._name}: {camera}: event {made} was promised, but {self._events.too_late}")
        return await self._with_footage(event, limits)

    async def stop(self, delivery: Delivery, limits: Limits) -> Receipt:
        """End the incident's events at this camera; verified when each has an end."""
        camera = delivery.target
        known, was_off = referred(delivery)
        mine = await self._events.open_at(camera, limits)
        ending = {event.id for event in mine if belongs(event, delivery)}
        if known:
            ending.add(known)
        unread = await self._end_all(sorted(ending), limits)
        said = f"ended: {', '.join(sorted(ending))}" if ending else "no event of this incident is open"
        others = [event for event in mine if event.id not in ending]
        if (was_off or self._switch.is_ours(camera)) and not others:
            try:
                await self._switch.off(camera, limits)
            except DeliveryError as error:
                if not ending:
                    raise
                raise Uncertain(f"{said}; then: {error}") from error
        if unread:
            proof = f"{said}: the answer was yes; reading back failed: {unread}"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        return Receipt(outcome=DeliveryState.VERIFIED, proof=said)

    async def _end_all(self, numbers: list[str], limits: Limits) -> str:
        """End them in turn. Returns why an end could not be read back, or nothing.

        Raises Uncertain for what fails after another one has been ended.
        """
        unread = ""
        for done, number in enumerate(numbers):
            try:
                unread = await self._end(number, limits) or unread
            except DeliveryError as error:
                if not done:
                    raise
                raise Uncertain(f"ended: {', '.join(numbers[:done])}; then: {error}") from error
        return unread

    async def _end(self, number: str, limits: Limits) -> str:
        """End one event by Frigate's own clock; one that is not stored yet is waited for.

        Returns why its end could not be read back, or nothing.
        """
        event = await self._events.stored(number, limits)
        if event is None:
            raise Retryable(f"{self._name}: event {number} cannot be ended: {self._events.too_late}")
        if event.open:
            await self._api.end_event(number, limits)
            ended = await self._events.eventually(lambda: self._is_ended(number, limits))
            if isinstance(ended, str):
                return ended
            if not ended:
                raise Retryable(f"{self._name}: event {number}: the answer was yes, but it has no end")
        return ""

    async def _is_ended(self, number: str, limits: Limits) -> bool | str:
        after = await self._events.read_back(number, limits)
        return after if isinstance(after, str) else not after.open

    async def held(self, camera: str) -> bool:
        """Whether any event of ours is open: a restart of Frigate ends them without a word."""
        return bool(await self._events.open_at(camera, NO_LIMITS))

    async def _find_out(self, delivery: Delivery, limits: Limits, lost: Uncertain) -> Receipt:
        """No answer to the creation: ask what became of it. Raises `lost` if that cannot be known."""
        try:
            found = await self._events.eventually(lambda: self._events.open_of(delivery, limits))
        except DeliveryError:
            raise lost from None
        if found is None:
            raise lost
        return self._recording(found, "found open; the answer itself was lost")

    async def _with_footage(self, event: FrigateEvent, limits: Limits) -> Receipt:
        """An event on a camera that does not record keeps nothing: say so instead of `VERIFIED`."""
        if event.has_clip:
            return self._recording(event, "stored and open")
        try:
            unread = await self._end(event.id, limits)
        except DeliveryError as error:
            unread = str(error)
        ended = f"could not be seen to end ({unread})" if unread else "was ended"
        raise Permanent(
            f"{self._name}: {event.camera}: recording is off there, so its event kept nothing and {ended}:"
            " enable record in Frigate, or set switch_recording: on"
        )

    def _recording(self, event: FrigateEvent, proof: str) -> Receipt:
        return Receipt(
            outcome=DeliveryState.VERIFIED,
            proof=f"event {event.id} {proof}",
            reference=f"event:{event.id}{self._was_off(event.camera)}",
        )

    def _was_off(self, camera: str) -> str:
        """What the reference adds where recording has to be turned off again."""
        return ";recordings:off" if self._switch.is_ours(camera) else ""
