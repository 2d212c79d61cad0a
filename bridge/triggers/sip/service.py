"""One run of the trigger: every part made, joined, started, and stopped in the opposite order.

Calls that talk outlive it: their state is in the keeper's file, their voice with the media process, which
goes on while RTP flows. The next run takes them up again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from bridge.b2bua import Exchange, Site
from bridge.b2bua import Settings as ExchangeSettings
from bridge.b2bua.effects import Effect
from bridge.b2bua.inputs import Input
from bridge.calls import CallTracker
from bridge.errors import ProtocolError
from bridge.model import Clock
from bridge.protocols.media import facade
from bridge.protocols.media.builtin import BuiltinMedia
from bridge.protocols.media.rtpengine import RtpengineMedia
from bridge.protocols.sip.agent import events
from bridge.protocols.sip.flow import Flow
from bridge.response import Plan
from bridge.triggers._accepting import Handover
from bridge.triggers.sip.callers import Callers
from bridge.triggers.sip.keeping import Keeper
from bridge.triggers.sip.legs import Leg
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.news import News
from bridge.triggers.sip.restoring import gathered, take_up
from bridge.triggers.sip.screening import Screening
from bridge.triggers.sip.settings import BuiltinMediaSettings, Config
from bridge.triggers.sip.studio import Studio
from bridge.triggers.sip.switch import Switch
from bridge.triggers.sip.telephones import Telephones
from bridge.triggers.sip.upstream import Upstream
from bridge.triggers.sip.ways import Ways

RESOLVE_EVERY: Final = 60.0
START_WITHIN: Final = 3.0
"""Seconds until the endpoint and the media have shown that they are there."""
LOOK_EVERY: Final = 1.0
"""Seconds between looks whether the endpoint is well."""
KEPT: Final = "registration"

_log = structlog.get_logger(__name__)


class Service:
    """subject: source of all events, and what faults are about. site, plan: as they are now."""

    def __init__(
        self,
        subject: str,
        config: Config,
        *,
        clock: Clock,
        handover: Handover,
        tracker: CallTracker,
        plan: Callable[[], Plan],
        site: Callable[[], Site],
        state_dir: Path,
    ) -> None:
        self._config = config
        self._clock = clock
        self._tracker = tracker
        self._plan = plan
        self._site = site
        self._media_ready = False
        self.keeper: Final = Keeper(
            state_dir / f"{subject.replace('/', '-')}.json",
            gather=self._gather,
            clock=clock,
            failed=self._not_kept,
        )
        self.news: Final = News(
            subject,
            tracker,
            source=subject,
            clock=clock,
            put=handover.put,
            is_phone=lambda endpoint: endpoint in plan().own_endpoint,
            changed=self.keeper.changed,
        )
        self._screening = Screening(
            is_alarm=lambda dialled: bool(site().alarm_extension(dialled)),
            is_ours=self._is_ours,
            faults=self.news,
        )
        self.line: Final = Line(config, clock=clock, told=self._told, screening=self._screening)
        self.telephones: Final = Telephones(
            config, self.line, clock=clock, tell=self.news.tell, changed=self.keeper.changed
        )
        self._upstream = Upstream(config, self.line, noticed=self._registration)
        self._ways = Ways(config, self.line, self.telephones, self._upstream)
        self._callers = Callers(
            config,
            self.telephones,
            self._upstream,
            is_alarm=lambda dialled: bool(site().alarm_extension(dialled)),
            trunk_at=self._ways.trunk_at,
            unproven=self.news.unproven,
            helped=self._helped,
        )
        self._media = self._make_media()
        self._studio = Studio(
            self._media,
            sounds=Path(config.sounds or state_dir / "sounds"),
            recordings=Path(config.recordings or state_dir / "recordings"),
            judged=self._judged,
            looked=self.news.prompt,
        )
        self._configured = self._configuration()
        self._exchange = Exchange(*self._settled(), secrets.token_hex(4))
        self.switch: Final = Switch(
            self,
            self.line,
            self._studio,
            self._callers,
            self._ways,
            clock=clock,
            news=self.news,
            hurry=self.keeper.hurry,
            media_address=config.media.address,
        )

    # --- how it is ----------------------------------------------------------------------------------

    @property
    def why_down(self) -> str:
        """Why an SOS would not be taken, '' while it would."""
        return self.line.endpoint.reason or (
            "" if self._media_ready else "there is no media: nobody would be heard"
        )

    @property
    def calls(self) -> int:
        return self._tracker.live_calls

    # --- running ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled. Raises OSError, ConfigError where it cannot even start."""
        async with contextlib.AsyncExitStack() as running:
            kept = await self.keeper.read()
            await self.line.start()
            running.push_async_callback(self.line.stop)
            self._take_up(kept)  # before anything can come in
            media = asyncio.create_task(self._media.run(), name="media")
            running.push_async_callback(_end, media)
            running.callback(self.switch.stop)
            running.push_async_callback(self._studio.drain)
            self._upstream.start()
            running.push_async_callback(self._upstream.stop)
            running.push_async_callback(self.keeper.write)
            tasks = [
                asyncio.create_task(part, name=name)
                for name, part in (
                    ("telephones", self.telephones.watch()),
                    ("keeping", self.keeper.run()),
                    ("looking", self._look()),
                    ("resolving", self._resolve()),
                )
            ]
            running.push_async_callback(_end, *tasks)
            done, _ = await asyncio.wait({media, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def _look(self) -> None:
        """Say when calls may be missed, and when no longer; that we were not there before, others say."""
        began = self._clock.monotonic()
        while self.why_down and self._clock.monotonic() - began < START_WITHIN:
            await self._clock.sleep(LOOK_EVERY / 10)
        while True:
            if why := self.why_down:
                self.news.down(why)
            else:
                self.news.up()
            await self._clock.sleep(LOOK_EVERY)

    async def _resolve(self) -> None:
        while True:
            await self._ways.resolve()
            await self._clock.sleep(RESOLVE_EVERY)

    # --- the exchange -------------------------------------------------------------------------------

    def feed(self, item: Input, now: float) -> list[Effect]:
        """Let the exchange take an input, as the site is now."""
        if any(new is not old for new, old in zip(self._configuration(), self._configured, strict=True)):
            self._configured = self._configuration()
            self._exchange.configure(*self._settled())
        return self._exchange.feed(item, now)

    def _configuration(self) -> tuple[Site, Plan]:
        return self._site(), self._plan()

    def _settled(self) -> tuple[Site, ExchangeSettings]:
        site, plan = self._configured
        return site, self._config.exchange(plan.times)

    # --- over a restart -----------------------------------------------------------------------------

    def _gather(self) -> Mapping[str, Any]:
        return gathered(self.telephones, self._exchange, self.switch.legs.values(), self.line)

    def _take_up(self, kept: Mapping[str, Any] | None) -> None:
        """Go on with what an earlier run left, and end what cannot go on."""
        restored, wanted = list[Leg](), list[Effect]()
        if kept is not None:
            try:
                restored = take_up(kept, self.telephones, self.line, self._ways.login_at)
                self._exchange, wanted = Exchange.restore(
                    *self._settled(),
                    secrets.token_hex(4),
                    kept["exchange"],
                    now=self._clock.now(),
                    alive=[leg.id for leg in restored],
                )
            except (ProtocolError, KeyError, TypeError, ValueError) as error:
                _log.exception("what an earlier run left cannot be used", why=str(error))
                restored = []
                for call in self.line.agent.calls:  # nobody would end the one when the other hangs up
                    self._hang_up(call)
        # First what lives, then what is done about it: a fact is of a channel that the tracker knows.
        for event in self._tracker.reconcile(self._exchange.live_channels(), self._clock.now()):
            self.news.put(event)
        self.switch.adopt(restored, wanted)
        self.keeper.changed()

    def _hang_up(self, call: str) -> None:
        self.line.try_to(lambda: self.line.agent.hang_up(call))

    # --- parts --------------------------------------------------------------------------------------

    def _make_media(self) -> BuiltinMedia | RtpengineMedia:
        settings = self._config.media
        if isinstance(settings, BuiltinMediaSettings):
            return BuiltinMedia(
                settings.child(), clock=self._clock, on_event=self._media_told, keep_relaying=True
            )
        return RtpengineMedia(settings.engine(), clock=self._clock, on_event=self._media_told)

    def _helped(self, flow: Flow) -> None:
        asyncio.get_running_loop().call_soon(self._screening.taken, flow)  # the SOS itself is told first

    def _is_ours(self, flow: Flow) -> bool:
        return self._config.is_allowed(flow.remote[0]) or self.telephones.is_known(flow)

    def _told(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived):
            self.telephones.take(event)
        else:
            self.switch.signalling.told(event)

    def _media_told(self, event: facade.MediaEvent) -> None:
        match event:
            case facade.MediaReady():
                self._media_ready = True
                self.news.clear("media")
            case facade.MediaLost(legs=legs, why=why):
                self._media_ready = False
                gaps = self.switch.voices.recorded(legs)
                gap = f", and {gaps} recordings have a gap" if gaps else ""
                self.news.fault(
                    "media", f"the media process is gone ({why}): {len(legs)} legs are silent{gap}"
                )
                self.switch.voices.lost(legs)
            case facade.MediaFault(text=text):
                self.news.fault("media", text)
            case facade.RecordingFailed(why=why):
                self._judged("recording", why)
            case _:
                self.switch.voices.told(event)

    def _judged(self, what: str, why: str) -> None:
        if why:
            _log.error("media: something was not possible", what=what, why=why)
        self.news.judged(what, f"{what}: {why}" if why else "")

    def _registration(self, name: str, why: str) -> None:
        self.news.judged(f"{KEPT} {name}", f"not registered at {name}: {why}" if why else "")

    def _not_kept(self, why: str) -> None:
        self.news.judged("state", why)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
