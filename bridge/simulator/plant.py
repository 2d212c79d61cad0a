"""The plant in a box: a PBX, a ZoneMinder and a video wall on free loopback ports, and their site file.

`sosbridge demo` runs the bridge against it; nothing outside this process is ever called or moved.
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
class Plant:
    """The running simulators of the tank farm."""

    pbx: AmiServer
    zoneminder: FakeZoneMinder
    wall: GenericVms

    def site(self, folder: Path, *, times: Mapping[str, float]) -> dict[str, Any]:
        """Return the tank-farm example as data, with this plant's addresses and other waiting times.

        folder: where the bridge keeps its state.
        """
        site: dict[str, Any] = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
        site["state_dir"] = str(folder)
        site["pbx"][0] |= {"port": self.pbx.port, "username": "watch"}
        zoneminder, wall = site["vms"]
        zoneminder |= {"base_url": f"{self.zoneminder.url}/zm", "user": "demo"}
        wall["base_url"] = self.wall.url
        site["times"] = dict(times)
        site["web"] = {"listen": "127.0.0.1:0"}
        del site["dispatch"]
        return site


def example_folder() -> Path:
    """Return where the tank-farm example lies in this installation."""
    return shared_folder("examples/tank-farm")


def _ids(site: Mapping[str, Any], vms: str) -> Iterator[str]:
    for camera in site["cameras"].values():
        yield str(camera[vms])


@asynccontextmanager
async def simulated_plant(clock: Clock) -> AsyncIterator[Plant]:
    """Run the tank farm's systems until the `async with` ends."""
    site = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
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
        pbx = await stack.enter_async_context(AmiServer())
        for server in (zoneminder, wall):
            await server.start()
            stack.push_async_callback(server.stop)
        yield Plant(pbx, zoneminder, wall)
