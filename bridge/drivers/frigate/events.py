"""Makes, describes, keeps and ends the incident's event, each read back. Called by the driver.

Frigate queues: an event can be asked for some time after its id is known, and its end shows later still.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bridge.drivers.frigate.settings import Config
from bridge.drivers.frigate.words import belongs, description, end_line, extended, is_described, sub_label
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.frigate_account import Limits
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.http import Refused

T = TypeVar("T")

ASK_EVERY: Final = 0.25
"""Seconds between two questions whether something is stored."""
_REFERENCE: Final = re.compile(r"event:([A-Za-z0-9._-]{1,64})(?:;recordings:(off))?")


class Events:
    """The manual events of one Frigate. name: the driver instance's."""

    def __init__(self, api: FrigateApi, config: Config, *, name: str, clock: Clock) -> None:
        self._api = api
        self._config = config
        self._name = name
        self._clock = clock
        self._switched: set[str] = set()
        """Cameras whose recording switch we turned on."""

    # --- begin and end ------------------------------------------------------------------------------

    async def start(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Open an event, unless an earlier attempt did; verified by reading it."""
        camera = delivery.target
        if delivery.doubtful or delivery.attempts > 1:
            found = await self._open(delivery, limits)
            if found is not None:
                return self._recording(found, "found open already")
        if self._config.switch_recording == "on":
            await self._switch_on(camera, limits)
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
            event = await self._stored(made, limits)
        except DeliveryError as error:
            return _promised(made, "promised", str(error), self._was_off(camera))
        if event is None or not event.open:
            raise Uncertain(f"{self._name}: {camera}: event {made} was promised, but {self._not_stored}")
        return await self._with_footage(event, limits)

    async def stop(self, delivery: Delivery, limits: Limits) -> Receipt:
        """End the incident's events at this camera; verified when each has an end."""
        camera = delivery.target
        known, was_off = _referred(delivery)
        mine = await self._api.open_events(camera, self._config.label, limits)
        ending = {event.id for event in mine if belongs(event, delivery)}
        if known:
            ending.add(known)
        unread = await self._end_all(sorted(ending), limits)
        said = f"ended: {', '.join(sorted(ending))}" if ending else "no event of this incident is open"
        others = [event for event in mine if event.id not in ending]
        if (was_off or camera in self._switched) and not others:
            try:
                await self._switch(camera, "OFF", limits)
            except DeliveryError as error:
                if not ending:
                    raise
                raise Uncertain(f"{said}; then: {error}") from error
            self._switched.discard(camera)
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
        event = await self._stored(number, limits)
        if event is None:
            raise Retryable(f"{self._name}: event {number} cannot be ended: {self._not_stored}")
        if event.open:
            await self._api.end_event(number, limits)
            ended = await self._eventually(lambda: self._is_ended(number, limits))
            if isinstance(ended, str):
                return ended
            if not ended:
                raise Retryable(f"{self._name}: event {number}: the answer was yes, but it has no end")
        return ""

    async def _is_ended(self, number: str, limits: Limits) -> bool | str:
        after = await self._read_back(number, limits)
        return after if isinstance(after, str) else not after.open

    # --- description and retention --------------------------------------------------------------------

    async def bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._event_of(delivery, limits)
        if not is_described(event, delivery):
            await self._write(event, lambda: self._api.describe(event.id, description(delivery), limits))
            after = await self._read_back(event.id, limits)
            if isinstance(after, str):
                return _promised(event.id, "described", after)
            event = after
            if not is_described(event, delivery):
                raise Retryable(f"{self._name}: event {event.id}: reading back shows no description")
        return _verified(event, f"event {event.id} names the incident in its description")

    async def extend(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._event_of(delivery, limits)
        now = self._clock.now()
        line = end_line(delivery, now)
        await self._write(event, lambda: self._api.describe(event.id, extended(event, delivery, now), limits))
        after = await self._read_back(event.id, limits)
        if isinstance(after, str):
            return _promised(event.id, "described", after)
        event = after
        if line not in event.description.splitlines():
            raise Retryable(f"{self._name}: event {event.id}: reading back shows no end")
        return _verified(event, f"event {event.id} says: {line}")

    async def lock(self, delivery: Delivery, limits: Limits) -> Receipt:
        event = await self._event_of(delivery, limits)
        if not event.retained:
            await self._write(event, lambda: self._api.retain(event.id, limits))
            after = await self._read_back(event.id, limits)
            if isinstance(after, str):
                return _promised(event.id, "retained", after)
            event = after
            if not event.retained:
                raise Retryable(f"{self._name}: event {event.id}: reading back shows it is not retained")
        return _verified(event, f"event {event.id} is retained when the disk runs full; its days still count")

    async def held(self, camera: str) -> bool:
        """Whether any event of ours is open: a restart of Frigate ends them without a word."""
        return bool(await self._api.open_events(camera, self._config.label))

    # --- finding ------------------------------------------------------------------------------------

    async def _open(self, delivery: Delivery, limits: Limits) -> FrigateEvent | None:
        events = await self._api.open_events(delivery.target, self._config.label, limits)
        return next((event for event in events if belongs(event, delivery)), None)

    async def _find_out(self, delivery: Delivery, limits: Limits, lost: Uncertain) -> Receipt:
        """No answer to the creation: ask what became of it. Raises `lost` if that cannot be known."""
        try:
            found = await self._eventually(lambda: self._open(delivery, limits))
        except DeliveryError:
            raise lost from None
        if found is None:
            raise lost
        return self._recording(found, "found open; the answer itself was lost")

    async def _event_of(self, delivery: Delivery, limits: Limits) -> FrigateEvent:
        """The event that a receipt named, or the open one of the incident."""
        known, _ = _referred(delivery)
        event = await self._stored(known, limits) if known else await self._open(delivery, limits)
        if event is None or event.camera != delivery.target:
            raise Retryable(f"{self._name}: {delivery.target} has no event of this incident")
        return event

    async def _stored(self, number: str, limits: Limits) -> FrigateEvent | None:
        return await self._eventually(lambda: self._api.event(number, limits))

    async def _read_back(self, number: str, limits: Limits) -> FrigateEvent | str:
        """The event as it is after a yes, or why it cannot be asked. Raises Retryable where it is gone."""
        try:
            event = await self._api.event(number, limits)
        except DeliveryError as error:
            return str(error)
        if event is None:
            raise Retryable(f"{self._name}: event {number} is gone")
        return event

    async def _eventually(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the answer is more than nothing, for `store_wait` seconds; return the last one."""
        end = self._clock.monotonic() + self._config.store_wait
        while not (answer := await ask()) and self._clock.monotonic() < end:
            await self._clock.sleep(ASK_EVERY)
        return answer

    @property
    def _not_stored(self) -> str:
        return f"not stored within {self._config.store_wait:g} s"

    async def _write(self, event: FrigateEvent, write: Callable[[], Awaitable[None]]) -> None:
        """Write to an event that is there: 404 can only mean that this version has no such call."""
        try:
            await write()
        except Refused as error:
            if error.status != 404:
                raise
            raise Permanent(
                f"{error}: event {event.id} exists: this version of Frigate cannot do it"
            ) from None

    # --- the recording switch -------------------------------------------------------------------------

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

    async def _switch_on(self, camera: str, limits: Limits) -> None:
        cameras = {each.name: each for each in await self._api.cameras(limits)}
        known = cameras.get(camera)
        if known is None or known.records:
            return
        if not known.may_record:
            raise Permanent(f"{self._name}: {camera}: its configuration forbids recording (record.enabled)")
        self._switched.add(camera)  # before: it may turn although the answer is lost
        await self._switch(camera, "ON", limits)

    async def _switch(self, camera: str, to: str, limits: Limits) -> None:
        """Turn the switch; verified by the running configuration."""
        await self._api.command(f"{camera}/recordings/set", to, limits)

        async def shows() -> bool:
            return any(
                c.name == camera and c.records == (to == "ON") for c in await self._api.cameras(limits)
            )

        try:
            turned = await self._eventually(shows)
        except DeliveryError as error:
            raise Uncertain(
                f"{camera}: the recording switch was turned {to}; reading back failed: {error}"
            ) from error
        if not turned:
            raise Retryable(f"{self._name}: {camera}: the recording switch did not turn {to}")

    def _recording(self, event: FrigateEvent, proof: str) -> Receipt:
        return Receipt(
            outcome=DeliveryState.VERIFIED,
            proof=f"event {event.id} {proof}",
            reference=f"event:{event.id}{self._was_off(event.camera)}",
        )

    def _was_off(self, camera: str) -> str:
        """What the reference adds where recording has to be turned off again."""
        return ";recordings:off" if camera in self._switched else ""


def _referred(delivery: Delivery) -> tuple[str, bool]:
    """The event that an earlier receipt named, and whether recording was off before."""
    match = _REFERENCE.fullmatch(delivery.reference or delivery.params.get("reference", ""))
    return (match[1], match[2] is not None) if match else ("", False)


def _promised(number: str, what: str, why: str, more: str = "") -> Receipt:
    """Frigate said yes, and could not be asked afterwards (`why`)."""
    return Receipt(
        outcome=DeliveryState.ACCEPTED,
        proof=f"event {number} {what}: the answer was yes; reading back failed: {why}",
        reference=f"event:{number}{more}",
    )


def _verified(event: FrigateEvent, proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=f"event:{event.id}")
