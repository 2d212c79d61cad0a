"""What the ARI tests share: users and their secrets, a door that keeps what comes in, a trigger that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from bridge.model import Accept, Kind
from bridge.protocols.secret import Secret
from bridge.triggers import ari
from tests.ami.conftest import RunningClock, until
from tests.ami.test_trigger import Door
from tests.parts.asterisk import Asterisk

WATCH_SECRET = "ARI_TEST_WATCH_SECRET"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Secret:
    """The right password of the read-only user; a test may set the variable to a wrong one."""
    monkeypatch.setenv(WATCH_SECRET, "watch-secret")
    return Secret("env", WATCH_SECRET)


@pytest.fixture
def door() -> Door:
    return Door()


def watch_by_ari(pbx: Asterisk, secret: Secret, **settings: object) -> ari.Trigger:
    """A trigger `pbx1` on the read-only user of a test PBX."""
    defaults = {"base_url": f"http://127.0.0.1:{pbx.http_port}", "username": "watch", "secret": secret}
    return ari.Trigger("pbx1", ari.Config.model_validate({**defaults, **settings}), clock=RunningClock())


class Runs(Protocol):
    async def run(self, accept: Accept) -> None: ...


@asynccontextmanager
async def running(trigger: Runs, door: Door) -> AsyncIterator[None]:
    task = asyncio.create_task(trigger.run(door))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def restored(door: Door, times: int = 1) -> None:
    await until(lambda: len(door.of(Kind.LINK_RESTORED)) >= times)
