"""A real PostgreSQL in a temporary folder, on a free loopback port, under an unprivileged user.

    with Postgres() as server:
        url = server.create_database("store")        # postgresql+psycopg://...
        server.restart(); server.kill()              # a crash: the next start recovers

Debian's programs outside PATH are found (/usr/lib/postgresql/*/bin); no cluster of the system is touched.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

import psycopg

from tests.parts.ports import LOOPBACK, free_port
from tests.parts.processes import Child, PartError

OWNER: Final = "tester"


def find_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, or None."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    """One server, started by construction (about 1 s, most of it initdb).

    durable: with fsync, as a site runs it. Without, tests are faster and a `kill` still recovers, because
    the operating system lives on.
    """

    def __init__(self, *, durable: bool = True) -> None:
        programs = find_programs()
        if programs is None:
            raise PartError("no PostgreSQL on this machine: apt-get install postgresql")
        self._programs = programs
        self._user = _unprivileged_user()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.port = free_port()
        self._durable = durable
        self._child: Child | None = None
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{OWNER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self._execute(f'CREATE DATABASE "{name}"')
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending its connections."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [*self._as_user(), self._programs / "postgres", "-D", self._data, "-k", self.folder]
        command += ["-h", LOOPBACK, "-p", str(self.port)]
        if not self._durable:
            command += ["-F"]
        self._child = Child(command, self.folder / "server.log", folder=self.folder, name="postgres")
        self._child.wait_until(self._answers, 20.0, "answering")

    def stop(self) -> None:
        """End it in order (SIGINT: clients are cut off, the data is flushed). Safe to repeat."""
        if self._child is not None and self._child.running:
            self._child.send(signal.SIGINT)
            self._child.wait(20.0)

    def kill(self) -> None:
        """End it as a crash does (SIGQUIT: nothing is flushed, the next start recovers)."""
        if self._child is not None and self._child.running:
            self._child.send(signal.SIGQUIT)
            self._child.wait(20.0)

    def restart(self) -> None:
        """Stop it and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it and remove its folder. Safe to repeat."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _as_user(self) -> list[str | Path]:
        """PostgreSQL refuses to run as root."""
        if self._user is None:
            return []
        ids = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}"]
        # Changing the user clears the death signal that `Child` set, so it is set once more.
        return ["setpriv", *ids, "--clear-groups", "--pdeathsig", "KILL", "--"]

    def _initialise(self) -> None:
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        command = [*self._as_user(), self._programs / "initdb", "-D", self._data, "-U", OWNER]
        command += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        outcome = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        if outcome.returncode:
            raise PartError(f"initdb failed:\n{outcome.stdout}{outcome.stderr}")

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user=OWNER, dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            time.sleep(0.05)
            return False
        return True

    def _execute(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())


def _unprivileged_user() -> pwd.struct_passwd | None:
    """The user to run as: nobody else needed unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PartError("root cannot run PostgreSQL, and there is no user postgres or nobody")
