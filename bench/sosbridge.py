"""`sosbridge run` as it is installed, in a folder and process of its own, and what it has stored."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import requests
import yaml

from bench.site import ENVIRONMENT
from bench.waiting import wait
from tests.parts.ports import free_port
from tests.parts.processes import Child, PartError

PROGRAM: Final = Path(sys.executable).with_name("sosbridge")

# One row an incident: its first event, and its one delivery, once that is settled.
_STORED: Final = """\
SELECT event.caller, event.occurred_at, event.received_at, delivery.created_at, delivery.started_at
FROM calls AS call
JOIN events AS event ON event.key = call.key AND event.source = call.source AND event.kind = 'call_dialing'
JOIN deliveries AS delivery ON delivery.incident = call.incident AND delivery.started_at IS NOT NULL
"""


MakeSite = Callable[[], Mapping[str, Any]]
"""The site file as data, without the bridge's own folder and web address."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One SOS as the store knows it; UTC epoch seconds, in the order in which they come."""

    number: str
    occurred_at: float
    """By the PBX, which is on the same clock here."""
    received_at: float
    """When the trigger handed it in."""
    decided_at: float
    """In the transaction, just before its commit."""
    started_at: float
    """After the commit, just before the request."""


class Sosbridge:
    """One running bridge with an empty store, its durability settings the default ones."""

    def __init__(self, site: MakeSite) -> None:
        self._site = site
        self._web = f"127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        # Not below /tmp, which is in memory on many machines: a commit there costs nothing.
        self._folder = tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp")
        folder = Path(self._folder.name)
        site = {**self._site(), "state_dir": str(folder), "web": {"listen": self._web}}
        site_file = folder / "site.yaml"
        site_file.write_text(yaml.safe_dump(site, sort_keys=False), "utf-8")
        self._upgrade(site_file)
        command = [str(PROGRAM), "run", "--config", str(site_file)]
        self.log_file = folder / "bridge.log"
        self._child = Child(command, self.log_file, environment=ENVIRONMENT, name="sosbridge")
        try:
            self._child.wait_until(self._ready, 60, "ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()
        self._folder.cleanup()

    def _upgrade(self, site_file: Path) -> None:
        command = [str(PROGRAM), "db", "upgrade", "--config", str(site_file)]
        environment = {**os.environ, **ENVIRONMENT}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise PartError(f"sosbridge db upgrade: {done.stdout}{done.stderr}")

    @property
    def pid(self) -> int:
        return self._child.pid

    def stored(self) -> list[Stored]:
        """Return every SOS in the store whose request was answered."""
        return [Stored(*row) for row in self.query(_STORED)]

    def wait_settled(self, wanted: int, timeout: float) -> None:
        """Wait until so many SOS have had their request answered, at most `timeout` seconds."""
        wait(lambda: len(self.stored()) >= wanted, timeout, every=1.0)

    def incidents(self) -> int:
        return int(self.query("SELECT count(*) FROM incidents")[0][0])

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return what is in its store now."""
        database = Path(self._folder.name) / "sosbridge.sqlite3"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return list(connection.execute(query))

    def _ready(self) -> bool:
        try:
            return requests.get(f"http://{self._web}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False
