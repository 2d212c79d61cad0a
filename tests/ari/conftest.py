"""What the ARI tests share: users and their secrets, a trigger on a test PBX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.calls import Devices
from bridge.drivers.dispatch import line
from bridge.protocols.secret import Secret
from bridge.triggers import ari
from tests.ami.clock import RunningClock
from tests.ami.door import Door
from tests.parts.asterisk import Asterisk
from tests.waiting import PATIENCE

WATCH_SECRET = "ARI_TEST_WATCH_SECRET"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Secret:
    """The right password of the read-only user; a test may set the variable to a wrong one."""
    monkeypatch.setenv(WATCH_SECRET, "watch-secret")
    return Secret("env", WATCH_SECRET)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a login may take its time."""
    monkeypatch.setattr(line, "CONNECT_WITHIN", PATIENCE)


@pytest.fixture
def door() -> Door:
    return Door()


KnownDevices = Callable[[str], Devices]


def watch_by_ari(
    pbx: Asterisk, secret: Secret, devices: KnownDevices | None = None, **settings: Any
) -> ari.Trigger:
    """A trigger `pbx1` on the read-only user of a test PBX."""
    defaults = {"base_url": f"http://127.0.0.1:{pbx.http_port}", "username": "watch", "secret": secret}
    config = ari.Config.model_validate({**defaults, **settings})
    return ari.Trigger("pbx1", config, clock=RunningClock(), devices=devices)
