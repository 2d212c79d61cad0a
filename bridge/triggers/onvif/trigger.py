"""`Trigger`: one device's subscription, kept alive, and what comes of it.

A subscription counts as lost only when the device says so, by a fault; silence is waited out until it must
have ended. A new one is made after a growing pause: devices lock accounts, and some crash, when it is done in
a loop. At the end it is left to expire, unless the site says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, Final

from bridge.errors import DeliveryError, Retryable, Uncertain, Unreachable
from bridge.model import Accept, Clock, Event, Finding, TriggerStatus
from bridge.protocols.ami_link import LinkState
from bridge.protocols.onvif.camera import Camera
from bridge.protocols.onvif.events import Notification
from bridge.protocols.onvif.pull_point import PullPoint
from bridge.protocols.onvif.session import CameraBusy, CameraRefused, NotAuthorized, Session
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers.onvif.check import check_device
from bridge.triggers.onvif.inputs import Inputs
from bridge.triggers.onvif.settings import Config

FIRST_PAUSE: Final = 3.0
LONGEST_PAUSE: Final = 60.0
"""Seconds before a new subscription, doubled each time it is refused."""
AWAY_PAUSE: Final = 5.0
"""Seconds at most before a device is asked again that does not answer at all: that harms nothing."""
LOCKED_PAUSE: Final = 300.0
"""Seconds after a refused log-in: as long as accounts stay locked."""
FAREWELL: Final = 2.0
"""Seconds that cancelling the subscription may take."""
TELLS_ALL: Final = 2
"""Pulls after which a device has told the state of every input that it has."""
RETRY: Final = 2.0
"""Seconds before the same subscription is asked again that did not answer."""
RENEW_AT: Final = 0.8
"""Part of the granted time after which it is renewed."""
AT_ONCE: Final = 100
"""Messages of one pull."""


class Trigger:
    """name: the device's in the configuration (`gate-io`); its faults are about `onvif/<name>`."""

    carries_calls: ClassVar = False

    def __init__(self, name: str, config: Config, *, clock: Clock, **_calls: object) -> None:
        """_calls: what the app offers triggers of calls.

        Raises ConfigError if the TLS settings cannot be used.
        """
        self._subject = f"onvif/{name}"
        self._config = config
        self._clock = clock
        if config.link().encrypted:
            config.tls.context()  # raises ConfigError now, while a reload can still go back
        self._inputs = Inputs(self._subject, config.inputs)
        self._handover: Handover | None = None
        self._point: PullPoint | None = None
        self._story = LinkStory(self._subject, clock, self._put, via="onvif")
        self._state = LinkState(up=False, since=clock.now(), why="not started")
        self._last_heard: float | None = None
        self._gap = True
        """Whether something may have been missed since the last proof of life."""

    @property
    def status(self) -> TriggerStatus:
        return TriggerStatus(up=self._state.up, since=self._state.since, text=self._state.why)

    async def run(self, accept: Accept) -> None:
        """Watch until cancelled. Raises what `accept` raised."""
        handover = self._handover = Handover(accept)
        camera = self._camera()
        watching = asyncio.create_task(self._watch(camera))
        try:
            await asyncio.wait({watching, handover.failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._story.interrupted(self._clock.now())
            watching.cancel()
            await asyncio.wait({watching})
            await self._say_farewell()
            await camera.close()
        (handover.failed if handover.failed.done() else watching).result()

    async def check(self) -> list[Finding]:
        """Log in as the trigger would. Harmless."""
        camera = self._camera()
        try:
            return await check_device(self._subject, camera)
        finally:
            await camera.close()

    def _camera(self) -> Camera:
        config = self._config
        return Camera(
            Session(
                self._subject,
                config.link(),
                device=config.device_service,
                user=config.user,
                password=config.password,
                clock=self._clock,
            )
        )

    # --- subscriptions ------------------------------------------------------------------------------

    async def _watch(self, camera: Camera) -> None:
        failures = 0
        while True:
            heard = self._last_heard
            try:
                await self._subscription(camera)
            except DeliveryError as error:
                self._down(error)
                failures = 1 if self._last_heard != heard else failures + 1
                await self._clock.sleep(_pause(failures, error))

    async def _subscription(self, camera: Camera) -> None:
        """Subscribe and pull until it is lost. Raises DeliveryError."""
        point = PullPoint(camera, life=self._config.subscription_time)
        self._gap = True
        lease = _Lease(await point.create(), self._clock)
        self._point = point
        with suppress(CameraRefused):  # some tell all states by themselves
            await point.synchronize()
        pulls = 0
        while True:
            try:
                if lease.due:
                    lease = _Lease(await point.renew(), self._clock)
                messages = await point.pull(wait=lease.wait(self._config.pull_wait), most=AT_ONCE)
            except CameraBusy:
                raise  # a fault all the same: the subscription is gone
            except (Retryable, Uncertain) as error:
                self._down(error)
                if lease.over:
                    raise
                await self._clock.sleep(RETRY)
                continue
            self._tell(messages, camera.session.clock_offset or 0.0)
            pulls += 1
            if pulls == TELLS_ALL:
                self._tell_unread()
            if self._handover is not None:
                await self._handover.room()

    async def _say_farewell(self) -> None:
        if self._config.unsubscribe and self._point is not None:
            with suppress(DeliveryError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self._point.unsubscribe()

    # --- telling ------------------------------------------------------------------------------------

    def _tell(self, messages: Iterable[Notification], offset: float) -> None:
        now = self._clock.now()
        for message in messages:
            if event := self._inputs.news(message, offset=offset, now=now):
                self._put(event)
        self._last_heard = now
        if self._gap or not self._state.up:
            self._gap = False
            self._state = LinkState(up=True, since=now)
            self._story.restored()

    def _tell_unread(self) -> None:
        if unread := self._inputs.unread:
            text = f"the device tells nothing of input {', '.join(unread)}: is the token right?"
            self._story.fault("inputs", text)
        else:
            self._story.clear("inputs")

    def _down(self, error: DeliveryError) -> None:
        since = self._clock.now() if self._state.up else self._state.since
        self._state = LinkState(
            up=False,
            since=since,
            why=str(error),
            refused=isinstance(error, NotAuthorized),
            last_heard=self._last_heard,
        )
        self._story.changed(self._state)

    def _put(self, event: Event) -> None:
        if self._handover is not None:
            self._handover.put(event)


def _pause(failures: int, error: DeliveryError) -> float:
    """Seconds before the next subscription, after this many failures in a row."""
    if isinstance(error, NotAuthorized):
        return LOCKED_PAUSE
    longest = AWAY_PAUSE if isinstance(error, Unreachable) else LONGEST_PAUSE
    return min(longest, FIRST_PAUSE * 2.0 ** (min(failures, 10) - 1))


class _Lease:
    """How long a subscription lasts. granted: seconds from now."""

    def __init__(self, granted: float, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock.monotonic()
        self._granted = granted

    @property
    def _left(self) -> float:
        return self._begun + self._granted - self._clock.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is to be renewed now."""
        return self._left <= self._granted * (1 - RENEW_AT)

    @property
    def over(self) -> bool:
        return self._left <= 0

    def wait(self, most: int) -> int:
        """Whole seconds that a pull may take, so that the renewal is not late."""
        return max(1, min(most, int(self._left - self._granted * (1 - RENEW_AT))))
