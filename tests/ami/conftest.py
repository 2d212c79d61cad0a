"""Fixtures of the AMI tests: a fake PBX, an account on it, a door, and the clock of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from bridge.protocols.ami_link import Account
from bridge.protocols.secret import Secret
from bridge.simulator.ami_server import AmiServer
from tests.ami.clock import RunningClock
from tests.ami.door import Door

SECRET_VARIABLE = "AMI_TEST_SECRET"

MakeAccount = Callable[..., Account]


@pytest.fixture
def running_clock() -> RunningClock:
    return RunningClock()


@pytest.fixture
def door() -> Door:
    return Door()


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
