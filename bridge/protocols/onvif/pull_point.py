"""A subscription to a camera's events: made, pulled from, renewed, given up. Called by the onvif trigger."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from bridge.errors import ProtocolError
from bridge.protocols.http import Effect
from bridge.protocols.onvif.camera import Camera
from bridge.protocols.onvif.events import (
    SYNCHRONIZE,
    UNSUBSCRIBE,
    Notification,
    Subscription,
    addressing,
    create_pull_point,
    pull_messages,
    read_messages,
    read_renewal,
    read_subscription,
    renew,
)
from bridge.protocols.onvif.session import CameraRefused, NotAuthorized
from bridge.protocols.onvif.soap import Message
from bridge.protocols.onvif.times import write_duration, write_time

PATIENCE: Final = 5.0
"""Seconds that the answer to a pull may take longer than the camera was allowed to hold it back."""

T = TypeVar("T")


class PullPoint:
    """One camera's subscription. life: seconds to ask for."""

    def __init__(self, camera: Camera, *, life: float) -> None:
        self._session = camera.session
        self._camera = camera
        self._life = life
        self._absolute = False
        """Whether this camera wants a time instead of a duration."""
        self._subscription: Subscription | None = None

    async def create(self) -> float:
        """Subscribe. Returns the seconds that the camera granted. Raises DeliveryError."""
        address = await self._camera.address_of("tev")
        subscription = await self._either(
            lambda until: self._session.ask(
                address, create_pull_point(until), read_subscription, effect=Effect.REPEATABLE
            )
        )
        self._subscription = subscription
        return self._life if subscription.life is None else subscription.life

    async def synchronize(self) -> None:
        """Ask for the present state of everything; it comes with the next pulls, as Initialized."""
        await self._ask(SYNCHRONIZE, _yes)

    async def pull(self, *, wait: float, most: int) -> Sequence[Notification]:
        """Return what has happened, at once if anything has, else after `wait` seconds with nothing.

        Raises CameraRefused where the subscription is gone.
        """
        return await self._ask(pull_messages(wait, most), read_messages, within=wait + PATIENCE)

    async def renew(self) -> float:
        """Ask for the same life again. Returns the seconds granted."""
        granted = await self._either(lambda until: self._ask(renew(until), read_renewal))
        return self._life if granted is None else granted

    async def unsubscribe(self) -> None:
        """Give it up. Some cameras end every client's subscription then: better let it expire."""
        await self._ask(UNSUBSCRIBE, _yes)

    async def _ask(self, message: Message, read: Callable[[Element], T], within: float | None = None) -> T:
        if self._subscription is None:
            raise ProtocolError("there is no subscription")
        header = addressing(message, self._subscription, str(uuid.uuid4()))
        return await self._session.ask(
            self._subscription.address, message, read, effect=Effect.NONE, header=header, within=within
        )

    async def _either(self, ask: Callable[[str], Awaitable[T]]) -> T:
        """Say the life as a duration; where the camera refuses that, as a time, and so from then on."""
        try:
            return await ask(self._until())
        except NotAuthorized:
            raise
        except CameraRefused:
            self._absolute = not self._absolute
        return await ask(self._until())

    def _until(self) -> str:
        if self._absolute:
            return write_time(self._session.camera_time() + self._life)
        return write_duration(self._life)


def _yes(_: Element) -> None:
    """An answer that only says yes."""
