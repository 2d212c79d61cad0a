"""Generic events: a text over TCP, and no more said than is known."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.drivers.milestone import Config, Driver
from bridge.errors import Permanent, ProtocolError, Uncertain, Unreachable, Unsent
from bridge.model import Capability, DeliveryState, Event, Operation, Receipt, Targets
from bridge.protocols.milestone_generic import send_event
from tests.drivers.case import HastyClock, delivery
from tests.drivers.cases_milestone import PTZ


class DataSource:
    """The port of a generic event data source: takes texts, answers nothing."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.port = 0
        self.resets = False

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.resets:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        if text := await reader.read():
            self.texts.append(text)
        writer.close()


@pytest.fixture
async def source() -> AsyncIterator[DataSource]:
    source = DataSource()
    await source.start()
    yield source
    await source.stop()


def driver_at(port: int, **settings: Any) -> Driver:
    own = {"host": "127.0.0.1", "port": port, "start": "SOS start {camera}", "stop": "SOS stop {camera}"}
    config = Config.model_validate({"mode": "generic_event", "generic_event": {**own, **settings}})
    return Driver("old", config, targets=Targets(), clock=HastyClock())


async def do(driver: Driver, operation: Operation, *, late: float = 0.0, **params: str) -> Receipt:
    """late: seconds after the deadline."""
    sample = delivery(HastyClock(), operation, PTZ, **params)
    return await driver.perform(replace(sample, deadline=sample.deadline - 300 - late) if late else sample)


async def test_start_and_stop(source: DataSource) -> None:
    driver = driver_at(source.port)
    for operation in (Operation.EVENT_START, Operation.EVENT_STOP):
        receipt = await do(driver, operation, camera="PTZ-01")
        assert receipt.outcome is DeliveryState.ACCEPTED
    assert source.texts == [b"SOS start PTZ-01", b"SOS stop PTZ-01"]


async def test_line_end_and_utf8(source: DataSource) -> None:
    await do(driver_at(source.port, line_end=True), Operation.EVENT_START, camera="Öl")
    assert source.texts == ["SOS start Öl\r\n".encode()]


async def test_a_value_cannot_make_two_events(source: DataSource) -> None:
    await do(driver_at(source.port), Operation.EVENT_START, camera="x\r\nSOS stop y")
    assert source.texts == [b"SOS start x SOS stop y"]


async def test_an_empty_text_is_refused(source: DataSource) -> None:
    with pytest.raises(Permanent, match="one line of text"):
        await do(driver_at(source.port, start="{camera}"), Operation.EVENT_START, camera="")


@pytest.mark.parametrize("text", ["", "a\r\nb", "a\x00"])
async def test_the_wire_refuses_control_characters(text: str) -> None:
    with pytest.raises(ProtocolError):
        await send_event("127.0.0.1", 1, text, connect=1, total=1)


async def test_nobody_listens(source: DataSource) -> None:
    await source.stop()
    with pytest.raises(Unreachable, match="connection refused"):
        await do(driver_at(source.port), Operation.EVENT_START)
    await source.start()


async def test_nothing_is_sent_after_the_deadline(source: DataSource) -> None:
    with pytest.raises(Unsent, match="no time left"):
        await do(driver_at(source.port), Operation.EVENT_START, late=60.0)
    assert source.texts == []


@pytest.mark.parametrize("host", ["vms..local", "x" * 70 + ".local"], ids=["empty label", "long label"])
async def test_what_is_no_name(host: str) -> None:
    driver = driver_at(1235, host=host)
    with pytest.raises(Unreachable, match="that is no name of a host"):
        await do(driver, Operation.EVENT_START)
    assert [finding.level for finding in await driver.check()] == ["warning", "error"]


async def test_a_connection_that_is_reset(source: DataSource) -> None:
    source.resets = True
    with pytest.raises((Uncertain, Unreachable)):
        await do(driver_at(source.port), Operation.EVENT_START)
    assert source.texts == []


async def test_abilities(source: DataSource) -> None:
    driver = driver_at(source.port)
    possible = {op for op, how in driver.capabilities.items() if how is Capability.REPEATABLE}
    assert possible == {Operation.EVENT_START, Operation.EVENT_STOP}
    assert driver.capabilities[Operation.START_RECORDING] is Capability.BY_RULE
    with pytest.raises(Permanent):
        await do(driver, Operation.POPUP)
    with pytest.raises(Permanent):
        await driver.inventory()
    assert await driver.still_held(Operation.EVENT_START, PTZ) is None


async def test_check(source: DataSource) -> None:
    driver = driver_at(source.port)
    assert {finding.level for finding in await driver.check()} == {"ok", "warning"}
    await source.stop()
    assert [finding.level for finding in await driver.check()] == ["warning", "error"]
    await source.start()
    assert source.texts == []


async def test_watch_hears_nothing_until_cancelled(source: DataSource) -> None:
    async def accept(event: Event) -> None:
        raise AssertionError(f"{event} was heard")

    watching = asyncio.create_task(driver_at(source.port).watch(accept))
    await asyncio.sleep(0.01)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
