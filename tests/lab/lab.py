"""The whole chain on real parts: a phone, Asterisk with the dialplan pack, `sosbridge run`, a ZoneMinder.

Only the video wall is simulated (the `http` driver's other end), on a loop and thread of its own. The site is
the tank-farm example with the addresses of these parts; waiting times are scaled down.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import requests
import yaml

from bridge.cli.incidents import whole
from bridge.config import load
from bridge.config.build import build_store
from bridge.pack.render import render_texts
from bridge.pack.site import facts_of
from bridge.simulator.plant import example_folder
from bridge.simulator.vms.http import GenericVms
from bridge.supervision.clocks import SystemClock
from tests.pack.lab import EXTENSIONS, MODULES
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import free_port
from tests.parts.processes import Child, PartError, tail
from tests.parts.sound import write_tone
from tests.parts.zoneminder import ZoneMinder

SOSBRIDGE: Final = Path(sys.executable).with_name("sosbridge")
PHONE: Final = "help-east-03"
CONSOLE: Final = "desk-1"
POST_03: Final = "TANKFARM-EAST-POST-03"
TIMES: Final[Mapping[str, float]] = {
    "picture": 4.0,
    "escalate_1": 3.0,
    "escalate_2": 6.0,
    "console_settle": 1.0,
    "redial_wait": 0.6,
    "post_roll_emergency": 1.0,
    "post_roll_routine": 0.5,
}
SECRETS: Final[Mapping[str, str]] = {
    "SOSBRIDGE_AMI_WATCH": "lab-watch",
    "SOSBRIDGE_AMI_ORIGINATE": "lab-originate",
    "SOSBRIDGE_AMI_HEARTBEAT": "lab-heartbeat",
    "SOSBRIDGE_WALL_TOKEN": "lab-wall",
}
HEARTBEAT_STALE: Final = 3
PEOPLE: Final = ("desk-1", "desk-2", "shift-lead", "plant-manager")


class Wall:
    """The simulated video wall, served from a thread of its own."""

    def __init__(self, cameras: Mapping[str, Mapping[str, Any]], screens: list[str]) -> None:
        self.vms = GenericVms(
            SystemClock(),
            cameras=[str(camera["wall"]) for camera in cameras.values()],
            screens=screens,
            authorization=f"Bearer {SECRETS['SOSBRIDGE_WALL_TOKEN']}",
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.vms.start(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.vms.stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def asked(self) -> list[str]:
        """What it was told to do so far, in order; questions left out."""
        return [str(request) for request in list(self.vms.requests) if request.method != "GET"]


class Lab:
    """Everything running. `bridge()` starts and stops the bridge itself."""

    def __init__(self, zoneminder: ZoneMinder, folder: Path) -> None:
        self.zoneminder = zoneminder
        self.folder = folder
        self.site_file = folder / "site.yaml"
        self.web = f"127.0.0.1:{free_port()}"
        self._stack = ExitStack()
        self._bridge: Child | None = None

    def __enter__(self) -> Self:
        os.environ.update(SECRETS, SOSBRIDGE_ZM_PASSWORD=self.zoneminder.password)
        example = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
        try:
            self.wall = self._stack.enter_context(Wall(example["cameras"], list(example["consoles"])))
            self.pbx = Asterisk("22", endpoints=tuple(_endpoints(example)), modules=MODULES)
            self._stack.callback(self.pbx.close)
            self._write_site(example)
            install_pack(self.pbx, self.site_file)
            self.pbx.start()
            self.sosbridge("db", "upgrade")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_bridge()
        self._stack.close()

    def _write_site(self, site: dict[str, Any]) -> None:
        site["state_dir"] = str(self.folder)
        site["pbx"][0]["port"] = self.pbx.ami_port
        zoneminder, wall = site["vms"]
        zoneminder |= {"base_url": self.zoneminder.url, "user": self.zoneminder.user}
        wall["base_url"] = self.wall.vms.url
        for tag, camera in site["cameras"].items():
            if tag in self.zoneminder.monitors:
                camera["zm"] = self.zoneminder.monitors[tag]
            else:
                del camera["zm"]
        site["dispatch"] |= {
            "port": self.pbx.ami_port,
            "sounds": str(self.pbx.sounds),
            "ring": 3,
            "pause": 0.5,
            "callback_ring": 3,
            "heartbeat_every": 0.5,
            "heartbeat_stale": HEARTBEAT_STALE,
        }
        site["times"] = dict(TIMES)
        site["web"] = {"listen": self.web}
        self.site_file.write_text(yaml.safe_dump(site, sort_keys=False), "utf-8")

    # --- the bridge ---------------------------------------------------------------------------------

    def start_bridge(self) -> None:
        """Start `sosbridge run` and wait until it is ready and the PBX knows it."""
        command: list[str | Path] = [SOSBRIDGE, "run", "--config", self.site_file]
        self._bridge = Child(command, self.folder / "bridge.log", name="sosbridge")
        self._bridge.wait_until(
            lambda: self.ready() and self.beat_age() < 2, 20, "ready and known to the PBX"
        )

    def stop_bridge(self) -> None:
        if self._bridge is not None:
            self._bridge.stop()
            self._bridge = None

    def kill_bridge(self) -> None:
        """kill -9."""
        if self._bridge is not None:
            self._bridge.kill()
            self._bridge = None

    def ready(self) -> bool:
        try:
            return requests.get(f"http://{self.web}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def beat_age(self) -> float:
        """Seconds since the PBX last noted a beat of the bridge."""
        found = re.search(r"SOS_BEAT_AT=(\d+)", self.pbx.cli("dialplan show globals"))
        return time.time() - (int(found[1]) if found else 0)

    def metrics(self) -> str:
        return requests.get(f"http://{self.web}/metrics", timeout=5).text

    # --- the command line ---------------------------------------------------------------------------

    def sosbridge(self, *arguments: str, status: int = 0) -> str:
        """Run the command on this site and return what it printed."""
        command: list[str | Path] = [SOSBRIDGE, *arguments, "--config", self.site_file]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != status:
            raise PartError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def incidents(self) -> list[dict[str, Any]]:
        """All of them, newest first, as `incidents show --json` prints them."""
        with build_store(load(self.site_file)) as store:
            return [whole(store, incident) for incident in store.incidents()]

    def wait_incident(self, fits: Callable[[dict[str, Any]], bool], timeout: float = 15.0) -> dict[str, Any]:
        """Return the only incident once it fits."""
        found: list[dict[str, Any]] = []

        def reached() -> bool:
            found[:] = self.incidents()
            return len(found) == 1 and fits(found[0])

        wait_for(reached, timeout, self._story)
        return found[0]

    def _story(self) -> str:
        """What the bridge did and said, for the message of a test that failed."""
        shown = [self.sosbridge("incidents", "show", incident["id"]) for incident in self.incidents()]
        return "\n".join([*shown, tail(self.folder / "bridge.log", 10)])


def install_pack(pbx: Asterisk, site_file: Path) -> None:
    """Put the dialplan pack of a site, rendered, where a PBX reads it at its start."""
    for name, text in render_texts(facts_of(load(site_file))).items():
        pbx.write(f"sosbridge/{name}", text)
    pbx.write("extensions.conf", EXTENSIONS)
    pbx.write("musiconhold.conf", '#tryinclude "sosbridge/musiconhold.conf"\n')
    manager = (pbx.etc / "manager.conf").read_text("utf-8")
    pbx.write("manager.conf", f'{manager}\n#tryinclude "sosbridge/manager.conf"\n')
    (pbx.sounds / "en").mkdir(parents=True, exist_ok=True)
    write_tone(pbx.sounds / "en" / "press-1.wav", 800, seconds=0.3)


def wait_for(reached: Callable[[], bool], timeout: float, story: Callable[[], str]) -> None:
    """Poll until `reached`. Raises PartError with the story."""
    end = time.monotonic() + timeout
    while not reached():
        if time.monotonic() > end:
            raise PartError(f"not within {timeout:g} s: {story()}")
        time.sleep(0.1)


def _endpoints(site: Mapping[str, Any]) -> Iterator[Endpoint]:
    for endpoint in {str(phone["endpoint"]) for phone in site["phones"].values()}:
        yield Endpoint(name=endpoint, port=-1)
    for person in PEOPLE:
        yield Endpoint(name=person, port=-1, dtmf="info")
