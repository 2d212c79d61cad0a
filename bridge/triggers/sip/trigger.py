"""`Trigger`: the bridge's own telephone exchange, and what of it the rest of the bridge sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bridge import model
from bridge.b2bua import Site
from bridge.b2bua.effects import Report
from bridge.b2bua.inputs import Notify, Recall, Taken
from bridge.calls import CallTracker
from bridge.errors import ConfigError, Unreachable
from bridge.model import Accept, Call, Clock, Finding
from bridge.protocols.sip.flow import HostPort
from bridge.response import Plan
from bridge.triggers._accepting import Handover
from bridge.triggers.sip.check import check
from bridge.triggers.sip.news import VIA
from bridge.triggers.sip.service import Service
from bridge.triggers.sip.settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerStatus(model.TriggerStatus):
    """How the exchange is, for the metrics and `/readyz`. Times are UTC, durations seconds."""

    in_flight: int = 0
    """Events handed over and not durable yet."""
    registered: int = 0
    """Telephones that are registered here."""
    legs: int = 0
    calls: int = 0
    events: int = 0
    """Handed over since `run` began."""
    dropped: int = 0
    """Messages that were not let in or did not get out."""


class Trigger:
    """name: of this exchange in the configuration; its faults are about `sip/<name>`.

    plan, site: as the configuration is now, the same object until it changes; asked whenever something
    comes in, so that a reload changes who is rung and ends no call. state_dir: where what must outlive the
    process is kept. Without these three it can be checked, not run. unfinished: asks the store for the
    calls that it believes to live, once at the start.
    """

    carries_calls: ClassVar = True

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        clock: Clock,
        plan: Callable[[], Plan] | None = None,
        site: Callable[[], Site] | None = None,
        state_dir: Path | None = None,
        unfinished: Callable[[], Awaitable[Iterable[Call]]] | None = None,
    ) -> None:
        # Raises ConfigError now, while a reload can still go back.
        if any(listen.transport == "TLS" for listen in config.listen):
            config.tls.server_context()
        self._subject = f"sip/{name}"
        self._config = config
        self._clock = clock
        self._plan = plan
        self._site = site
        self._state_dir = state_dir
        self._unfinished = unfinished
        self._service: Service | None = None
        self._handover: Handover | None = None
        self._down = "not started"
        self._since = clock.now()

    @property
    def status(self) -> TriggerStatus:
        service, handover = self._service, self._handover
        down = service.why_down if service else "the SIP exchange does not run"
        if down != self._down:
            self._down, self._since = down, self._clock.now()
        return TriggerStatus(
            up=not down,
            since=self._since,
            text=down,
            lag=None if down else 0.0,
            in_flight=handover.in_flight if handover else 0,
            registered=service.telephones.registered if service else 0,
            legs=len(service.switch.legs) if service else 0,
            calls=service.calls if service else 0,
            events=handover.handed_over if handover else 0,
            dropped=sum(service.line.endpoint.drops.values()) if service else 0,
        )

    @property
    def listening(self) -> list[tuple[str, HostPort]]:
        """Transport and bound address of each listener; none while it does not run."""
        return self._service.line.endpoint.listening if self._service else []

    async def run(self, accept: Accept) -> None:
        """Run until cancelled. Raises what `accept` raised; OSError or ConfigError where it cannot start."""
        if self._plan is None or self._site is None or self._state_dir is None:
            raise ConfigError(f"{self._subject}: it was made to be checked, not to be run")
        handover = self._handover = Handover(accept)
        tracker = CallTracker(self._subject, via=VIA)
        if self._unfinished is not None:
            tracker.recall(await self._unfinished())
        service = Service(
            self._subject,
            self._config,
            clock=self._clock,
            handover=handover,
            tracker=tracker,
            plan=self._plan,
            site=self._site,
            state_dir=self._state_dir,
        )
        self._service = service
        serving = asyncio.create_task(service.run())
        try:
            await asyncio.wait({serving, handover.failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._service = None
            serving.cancel()
            await asyncio.wait({serving})
        (handover.failed if handover.failed.done() else serving).result()

    async def command(self, what: Notify | Recall | Taken) -> Report:
        """Let the exchange do what a delivery asks for; one that it has done is `Outcome.KNOWN`.

        Raises Unreachable while it does not run, Retryable if it does not say what becomes of it.
        """
        if self._service is None:
            raise Unreachable(f"{self._subject}: the exchange does not run")
        return await self._service.switch.command(what)

    async def check(self) -> list[Finding]:
        """Report what is wrong on this machine. Harmless beside a running bridge."""
        return await check(self._subject, self._config, self._state_dir)
