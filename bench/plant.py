"""Three simulated video systems in a process of their own, for the storm: two that are well, one that hangs.

    with PlantOfThree(posts=200) as plant:
        plant.addresses     # {"wall": url, "recorder": url, "hung": url}

A hung system takes every connection and every request, and never answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Final, Self

from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.http import GenericVms
from bridge.simulator.vms.server import FakeServer
from bridge.simulator.vms.zoneminder import FakeUser, FakeZoneMinder
from bridge.supervision.clocks import SystemClock
from tests.parts.processes import Child

USER: Final = "bench"
SYSTEMS: Final = ("wall", "recorder", "hung")


class PlantOfThree:
    """posts: cameras and screens that each system has, numbered from 1. password: of the recorder's user."""

    def __init__(self, posts: int, password: str) -> None:
        self._arguments = [str(posts), password]

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-plant-")
        told = Path(self._folder.name) / "addresses.json"
        command = [sys.executable, "-m", "bench.plant", *self._arguments, str(told)]
        self._child = Child(command, Path(self._folder.name) / "plant.log", name="plant")
        try:
            self._child.wait_until(told.exists, 20, "listening")
            self.addresses: dict[str, str] = json.loads(told.read_text("utf-8"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._folder.cleanup()


async def _serve(posts: int, password: str, told: Path) -> None:
    clock = SystemClock()
    numbers = [str(number) for number in range(1, posts + 1)]
    servers: dict[str, FakeServer] = {
        "wall": GenericVms(clock, cameras=numbers, screens=numbers),
        "recorder": FakeZoneMinder(
            clock, monitors=dict.fromkeys(numbers, "camera"), users={USER: FakeUser(password)}
        ),
        "hung": GenericVms(clock, cameras=numbers, screens=numbers),
    }
    servers["hung"].faults.order(Rule(fault=Fault.SILENT))
    for server in servers.values():
        await server.start()
    ready = told.with_suffix(".tmp")
    ready.write_text(json.dumps({name: server.url for name, server in servers.items()}), "utf-8")
    ready.rename(told)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
