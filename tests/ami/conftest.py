"""Fixtures of the AMI tests: a fake PBX, an account on it, and the clock of this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.protocols.ami_link import Account
from bridge.protocols.secret import Secret
from bridge.simulator.ami_server import AmiServer

SECRET_VARIABLE = "AMI_TEST_SECRET"

MakeAccount = Callable[..., Account]


class RunningClock:
    """The machine's own time, for tests that talk over real sockets with waiting times of milliseconds."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def until(condition: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait for something that happens in this loop or in a process beside it."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  the other side has no event to wait for
            await asyncio.sleep(0.002)


@pytest.fixture
def running_clock() -> RunningClock:
    return RunningClock()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Secret:
    """The right secret of the fake PBX; a test may set the variable to a wrong one."""
    monkeypatch.setenv(SECRET_VARIABLE, "watch-secret")
    return Secret("env", SECRET_VARIABLE)


@pytest.fixture
async def pbx() -> AsyncIterator[AmiServer]:
    async with AmiServer() as server:
        yield server


@pytest.fixture
def account(pbx: AmiServer, secret: Secret) -> MakeAccount:
    """Make an account on the fake PBX, with waiting times of tests; keywords override."""

    def make(**settings: object) -> Account:
        defaults = {
            "host": "127.0.0.1",
            "port": pbx.port,
            "username": "watch",
            "secret": secret,
            "connect_timeout": 2.0,
            "action_timeout": 2.0,
            "ping_interval": 60.0,
            "ping_timeout": 0.1,
        }
        return Account(**{**defaults, **settings})  # type: ignore[arg-type]  # the test's own keywords

    return make
