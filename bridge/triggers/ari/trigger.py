"""`Trigger`: the link to one Asterisk, and what of it the rest of the bridge sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from bridge import model
from bridge.calls import CallTracker
from bridge.errors import ConfigError
from bridge.model import Accept, Call, Clock, Event, Finding
from bridge.protocols.ari import Rest, Session, connect
from bridge.protocols.link import KeptLink, LinkState
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers.ari.check import check_user
from bridge.triggers.ari.settings import Config
from bridge.triggers.ari.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus(model.TriggerStatus):
    """How the link is, for the metrics and `/readyz`. Times are UTC, durations seconds."""

    backlog: int = 0
    """Events received and not read yet."""
    in_flight: int = 0
    """Events handed over and not durable yet."""
    last_heard: float | None = None
    channels: int = 0
    calls: int = 0
    events: int = 0
    """Handed over since `run` began."""


class Trigger:
    """name: the link's in the configuration (`pbx1`); its faults are about `ari/<name>`.

    pack_hash: hash of the dialplan pack as this site renders it, compared with what the PBX has loaded
    after each handshake and every `resync_interval`; None: not compared.
    unfinished: asks the store for the calls that it believes to live, once before the first snapshot: some
    may have ended while nobody watched.
    """

    carries_calls: ClassVar = False

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        clock: Clock,
        pack_hash: Callable[[], str] | None = None,
        unfinished: Callable[[], Awaitable[Iterable[Call]]] | None = None,
    ) -> None:
        if config.encrypted:
            config.tls.context()  # raises ConfigError now, while a reload can still go back
        self._name = name
        self._subject = f"ari/{name}"
        self._config = config
        self._clock = clock
        self._pack_hash = pack_hash
        self._unfinished = unfinished
        self._tracker = CallTracker(config.source or f"asterisk/{name}", via="ari")
        self._link: KeptLink[Session] | None = None
        self._handover: Handover | None = None
        self._story = LinkStory(self._subject, clock, self._put, via="ari")
        self._idle = LinkState(up=False, since=clock.now(), why="not started")

    @property
    def status(self) -> TriggerStatus:
        state = self._link.state if self._link else self._idle
        session = self._link.session if self._link else None
        return TriggerStatus(
            up=state.up,
            since=state.since,
            text=state.why,
            lag=session.lag if session else None,
            backlog=session.backlog if session else 0,
            in_flight=self._handover.in_flight if self._handover else 0,
            last_heard=session.last_heard if session else state.last_heard,
            channels=self._tracker.live_channels,
            calls=self._tracker.live_calls,
            events=self._handover.handed_over if self._handover else 0,
        )

    async def run(self, accept: Accept) -> None:
        """Watch until cancelled. Raises what `accept` raised; ConfigError where a TLS file cannot be used."""
        handover = self._handover = Handover(accept)
        if self._unfinished is not None:
            self._tracker.recall(await self._unfinished())
        rest = self._rest()
        watch = Watch(
            rest,
            self._tracker,
            handover,
            self._story,
            self._clock,
            pack_hash=self._pack_hash,
            resync_interval=self._config.resync_interval,
        )
        dial = partial(connect, self._config, app=self._config.app_name(self._name), clock=self._clock)
        self._link = KeptLink(dial, clock=self._clock, name=self._subject, on_change=self._story.changed)
        watching = asyncio.create_task(self._link.run(watch.serve))
        try:
            await asyncio.wait({watching, handover.failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._story.interrupted(self._clock.now())
            watching.cancel()
            await asyncio.wait({watching})
            await rest.close()
        (handover.failed if handover.failed.done() else watching).result()

    async def check(self) -> list[Finding]:
        """Connect as the trigger would, and report on rights and version. Harmless on a live PBX."""
        return await check_user(self._subject, self._config, self._clock)

    def _rest(self) -> Rest:
        """Return the way to ask; where the TLS file cannot be used, that is seen before it is raised."""
        try:
            return Rest(self._config, name=self._subject, clock=self._clock)
        except ConfigError as error:
            now = self._clock.now()
            self._idle = LinkState(up=False, since=now, why=str(error), refused=True)
            self._story.changed(self._idle)
            raise

    def _put(self, event: Event) -> None:
        if self._handover is not None:
            self._handover.put(event)
