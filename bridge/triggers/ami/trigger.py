"""`Trigger`: the link to one Asterisk, and what of it the rest of the bridge sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from bridge.calls import CallTracker
from bridge.errors import ConfigError
from bridge.model import Accept, Call, Clock, Event, Finding
from bridge.protocols.ami_link import Account, Link, LinkState
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers.ami.check import check_account
from bridge.triggers.ami.settings import Config
from bridge.triggers.ami.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus:
    """How the link is, for the metrics and `/readyz`. Times are UTC, durations seconds."""

    up: bool
    since: float
    text: str = ""
    """Why it is down."""
    lag: float | None = None
    """How long the oldest unread event has waited; None while down."""
    backlog: int = 0
    """Events received and not read yet."""
    in_flight: int = 0
    """Events handed over and not durable yet."""
    last_heard: float | None = None
    version: str = ""
    """AMI version, such as `11.0.0`."""
    clock_offset: float | None = None
    """The PBX's clock minus ours."""
    channels: int = 0
    calls: int = 0
    events: int = 0
    """Handed over since `run` began."""


class Trigger:
    """name: the link's in the configuration (`pbx1`); its faults are about `ami/<name>`.

    pack_hash: hash of the dialplan pack as this site renders it, compared with what the PBX has loaded
    after each login, after a reload of the PBX and every `resync_interval`; None: not compared.
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
        config.account()  # raises ConfigError now, while a reload can still go back
        self._subject = f"ami/{name}"
        self._config = config
        self._clock = clock
        self._pack_hash = pack_hash
        self._unfinished = unfinished
        self._tracker = CallTracker(config.source or f"asterisk/{name}", via="ami")
        self._link: Link | None = None
        self._handover: Handover | None = None
        self._story = LinkStory(self._subject, clock, self._put, via="ami")
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
            version=session.version if session else "",
            clock_offset=session.clock_offset if session else None,
            channels=self._tracker.live_channels,
            calls=self._tracker.live_calls,
            events=self._handover.handed_over if self._handover else 0,
        )

    async def run(self, accept: Accept) -> None:
        """Watch until cancelled. Raises what `accept` raised; ConfigError where a TLS file cannot be used."""
        handover = self._handover = Handover(accept)
        account = self._account()
        if self._unfinished is not None:
            self._tracker.recall(await self._unfinished())
        watch = Watch(
            self._tracker,
            handover,
            self._story,
            self._clock,
            pack_hash=self._pack_hash,
            resync_interval=self._config.resync_interval,
        )
        self._link = Link(account, clock=self._clock, name=self._subject, on_change=self._story.changed)
        watching = asyncio.create_task(self._link.run(watch.serve))
        try:
            await asyncio.wait({watching, handover.failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._story.interrupted(self._clock.now())
            watching.cancel()
            await asyncio.wait({watching})
        (handover.failed if handover.failed.done() else watching).result()

    async def check(self) -> list[Finding]:
        """Log in as the trigger would, and report on rights and version. Harmless on a live PBX."""
        try:
            account = self._config.account()
        except ConfigError as error:
            return [Finding(level="error", subject=self._subject, text=str(error))]
        return await check_account(self._subject, account, self._clock)

    def _account(self) -> Account:
        """Return the account; where it cannot be used, that is seen before it is raised."""
        try:
            return self._config.account()
        except ConfigError as error:
            now = self._clock.now()
            self._idle = LinkState(up=False, since=now, why=str(error), refused=True)
            self._story.changed(self._idle)
            raise

    def _put(self, event: Event) -> None:
        if self._handover is not None:
            self._handover.put(event)
