"""Starting and stopping: what `sosbridge run` refuses, in which words; and that it ends soon and cleanly."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge.cli.options import FAILED, REFUSED
from bridge.simulator.plant import SECRETS
from bridge.simulator.vms.faults import Fault, Rule
from bridge.store.schema import SCHEMA
from tests.app.plant import Call
from tests.app.scene import Scene, settled
from tests.app.story import finish, verdict


def refused(scene: Scene) -> tuple[int, str]:
    """Start it, and return its exit code and all that it said."""
    bridge = scene.start(ready=False)
    code = bridge.wait(15)
    scene.bridge = None
    said = scene.log.read_text("utf-8")
    scene.log.unlink()
    assert "Traceback" not in said
    return code, said.strip()


# --- the database -----------------------------------------------------------------------------------


def database(scene: Scene) -> Path:
    return scene.folder / "sosbridge.sqlite3"


def missing(scene: Scene) -> None:
    database(scene).unlink()


def empty(scene: Scene) -> None:
    database(scene).write_bytes(b"")


def at_schema(revision: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        with closing(sqlite3.connect(database(scene))) as connection, connection:
            assert connection.execute("UPDATE alembic_version SET version_num = ?", [revision]).rowcount == 1

    return change


def garbage(scene: Scene) -> None:
    database(scene).write_bytes(os.urandom(8192))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (missing, "{database} holds no sosbridge tables yet; type: sosbridge db upgrade --config {site}"),
        (empty, "{database} holds no sosbridge tables yet; type: sosbridge db upgrade --config {site}"),
        (
            at_schema("0000"),
            f"{{database}} is at schema 0000, this version needs {SCHEMA}; stop every sosbridge that uses it"
            " and type: sosbridge db upgrade --config {site}",
        ),
        (
            at_schema("9999"),
            f"{{database}} is at schema 9999 of a newer version, this one needs {SCHEMA}; install the newer"
            f" version again, or type with it: sosbridge db downgrade {SCHEMA} --config {{site}}",
        ),
        (garbage, "{database}: file is not a database"),
    ],
)
def test_a_database_that_it_cannot_use(scene: Scene, spoil: Callable[[Scene], None], told: str) -> None:
    spoil(scene)
    code, said = refused(scene)
    assert code == FAILED
    assert said == told.format(database=f"sqlite:///{database(scene)}", site=scene.site_file)


# --- the rest of the world --------------------------------------------------------------------------


def test_a_port_that_is_taken(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", scene.port)):
        code, said = refused(scene)
    assert (code, said) == (
        REFUSED,
        f"the web server cannot listen on 127.0.0.1 port {scene.port}: another program (or another sosbridge)"
        " listens there: stop it, or set web.listen",
    )


def test_a_secret_that_cannot_be_read(scene: Scene) -> None:
    scene.site["pbx"][0]["secret"] = {"file": "/nonexistent/secret"}
    scene.write_site()
    code, said = refused(scene)
    assert code == REFUSED
    assert f"{scene.site_file}:" in said
    assert "/nonexistent/secret" in said


@pytest.mark.parametrize("folder", ["{file}", "{file}/below", "/proc/sosbridge"])
def test_a_state_dir_that_cannot_be_made(scene: Scene, folder: str) -> None:
    scene.site["state_dir"] = folder.format(file=scene.site_file)
    scene.site["store"] = {"url": f"sqlite:///{database(scene)}"}
    scene.write_site()
    code, said = refused(scene)
    assert code == REFUSED
    assert said.startswith(f"{scene.site_file}: state_dir: {scene.site['state_dir']} cannot be created: ")
    assert said.endswith("; name a folder that this user may write")


@pytest.mark.real("root")
def test_a_state_dir_of_somebody_else(scene: Scene) -> None:
    """Root may write everywhere, so it is tried as nobody, in a folder that nobody may only read."""
    for place in (scene.folder, *scene.folder.parents):
        if place.name.startswith("pytest-") or place.is_relative_to("/tmp/pytest-of-root"):
            place.chmod(0o755)
    for file in scene.folder.iterdir():
        file.chmod(0o644)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    command = [str(Path(sys.executable).with_name("sosbridge")), "run", "--config", str(scene.site_file)]
    done = subprocess.run(
        [*nobody, *command],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "Traceback" not in done.stderr
    assert str(scene.folder) in done.stderr


def test_a_second_one_on_the_same_state_is_refused(scene: Scene) -> None:
    first = scene.start()
    second = scene.start_another()
    code = second.wait()
    said = second.log.read_text("utf-8")
    spool = scene.folder / "spool-bridge-1.jsonl"
    assert (code, said) == (FAILED, f"the spool {spool} is used by another sosbridge on this machine\n")
    assert first.running
    assert scene.ready()


# --- stopping ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_soon_and_cleanly(scene: Scene, end: signal.Signals) -> None:
    bridge = scene.start()
    began = time.monotonic()
    bridge.send(end)
    assert bridge.wait(10) == 0
    assert time.monotonic() - began < 10
    assert '"event":"stopped"' in scene.log.read_text("utf-8").splitlines()[-1]
    assert list(scene.folder.glob("*.damaged")) == []


def test_it_stops_soon_although_a_vms_hangs_and_goes_on_afterwards(scene: Scene) -> None:
    bridge = scene.start()
    scene.plant.do(scene.plant.zoneminder.faults.order, Rule(fault=Fault.SILENT))
    call = Call(scene.plant)
    call.press()
    scene.until(lambda: len(scene.plant.zoneminder.requests) > 0, "asked")
    began = time.monotonic()
    assert bridge.stop() == 0
    assert time.monotonic() - began < 10
    scene.plant.do(scene.plant.zoneminder.faults.clear)
    scene.start()
    scene.until_incident(settled, "settled")
    finish(scene, call)
    assert verdict(scene) == []


def test_what_came_in_just_before_the_stop_is_stored(scene: Scene) -> None:
    bridge = scene.start()
    call = Call(scene.plant)
    call.press()
    call.hang_up()
    scene.until(lambda: _heard(scene) > 0, "heard")
    assert bridge.stop() == 0
    story = scene.incident()
    assert story["calls"][0]["ended_at"] is not None


def _heard(scene: Scene) -> int:
    return scene.log.read_text("utf-8").count("dialled 9110")


def test_killed_while_it_starts_it_starts_again(scene: Scene) -> None:
    for delay in (0.0, 0.05, 0.1, 0.15, 0.2, 0.25):
        bridge = scene.start(ready=False)
        time.sleep(delay)
        assert bridge.kill() == -signal.SIGKILL
    scene.start()
    Call(scene.plant).press()
    scene.until_incident(settled, "opened and settled")
