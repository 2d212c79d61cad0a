"""A validated site, as `app.py` and the commands use it. Made by `loading.load` only."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from bridge.config.fields import split_address
from bridge.config.instances import Instance
from bridge.config.plant import OPERATOR, SUPERVISOR, WALL, ViewSection
from bridge.config.sections import AlarmSection, FileSection, SiteSection
from bridge.config.table import ON_CONSOLES, acknowledgements, effective_rules
from bridge.model import Capability, Finding, Location, Operation, Phone, Targets, View
from bridge.protocols.syslog_settings import SyslogServer
from bridge.response import Fallback, Plan, Rule
from bridge.store import Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSettings:
    """One PBX link: `build.build_trigger` makes the trigger of it."""

    name: str
    type: str
    module: ModuleType
    config: BaseModel
    """The module's own `Config`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSettings:
    """One driver instance: `build.build_driver` makes the driver of it."""

    name: str
    type: str
    module: ModuleType
    config: BaseModel
    """The module's own `Config`."""
    targets: Targets
    """The site's cameras in this VMS, with the presets it may be asked for, and its consoles there."""
    capabilities: Mapping[Operation, Capability]
    """How it can do each operation."""
    proofs: Mapping[Operation, str] | None
    """What it reads back of each; None where it does not say."""

    @property
    def operations(self) -> frozenset[Operation]:
        """What it can be asked to do."""
        return frozenset(name for name, how in self.capabilities.items() if how is not Capability.IMPOSSIBLE)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything the file says, with defaults filled in. Hold on to it: it never changes."""

    path: str
    """The file it came from, for messages."""
    file: FileSection
    site: SiteSection
    alarm: AlarmSection
    instances: tuple[Instance, ...]
    findings: tuple[Finding, ...] = ()
    """Warnings and hints; subjects are file:line:column."""

    @cached_property
    def triggers(self) -> tuple[TriggerSettings, ...]:
        """The PBX links, in the order of the file."""
        return tuple(
            TriggerSettings(name=found.name, type=found.type, module=found.module, config=found.config)
            for found in self.instances
            if not found.drives and found.module and found.config is not None
        )

    @cached_property
    def drivers(self) -> tuple[DriverSettings, ...]:
        """The drivers in order of priority; dispatch is the last."""
        return tuple(
            DriverSettings(
                name=found.name,
                type=found.type,
                module=found.module,
                config=found.config,
                targets=self._targets(found),
                capabilities=found.capabilities or {},
                proofs=found.proofs,
            )
            for found in self.instances
            if found.drives and found.module and found.config is not None
        )

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The effective response table."""
        drivers = [found for found in self.instances if found.drives and not found.stands_in_for]
        return effective_rules(self.file, drivers)

    @cached_property
    def unread(self) -> frozenset[str]:
        """Names of the drivers that are to show pictures on some console, and read back nothing of it."""
        shows = {rule.driver for rule in self.rules if rule.operation is Operation.SHOW}
        return frozenset(
            driver.name
            for driver in self.drivers
            if driver.name in shows
            and driver.targets.consoles
            and Operation.SHOW not in (driver.proofs or {})
        )

    def plan(self) -> Plan:
        """Return what the engine needs to know, as pure values."""
        return Plan(
            site=self.site.name,
            timezone=self.site.timezone,
            phones=tuple(
                Phone(id=phone_id, **phone.model_dump(exclude_none=True))
                for phone_id, phone in self.file.phones.items()
            ),
            locations={tag: self._location(tag) for tag in self.file.locations},
            cameras={tag: dict(camera.ids) for tag, camera in self.file.cameras.items()},
            beacons={found.name: frozenset(found.beacons) for found in self.instances if found.beacons},
            alarm_extensions=self.alarm.extensions,
            consoles=self.default_consoles,
            supervisors=self._named(SUPERVISOR),
            walls=self._named(WALL),
            console_ids={name: dict(console.ids) for name, console in self.file.consoles.items()},
            console_endpoints=frozenset(
                console.endpoint for console in self.file.consoles.values() if console.endpoint
            ),
            capabilities={driver.name: driver.operations for driver in self.drivers},
            unread=self.unread,
            rules=self.rules,
            fallbacks={
                found.stands_in_for: Fallback(driver=found.name, links=tuple(self._links_of_dispatch()))
                for found in self.instances
                if found.stands_in_for
            },
            acknowledgements=acknowledgements(self.file),
            times=self.file.times.times(),
        )

    @property
    def default_consoles(self) -> tuple[str, ...]:
        """Names of the consoles for a call whose location is unknown or names none."""
        return self.alarm.consoles or self._named(OPERATOR) or tuple(self.file.consoles)

    @property
    def node(self) -> str:
        """Name of this bridge among those that share a database."""
        return self.file.node or socket.gethostname()

    @property
    def state_dir(self) -> Path:
        """Folder of everything this node writes. Not created here."""
        return Path(self.file.state_dir) if self.file.state_dir else default_state_dir()

    @cached_property
    def syslog(self) -> tuple[SyslogServer, ...]:
        """The syslog servers that are told everything."""
        return tuple(section.server() for section in self.file.syslog)

    @property
    def keep(self) -> Keep:
        """How long what happened is kept. A syslog server that is configured must have been told of it."""
        days = self.file.retention
        return Keep(
            emergency=days.emergency_days,
            routine=days.routine_days,
            faults=days.fault_days,
            forwarders=tuple(server.name for server in self.syslog),
        )

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of the web server."""
        return split_address(self.file.web.listen)

    def database(self) -> tuple[str, Callable[[], str] | None]:
        """Return the store's URL, which never holds a password, and what reveals the password."""
        store = self.file.store
        url = store.url or f"sqlite:///{self.state_dir / 'sosbridge.sqlite3'}"
        return url, store.password.reveal if store.password else None

    def _links_of_dispatch(self) -> Iterator[str]:
        """Subjects of the links that watch the PBX by which dispatch is rung."""
        dispatch = next((found for found in self.instances if found.path == ("dispatch",)), None)
        wanted = getattr(dispatch.config, "pbx", "") if dispatch else ""
        for link in self.triggers:
            if link.type in ("ami", "ari") and wanted in ("", link.name):
                yield f"{link.type}/{link.name}"

    def _named(self, role: str) -> tuple[str, ...]:
        return tuple(name for name, console in self.file.consoles.items() if console.role == role)

    def _location(self, tag: str) -> Location:
        location = self.file.locations[tag]
        return Location(
            tag=tag,
            spoken=location.spoken,
            views=self._views(location.cameras),
            wider=self._views(location.wider),
            alternates=self._views(location.alternates),
            consoles=location.consoles,
            beacons=location.beacons,
        )

    def _views(self, views: Iterable[ViewSection]) -> tuple[View, ...]:
        return tuple(View(camera=view.camera, preset=self._preset(view)) for view in views)

    def _preset(self, view: ViewSection) -> str:
        """Turn the site's own name of a preset into the VMS's; empty for none."""
        if view.preset is None:
            return ""
        return self.file.cameras[view.camera].presets.get(view.preset, view.preset)

    def _targets(self, driver: Instance) -> Targets:
        used: dict[str, set[str]] = {
            camera.ids[driver.name]: set()
            for camera in self.file.cameras.values()
            if driver.name in camera.ids
        }
        for view in self._recalled_by(driver.name):
            used[self.file.cameras[view.camera].ids[driver.name]].add(self._preset(view))
        return Targets(
            cameras={camera_id: frozenset(presets) for camera_id, presets in used.items()},
            consoles=frozenset(self._screens(driver)),
        )

    def _recalled_by(self, driver: str) -> Iterator[ViewSection]:
        """Yield the views whose preset some rule of the response table may ask of the driver.

        A camera that goes home was moved by the same driver before.
        """
        for rule in self.rules:
            if (rule.driver, rule.operation) != (driver, Operation.RECALL_PRESET):
                continue
            for location in self.file.locations.values():
                wider = location.wider if rule.wider else ()
                for view in (*location.cameras, *wider, *location.alternates):
                    ids = self.file.cameras[view.camera].ids
                    if view.preset is not None and driver in ids and ids.keys().isdisjoint(rule.unless):
                        yield view

    def _screens(self, driver: Instance) -> Iterator[str]:
        """Yield what the driver calls the consoles it can be asked to show something on."""
        if not ON_CONSOLES & (driver.operations or frozenset()):
            return
        for name, console in self.file.consoles.items():
            if driver.name in console.ids or not console.ids:
                yield console.ids.get(driver.name, name)


def default_state_dir() -> Path:
    """Return the folder that systemd gave (StateDirectory=), else the usual one of this user."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/sosbridge")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sosbridge"
