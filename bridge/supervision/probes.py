"""Asks every driver now and then whether it would work, so that a dead one is not found by the next SOS.

A failed probe is a fault of the driver until a later one succeeds. Called by `app` soon after the start and
then every minute; it also keeps tokens fresh, because a driver renews them by use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.model import Accept, Clock, Driver, Event, Kind

WITHIN: Final = 20.0
"""Seconds a driver has to answer."""
WHAT: Final = "probe"
"""`Fault.what` of a driver that would not work."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Since when (UTC epoch seconds) and why a driver would not work."""

    since: float
    why: str


class Probes:
    """failing: driver name -> what its last probe found; for the status."""

    def __init__(self, accept: Accept, clock: Clock) -> None:
        self.failing: dict[str, Failure] = {}
        self._accept = accept
        self._clock = clock
        self._told: set[str] = set()
        """Drivers of which something was reported: a fault may be left open by an earlier run."""

    async def look(self, drivers: Mapping[str, Driver]) -> None:
        """Probe all drivers at the same time; report what changed, and of a new one how it is."""
        for gone in self.failing.keys() - drivers.keys():
            await self._report(gone, "")
        await asyncio.gather(*(self._probe(name, driver) for name, driver in drivers.items()))

    async def _probe(self, name: str, driver: Driver) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                findings = await driver.check()
            why = next((finding.text for finding in findings if finding.level == "error"), "")
        except TimeoutError:
            why = f"no answer within {WITHIN:g} s"
        except Exception as error:  # whatever it is, it would stop an SOS too
            why = str(error) or repr(error)
        known = self.failing.get(name)
        if name not in self._told or why != (known.why if known else ""):
            await self._report(name, why)

    async def _report(self, name: str, why: str) -> None:
        now = self._clock.now()
        known = self.failing.pop(name, None)
        self._told.add(name)
        if why:
            self.failing[name] = Failure(known.since if known else now, why)
        await self._accept(
            Event(
                kind=Kind.FAULT if why else Kind.FAULT_CLEARED,
                source="bridge",
                key=f"probe/{name}/{now!r}",
                occurred_at=now,
                attributes={"subject": f"driver/{name}", "what": WHAT, "text": why},
            )
        )
