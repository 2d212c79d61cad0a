"""Puts a simulated system in the place of each one that a driver talks to. Called by `site`.

One function a type of driver: it starts the simulator's dialect on the loopback, with the cameras and screens
that the site has there, and returns the driver's settings with the new address, user and password. None: this
site uses what the simulator does not have, and a recorder stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from bridge.config import DriverSettings
from bridge.drivers.frigate.settings import Config as Frigate
from bridge.drivers.genetec.settings import Config as Genetec
from bridge.drivers.genetec.settings import alarms_in, events_in, rule_alarms_in
from bridge.drivers.milestone.settings import Config as Milestone
from bridge.drivers.modbus.settings import Config as Modbus
from bridge.drivers.nx.settings import Config as Nx
from bridge.drivers.onvif.settings import CameraConfig
from bridge.drivers.onvif.settings import Config as Onvif
from bridge.drivers.zoneminder import Config as ZoneMinder
from bridge.model import Clock, Targets, derive_id
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.milestone import GUID
from bridge.protocols.nx_values import plain_id
from bridge.protocols.secret import Secret
from bridge.simulator.modbus_module import COILS, FakeModule
from bridge.simulator.vms.frigate import FakeFrigate
from bridge.simulator.vms.frigate_plant import FakeCamera as FrigateCamera
from bridge.simulator.vms.genetec import FakeGenetec
from bridge.simulator.vms.milestone import FakeMilestone
from bridge.simulator.vms.milestone_plant import FakeCamera, FakePreset, number_of
from bridge.simulator.vms.nx import FakeDevice, FakeNx, FakeUser, recording_rule, soft_trigger
from bridge.simulator.vms.onvif_camera import FakeOnvifCamera, Habits
from bridge.simulator.vms.onvif_camera import FakePreset as OnvifPreset
from bridge.simulator.vms.server import FakeServer
from bridge.simulator.vms.zoneminder import FakeUser as ZoneMinderUser
from bridge.simulator.vms.zoneminder import FakeZoneMinder

USER: Final = "training"
VARIABLE: Final = "SOSBRIDGE_TRAINING"
"""The environment variable with the password of everything that is simulated."""
PASSWORD: Final = "training"  # noqa: S105  of systems that exist in this process only
SECRET: Final = Secret("env", VARIABLE)

_JPEG: Final = b"\xff\xd8\xff\xe0" + b"picture " * 200
_Server = TypeVar("_Server", bound=FakeServer | FakeModule)


class Here:
    """Where the simulated systems run. stack: stops them. tags: driver's camera id -> the site's name."""

    def __init__(self, stack: AsyncExitStack, clock: Clock, tags: Mapping[str, str]) -> None:
        self.clock = clock
        self.tags = tags
        self._stack = stack

    async def run(self, server: _Server) -> _Server:
        await server.start()
        self._stack.push_async_callback(server.stop)
        return server

    def tag(self, camera: str) -> str:
        return self.tags.get(camera, camera)


def _at(config: BaseModel, url: str, **more: Any) -> BaseModel:
    """The settings of an HTTP driver at its simulated system, whose transport is as plain as the loopback."""
    login = {"user": USER, "password": SECRET}
    return config.model_copy(update={"base_url": url, "tls": TlsSettings(), **login, **more})


def _apart(count: int) -> tuple[float, float, float]:
    """Where the camera's preset of this number is: none is where another one is."""
    return (0.1 + 0.7 * (count % 10) / 10, -0.5 + (count // 10 % 10) / 10, 0.25)


async def simulated(driver: DriverSettings, here: Here) -> BaseModel | None:
    """Start what the driver is to talk to, and return its settings for it; None where it is not simulated."""
    targets = driver.targets
    own: BaseModel | None = None
    match driver.config:
        case ZoneMinder() as config:
            own = await _zoneminder(config, targets, here)
        case Milestone() as config:
            own = await _milestone(config, targets, here)
        case Genetec() as config:
            own = await _genetec(config, targets, here)
        case Nx() as config:
            own = await _nx(config, targets, here)
        case Frigate() as config:
            own = await _frigate(config, targets, here)
        case Onvif() as config:
            own = await _onvif(config, targets, here)
        case Modbus() as config:
            own = await _modbus(config, here)
    return own


async def _zoneminder(config: ZoneMinder, targets: Targets, here: Here) -> BaseModel:
    monitors: dict[int | str, str] = {
        number: here.tag(number) for number in targets.cameras if number.isdecimal()
    }
    fake = FakeZoneMinder(here.clock, monitors=monitors, users={USER: ZoneMinderUser(PASSWORD)})
    await here.run(fake)
    return _at(config, fake.base_url)


async def _milestone(config: Milestone, targets: Targets, here: Here) -> BaseModel | None:
    events = (config.events.start, config.events.stop) if config.events else ()
    recipients = config.matrix.recipients if config.matrix else frozenset()
    if config.mode != "gateway" or any(event.names for event in events) or len(recipients) > 1:
        return None
    fake = FakeMilestone(
        here.clock,
        users={USER: PASSWORD},
        rules={event.source: number == 0 for number, event in enumerate(events)},
    )
    fake.state.cameras = {
        camera: FakeCamera(camera, here.tag(camera), presets=_milestone_presets(presets, config.home_preset))
        for camera, presets in targets.cameras.items()
    }
    fake.state.monitors = {screen: [] for screen in targets.consoles - recipients}
    fake.rest.matrix = next(iter(recipients), fake.rest.matrix)
    fake.changed()
    await here.run(fake)
    states = {name: Milestone.model_fields[name].default for name in _ALARM_STATES}
    return _at(config, fake.url, user_kind="basic", **states)


_ALARM_STATES: Final = ("new_state", "acknowledged_state", "closed_state")
"""Settings with what a site may call them; the simulated one has the vendor's names."""


def _milestone_presets(presets: frozenset[str], home: str) -> list[FakePreset]:
    first = FakePreset(number_of("ptzPresets", 1), "home", (0.0, 0.0, 0.0), home=True)
    if home:
        first.id, first.name = _preset(home, 1)
    rows = enumerate(sorted(presets - {home}), 2)
    return [first, *(FakePreset(*_preset(name, count), _apart(count)) for count, name in rows)]


def _preset(named: str, count: int) -> tuple[str, str]:
    """Id and name of the preset that the site names by either."""
    return (named, named) if GUID.fullmatch(named) else (number_of("ptzPresets", count), named)


async def _genetec(config: Genetec, targets: Targets, here: Here) -> BaseModel:
    fake = FakeGenetec(here.clock, user=USER, application_id=PASSWORD, password=PASSWORD)
    site = fake.state
    for camera in targets.cameras:
        site.add("Camera", camera.lower(), here.tag(camera))
    monitors = {screen: derive_id("monitor", screen) for screen in targets.consoles}
    for screen, number in monitors.items():
        site.add("Monitor", number, f"Monitor {screen}", logical_id=int(screen))
    desk = {"ApplicationType": "SecurityDesk", "Monitors": list(monitors.values())}
    site.add("Application", derive_id("desk"), "Security Desk", properties=desk)
    for alarm in {*alarms_in(config), *rule_alarms_in(config)}:
        site.add("Alarm", alarm, "SOS", properties={"AutoAcknowledgmentDelay": "00:00:00"})
    for person in {each for people in config.operators.values() for each in people}:
        site.add("User", person, "operator")
    site.add("User", derive_id("user", USER), USER)
    for pair in events_in(config):
        site.custom_events |= {number: f"event {number}" for number in (pair.start, pair.stop) if number}
        if pair.start and pair.alarm:
            site.rules[pair.start] = pair.alarm
    await here.run(fake)
    return _at(config, fake.base_url, application_id=SECRET)


async def _nx(config: Nx, targets: Targets, here: Here) -> BaseModel:
    cameras = {plain_id(camera): camera for camera in targets.cameras}
    devices = [
        FakeDevice(number, here.tag(camera), {name: name for name in targets.cameras[camera]})
        for number, camera in cameras.items()
    ]
    user = FakeUser(PASSWORD, derive_id("user", USER))
    fake = FakeNx(here.clock, devices=devices, users={USER: user}, api=config.version or 4, status_lag=0.1)
    fake.state.rules = [
        recording_rule(number, here.tag(camera), source=config.source) for number, camera in cameras.items()
    ]
    names = {
        template.replace("{target}", console)
        for template in (config.show_trigger, config.popup_trigger)
        for console in targets.consoles
        if template
    }
    fake.state.triggers = [soft_trigger(name) for name in sorted(names)]
    await here.run(fake)
    return _at(config, fake.url)


async def _frigate(config: Frigate, targets: Targets, here: Here) -> BaseModel:
    home = {config.home_preset} if config.home_preset else set()
    cameras = [
        FrigateCamera(name, presets=tuple(each.lower() for each in sorted({*presets, *home})) or None)
        for name, presets in targets.cameras.items()
    ]
    fake = await here.run(FakeFrigate(here.clock, cameras=cameras, users={}))
    return _at(config, fake.url, user="", password=None)


async def _onvif(config: Onvif, targets: Targets, here: Here) -> BaseModel:
    cameras: dict[str, CameraConfig] = {}
    for name, camera in config.cameras.items():
        used = targets.cameras.get(name, frozenset()) | ({camera.home_preset} - {""})
        fake = FakeOnvifCamera(
            here.clock,
            user=USER,
            password=PASSWORD,
            presets={each: OnvifPreset(each, _apart(count)) for count, each in enumerate(sorted(used), 1)},
            relays=(camera.relay,) if camera.relay else (),
            habits=Habits(snapshot=_JPEG),
        )
        await here.run(fake)
        simulated = {"url": fake.url, "user": USER, "password": SECRET, "profile": ""}
        cameras[name] = camera.model_copy(update=simulated)
    return config.model_copy(update={"cameras": cameras, "tls": TlsSettings()})


async def _modbus(config: Modbus, here: Here) -> BaseModel | None:
    outputs = config.outputs.values()
    mirrors = {output.read_address - output.coil for output in outputs}
    if len(mirrors) > 1 or any(output.coil >= COILS or output.read_address >= COILS for output in outputs):
        return None
    module = FakeModule(units={output.unit for output in outputs}, mirror=mirrors.pop())
    await here.run(module)
    return config.model_copy(update={"host": "127.0.0.1", "port": module.port})
