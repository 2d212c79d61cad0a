"""`sosbridge run`: whatever goes wrong, its log shows no secret; and a reload changes how it logs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.app import App, reading, wiring
from bridge.app import app as app_module
from bridge.cli import main, run
from bridge.cli.options import FAILED
from bridge.config import load
from bridge.errors import ConfigError
from bridge.model import Accept
from bridge.outbox import Outbox
from bridge.store import Database, Store
from bridge.store.migrate import upgrade
from bridge.supervision.status import degradations, readiness
from bridge.triggers.ami import Trigger
from tests.parts.ports import free_port, give_back

SITE = """\
site: {{name: Plant, timezone: UTC}}
node: bridge-1
state_dir: {folder}
web: {{listen: "127.0.0.1:{port}"}}
alarm: {{extensions: ["9110"]}}
log: {{level: {level}, format: json}}
pbx:
  - {{name: pbx1, type: ami, host: 127.0.0.1, port: 1, username: watch, secret: {{env: {secret}}}}}
"""


class Running:
    """A bridge in this process, wired as the command wires it."""

    def __init__(self, folder: Path, port: int, log: io.StringIO) -> None:
        self.folder = folder
        self._port = port
        self._log = log
        self.app: App
        self.stop: asyncio.Event

    def write(self, *, level: str = "info", secret: str = "FIRST") -> Path:
        file = self.folder / "site.yaml"
        file.write_text(SITE.format(folder=self.folder, port=self._port, level=level, secret=secret))
        return file

    def remember(self, app: App, stop: asyncio.Event) -> None:
        self.app, self.stop = app, stop

    @property
    def store(self) -> Store:
        return self.app.core.store

    @property
    def said(self) -> str:
        return self._log.getvalue()

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not reached():  # noqa: ASYNC110  what it waits for is text in a file
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setenv("FIRST", "open-sesame-1")
    monkeypatch.setenv("SECOND", "open-sesame-2")
    monkeypatch.setattr(Trigger, "run", _fails)
    with Database(f"sqlite:///{tmp_path}/sosbridge.sqlite3") as database:
        upgrade(database)
    port = free_port()
    log = io.StringIO()
    running = Running(tmp_path, port, log)
    monkeypatch.setattr(run, "install_signals", running.remember)
    site = load(running.write())
    logs = run.SiteLogs(site, log)
    task = asyncio.create_task(run.run_site(site, logs))
    try:
        await running.until(lambda: task.done() or (hasattr(running, "app") and running.app.started.is_set()))
        yield running
        running.stop.set()
        await task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        logs.close()
        give_back(port)


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    async with bridge(tmp_path, monkeypatch) as running:
        yield running


async def _fails(self: Trigger, accept: Accept) -> None:
    """Fail as careless code does: with what it was given in the text of the exception."""
    secret = self._config.secret.reveal()
    raise RuntimeError(f"the PBX did not like {secret} nor {os.environ['FIRST']}")


async def test_no_secret_of_the_site_is_in_any_line(running: Running) -> None:
    await running.until(lambda: "did not like" in running.said)
    assert "open-sesame" not in running.said


async def test_nor_one_that_came_with_a_reload_nor_one_that_went(running: Running) -> None:
    running.write(secret="SECOND")
    await running.app.reload()
    await running.until(lambda: "reloaded" in running.said)
    before = running.said.count("did not like")
    await running.until(lambda: running.said.count("did not like") > before)
    assert "open-sesame" not in running.said


async def test_nor_one_of_a_file_that_is_refused_when_it_is_used(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of the new file is known before anything is made with it."""

    def careless(*_: object, **__: object) -> None:
        raise ConfigError(f"cannot log in with {os.environ['SECOND']}")

    monkeypatch.setattr(wiring, "build_trigger", careless)
    running.write(secret="SECOND")
    await running.app.reload()
    await running.until(lambda: "cannot log in with ***" in running.said)
    assert "open-sesame" not in running.said


async def test_a_reload_changes_the_level_of_the_log(running: Running) -> None:
    running.write(level="error")
    await running.app.reload()
    assert running.app.status().config_error == ""
    told = running.said
    await running.until(lambda: running.said.count("did not like") > told.count("did not like"))
    levels = {json.loads(line)["level"] for line in running.said[len(told) :].splitlines()}
    assert levels == {"error"}
    running.write(level="info")
    await running.app.reload()
    await running.until(lambda: '"reloaded"' in running.said[len(told) :])


async def test_the_canary_goes_on_to_the_lanes_and_their_silence_is_seen(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[Outbox] = []

    def wake(outbox: Outbox) -> None:
        woken.append(outbox)

    monkeypatch.setattr(Outbox, "wake", wake)
    await running.app.pulse.canary()
    assert woken
    monkeypatch.setattr(Outbox, "silent_for", 99.0)
    _, reasons = readiness(running.app.status())
    assert any("no action is taken up" in reason for reason in reasons)


async def test_a_spool_that_takes_nothing_is_seen_until_it_works_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        await running.app.pulse.prove_spool()
        assert any("No space left on device" in flaw for flaw in degradations(running.app.status()))
    await running.app.pulse.prove_spool()
    assert running.app.status().spool_error == ""


async def test_a_damaged_database_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "quick_check", lambda _: ["page 7 is never used"])
    async with bridge(tmp_path, monkeypatch) as running:
        await running.until(lambda: any(fault.what == "damaged" for fault in running.store.faults()))


def test_a_database_that_is_away_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A service manager starts it again after a 1; after a 2 it would be in vain."""
    file = tmp_path / "site.yaml"
    away = "store: {url: 'postgresql://sos@127.0.0.1:1/sos'}"
    head = f"site: {{name: Plant, timezone: UTC}}\nstate_dir: {tmp_path}\nalarm: {{extensions: ['9110']}}\n"
    file.write_text(head + away)
    done = CliRunner().invoke(main, ["run", "--config", str(file)])
    assert done.exit_code == FAILED
    assert done.stderr.startswith(
        "not started, and no SOS is seen until it is: postgresql://sos@127.0.0.1:1/sos: connection failed: "
    )
    assert done.stderr.endswith(f"; {run.TRY_AGAIN}\n")


async def test_the_loop_goes_on_while_a_disk_hangs(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()

    def slow(path: str) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        hanging.wait()
        return load(path)

    monkeypatch.setattr(reading, "load", slow)
    monkeypatch.setattr(app_module, "READ_WITHIN", 0.05)
    await running.app.reload()
    assert running.app.status().config_error == "the configuration did not answer within 0.05 s"
    hanging.set()
    monkeypatch.setattr(app_module, "READ_WITHIN", 10)
    await running.app.reload()
    assert running.app.status().config_error == ""
