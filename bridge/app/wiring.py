"""Makes the triggers, drivers and heartbeats of a site, and tells each what it needs to know of the others.

What a lower layer needs of a higher one is passed in here, by keyword. Used by `app`, for each generation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from bridge.app.past import LookUp, PbxLog
from bridge.b2bua import Site as ExchangeSite
from bridge.calls import Devices
from bridge.config import DriverSettings, Site, TriggerSettings
from bridge.config.build import build_driver, build_trigger
from bridge.config.exchange import exchange_site
from bridge.drivers.dispatch import Config as DispatchConfig
from bridge.drivers.dispatch import way_of_beats
from bridge.drivers.sip_dispatch import Config as ExchangeDispatchConfig
from bridge.errors import StoreError
from bridge.model import Call, Clock, Driver, Trigger
from bridge.pack.site import loaded_hash, pack_watcher
from bridge.response import Plan
from bridge.supervision.heartbeat import Heartbeat
from bridge.triggers.ami import Config as AmiConfig
from bridge.triggers.ari import Config as AriConfig
from bridge.triggers.sip import Config as ExchangeConfig


class Wiring:
    """unfinished: returns the calls of open incidents that nobody has seen end. Raises StoreError.

    plan: returns the plan in use. healthy: whether the SOS path works right now. lost_calls: returns which
    calls of a log have no incident; raises StoreError.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        unfinished: Callable[[], Awaitable[list[Call]]],
        plan: Callable[[], Plan],
        healthy: Callable[[], bool],
        lost_calls: LookUp,
    ) -> None:
        self.standing: dict[str, Trigger] = {}
        """The triggers that carry calls: from the first generation to the end."""
        self._clock = clock
        self._unfinished = unfinished
        self._plan = plan
        self._healthy = healthy
        self._lost_calls = lost_calls
        self.unwatched_since = clock.now()
        """Until the first trigger is made: when an earlier run last lived, if one did."""
        self._exchanges: dict[str, ExchangeSite] = {}
        """What each of those knows of the site, by its name."""

    def triggers(self, site: Site) -> dict[str, Trigger]:
        """Make them; one that carries calls is the one that runs already (`require_same_roots`).

        Raises ConfigError where one cannot be made of its settings.
        """
        devices: defaultdict[str, Devices] = defaultdict(Devices)
        made = {
            settings.name: self._trigger(settings, site, devices.__getitem__) for settings in site.triggers
        }
        self.unwatched_since = self._clock.now()  # those of now end, and others begin
        return made

    def drivers(self, site: Site, triggers: Mapping[str, Trigger]) -> dict[str, Driver]:
        """Make them. Raises ConfigError as `triggers`."""
        return {
            settings.name: build_driver(settings, self._clock, **_links_of(settings, triggers))
            for settings in site.drivers
        }

    def heartbeats(self, site: Site) -> dict[str, Heartbeat]:
        """Make what proves this bridge alive to the PBX of each dispatch driver. Raises ConfigError."""
        beats = (
            Heartbeat(
                way_of_beats(driver.config, name=f"heartbeat/{driver.name}", clock=self._clock),
                self._clock,
                every=driver.config.heartbeat_every,
                healthy=self._healthy,
            )
            for driver in site.drivers
            if isinstance(driver.config, DispatchConfig)
        )
        return {beat.name: beat for beat in beats}

    def use(self, site: Site) -> None:
        """From now on the exchanges know of this site."""
        self._exchanges = dict(_exchange_sites(site))

    def _trigger(self, settings: TriggerSettings, site: Site, devices: Callable[[str], Devices]) -> Trigger:
        if settings.name in self.standing:
            return self.standing[settings.name]
        links = self._needs_of(settings, site)
        if isinstance(settings.config, AmiConfig | AriConfig):
            links["devices"] = devices
        return build_trigger(settings, self._clock, **links)

    def _needs_of(self, trigger: TriggerSettings, site: Site) -> dict[str, object]:
        """Return what a trigger needs to know of others: open calls, the pack that its PBX should have; an
        exchange, what the configuration says at any time."""
        links: dict[str, object] = {"unfinished": self._unfinished_calls}
        if isinstance(trigger.config, ExchangeConfig):
            links["plan"] = self._plan
            links["site"] = lambda: self._exchanges[trigger.name]
            links["state_dir"] = site.state_dir
        if isinstance(trigger.config, AmiConfig) and (file := trigger.config.cel_file) is not None:
            links["past"] = PbxLog(
                file=file,
                source=trigger.config.source or f"asterisk/{trigger.name}",
                plan=self._plan,
                look_up=self._lost_calls,
                unwatched_since=self.unwatched_since,
                clock=self._clock,
            )
        dispatches = any(isinstance(driver.config, DispatchConfig) for driver in site.drivers)
        if dispatches and pack_watcher(site) is trigger.config:
            links["pack_hash"] = partial(loaded_hash, site)
        return links

    async def _unfinished_calls(self) -> list[Call]:
        """Return what the store knows; nothing while it is away."""
        with suppress(StoreError):
            return await self._unfinished()
        return []


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
