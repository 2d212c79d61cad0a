"""What lives from the start of a bridge to its end, whatever a reload changes. Opened by `App.run`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bridge.config import Site
from bridge.config.build import build_store
from bridge.errors import ConfigError
from bridge.ingest import Committed, Ingest, Timers
from bridge.model import Call, Clock, IncidentState
from bridge.outbox import Outbox
from bridge.replay import CallRow, Lost, Reconciliation
from bridge.store import Lease, Spool, Store, StoreThread
from bridge.supervision.forwarder import Forwarders, Journal
from bridge.supervision.probes import Probes
from bridge.supervision.proofs import Proofs

ASK_STORE_WITHIN: Final = 1.0
"""Seconds that watching a PBX waits for what the store knows of it: calls go first."""
SYNC_AHEAD: Final = 2.0
"""Seconds: timers of other processes are taken in when they are due within it. In a flood there are
thousands."""
OPEN: Final = tuple(state for state in IncidentState if state is not IncidentState.CLOSED)
MOST_OPEN: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The store with its threads, the door in, and what works behind it."""

    node: str
    clock: Clock
    store: Store
    spool: Spool
    thread: StoreThread
    """Decides: what is not asked by the SOS path stays off it."""
    looking: StoreThread
    """What only looks must not stand before an SOS, and with thousands of incidents it takes a while."""
    spool_thread: StoreThread
    disk: StoreThread
    """Reads the configuration."""
    checking: StoreThread
    ingest: Ingest
    timers: Timers
    probes: Probes
    proofs: Proofs
    forwarders: Forwarders

    def quick_check(self) -> Awaitable[list[str]]:
        """Read the whole database, and return what is damaged."""
        return self.checking.run(self.store.quick_check)

    async def last_sign(self) -> float | None:
        """Return when an earlier run last lived."""
        return await self.thread.run(lambda: self.store.last_sign(self.node))

    async def take_up(self, outbox: Outbox) -> None:
        """Give `outbox` what this node had in hand, and the timers theirs. Raises StoreError."""
        outbox.take(await self.thread.run(lambda: self.store.recover(self._lease())))
        self.timers.sync(await self.thread.run(self.store.timers))

    async def sync(self, outbox: Outbox) -> None:
        """Take in what other processes decided, and keep this node's leases. Raises StoreError."""
        in_hand = outbox.in_hand
        outbox.take(await self.thread.run(lambda: self.store.lease(self._lease(), in_hand=in_hand)))
        soon = self.clock.now() + SYNC_AHEAD
        self.timers.sync(await self.thread.run(lambda: self.store.due_timers(soon)))

    async def unfinished_calls(self) -> list[Call]:
        """Return the calls of open incidents that nobody has seen end. Raises StoreError."""
        return await self.thread.run(lambda: list(_unfinished(self.store)), timeout=ASK_STORE_WITHIN)

    async def lost_calls(self, rows: Sequence[CallRow], callers: Mapping[str, str]) -> list[Lost]:
        """Return which of these alarm calls, all of them over, have no incident. Raises StoreError."""
        looked = Reconciliation(self.store, self.clock.now(), over=True)

        def look() -> list[Lost]:
            for row in rows:
                looked.take(row, callers.get(row.id, ""))
            looked.end()
            return looked.lost

        return await self.looking.run(look)

    def _lease(self) -> Lease:
        return Lease(node=self.node, now=self.clock.now())


@contextmanager
def opened(site: Site, clock: Clock, on_commit: Callable[[Committed], None]) -> Iterator[Core]:
    """Open the store and everything that works on it while the `with` lasts.

    Raises ConfigError or StoreError where the bridge cannot even start.
    """
    _make_state_dir(site)
    with build_store(site) as store, Spool(site.state_dir / f"spool-{site.node}.jsonl") as spool:
        store.require_writable()
        with ExitStack() as threads:
            for_store = StoreThread("store", cut=store.cut)
            looking = StoreThread("reading", cut=store.cut)
            for_spool, disk = StoreThread("spool"), StoreThread("configuration")
            checking = StoreThread("quick check")
            for reading in (looking, disk, checking):  # perhaps from a server that is gone
                threads.callback(reading.close, timeout=0)
            for patient in (for_spool, for_store):
                threads.callback(patient.close)
            ingest = Ingest(
                store,
                for_store,
                site.plan(),
                clock,
                node=site.node,
                spool=spool,
                spool_thread=for_spool,
                observers=(on_commit,),
            )

            def journal(forwarder: str) -> Journal:
                """How the forwarder of this name reads the store, behind everything else that does."""
                place = store.forwarding(forwarder, site.node)
                return Journal(place, clock, write=for_store, look=looking)

            yield Core(
                node=site.node,
                clock=clock,
                store=store,
                spool=spool,
                thread=for_store,
                looking=looking,
                spool_thread=for_spool,
                disk=disk,
                checking=checking,
                ingest=ingest,
                timers=Timers(ingest.accept, clock),
                probes=Probes(ingest.accept, clock),
                proofs=Proofs(store, looking, ingest.accept, clock),
                forwarders=Forwarders(ingest.accept, clock, node=site.node, journal=journal),
            )


def _make_state_dir(site: Site) -> None:
    try:
        site.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{site.state_dir} cannot be created: {error.strerror}"
        raise ConfigError(f"{site.path}: state_dir: {why}; name a folder that this user may write") from error


def _unfinished(store: Store) -> Iterator[Call]:
    for incident in store.incidents(OPEN, limit=MOST_OPEN):
        yield from (call for call in store.calls(incident.id) if call.live)
