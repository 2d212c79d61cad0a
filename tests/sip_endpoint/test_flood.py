"""Strangers are limited, telephones of the plant never."""

from __future__ import annotations

import asyncio
import random
import time
from ipaddress import ip_network

import pytest

from bridge.protocols.sip_endpoint import settings
from bridge.protocols.sip_endpoint.drops import Drop
from bridge.protocols.sip_endpoint.flood import Flood
from tests.fake_clock import FakeClock
from tests.sip_endpoint.conftest import Start, UdpPeer, options
from tests.sip_endpoint.test_streams import Connect, asks, connect
from tests.waiting import until

__all__ = ["connect"]

LIMITS = settings.Flood(rate=10, burst=5, total_rate=20, total_burst=12)


@pytest.fixture
def flood(clock: FakeClock) -> Flood:
    return Flood(LIMITS, (ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")), clock)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_the_allowed_are_never_limited(flood: Flood, host: str) -> None:
    assert all(flood.judge(host) is None for _ in range(100_000))


def test_one_stranger(flood: Flood) -> None:
    judged = [flood.judge("198.51.100.1") for _ in range(7)]
    assert judged == [None] * 5 + [Drop.SOURCE_FLOOD] * 2


async def test_tokens_come_back(flood: Flood, clock: FakeClock) -> None:
    for _ in range(6):
        flood.judge("198.51.100.1")
    await clock.advance(0.2)
    judged = [flood.judge("198.51.100.1") for _ in range(3)]
    assert judged == [None, None, Drop.SOURCE_FLOOD]


def test_all_strangers_together(flood: Flood) -> None:
    """As many sources as one likes can be forged."""
    judged = [flood.judge(f"198.51.100.{last}") for last in range(20)]
    assert judged == [None] * 12 + [Drop.TOTAL_FLOOD] * 8
    assert flood.judge("192.0.2.1") is None


def test_a_greedy_stranger_takes_nothing_from_the_others(flood: Flood) -> None:
    for _ in range(1000):
        flood.judge("198.51.100.1")
    assert flood.judge("198.51.100.2") is None


@pytest.mark.parametrize("host", ["198.51.{}.{}", "192.0.{}.{}"])
def test_memory_is_bounded(flood: Flood, host: str) -> None:
    for number in range(20_000):
        flood.judge(host.format(number // 256, number % 256))
    assert len(flood._buckets) <= 4096
    assert len(flood._known) <= 4096


async def test_on_a_connection(serve: Start, connect: Connect) -> None:
    """A stranger who says too much is cut off; the datagram's way, to drop one message, is not open here."""
    served = await serve(flood={"rate": 1, "burst": 3, "total_rate": 100, "total_burst": 100})
    peer = await connect(served)
    peer.send(b"".join(asks(number) for number in range(10)))
    await peer.closed()
    assert len(served.uas.requests()) == 3
    assert served.endpoint.drops[Drop.SOURCE_FLOOD] == 1


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "whole messages"])
async def test_5000_packets_a_second_of_junk_delay_no_call(serve: Start, *, binary: bool) -> None:
    served = await serve(allowed=("127.0.0.1/32",))
    target = served.address("UDP")
    junk = (
        random.Random(4).randbytes(600) if binary else options("junk", extra="X-Junk: " + "j" * 250 + "\r\n")
    )
    sent = 0

    async def flood_it(stranger: UdpPeer) -> None:
        nonlocal sent
        start = time.monotonic()
        while True:
            while sent < (time.monotonic() - start) * 5000:
                stranger.send(junk, target)
                sent += 1
            await asyncio.sleep(0.002)

    with UdpPeer("127.0.0.9") as stranger, UdpPeer() as phone:
        flooding = asyncio.create_task(flood_it(stranger))
        await until(lambda: sent > 2000)
        before, took = sent, []
        for number in range(40):
            start = time.monotonic()
            await phone.ask(target, f"sos{number}")
            took.append(time.monotonic() - start)
            await asyncio.sleep(0.01)
        assert sent - before > 1000
        flooding.cancel()
    assert max(took) < 1.0  # 3 ms on an idle machine
    assert served.endpoint.drops[Drop.SOURCE_FLOOD] > 1000
