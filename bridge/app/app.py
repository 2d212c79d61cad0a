"""The composition root: a site -> objects -> supervised tasks. With the modules beside it, the only place
that knows everyone: `core` is what lives from the start to the end, `wiring` makes what a reload can change,
`pulse` proves that it all works and shows it.

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
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

import structlog

from bridge.app.core import Core, opened
from bridge.app.generation import Generation, InUse
from bridge.app.pulse import CANARY_EVERY, PROVE_SPOOL_EVERY, Pulse
from bridge.app.reading import hash_of, read, require_same_roots
from bridge.app.wiring import Wiring
from bridge.config import Site, revealed
from bridge.errors import ConfigError, StoreError
from bridge.ingest import Committed, Ingest, stop_what_is_left_on
from bridge.model import Clock, Watcher
from bridge.outbox import Outbox
from bridge.supervision.clocks import ClockWatch, SystemClock, downtime
from bridge.supervision.damage import report_damage
from bridge.supervision.logs import log_decisions
from bridge.supervision.proofs import LOOK_EVERY
from bridge.supervision.retention import Retention
from bridge.supervision.status import Status, readiness
from bridge.supervision.tasks import every, keep_running
from bridge.web.app import create_app
from bridge.web.metrics import Metrics
from bridge.web.server import WebServer

log = structlog.get_logger(__name__)

SYNC_EVERY: Final = 0.5
"""Seconds between looks for what other processes (command line, other nodes) put into the store."""
RECHECK_EVERY: Final = 3.0
"""Seconds between questions whether what is held on is still on."""
PROBE_FIRST: Final = 3.0
"""Seconds until drivers are first tried: a wrong secret is seen soon, and what is left to do goes first."""
PROBE_EVERY: Final = 60.0
CLOCK_EVERY: Final = 5.0
FLUSH_WITHIN: Final = 1.0
"""Seconds that stopping waits for the store."""
READ_WITHIN: Final = 30.0
"""Seconds that a reload waits for the disk that holds the configuration."""


class App:
    """One running bridge.

    on_commit: told of each commit besides the bridge's own parts (the demo prints from it).
    conceal: told the text of every secret as soon as it was read, before anything is made with it.
    on_site: told of each site that a reload put in use.
    """

    core: Core
    pulse: Pulse

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock | None = None,
        on_commit: Sequence[Callable[[Committed], None]] = (),
        conceal: Callable[[Iterable[str]], None] = lambda _: None,
        on_site: Callable[[Site], None] = lambda _: None,
    ) -> None:
        self.metrics = Metrics()
        self.started = asyncio.Event()
        """Set when everything runs; links may still be coming up."""
        self._clock = clock or SystemClock()
        self._on_commit = on_commit
        self._conceal = conceal
        self._on_site = on_site
        self._started_at = self._clock.now()
        self._in_use = InUse(site)
        self._changing = asyncio.Lock()
        """One generation begins at a time, however often SIGHUP comes."""
        self._standing: list[asyncio.Task[None]] = []
        """The tasks of the triggers that carry calls: from the first generation to the end."""

    @property
    def ingest(self) -> Ingest:
        """The door in, while it runs."""
        return self.core.ingest

    def status(self) -> Status:
        """Return how the bridge is, for `/readyz`, `/metrics` and people."""
        return self.pulse.status()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises ConfigError or StoreError where it cannot even start."""
        site = self._in_use.site
        self._conceal(revealed(site))
        with opened(site, self._clock, self._committed) as core:
            self.core = core
            self.pulse = Pulse(core, self._in_use, started_at=self._started_at)
            self._wiring = Wiring(
                self._clock,
                unfinished=core.unfinished_calls,
                lost_calls=core.lost_calls,
                plan=lambda: core.ingest.plan,
                healthy=lambda: readiness(self.status())[0],
            )
            await self._run_parts(stop)

    async def _run_parts(self, stop: asyncio.Event) -> None:
        core, site = self.core, self._in_use.site
        # Before anything of this run is stored: its own canary would pass for the last sign of the earlier.
        last_sign = await core.last_sign()
        if last_sign is not None:
            self._wiring.unwatched_since = last_sign
        host, port = site.listen
        web = WebServer(create_app(self.status, self.metrics), host, port)
        port = await web.start()
        parts = [self._part("ingest", core.ingest.run), self._part("timers", core.timers.run), *self._looks()]
        check = asyncio.create_task(self._check_database(), name="quick check")
        try:
            await self._wake(last_sign)
            self._in_use.hash = await core.disk.run(partial(hash_of, site.path))
            _spare_collector()
            self.started.set()
            log.info("running", site=site.site.name, node=core.node, web=f"{host}:{port}")
            await stop.wait()
            log.info("stopping")
        finally:
            if self._in_use.generation is not None:
                await self._in_use.generation.stop()
            await _end(*self._standing)
            await self._flush()
            await core.forwarders.stop()
            await _end(*parts, check)
            await web.stop()
            log.info("stopped")

    def _looks(self) -> list[asyncio.Task[None]]:
        """Start what the bridge asks itself again and again."""
        clocks = ClockWatch(self.core.ingest.accept, self._clock, node=self.core.node)
        rounds: dict[str, tuple[float, Callable[[], Awaitable[object]]]] = {
            "sync": (SYNC_EVERY, self._sync),
            "recheck": (RECHECK_EVERY, self.pulse.recheck),
            "canary": (CANARY_EVERY, self.pulse.canary),
            "spool": (PROVE_SPOOL_EVERY, self.pulse.prove_spool),
            "clock": (CLOCK_EVERY, clocks.look),
        }
        return [
            *(
                self._part(name, partial(every, seconds, look, self._clock))
                for name, (seconds, look) in rounds.items()
            ),
            self._part("proofs", self._watch_proofs),
            self._part("retention", self._retention().run),
        ]

    def _retention(self) -> Retention:
        return Retention(
            self.core.store,
            self._clock,
            node=self.core.node,
            write=self.core.thread,
            look=self.core.checking,
            keep=lambda: self._in_use.site.keep,
            zone=lambda: self._in_use.site.site.timezone,
        )

    async def _watch_proofs(self) -> None:
        await self.started.wait()  # the start has looked already
        await every(LOOK_EVERY, self.pulse.look_at_proofs, self._clock)

    async def _flush(self) -> None:
        """Let what has come in be stored: its sources will not say it again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_WITHIN):
                await self.core.ingest.canary()

    async def _check_database(self) -> None:
        await self.started.wait()  # it reads the whole file: calls go first
        await report_damage(self.core.quick_check, self.core.ingest.accept, self._clock)

    def _part(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, run, self._clock), name=name)

    # --- starting and reloading ---------------------------------------------------------------------

    async def _wake(self, last_sign: float | None) -> None:
        """Take up what an earlier run left: its blind time, its spool, its timers, its deliveries."""
        core, site = self.core, self._in_use.site
        await core.proofs.remind(site.plan())  # first of all: what is unproven must not pass for seen
        if last_sign is not None:  # calls may have been missed since
            for event in downtime(core.node, last_sign, self._clock.now()):
                await core.ingest.accept(event)
        await core.ingest.drain_spool()
        await self._begin(site)
        with contextlib.suppress(StoreError):  # ingest says when the store is away
            count = await stop_what_is_left_on(core.store, core.thread, core.ingest.accept, self._clock)
            if count:
                log.warning("asked to stop what closed incidents left on", incidents=count)

    async def _begin(self, site: Site) -> None:
        """Start a generation. Raises ConfigError where a driver or link cannot be made of its settings."""
        accept = self.core.ingest.accept
        triggers = self._wiring.triggers(site)
        drivers = self._wiring.drivers(site, triggers)
        outbox = Outbox(drivers, accept, self._clock)
        heartbeats = self._wiring.heartbeats(site)
        generation = Generation(site, drivers, triggers, outbox, heartbeats, self._clock.now())
        if self._in_use.generation is not None:
            await self._in_use.generation.stop()
        self._in_use.generation, self._in_use.site = generation, site
        self.core.ingest.plan = site.plan()
        self._wiring.use(site)
        generation.tasks = [self._part("outbox", partial(self._perform, generation))]
        for name, trigger in triggers.items():
            if name not in self._wiring.standing:
                watching = self._part(f"pbx {name}", partial(trigger.run, accept))
                if trigger.carries_calls:
                    self._wiring.standing[name] = trigger
                    self._standing.append(watching)
                else:
                    generation.tasks.append(watching)
        for name, driver in drivers.items():
            if isinstance(driver, Watcher):
                generation.tasks.append(self._part(f"vms {name}", partial(driver.watch, accept)))
        for name, heartbeat in heartbeats.items():
            generation.tasks.append(self._part(name, heartbeat.run))
        generation.tasks.append(self._part("probes", partial(self._probe, generation)))
        await self.core.forwarders.use(site.syslog)

    async def _perform(self, generation: Generation) -> None:
        """Take up what this node had in hand, then perform. Raises StoreError while the store is away."""
        generation.taken_up = False
        await self.core.take_up(generation.outbox)
        generation.taken_up = True
        await generation.outbox.run()

    async def _probe(self, generation: Generation) -> None:
        """Try every driver soon, then once a minute. Raises nothing: one that fails is a fault of its own."""
        await self._clock.sleep(PROBE_FIRST)
        await every(PROBE_EVERY, lambda: self.core.probes.look(generation.drivers), self._clock)

    async def reload(self) -> None:
        """Read the configuration again; a file that cannot be used changes nothing, and is said."""
        await self.started.wait()
        in_use = self._in_use
        path = in_use.site.path
        async with self._changing:
            try:
                reading = await self.core.disk.run(partial(read, path), timeout=READ_WITHIN)
                self._conceal(reading.secrets)
                require_same_roots(in_use.site, reading.site)
                await self.core.proofs.remind(reading.site.plan())
                await self._begin(reading.site)
            except (ConfigError, StoreError) as error:
                in_use.error = str(error)
                log.warning("reload refused: the old configuration goes on", path=path, why=str(error))
                return
            in_use.error, in_use.hash = "", reading.hash
            self._on_site(reading.site)
            _spare_collector()
            log.info("reloaded", path=path, config=reading.hash)

    # --- what was decided ---------------------------------------------------------------------------

    def _committed(self, committed: Committed) -> None:
        """Tell everybody what a commit decided. In the loop, in commit order."""
        if self._in_use.generation is not None:
            self._in_use.generation.outbox.follow(committed.decisions)
            self._in_use.generation.outbox.take(committed.leased)
        self.core.timers.observe(committed)
        # Behind the attempts that have just been made ready: those who count and write logs can wait.
        asyncio.get_running_loop().call_soon(self._tell, committed)

    def _tell(self, committed: Committed) -> None:
        self.metrics.observe(committed.decisions, committed.at)
        log_decisions(committed.decisions)
        for observer in self._on_commit:
            observer(committed)

    async def _sync(self) -> None:
        """Take in what other processes decided."""
        generation = self._in_use.generation
        if generation is not None and generation.taken_up:
            with contextlib.suppress(StoreError):  # ingest says when the store is away
                await self.core.sync(generation.outbox)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _spare_collector() -> None:
    """Take what lives now out of the garbage collector's sight.

    It is there to stay, and each full collection would walk through it: a stop of 0.1 s, SOS or not.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    # What calls leave behind for half a minute is freed without the collector, which only walks through it.
    gc.set_threshold(20_000, 20, 50)


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
