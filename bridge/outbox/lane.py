"""One lane = one driver instance: in order for one target, parallel across targets, SOS first.

`Outbox` owns the lanes. An attempt's end leaves as a `delivery_settled` event through `accept`; what
becomes of the incident is the engine's to decide.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import structlog

from bridge.errors import (
    CameraMissing,
    DeliveryError,
    NothingThere,
    Permanent,
    Retryable,
    Uncertain,
    Unreachable,
    Unsent,
)
from bridge.model import (
    Accept,
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Driver,
    Kind,
    Receipt,
    Tier,
)
from bridge.outbox.breaker import Breaker, backoff
from bridge.outbox.queue import LaneQueue
from bridge.outbox.reports import Reports

log = structlog.get_logger(__name__)

PARALLEL: Final = 8
"""Attempts at once in a lane. An attempt that waits for a camera to arrive or a recording to begin sends
nothing meanwhile; how many requests are on the wire is the driver's own affair (protocols/http: two)."""
LONGEST_RETRY_AFTER: Final = 30.0
"""Seconds: what a VMS may ask for with Retry-After before we stop believing it."""


@dataclass(frozen=True, slots=True)
class Down:
    """Since when (UTC epoch seconds) and why a driver is left alone."""

    since: float
    why: str


class Lane:
    """Performs the deliveries of one driver."""

    def __init__(self, name: str, driver: Driver, accept: Accept, clock: Clock) -> None:
        self.name = name
        self.driver = driver
        self.breaker = Breaker()
        self.down: Down | None = None
        """While the breaker is open: since when and why."""
        self._reports = Reports(name, accept, clock)
        self._clock = clock
        self._queue = LaneQueue()
        self._running: dict[str, asyncio.Task[None]] = {}
        """delivery id -> its attempt."""
        self._routine: set[str] = set()
        """Those of them that are no SOS."""
        self._settled: set[str] = set()
        """Reported, but not yet known to be stored."""
        self._withdrawn: set[str] = set()
        """Superseded while their attempt was under way: not to be tried again."""
        self._changed = asyncio.Event()
        self._performing = False
        self._looked_at = clock.monotonic()
        """When it last looked for work; before the first time, when it was made."""

    @property
    def backlog(self) -> int:
        return len(self._queue) + len(self._running)

    @property
    def silent_for(self) -> float:
        """Seconds since it last looked for work. `wake` it now and then: without work it sleeps."""
        return self._clock.monotonic() - self._looked_at

    def wake(self) -> None:
        """Look for work now, if it runs at all."""
        self._changed.set()

    def concerns(self, target: str) -> bool:
        """Whether anything for `target` waits or is under way."""
        return self._queue.concerns(target)

    @property
    def in_hand(self) -> set[str]:
        """Ids of what must not be leased again."""
        return {*self._queue.ids, *self._running, *self._settled}

    def put(self, delivery: Delivery) -> None:
        """Take a leased delivery; one that is already here is left as it is."""
        if not (delivery.id in self._queue or delivery.id in self._running or delivery.id in self._settled):
            self._queue.put(delivery)
            self._start_ready()
            self._changed.set()

    def stored(self, delivery_id: str) -> None:
        """Note that what became of this delivery is in the store."""
        self._settled.discard(delivery_id)

    def withdraw(self, delivery_id: str) -> None:
        """Forget a delivery that was superseded; an attempt under way is its last."""
        self._queue.withdraw(delivery_id)
        if delivery_id in self._running:
            self._withdrawn.add(delivery_id)

    async def run(self) -> None:
        """Perform deliveries until cancelled; attempts on their way are cancelled with it."""
        self._performing = True
        try:
            while True:
                self._changed.clear()
                self._start_ready()
                self._looked_at = self._clock.monotonic()
                await self._wait(self._pause())
        finally:
            self._performing = False
            running = list(self._running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _start_ready(self) -> None:
        """Start what may start. Called where something became ready: its task is then the loop's next."""
        if not self._performing:
            return
        for delivery in self._queue.expired(self._clock.now()):
            self._give_up(delivery, delivery.proof or f"{self.name} could not be reached in time")
        while (ready := self._next()) is not None:
            self._begin(ready)

    async def _wait(self, seconds: float | None) -> None:
        """Until something changed, or for `seconds`."""
        ends: list[asyncio.Task[object]] = [asyncio.create_task(self._changed.wait())]
        if seconds is not None:
            ends.append(asyncio.create_task(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    # --- choosing -----------------------------------------------------------------------------------

    def _next(self) -> Delivery | None:
        """Return the most urgent delivery that may start now.

        One routine attempt at a time: hung ones must not take every connection from an SOS.
        """
        if len(self._running) >= PARALLEL or not self.breaker.may_try(self._clock.monotonic()):
            return None
        delivery = self._queue.peek(self._clock.now())
        if delivery is None or (self._routine and delivery.tier is not Tier.EMERGENCY):
            return None
        return delivery

    def _pause(self) -> float | None:
        """Seconds until time alone lets something start or expire, or None: only a change will."""
        now = self._clock.now()
        waits = []
        if (deadline := self._queue.next_deadline) is not None:
            waits.append(deadline - now)
        if len(self._running) < PARALLEL:
            probe = self.breaker.wait(self._clock.monotonic())
            start = self._queue.next_start if probe else self._queue.next_retry
            if start is not None:
                waits.append(max(start - now, probe))
        return max(0.0, min(waits)) if waits else None

    # --- performing ---------------------------------------------------------------------------------

    def _begin(self, delivery: Delivery) -> None:
        self._queue.start(delivery)
        self.breaker.started()
        started = replace(
            delivery,
            attempts=delivery.attempts + 1,
            started_at=delivery.started_at or self._clock.now(),
            next_attempt_at=None,
        )
        if delivery.tier is not Tier.EMERGENCY:
            self._routine.add(delivery.id)
        self._running[delivery.id] = asyncio.create_task(self._attempt(started))

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await self._perform(delivery)
        finally:
            self._queue.free(delivery.target)
            self._running.pop(delivery.id, None)
            self._routine.discard(delivery.id)
            self._withdrawn.discard(delivery.id)
            self.breaker.gave_up()
            self._start_ready()
            self._changed.set()

    async def _perform(self, delivery: Delivery) -> None:
        try:
            receipt = await self._asked(delivery)
        except Permanent as error:
            self._answered()
            missing = "unknown" if isinstance(error, NothingThere) else ""
            self._settle(delivery, DeliveryState.FAILED, str(error), missing=missing)
        except Uncertain as error:
            self._silent(str(error))
            self._again(replace(delivery, doubtful=True), error)
        except Unreachable as error:
            self._silent(str(error))
            self._again(delivery, error)
        except Unsent as error:
            self._again(delivery, error)
        except Retryable as error:
            self._answered()
            self._again(delivery, error)
        except Exception as error:
            # A defect of the driver: what it did is unknown, and trying again may do it twice.
            log.exception("driver failed", driver=self.name, operation=delivery.operation)
            self._settle(delivery, DeliveryState.UNCERTAIN, f"defect in the driver: {error!r}")
        else:
            self._answered()
            self._settle(delivery, receipt.outcome, receipt.proof, reference=receipt.reference)

    async def _asked(self, delivery: Delivery) -> Receipt:
        """Ask the driver, no longer than the deadline."""
        capability = self.driver.capabilities.get(delivery.operation, Capability.IMPOSSIBLE)
        if capability is Capability.IMPOSSIBLE:
            raise Permanent(f"{self.name} cannot {delivery.operation.replace('_', ' ')}")
        left = delivery.deadline - self._clock.now()
        try:
            async with asyncio.timeout(max(0.0, left)):
                return await self.driver.perform(delivery)
        except TimeoutError as error:
            raise Uncertain(f"{self.name} did not answer before the deadline") from error

    def _again(self, delivery: Delivery, error: DeliveryError) -> None:
        """Try again later, if there is a later before the deadline."""
        asked = getattr(error, "retry_after", None)
        missing = "yes" if isinstance(error, CameraMissing) else ""
        pause = backoff(delivery.attempts) if asked is None else min(asked, LONGEST_RETRY_AFTER)
        at = self._clock.now() + pause
        if at >= delivery.deadline or delivery.id in self._withdrawn:
            self._give_up(delivery, str(error), missing=missing)
            return
        later = replace(delivery, next_attempt_at=at, proof=str(error))
        self._queue.put(later)
        self._reports.delivery(later, "retry", str(error), next_attempt_at=repr(at), missing=missing)

    # --- telling ------------------------------------------------------------------------------------

    def _give_up(self, delivery: Delivery, why: str, **more: str) -> None:
        state = DeliveryState.UNCERTAIN if delivery.doubtful else DeliveryState.EXPIRED
        self._settle(delivery, state, why, **more)

    def _settle(self, delivery: Delivery, state: DeliveryState, proof: str, **more: str) -> None:
        self._settled.add(delivery.id)
        self._reports.delivery(delivery, state, proof, **more)

    def _answered(self) -> None:
        if self.breaker.answered():
            self.down = None
            self._reports.link(Kind.LINK_RESTORED, "answers again")

    def _silent(self, why: str) -> None:
        if self.breaker.silent(self._clock.monotonic()):
            self.down = Down(self._clock.now(), why)
            self._reports.link(Kind.LINK_LOST, why)
