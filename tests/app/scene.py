"""One site on disk, its plant and its bridge: start, kill, look into the store, ask as an operator does."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import requests
import yaml
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.cli.incidents import whole
from bridge.config import load
from bridge.config.build import build_store
from bridge.simulator.plant import SECRETS
from bridge.store import Database, Store
from bridge.store.migrate import upgrade
from tests.app.plant import RunningPlant
from tests.app.warm import Bridge, WarmStarts
from tests.parts.ports import free_port, give_back
from tests.parts.processes import PartError, tail

TIMES: Final[Mapping[str, float]] = {
    "console_settle": 0.5,
    "redial_wait": 0.3,
    "dispatch_grace": 0.3,
    "post_roll_emergency": 0.3,
    "post_roll_routine": 0.3,
}
Story = dict[str, Any]
"""An incident as `incidents show --json` prints it."""


class Scene:
    """folder: for the state, the site file and the logs. database: an empty one to begin with."""

    def __init__(self, folder: Path, plant: RunningPlant, starts: WarmStarts, database: Path) -> None:
        self.folder = folder
        self.plant = plant
        self.site_file = folder / "site.yaml"
        self.log = folder / "bridge.log"
        self.port = free_port()
        self.bridge: Bridge | None = None
        self.may_die = False
        """Whether waiting goes on although the bridge has ended: the test starts it again by itself."""
        self._starts = starts
        self._store: Store | None = None
        self.site: dict[str, Any] = plant.plant.site(folder, times=TIMES)
        self.site |= {"node": "bridge-1", "web": {"listen": f"127.0.0.1:{self.port}"}}
        self.write_site()
        shutil.copy(database, folder / "sosbridge.sqlite3")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._store is not None:
            self._store.close()
        give_back(self.port)

    def write_site(self) -> None:
        """Put `site`, as the test has changed it, where the bridge reads it."""
        self.site_file.write_text(yaml.safe_dump(self.site, sort_keys=False), "utf-8")

    # --- the bridge ---------------------------------------------------------------------------------

    def start(self, *, ready: bool = True) -> Bridge:
        """Start `sosbridge run`; return when it says that it is ready."""
        self.bridge = self._starts.start(["run", "--config", str(self.site_file)], self.log, SECRETS)
        if ready:
            self.until(self.ready, "ready", timeout=15)
            _ = self.store  # opened while the site file is good: a test may spoil it
        return self.bridge

    def start_another(self) -> Bridge:
        """Start a second one on the same state, with a port of its own."""
        file = self.folder / "second.yaml"
        file.write_text(yaml.safe_dump(self.site | {"web": {"listen": "127.0.0.1:0"}}), "utf-8")
        return self._starts.start(["run", "--config", str(file)], self.folder / "second.log", SECRETS)

    def kill(self) -> None:
        """kill -9, and forget it."""
        if self.bridge is not None:
            self.bridge.kill()
            self.bridge = None

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=2)

    def ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except requests.RequestException:
            return False

    def readyz(self) -> str:
        """What `/readyz` says, with its status in front."""
        answer = self.get("/readyz")
        return f"{answer.status_code} {answer.text}"

    def metric(self, line: str) -> float:
        """The value of the sample that begins so."""
        found = [row for row in self.get("/metrics").text.splitlines() if row.startswith(line)]
        assert len(found) == 1, f"{line}: {found}"
        return float(found[0].rpartition(" ")[2])

    # --- what is stored -----------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        if self._store is None:
            self._store = build_store(load(self.site_file, secrets=False)).open()
        return self._store

    def incidents(self) -> list[Story]:
        """All of them, newest first."""
        return [whole(self.store, incident) for incident in self.store.incidents()]

    def incident(self) -> Story:
        """The only one."""
        [story] = self.incidents()
        return story

    def until(self, reached: Callable[[], object], what: str, timeout: float = 30.0) -> None:
        """Wait until `reached()` is true. Raises PartError with what the bridge did and said."""
        end = time.monotonic() + timeout
        while not reached():
            if time.monotonic() > end:
                raise PartError(f"not {what} within {timeout:g} s\n{self.told()}")
            self._require_alive(what)
            time.sleep(0.04)

    def _require_alive(self, what: str) -> None:
        if self.bridge is not None and not self.bridge.running and not self.may_die:
            raise PartError(f"the bridge ended with {self.bridge.wait()} before {what}\n{self.told()}")

    def until_incident(self, fits: Callable[[Story], object], what: str, timeout: float = 30.0) -> Story:
        """Wait until there is one incident and it fits; return it."""

        def reached() -> bool:
            found = self.incidents()
            return len(found) == 1 and bool(fits(found[0]))

        self.until(reached, what, timeout)
        return self.incident()

    def told(self) -> str:
        """Every incident's story and the end of the log, for the message of a test that failed."""
        shown = [self.sosbridge("incidents", "show", found.id).output for found in self.store.incidents()]
        return "\n".join([*shown, tail(self.log, 15)])

    @contextmanager
    def locked_store(self) -> Iterator[None]:
        """Keep every writer waiting, as a disk that hangs does."""
        with closing(sqlite3.connect(self.folder / "sosbridge.sqlite3", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    # --- the command line ---------------------------------------------------------------------------

    def sosbridge(self, *arguments: str) -> Result:
        """Run a command on this site, in this process, without any secret in the environment."""
        nothing = dict.fromkeys(SECRETS)
        return CliRunner(env=nothing).invoke(main, [*arguments, "--config", str(self.site_file)])


def settled(story: Story) -> bool:
    """Whether nothing of it is under way."""
    return all(delivery["state"] not in ("pending", "leased") for delivery in story["deliveries"])


def steps(story: Story, *operations: str) -> list[tuple[str, str, str]]:
    """Its deliveries of these operations as (operation, camera or screen, state)."""
    return [
        (each["operation"], each["params"].get("camera") or each["target"], each["state"])
        for each in story["deliveries"]
        if each["operation"] in operations
    ]


def texts(story: Story) -> list[str]:
    """The lines of its story."""
    return [entry["text"] for entry in story["timeline"]]


def empty_database(folder: Path) -> Path:
    """Make a database with this version's schema and nothing in it."""
    path = folder / "empty.sqlite3"
    with Database(f"sqlite:///{path}") as database:
        upgrade(database)
    return path
