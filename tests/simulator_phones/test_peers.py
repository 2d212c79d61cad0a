"""Simulated phones with a real telephone: a stranger's software takes what they say and press."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.protocols.sip.digest import Algorithm
from bridge.simulator.phones import Kind, Voice
from bridge.supervision.clocks import SystemClock
from tests.parts.baresip import Baresip
from tests.parts.sound import strength
from tests.simulator_phones.conftest import USERS, VARIABLE, MakePhone
from tests.simulator_phones.exchange import Exchange


@pytest.fixture
async def exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    """baresip 1.0 gives up at the sight of SHA-256."""
    monkeypatch.setenv(VARIABLE, "pw")
    accounts = dict.fromkeys((*USERS, "baresip"), VARIABLE)
    async with Exchange(SystemClock(), accounts, algorithms=(Algorithm.MD5,)) as exchange:
        yield exchange


@pytest.mark.real("baresip")
async def test_it_calls_baresip(exchange: Exchange, phone: MakePhone, voice: Voice) -> None:
    east = await phone("EAST-03", says=voice.tone(440))
    real = await asyncio.to_thread(
        Baresip, "baresip", exchange.address[1], password="pw", auto_answer=True, plays=880
    )
    with real:
        call = await east.dial("baresip")
        await call.until_answered()
        await call.until_hears(Kind.TONE, hertz=880)
        await call.press("1")
        await asyncio.to_thread(real.wait_event, "CALL_DTMF_START")
        assert [event["param"] for event in real.events("CALL_DTMF_START")] == ["1"]
        call.hang_up()
        await call.until_ended()
        await asyncio.to_thread(real.wait_event, "CALL_CLOSED")
        heard = await asyncio.to_thread(strength, real.heard(), 440)
    assert heard > 0.9


@pytest.mark.real("baresip")
async def test_baresip_calls_it(exchange: Exchange, phone: MakePhone, voice: Voice) -> None:
    desk = await phone("desk-1", says=voice.tone(440), answers_after=0.0)
    real = await asyncio.to_thread(Baresip, "baresip", exchange.address[1], password="pw", plays=880)
    with real:
        await asyncio.to_thread(real.dial, "desk-1")
        call = await desk.rung()
        assert call.peer == "baresip"
        await call.until_hears(Kind.TONE, hertz=880)
        await asyncio.to_thread(real.press, "1#")
        await call.until_pressed("1#")
        await asyncio.to_thread(real.hang_up)
        await call.until_ended()
    assert str(call.cause) == "bye"
