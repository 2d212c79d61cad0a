"""What a reload can change, as objects: drivers, links to PBXs, their outbox. Made and stopped by `app`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from bridge.config import Site
from bridge.model import Driver, Trigger
from bridge.outbox import Down, Outbox
from bridge.supervision.heartbeat import Heartbeat
from bridge.supervision.probes import Failure, Probes
from bridge.supervision.status import LinkKind, LinkStatus

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Generation:
    """What one reading of the configuration made."""

    site: Site
    drivers: dict[str, Driver]
    triggers: dict[str, Trigger]
    outbox: Outbox
    heartbeats: dict[str, Heartbeat]
    began_at: float
    taken_up: bool = False
    """Whether it knows what this node had in hand before it."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for name, driver in self.drivers.items():
            try:
                await driver.close()
            except Exception:  # the next generation must begin whatever this one leaves behind
                log.exception("a driver did not close", driver=name)


@dataclass(slots=True)
class InUse:
    """The configuration that the bridge works with; `app` changes it with each reload."""

    site: Site
    generation: Generation | None = None
    hash: str = ""
    error: str = ""
    """Why the last reload was refused; '' where the file on the disk is the one in use."""


def links_of(generation: Generation, probes: Probes) -> Iterator[LinkStatus]:
    """How every link of this generation is."""
    for name, trigger in generation.triggers.items():
        link = trigger.status
        yield LinkStatus(
            name=name,
            kind=LinkKind.PBX,
            up=link.up,
            since=link.since,
            text=link.text,
            lag_seconds=link.lag,
        )
    for name in generation.drivers:
        # The probe asks once a minute; the breaker knows of a dead one as soon as it is needed.
        known: tuple[Failure | Down | None, ...] = (
            probes.failing.get(name),
            generation.outbox.lanes[name].down,
        )
        failures = [failure for failure in known if failure is not None]
        first = min(failures, key=lambda failure: failure.since, default=None)
        yield LinkStatus(
            name=name,
            kind=LinkKind.VMS,
            up=first is None,
            since=first.since if first else generation.began_at,
            text=first.why if first else "",
        )
    for name, heartbeat in generation.heartbeats.items():
        yield LinkStatus(
            name=name,
            kind=LinkKind.IO,
            up=not heartbeat.why,
            since=heartbeat.noted_at or generation.began_at,
            text=heartbeat.why,
        )
