"""The small protocols between the layers: what a trigger, a driver and a clock are."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from bridge.model.deliveries import Capability, Delivery, Operation, Receipt
from bridge.model.events import Event
from bridge.model.site import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `sosbridge check`: `level` is `ok`, `warning` or `error`."""

    level: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """Makes the findings about one subject."""

    subject: str

    def ok(self, text: str) -> Finding:
        return Finding(level="ok", subject=self.subject, text=text)

    def warning(self, text: str) -> Finding:
        return Finding(level="warning", subject=self.subject, text=text)

    def error(self, text: str) -> Finding:
        return Finding(level="error", subject=self.subject, text=text)


class Accept(Protocol):
    """The one door in. Queues at once, in call order; the awaitable ends when the event is durable."""

    def __call__(self, event: Event) -> Awaitable[None]: ...


class Clock(Protocol):
    """Time as the app owns it. Tests pass a fake."""

    def now(self) -> float:
        """UTC epoch seconds."""

    def monotonic(self) -> float:
        """Seconds that never step."""

    async def sleep(self, seconds: float) -> None: ...


class Driver(Protocol):
    """One VMS, dispatch group or relay. A module in `drivers/` exposes `Config` and `Driver`.

    `perform` raises Retryable, Permanent or Uncertain (errors.py), nothing else on purpose;
    what else escapes is settled as uncertain and is a fault.
    """

    @property
    def capabilities(self) -> Mapping[Operation, Capability]: ...
    async def perform(self, delivery: Delivery) -> Receipt: ...
    async def check(self) -> list[Finding]: ...
    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether what `operation` switched on is still on; None where it cannot be asked."""

    async def close(self) -> None: ...


@runtime_checkable
class Watcher(Protocol):
    """A driver that also hears: what operators do in the video system comes back as events."""

    async def watch(self, accept: Accept) -> None:
        """Until cancelled; the app starts it again with capped backoff.

        An acknowledgement there is `acknowledged` with `incident`, and attributes `by` and `how`.
        """


@runtime_checkable
class Stocked(Protocol):
    """A driver whose system can be asked what it has."""

    async def inventory(self) -> Inventory:
        """Raises DeliveryError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus:
    """How a trigger's link is. `since`: when it went up or down; `lag`: seconds behind the source."""

    up: bool
    since: float
    text: str = ""
    lag: float | None = None


class Trigger(Protocol):
    """One source of events. Runs until cancelled; the app restarts it with capped backoff (<= 5 s).

    carries_calls: the voice goes through it, so that it must outlive a reload of the configuration.
    """

    carries_calls: ClassVar[bool]

    @property
    def status(self) -> TriggerStatus: ...

    async def run(self, accept: Accept) -> None: ...
    async def check(self) -> list[Finding]: ...
