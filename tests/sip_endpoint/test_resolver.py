"""Names never hold up the loop, and a dead DNS server does not hold up a call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from bridge.protocols.sip_endpoint import resolver
from bridge.protocols.sip_endpoint.hop import NotSentError
from bridge.protocols.sip_endpoint.resolver import Resolver
from tests.fake_clock import FakeClock
from tests.waiting import until


class Names:
    """A DNS server. Fails for names it does not have; hangs while `hangs` is set."""

    def __init__(self) -> None:
        self.table: dict[str, tuple[str, ...]] = {"pbx1": ("192.0.2.1", "2001:db8::1")}
        self.asked: list[str] = []
        self.running = threading.Event()
        self.running.set()

    def __call__(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        self.running.wait(5)
        if name not in self.table:
            raise OSError("Name or service not known")
        return self.table[name]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def resolve(names: Names, clock: FakeClock) -> AsyncIterator[Resolver]:
    made = Resolver(clock, names)
    yield made
    names.running.set()
    made.close()


@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8::9", "fe80::1%2"])
async def test_an_address_is_not_asked_for(resolve: Resolver, names: Names, address: str) -> None:
    assert await resolve.addresses(address) == (address,)
    assert names.asked == []


async def test_asked_once(resolve: Resolver, names: Names) -> None:
    answers = await asyncio.gather(*(resolve.addresses(name) for name in ("pbx1", "PBX1", "pbx1")))
    assert answers == [("192.0.2.1", "2001:db8::1")] * 3
    assert names.asked == ["pbx1"]


async def test_old_answers_are_used_while_new_ones_are_looked_for(
    resolve: Resolver, names: Names, clock: FakeClock
) -> None:
    await resolve.addresses("pbx1")
    await clock.advance(resolver.FRESH)
    names.table["pbx1"] = ("192.0.2.2",)
    names.running.clear()
    assert (await resolve.addresses("pbx1"))[0] == "192.0.2.1"
    names.running.set()
    await until(lambda: resolve._known["pbx1"].addresses == ("192.0.2.2",))


async def test_a_dead_dns_server_leaves_what_was_known(
    resolve: Resolver, names: Names, clock: FakeClock
) -> None:
    await resolve.addresses("pbx1")
    names.table.clear()
    for _ in range(3):
        await clock.advance(1e6)
        assert (await resolve.addresses("pbx1"))[0] == "192.0.2.1"
        await until(lambda: not resolve._running)


async def test_unknown(resolve: Resolver) -> None:
    with pytest.raises(NotSentError, match="'nobody' is not known"):
        await resolve.addresses("nobody")


async def test_no_address(resolve: Resolver, names: Names) -> None:
    names.table["empty"] = ()
    with pytest.raises(NotSentError, match="has no address"):
        await resolve.addresses("empty")


async def test_hanging(resolve: Resolver, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "PATIENCE", 0.05)
    names.running.clear()
    with pytest.raises(NotSentError, match=r"within 0\.05 s"):
        await resolve.addresses("pbx1")
    names.running.set()
    assert await resolve.addresses("pbx1")


async def test_memory_is_bounded(resolve: Resolver, names: Names) -> None:
    names.table = {f"h{number}": ("192.0.2.1",) for number in range(300)}
    for name in names.table:
        await resolve.addresses(name)
    assert len(resolve._known) == 256


async def test_the_systems_own() -> None:
    assert "127.0.0.1" in resolver.system_lookup("localhost")
