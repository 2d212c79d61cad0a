"""The plant in a box: VMSs, and a PBX where one is wanted, on free loopback ports, and their site file.

`sosbridge demo` and tests run the bridge against it; nothing outside this process is ever called or moved.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.model import Clock
from bridge.resources import shared_folder
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.vms.http import GenericVms
from bridge.simulator.vms.zoneminder import FakeUser, FakeZoneMinder

SECRETS: Final[Mapping[str, str]] = {
    "SOSBRIDGE_AMI_WATCH": "watch-secret",
    "SOSBRIDGE_ZM_PASSWORD": "demo",
    "SOSBRIDGE_WALL_TOKEN": "demo",
}
"""What the example's `{env: NAME}` read, good for the simulated plant only."""


@dataclass(frozen=True, slots=True)
class Systems:
    """The running VMSs of the tank farm: one that records, and a video wall."""

    zoneminder: FakeZoneMinder
    wall: GenericVms

    async def switch_off(self) -> None:
        """Refuse every connection from now on."""
        await self.zoneminder.stop()
        await self.wall.stop()

    async def switch_on(self) -> None:
        """Be there again, on the same ports."""
        await self.zoneminder.start()
        await self.wall.start()

    def site(self, folder: Path, *, times: Mapping[str, float]) -> dict[str, Any]:
        """Return the tank-farm example as data, with these addresses and other waiting times.

        folder: where the bridge keeps its state. Its `pbx` and phones are still the example's.
        """
        site = _example()
        site["state_dir"] = str(folder)
        zoneminder, wall = site["vms"]
        zoneminder |= {"base_url": f"{self.zoneminder.url}/zm", "user": "demo"}
        wall["base_url"] = self.wall.url
        site["times"] = dict(times)
        site["web"] = {"listen": "127.0.0.1:0"}
        del site["dispatch"]
        return site


@dataclass(frozen=True, slots=True)
class Plant:
    """The running simulators of the tank farm with its PBX."""

    pbx: AmiServer
    systems: Systems

    @property
    def zoneminder(self) -> FakeZoneMinder:
        return self.systems.zoneminder

    @property
    def wall(self) -> GenericVms:
        return self.systems.wall

    def site(self, folder: Path, *, times: Mapping[str, float]) -> dict[str, Any]:
        """Return the tank-farm example as data, with this plant's addresses and other waiting times.

        folder: where the bridge keeps its state.
        """
        site = self.systems.site(folder, times=times)
        site["pbx"][0] |= {"port": self.pbx.port, "username": "watch"}
        return site


def example_folder() -> Path:
    """Return where the tank-farm example lies in this installation."""
    return shared_folder("examples/tank-farm")


def _example() -> dict[str, Any]:
    site: dict[str, Any] = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
    return site


def _ids(site: Mapping[str, Any], vms: str) -> Iterator[str]:
    for camera in site["cameras"].values():
        yield str(camera[vms])


@asynccontextmanager
async def simulated_systems(clock: Clock) -> AsyncIterator[Systems]:
    """Run the tank farm's VMSs until the `async with` ends."""
    site = _example()
    cameras = {camera["zm"]: tag for tag, camera in site["cameras"].items()}
    users = {"demo": FakeUser(SECRETS["SOSBRIDGE_ZM_PASSWORD"])}
    zoneminder = FakeZoneMinder(clock, monitors=cameras, users=users)
    wall = GenericVms(
        clock,
        cameras=_ids(site, "wall"),
        screens=site["consoles"],
        authorization=f"Bearer {SECRETS['SOSBRIDGE_WALL_TOKEN']}",
    )
    async with contextlib.AsyncExitStack() as stack:
        for server in (zoneminder, wall):
            await server.start()
            stack.push_async_callback(server.stop)
        yield Systems(zoneminder, wall)


@asynccontextmanager
async def simulated_plant(clock: Clock) -> AsyncIterator[Plant]:
    """Run the tank farm's systems and its PBX until the `async with` ends."""
    async with AmiServer() as pbx, simulated_systems(clock) as systems:
        yield Plant(pbx, systems)
