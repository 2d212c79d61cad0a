"""How the bridge proves itself, again and again, and what it looks like from outside. Run by `app`.

The canary goes the way of an SOS up to the commit, and leaves this node's sign of life there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from bridge.app.core import Core
from bridge.app.generation import InUse, links_of
from bridge.errors import StoreError
from bridge.model import Fault
from bridge.store import Counts
from bridge.store.schema import SCHEMA
from bridge.supervision.status import BlindIntervals, Status

CANARY_EVERY: Final = 5.0
PROVE_SPOOL_EVERY: Final = 30.0
"""Seconds between proofs that the spool would take an event; a full disk should not be found by an SOS."""


class Pulse:
    """in_use: what the bridge works with; `app` changes it. started_at: UTC."""

    def __init__(self, core: Core, in_use: InUse, *, started_at: float) -> None:
        self._core = core
        self._in_use = in_use
        self._started_at = started_at
        self._counts = Counts(incidents={}, deliveries={}, faults={})
        self._blind: list[Fault] = []

    async def canary(self) -> None:
        """Go the way of an SOS, wake the lanes; then take stock."""
        await self._core.ingest.canary()
        if self._in_use.generation is not None:
            self._in_use.generation.outbox.wake()
        store, look = self._core.store, self._core.looking.run
        with suppress(StoreError):
            self._counts = await look(store.counts)
            self._blind = await look(lambda: store.blind_intervals(self._started_at))

    async def recheck(self) -> None:
        """Ask whether what is held on is still on."""
        if self._in_use.generation is not None:
            with suppress(StoreError):
                holds = await self._core.looking.run(self._core.store.holds)
                await self._in_use.generation.outbox.recheck(holds)

    async def look_at_proofs(self) -> None:
        """Say which screens nobody has seen a picture on for too long."""
        with suppress(StoreError):  # ingest says when the store is away
            await self._core.proofs.look(self._core.ingest.plan)

    async def prove_spool(self) -> None:
        """Find out whether it would take an event."""
        with suppress(StoreError):  # the status tells
            await self._core.spool_thread.run(self._core.spool.prove)

    def status(self) -> Status:
        """Return how the bridge is, for `/readyz`, `/metrics` and people."""
        core, generation, now = self._core, self._in_use.generation, self._core.clock.now()
        lanes = generation.outbox.lanes if generation else {}
        age = core.ingest.canary_age
        return Status(
            now=now,
            started_at=self._started_at,
            node=core.node,
            links=(*links_of(generation, core.probes), *core.forwarders.links()) if generation else (),
            canary_at=None if age is None else now - age,
            canary_every=CANARY_EVERY,
            lanes_silent_for=generation.outbox.silent_for if generation else 0.0,
            store_degraded_since=core.ingest.degraded_since,
            spool_events=len(core.spool),
            spool_error=core.spool.failing,
            blind_intervals=_blind(self._blind, now),
            open_incidents=self._counts.incidents,
            open_faults=self._counts.faults,
            deliveries_waiting={name: lane.backlog for name, lane in lanes.items()},
            syslog_waiting=core.forwarders.waiting,
            breakers_open={name: lane.breaker.is_open for name, lane in lanes.items()},
            config_hash=self._in_use.hash,
            config_error=self._in_use.error,
            schema_revision=SCHEMA,
        )


def _blind(intervals: Sequence[Fault], now: float) -> BlindIntervals:
    return BlindIntervals(
        open=sum(interval.cleared_at is None for interval in intervals),
        count=len(intervals),
        seconds=sum((interval.cleared_at or now) - interval.opened_at for interval in intervals),
    )
