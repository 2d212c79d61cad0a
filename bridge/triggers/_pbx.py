"""A trigger that watches the calls of one PBX, and what of it the rest of the bridge sees.

Used by `ami` and `ari`: each says how its link is opened; what it is for is the same.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from bridge import model
from bridge.calls import CallTracker, Devices
from bridge.errors import ConfigError
from bridge.model import Accept, Call, Clock, Event
from bridge.protocols.link import KeptLink, LinkState
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers._past import Past, PastCalls
from bridge.triggers._watch import Watch, Watched, WatchedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus(model.TriggerStatus):
    """How the link is, for the metrics and `/readyz`. Times are UTC, durations seconds."""

    backlog: int = 0
    """Events received and not read yet."""
    in_flight: int = 0
    """Events handed over and not durable yet."""
    last_heard: float | None = None
    version: str = ""
    """AMI version, such as `11.0.0`; '' where the link does not tell."""
    clock_offset: float | None = None
    """The PBX's clock minus ours, where the link compares them."""
    channels: int = 0
    calls: int = 0
    events: int = 0
    """Handed over since `run` began."""


class WatchSettings(Protocol):
    """What the settings of every such link say."""

    @property
    def source(self) -> str:
        """The PBX's name in stored events; '' for `asterisk/<name>`."""

    @property
    def resync_interval(self) -> float: ...


SettingsT = TypeVar("SettingsT", bound=WatchSettings)
SessionT = TypeVar("SessionT", bound=WatchedSession)


class PbxTrigger(ABC, Generic[SettingsT, SessionT]):
    """name: the link's in the configuration (`pbx1`); its faults are about `<way>/<name>`.

    pack_hash: hash of the dialplan pack as this site renders it, compared with what the PBX has loaded
    after each login, after a reload of the PBX where it tells of one, and every `resync_interval`; None: not
    compared.
    unfinished: asks the store for the calls that it believes to live, once before the first snapshot: some
    may have ended while nobody watched.
    devices: returns what all links to the PBX of this source know of its devices; None: this is the only one.
    past: reads the PBX's own log after a gap; None where the bridge cannot.
    """

    carries_calls: ClassVar = False
    way: ClassVar[str]
    """How its events come: `ami` or `ari`."""

    def __init__(
        self,
        name: str,
        config: SettingsT,
        *,
        clock: Clock,
        pack_hash: Callable[[], str] | None = None,
        unfinished: Callable[[], Awaitable[Iterable[Call]]] | None = None,
        devices: Callable[[str], Devices] | None = None,
        past: PastCalls | None = None,
    ) -> None:
        """Raises ConfigError where the settings cannot be used: now, while a reload can still go back."""
        self._require_usable(config)
        self._name = name
        self._subject = f"{self.way}/{name}"
        self._config = config
        self._clock = clock
        self._pack_hash = pack_hash
        self._unfinished = unfinished
        self._past_calls = past
        source = config.source or f"asterisk/{name}"
        shared = devices(source) if devices else None
        self._tracker = CallTracker(source, via=self.way, devices=shared)
        self._link: KeptLink[SessionT] | None = None
        self._handover: Handover | None = None
        self._story = LinkStory(self._subject, clock, self._put, via=self.way)
        self._idle = LinkState(up=False, since=clock.now(), why="not started")

    @abstractmethod
    def _require_usable(self, config: SettingsT) -> None:
        """Raise ConfigError where a TLS file cannot be used."""

    @abstractmethod
    def _open(self, watched: Watched) -> tuple[KeptLink[SessionT], Watch[SessionT, Any]]:
        """Return the link and what reads its sessions. Raises as `_require_usable`."""

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
        self._link, watch = self._opened(handover)
        if self._unfinished is not None:
            self._tracker.recall(await self._unfinished())
        watching = asyncio.create_task(self._link.run(watch.serve))
        try:
            await asyncio.wait({watching, handover.failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._story.interrupted(self._clock.now())
            watching.cancel()
            await asyncio.wait({watching})
            await watch.close()
        (handover.failed if handover.failed.done() else watching).result()

    def _opened(self, handover: Handover) -> tuple[KeptLink[SessionT], Watch[SessionT, Any]]:
        """Return link and watch; where they cannot be made, that is seen before it is raised."""
        past = Past(
            self._past_calls,
            self._story,
            handover,
            self._clock,
            channels=lambda: self._tracker.missing_from(()),
            retry_every=self._config.resync_interval,
        )
        watched = Watched(
            tracker=self._tracker,
            handover=handover,
            story=self._story,
            past=past,
            clock=self._clock,
            pack_hash=self._pack_hash,
            resync_interval=self._config.resync_interval,
        )
        try:
            return self._open(watched)
        except ConfigError as error:
            self._idle = LinkState(up=False, since=self._clock.now(), why=str(error), refused=True)
            self._story.changed(self._idle)
            raise

    def _put(self, event: Event) -> None:
        if self._handover is not None:
            self._handover.put(event)
