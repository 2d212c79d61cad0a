"""The composition root: a site -> objects -> supervised tasks. The only file that knows everyone.

What a reload can change (plan, drivers, links to PBXs) lives in a `Generation`; the door, the store, the
timers and the web server outlive it, and so does a trigger that carries calls: they must not end with it. A
reload is the way of a crash, on purpose: the old generation is stopped, and what it had in hand is taken up
again, asking first where a repeat could do harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from bridge.app.generation import Generation, links_of
from bridge.app.reading import hash_of, read, require_same_roots
from bridge.b2bua import Site as ExchangeSite
from bridge.config import DriverSettings, Site, TriggerSettings, revealed
from bridge.config.build import build_driver, build_store, build_trigger
from bridge.config.exchange import exchange_site
from bridge.drivers.dispatch import Config as DispatchConfig
from bridge.drivers.sip_dispatch import Config as ExchangeDispatchConfig
from bridge.errors import ConfigError, StoreError
from bridge.ingest import Committed, Ingest, Timers, stop_what_is_left_on
from bridge.model import Call, Clock, Fault, IncidentState, Trigger, Watcher
from bridge.outbox import Outbox
from bridge.pack.site import loaded_hash, watch_settings
from bridge.store import Counts, Lease, Spool, Store, StoreThread
from bridge.store.schema import SCHEMA
from bridge.supervision.clocks import ClockWatch, SystemClock, downtime
from bridge.supervision.damage import report_damage
from bridge.supervision.forwarder import Forwarders, Journal
from bridge.supervision.heartbeat import Heartbeat
from bridge.supervision.logs import log_decisions
from bridge.supervision.probes import Probes
from bridge.supervision.proofs import LOOK_EVERY, Proofs
from bridge.supervision.status import BlindIntervals, Status, readiness
from bridge.supervision.tasks import every, keep_running
from bridge.triggers.sip import Config as ExchangeConfig
from bridge.web.app import create_app
from bridge.web.metrics import Metrics
from bridge.web.server import WebServer

log = structlog.get_logger(__name__)

SYNC_EVERY: Final = 0.5
"""Seconds between looks for what other processes (command line, other nodes) put into the store."""
SYNC_AHEAD: Final = 2.0
"""Seconds: their timers are taken in when they are due within it. In a flood there are thousands."""
RECHECK_EVERY: Final = 3.0
"""Seconds between questions whether what is held on is still on."""
CANARY_EVERY: Final = 5.0
PROBE_FIRST: Final = 3.0
"""Seconds until drivers are first tried: a wrong secret is seen soon, and what is left to do goes first."""
PROBE_EVERY: Final = 60.0
CLOCK_EVERY: Final = 5.0
PROVE_SPOOL_EVERY: Final = 30.0
"""Seconds between proofs that the spool would take an event; a full disk should not be found by an SOS."""
FLUSH_WITHIN: Final = 1.0
"""Seconds that stopping waits for the store."""
READ_WITHIN: Final = 30.0
"""Seconds that a reload waits for the disk that holds the configuration."""
ASK_STORE_WITHIN: Final = 1.0
"""Seconds that watching a PBX waits for what the store knows of it: calls go first."""
OPEN: Final = tuple(state for state in IncidentState if state is not IncidentState.CLOSED)
MOST_OPEN: Final = 10_000


class App:
    """One running bridge.

    on_commit: told of each commit besides the bridge's own parts (the demo prints from it).
    conceal: told the text of every secret as soon as it was read, before anything is made with it.
    on_site: told of each site that a reload put in use.
    """

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock | None = None,
        on_commit: Sequence[Callable[[Committed], None]] = (),
        conceal: Callable[[Iterable[str]], None] = lambda _: None,
        on_site: Callable[[Site], None] = lambda _: None,
    ) -> None:
        self.site = site
        self.metrics = Metrics()
        self.started = asyncio.Event()
        """Set when everything runs; links may still be coming up."""
        self._clock = clock or SystemClock()
        self._on_commit = on_commit
        self._conceal = conceal
        self._on_site = on_site
        self._started_at = self._clock.now()
        self._config_error = ""
        self._config_hash = ""
        self._changing = asyncio.Lock()
        """One generation begins at a time, however often SIGHUP comes."""
        self._generation: Generation | None = None
        self._standing: dict[str, tuple[Trigger, asyncio.Task[None]]] = {}
        """The triggers that carry calls, and their tasks: from the first generation to the end."""
        self._exchanges: dict[str, ExchangeSite] = {}
        """What each of them knows of the site, by its name."""
        self._counts = Counts(incidents={}, deliveries={}, faults={})
        self._blind: list[Fault] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises ConfigError or StoreError where it cannot even start."""
        site = self.site
        self._conceal(revealed(site))
        _make_state_dir(site)
        with build_store(site) as store, Spool(site.state_dir / f"spool-{site.node}.jsonl") as spool:
            store.require_writable()
            self._store, self._spool = store, spool
            self._thread = StoreThread("store", cut=store.cut)
            # What only looks must not stand before an SOS, and with thousands of incidents it takes a while.
            self._looking = StoreThread("reading", cut=store.cut)
            self._spool_thread = StoreThread("spool")
            self._disk = StoreThread("configuration")
            checking = StoreThread("quick check")
            try:
                self.ingest = Ingest(
                    store,
                    self._thread,
                    site.plan(),
                    self._clock,
                    node=site.node,
                    spool=spool,
                    spool_thread=self._spool_thread,
                    observers=(self._committed,),
                )
                self._probes = Probes(self.ingest.accept, self._clock)
                self._proofs = Proofs(store, self._looking, self.ingest.accept, self._clock)
                self.timers = Timers(self.ingest.accept, self._clock)
                self._forwarders = Forwarders(
                    self.ingest.accept, self._clock, node=site.node, journal=self._journal
                )
                self._quick_check = partial(checking.run, store.quick_check)
                await self._run_parts(stop)
            finally:
                self._thread.close()
                self._spool_thread.close()
                for reading in (self._looking, self._disk, checking):  # perhaps from a server that is gone
                    reading.close(timeout=0)

    async def _run_parts(self, stop: asyncio.Event) -> None:
        # Before anything of this run is stored: its own canary would pass for the last sign of the earlier.
        last_sign = await self._thread.run(lambda: self._store.last_sign(self.site.node))
        host, port = self.site.listen
        web = WebServer(create_app(self.status, self.metrics), host, port)
        port = await web.start()
        clocks = ClockWatch(self.ingest.accept, self._clock, node=self.site.node)
        parts = (
            self._part("ingest", self.ingest.run),
            self._part("timers", self.timers.run),
            self._part("sync", lambda: every(SYNC_EVERY, self._sync, self._clock)),
            self._part("recheck", lambda: every(RECHECK_EVERY, self._recheck, self._clock)),
            self._part("canary", lambda: every(CANARY_EVERY, self._canary, self._clock)),
            self._part("spool", lambda: every(PROVE_SPOOL_EVERY, self._prove_spool, self._clock)),
            self._part("clock", lambda: every(CLOCK_EVERY, clocks.look, self._clock)),
            self._part("proofs", self._watch_proofs),
        )
        check = asyncio.create_task(self._check_database(), name="quick check")
        try:
            await self._wake(last_sign)
            self._config_hash = await self._disk.run(partial(hash_of, self.site.path))
            _spare_collector()
            self.started.set()
            log.info("running", site=self.site.site.name, node=self.site.node, web=f"{host}:{port}")
            await stop.wait()
            log.info("stopping")
        finally:
            if self._generation is not None:
                await self._generation.stop()
            await _end(*(task for _, task in self._standing.values()))
            await self._flush()
            await self._forwarders.stop()
            await _end(*parts, check)
            await web.stop()
            log.info("stopped")

    async def _flush(self) -> None:
        """Let what has come in be stored: its sources will not say it again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_WITHIN):
                await self.ingest.canary()

    async def _check_database(self) -> None:
        await self.started.wait()  # it reads the whole file: calls go first
        await report_damage(self._quick_check, self.ingest.accept, self._clock)

    def _part(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, run, self._clock), name=name)

    # --- starting and reloading ---------------------------------------------------------------------

    async def _wake(self, last_sign: float | None) -> None:
        """Take up what an earlier run left: its blind time, its spool, its timers, its deliveries."""
        await self._proofs.remind(self.site.plan())  # first of all: what is unproven must not pass for seen
        if last_sign is not None:  # calls may have been missed since
            for event in downtime(self.site.node, last_sign, self._clock.now()):
                await self.ingest.accept(event)
        await self.ingest.drain_spool()
        await self._begin(self.site)
        with contextlib.suppress(StoreError):  # ingest says when the store is away
            count = await stop_what_is_left_on(self._store, self._thread, self.ingest.accept, self._clock)
            if count:
                log.warning("asked to stop what closed incidents left on", incidents=count)

    async def _begin(self, site: Site) -> None:
        """Start a generation. Raises ConfigError where a driver or link cannot be made of its settings."""
        triggers = {s.name: self._trigger(s, site) for s in site.triggers}
        drivers = {s.name: build_driver(s, self._clock, **_links_of(s, triggers)) for s in site.drivers}
        outbox = Outbox(drivers, self.ingest.accept, self._clock)
        heartbeats = {beat.name: beat for beat in self._heartbeats(site)}
        generation = Generation(site, drivers, triggers, outbox, heartbeats, self._clock.now())
        if self._generation is not None:
            await self._generation.stop()
        self._generation = generation
        self.site, self.ingest.plan = site, site.plan()
        self._exchanges = dict(_exchange_sites(site))
        generation.tasks = [self._part("outbox", partial(self._perform, generation))]
        for name, trigger in triggers.items():
            if name not in self._standing:
                watching = self._part(f"pbx {name}", partial(trigger.run, self.ingest.accept))
                if trigger.carries_calls:
                    self._standing[name] = trigger, watching
                else:
                    generation.tasks.append(watching)
        for name, driver in drivers.items():
            if isinstance(driver, Watcher):
                generation.tasks.append(self._part(f"vms {name}", partial(driver.watch, self.ingest.accept)))
        for name, heartbeat in heartbeats.items():
            generation.tasks.append(self._part(name, heartbeat.run))
        generation.tasks.append(self._part("probes", partial(self._probe, generation)))
        await self._forwarders.use(site.syslog)

    def _journal(self, forwarder: str) -> Journal:
        """Return how the forwarder of this name reads the store, behind everything else that does."""
        place = self._store.forwarding(forwarder, self.site.node)
        return Journal(place, self._clock, write=self._thread, look=self._looking)

    async def _perform(self, generation: Generation) -> None:
        """Take up what this node had in hand, then perform. Raises StoreError while the store is away."""
        generation.taken_up = False
        generation.outbox.take(await self._thread.run(lambda: self._store.recover(self._lease())))
        generation.taken_up = True
        self.timers.sync(await self._thread.run(self._store.timers))
        await generation.outbox.run()

    async def _probe(self, generation: Generation) -> None:
        """Try every driver soon, then once a minute. Raises nothing: one that fails is a fault of its own."""
        await self._clock.sleep(PROBE_FIRST)
        await every(PROBE_EVERY, lambda: self._probes.look(generation.drivers), self._clock)

    def _trigger(self, settings: TriggerSettings, site: Site) -> Trigger:
        """Return the trigger: the one that runs already, if it carries calls (`require_same_roots`)."""
        if settings.name in self._standing:
            return self._standing[settings.name][0]
        return build_trigger(settings, self._clock, **self._links_of(settings, site))

    def _links_of(self, trigger: TriggerSettings, site: Site) -> dict[str, object]:
        """Return what a trigger needs to know of others: open calls, the pack that its PBX should have; an
        exchange, what the configuration says at any time."""
        links: dict[str, object] = {"unfinished": self._unfinished_calls}
        if isinstance(trigger.config, ExchangeConfig):
            links["plan"] = lambda: self.ingest.plan
            links["site"] = lambda: self._exchanges[trigger.name]
            links["state_dir"] = site.state_dir
        dispatches = any(isinstance(driver.config, DispatchConfig) for driver in site.drivers)
        if dispatches and watch_settings(site) is trigger.config:
            links["pack_hash"] = partial(loaded_hash, site)
        return links

    async def _unfinished_calls(self) -> list[Call]:
        """Return the calls of open incidents that nobody has seen end; none while the store is away."""
        with contextlib.suppress(StoreError):
            return await self._thread.run(lambda: list(_unfinished(self._store)), timeout=ASK_STORE_WITHIN)
        return []

    def _heartbeats(self, site: Site) -> Iterator[Heartbeat]:
        """Return what proves this bridge alive to the PBX of each dispatch driver."""
        for driver in site.drivers:
            if isinstance(driver.config, DispatchConfig):
                yield Heartbeat(
                    driver.config.account(driver.config.heartbeat),
                    self._clock,
                    every=driver.config.heartbeat_every,
                    healthy=lambda: readiness(self.status())[0],
                    name=driver.name,
                )

    async def reload(self) -> None:
        """Read the configuration again; a file that cannot be used changes nothing, and is said."""
        await self.started.wait()
        path = self.site.path
        async with self._changing:
            try:
                reading = await self._disk.run(partial(read, path), timeout=READ_WITHIN)
                self._conceal(reading.secrets)
                require_same_roots(self.site, reading.site)
                await self._proofs.remind(reading.site.plan())
                await self._begin(reading.site)
            except (ConfigError, StoreError) as error:
                self._config_error = str(error)
                log.warning("reload refused: the old configuration goes on", path=path, why=str(error))
                return
            self._config_error, self._config_hash = "", reading.hash
            self._on_site(reading.site)
            _spare_collector()
            log.info("reloaded", path=path, config=self._config_hash)

    def _lease(self) -> Lease:
        return Lease(node=self.site.node, now=self._clock.now())

    # --- the pulse ----------------------------------------------------------------------------------

    def _committed(self, committed: Committed) -> None:
        """Tell everybody what a commit decided. In the loop, in commit order."""
        if self._generation is not None:
            self._generation.outbox.follow(committed.decisions)
            self._generation.outbox.take(committed.leased)
        self.timers.observe(committed)
        # Behind the attempts that have just been made ready: those who count and write logs can wait.
        asyncio.get_running_loop().call_soon(self._tell, committed)

    def _tell(self, committed: Committed) -> None:
        self.metrics.observe(committed.decisions, committed.at)
        log_decisions(committed.decisions)
        for observer in self._on_commit:
            observer(committed)

    async def _sync(self) -> None:
        """Take in what other processes decided, and keep this node's leases."""
        generation = self._generation
        if generation is None or not generation.taken_up:
            return
        in_hand = generation.outbox.in_hand
        with contextlib.suppress(StoreError):  # ingest says when the store is away
            leased = await self._thread.run(lambda: self._store.lease(self._lease(), in_hand=in_hand))
            generation.outbox.take(leased)
            soon = self._clock.now() + SYNC_AHEAD
            self.timers.sync(await self._thread.run(lambda: self._store.due_timers(soon)))

    async def _recheck(self) -> None:
        if self._generation is not None:
            with contextlib.suppress(StoreError):
                holds = await self._looking.run(self._store.holds)
                await self._generation.outbox.recheck(holds)

    async def _canary(self) -> None:
        """Go the way of an SOS up to the commit, which leaves this node's sign of life; then take stock."""
        await self.ingest.canary()
        if self._generation is not None:
            self._generation.outbox.wake()
        with contextlib.suppress(StoreError):
            self._counts = await self._looking.run(self._store.counts)
            self._blind = await self._looking.run(lambda: self._store.blind_intervals(self._started_at))

    async def _watch_proofs(self) -> None:
        await self.started.wait()  # the start has looked already
        await every(LOOK_EVERY, self._look_at_proofs, self._clock)

    async def _look_at_proofs(self) -> None:
        with contextlib.suppress(StoreError):  # ingest says when the store is away
            await self._proofs.look(self.ingest.plan)

    async def _prove_spool(self) -> None:
        with contextlib.suppress(StoreError):  # the status tells
            await self._spool_thread.run(self._spool.prove)

    # --- seen from outside --------------------------------------------------------------------------

    def status(self) -> Status:
        """Return how the bridge is, for `/readyz`, `/metrics` and people."""
        now, generation = self._clock.now(), self._generation
        lanes = generation.outbox.lanes if generation else {}
        age = self.ingest.canary_age
        return Status(
            now=now,
            started_at=self._started_at,
            node=self.site.node,
            links=(*links_of(generation, self._probes), *self._forwarders.links()) if generation else (),
            canary_at=None if age is None else now - age,
            canary_every=CANARY_EVERY,
            lanes_silent_for=generation.outbox.silent_for if generation else 0.0,
            store_degraded_since=self.ingest.degraded_since,
            spool_events=len(self._spool),
            spool_error=self._spool.failing,
            blind_intervals=_blind(self._blind, now),
            open_incidents=self._counts.incidents,
            open_faults=self._counts.faults,
            deliveries_waiting={name: lane.backlog for name, lane in lanes.items()},
            syslog_waiting=self._forwarders.waiting,
            breakers_open={name: lane.breaker.is_open for name, lane in lanes.items()},
            config_hash=self._config_hash,
            config_error=self._config_error,
            schema_revision=SCHEMA,
        )


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _make_state_dir(site: Site) -> None:
    try:
        site.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{site.state_dir} cannot be created: {error.strerror}"
        raise ConfigError(f"{site.path}: state_dir: {why}; name a folder that this user may write") from error


