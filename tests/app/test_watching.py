"""Drivers that hear as well as do: watched from the start, again after an end, and anew after a reload."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.app import App
from bridge.config import load
from bridge.config.instances import DRIVERS, module_of
from bridge.errors import Retryable
from bridge.model import Accept, Event, Kind
from tests.config.conftest import plugins

__all__ = ["plugins"]  # the fixture, used below by its name

SITE = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
vms:
  - {name: eyes, type: recorder, host: eyes.example}
state_dir: %s
web: {listen: "127.0.0.1:0"}
"""
WITHIN = 15.0


@pytest.fixture
def recorder(plugins: None) -> ModuleType:
    module = module_of(DRIVERS, "recorder")
    assert module is not None
    return module


@pytest.fixture
def site_file(tmp_path: Path, database: Path) -> Path:
    shutil.copy(database, tmp_path / "sosbridge.sqlite3")
    path = tmp_path / "site.yaml"
    path.write_text(SITE % tmp_path)
    return path


@contextlib.asynccontextmanager
async def running(site_file: Path) -> AsyncIterator[tuple[App, list[Event]]]:
    """Run a bridge in this loop; yields it and the events it has stored."""
    stored: list[Event] = []

    def note(committed: Any) -> None:
        stored.extend(decision.event for decision in committed.decisions)

    stop = asyncio.Event()
    app = App(load(site_file), on_commit=[note])
    task = asyncio.create_task(app.run(stop))
    try:
        async with asyncio.timeout(WITHIN):
            await app.started.wait()
        yield app, stored
    finally:
        stop.set()
        await asyncio.wait_for(task, WITHIN)


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN):
        while not reached():  # noqa: ASYNC110  what is waited for is not ours to signal
            await asyncio.sleep(0.02)


def heard(key: str) -> Event:
    return Event(
        kind=Kind.FAULT,
        source="vms/eyes",
        key=key,
        occurred_at=1_700_000_000.0,
        attributes={"subject": "vms/eyes", "what": "heard", "text": key},
    )


async def test_a_watch_that_fails_is_started_again(
    recorder: ModuleType, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[object] = []

    async def watch(driver: Any, accept: Accept) -> None:
        attempts.append(driver)
        if len(attempts) == 1:
            raise Retryable("connection refused")
        await accept(heard("first"))
        await asyncio.Event().wait()

    monkeypatch.setattr(recorder.Driver, "watch", watch, raising=False)
    async with running(site_file) as (_, stored):
        await until(lambda: [event for event in stored if event.source == "vms/eyes"])
    assert len(attempts) == 2


def change_host(site_file: Path) -> None:
    site_file.write_text(site_file.read_text().replace("eyes.example", "other.example"))


async def test_a_reload_watches_with_the_new_driver_alone(
    recorder: ModuleType, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching: list[str] = []

    async def watch(driver: Any, accept: Accept) -> None:
        watching.append(driver.config.host)
        try:
            await asyncio.Event().wait()
        finally:
            watching.remove(driver.config.host)

    monkeypatch.setattr(recorder.Driver, "watch", watch, raising=False)
    async with running(site_file) as (app, _):
        await until(lambda: watching == ["eyes.example"])
        change_host(site_file)
        await app.reload()
        await until(lambda: watching == ["other.example"])
    assert watching == []
