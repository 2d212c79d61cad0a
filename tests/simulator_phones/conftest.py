"""A voice for the simulated phones, and an exchange where they register with the password `pw`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from bridge.simulator.phones import Phone, Voice
from bridge.supervision.clocks import SystemClock
from tests.simulator_phones.exchange import Exchange

VARIABLE = "TEST_PASSWORD_PHONE"
USERS = ("EAST-03", "desk-1", "desk-2")


class MakePhone(Protocol):
    async def __call__(self, user: str, **options: Any) -> Phone: ...


@pytest.fixture
async def voice(tmp_path: Path) -> AsyncIterator[Voice]:
    async with Voice(SystemClock(), tmp_path / "voice") as voice:
        yield voice


@pytest.fixture
async def exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    monkeypatch.setenv(VARIABLE, "pw")
    async with Exchange(SystemClock(), dict.fromkeys(USERS, VARIABLE)) as exchange:
        yield exchange


@pytest.fixture
async def phone(voice: Voice, exchange: Exchange) -> AsyncIterator[MakePhone]:
    """Make registered phones."""
    async with AsyncExitStack() as stack:

        async def make(user: str, **options: Any) -> Phone:
            phone = Phone(user, voice, **{"exchange": exchange.address, "password": "pw"} | options)
            await stack.enter_async_context(phone)
            await phone.register()
            return phone

        yield make