def _exchange_sites(site: Site) -> Iterator[tuple[str, ExchangeSite]]:
    for trigger in site.triggers:
        if isinstance(trigger.config, ExchangeConfig):
            yield trigger.name, exchange_site(site, trigger.config)


def _links_of(driver: DriverSettings, triggers: Mapping[str, Trigger]) -> dict[str, object]:
    """Return what a driver needs besides its settings: dispatch, the exchange that rings it."""
    if not isinstance(driver.config, ExchangeDispatchConfig):
        return {}
    name = driver.config.pbx
    own = [link for link, trigger in triggers.items() if trigger.carries_calls and name in ("", link)]
    return {"exchange": triggers[own[0]]} if own else {}


def _unfinished(store: Store) -> Iterator[Call]:
    for incident in store.incidents(OPEN, limit=MOST_OPEN):
        yield from (call for call in store.calls(incident.id) if call.live)


def _spare_collector() -> None:
    """Take what lives now out of the garbage collector's sight.

    It is there to stay, and each full collection would walk through it: a stop of 0.1 s, SOS or not.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # What calls leave behind for half a minute is freed without the collector, which only walks through it.
    gc.set_threshold(20_000, 20, 50)


def _blind(intervals: Sequence[Fault], now: float) -> BlindIntervals:
    return BlindIntervals(
        open=sum(interval.cleared_at is None for interval in intervals),
        count=len(intervals),
        seconds=sum((interval.cleared_at or now) - interval.opened_at for interval in intervals),
    )


def install_signals(app: App, stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(app.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
