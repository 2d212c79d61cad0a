"""Everything that is stored reaches the server: in order, nothing lost, each once."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import signal

import pytest

from bridge.protocols.syslog_settings import SyslogServer, Transport
from bridge.store import Lease
from bridge.store.forwarding import Cursor
from tests.syslog.conftest import SHORT, MakeServer, Plant, Server, ident, serving, until
from tests.syslog.parsed import frames, parse

STREAMS = [Transport.TCP, Transport.TLS]
ALL = list(Transport)


def numbered(count: int, first: int = 0) -> list[str]:
    return [f"line {number}" for number in range(first, first + count)]


async def everything(server: Server, expected: list[str]) -> None:
    """Wait until the server has it all; then: in order, nothing lost, each once by its id."""
    await until(lambda: len(server.told()) >= len(expected), "told")
    assert server.told() == expected


def each_once(server: Server) -> None:
    """Not even a repeat that a receiver would have to know by its id."""
    ids = [ident(message) for message in server.received()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("transport", ALL)
async def test_what_is_stored_is_told_in_order(
    plant: Plant, make_server: MakeServer, transport: Transport
) -> None:
    server = make_server(transport)
    server.start()
    plant.write(*numbered(250))
    forwarder = plant.forwarder(server.settings())
    await everything(server, numbered(250))
    plant.write(*numbered(50, 250))
    await everything(server, numbered(300))
    await until(lambda: forwarder.cursor and forwarder.cursor.line == 300, "kept")
    each_once(server)
    assert forwarder.trouble is None
    first = server.received()[0]
    assert (first.facility, first.severity, first.host) == (16, 6, "bridge-a")
    assert first.elements["sosbridge@32473"] | {"id": "", "event": ""} == {
        "id": "",
        "incident": "i1",
        "event": "",
        "tier": "emergency",
        "phone": "P-1",
        "location": "POST-03",
        "exercise": "no",
    }


@pytest.mark.parametrize("transport", ALL)
async def test_a_server_that_is_away_gets_it_all_later(
    plant: Plant, make_server: MakeServer, transport: Transport
) -> None:
    server = make_server(transport)
    forwarder = plant.forwarder(server.settings())
    plant.write(*numbered(130))
    await until(lambda: forwarder.trouble, "in trouble")
    assert forwarder.trouble is not None
    assert "nobody listens there" in forwarder.trouble.why
    server.start()
    await everything(server, numbered(130))
    await until(lambda: forwarder.trouble is None, "well again")
    server.kill()
    plant.write(*numbered(30, 130))
    await until(lambda: forwarder.trouble, "in trouble")
    server.start()
    await everything(server, numbered(160))


async def seen_dead(plant: Plant) -> None:
    """Wait until an attempt to connect that began after this has failed: one that is back before the next
    attempt is the case that docs/syslog.md says no sender can tell."""
    before = plant.attempts
    await until(lambda: plant.attempts >= before + 2, "refused")


@pytest.mark.parametrize("transport", STREAMS)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_server_that_is_killed_at_random_moments(
    plant: Plant, make_server: MakeServer, transport: Transport, seed: int
) -> None:
    chance = random.Random(seed)
    server = make_server(transport)
    server.start()
    forwarder = plant.forwarder(server.settings())
    written = 0
    for _ in range(6):
        for _ in range(chance.randrange(1, 8)):
            count = chance.choice((1, 5, 60))
            plant.write(*numbered(count, written))
            written += count
            await asyncio.sleep(chance.uniform(0, 0.05))
        server.kill()
        await seen_dead(plant)
        await asyncio.to_thread(server.start)
    await everything(server, numbered(written))
    await until(lambda: forwarder.cursor and forwarder.cursor.line == written, "kept")


@pytest.mark.parametrize("transport", STREAMS)
async def test_a_server_that_hangs_gets_each_once_when_it_goes_on(
    plant: Plant, make_server: MakeServer, transport: Transport
) -> None:
    server = make_server(transport)
    server.start()
    forwarder = plant.forwarder(server.settings())
    plant.write("before")
    await everything(server, ["before"])
    await until(lambda: forwarder.cursor and forwarder.cursor.line == 1, "kept")
    await until(lambda: forwarder.trouble is None, "well")
    await asyncio.sleep(0.1)
    server.send(signal.SIGSTOP)
    plant.write(*numbered(150))
    await until(lambda: forwarder.trouble, "in trouble")
    assert forwarder.trouble is not None
    server.send(signal.SIGCONT)
    await everything(server, ["before", *numbered(150)])
    if transport is Transport.TCP:  # a TLS handshake is never ended by a server that hangs before it
        each_once(server)
    await until(lambda: forwarder.trouble is None, "well again")


@pytest.mark.parametrize("transport", STREAMS)
async def test_a_server_that_hangs_and_is_killed_loses_nothing(
    plant: Plant, make_server: MakeServer, transport: Transport
) -> None:
    """Its kernel has acknowledged every byte. Nobody has read them."""
    server = make_server(transport)
    server.start()
    forwarder = plant.forwarder(server.settings())
    await until(lambda: forwarder.proved_at, "connected")
    server.send(signal.SIGSTOP)
    plant.write(*numbered(70))
    await until(lambda: forwarder.trouble, "in trouble")
    server.kill()
    await until(lambda: forwarder.trouble and "nobody listens" in forwarder.trouble.why, "refused")
    assert server.received() == []
    server.start()
    await everything(server, numbered(70))


@pytest.mark.parametrize("transport", ALL)
async def test_a_stop_and_a_start_of_the_bridge_repeat_nothing(
    plant: Plant, make_server: MakeServer, transport: Transport
) -> None:
    server = make_server(transport)
    server.start()
    slow = dataclasses.replace(SHORT, hold=1000.0)
    written = 0
    for _ in range(4):
        forwarder = plant.forwarder(server.settings(), pace=slow)
        plant.write(*numbered(25, written))
        written += 25
        await until(lambda: len(server.told()) == written, "told")  # noqa: B023  awaited at once
        await plant.stop()
        assert forwarder.cursor is not None
        assert forwarder.cursor.line == written
    assert server.told() == numbered(written)
    each_once(server)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_stop_at_any_moment_loses_nothing(plant: Plant, make_server: MakeServer, seed: int) -> None:
    chance = random.Random(seed)
    server = make_server()
    server.start()
    written = 0
    for _ in range(10):
        plant.forwarder(server.settings())
        plant.write(*numbered(40, written))
        written += 40
        await asyncio.sleep(chance.uniform(0, 0.15))
        await plant.stop()
    plant.forwarder(server.settings())
    await everything(server, numbered(written))


async def test_a_server_that_never_ends_its_side(plant: Plant) -> None:
    """With `confirm: false` the acknowledgement of its kernel has to do."""
    took = bytearray()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while True:
            took.extend(await reader.read(4096))
            await asyncio.sleep(0.001)

    async with serving(serve) as server:
        forwarder = plant.forwarder(dataclasses.replace(server, confirm=False))
        plant.write(*numbered(250))
        await until(lambda: forwarder.cursor and forwarder.cursor.line == 250, "kept")
        await until(lambda: took.count(b" sosbridge ") == 250, "read")
        assert forwarder.trouble is None
        assert plant.attempts == 1
        await plant.stop()


async def test_an_idle_connection_that_the_server_ends_is_no_trouble(plant: Plant) -> None:
    took = bytearray()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while piece := await reader.read(4096):
                    took.extend(piece)

    async with serving(serve) as server:
        forwarder = plant.forwarder(server)
        await until(lambda: plant.attempts > 3, "connected again")
        assert forwarder.trouble is None
        plant.write("a line")
        await until(lambda: forwarder.cursor and forwarder.cursor.line == 1, "kept")
        await plant.stop()
    assert b"a line" in took


async def test_a_server_that_ends_every_connection_at_once_is_left_alone_more_and_more(plant: Plant) -> None:
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    async with serving(serve) as server:
        forwarder = plant.forwarder(server, pace=dataclasses.replace(SHORT, longest_pause=1000.0))
        await until(lambda: plant.attempts >= 4, "tried")
        assert forwarder.trouble is not None
        plant.write("a line")
        await plant.stop()
    assert plant.attempts < 15


@pytest.mark.parametrize("read", [0, 10, 5000])
async def test_what_a_broken_connection_carried_is_sent_again(plant: Plant, read: int) -> None:
    """It breaks (a reset) once, after the server has read so much; then the server behaves."""
    took: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        took.append(b"")
        if len(took) == 1:
            took[0] = await reader.read(read) if read else b""
            writer.transport.abort()
            return
        at = len(took) - 1
        while piece := await reader.read(4096):
            took[at] += piece

    async with serving(serve) as server:
        plant.write(*numbered(60))
        forwarder = plant.forwarder(server)
        await until(lambda: forwarder.cursor and forwarder.cursor.line == 60, "kept")
        await plant.stop()
    messages = [parse(message).text for stream in took[1:] for message in frames(stream)[0]]
    assert messages == numbered(60)


async def test_an_end_in_order_proves_nothing_when_the_next_connection_is_refused(plant: Plant) -> None:
    """A server that is killed ends its connections as one does that has read them to their end."""
    read = asyncio.Event()
    took = bytearray()

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        listener.close()  # a dead process listens no more
        writer.close()
        read.set()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while piece := await reader.read(4096):
            took.extend(piece)

    plant.write(*numbered(20))
    async with await asyncio.start_server(die, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        forwarder = plant.forwarder(
            SyslogServer(
                name="central", host="127.0.0.1", port=port, transport=Transport.TCP, from_beginning=True
            )
        )
        await read.wait()
        await until(lambda: forwarder.trouble, "in trouble")
    assert forwarder.cursor == Cursor(0, 0)
    async with serving(serve, port):
        await until(lambda: forwarder.cursor and forwarder.cursor.line == 20, "kept")
        await plant.stop()
    assert [parse(message).text for message in frames(bytes(took))[0]] == numbered(20)


async def test_of_two_nodes_one_tells(plant: Plant, make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    first = plant.forwarder(server.settings(), node="bridge-a")
    await until(lambda: first.cursor, "forwarding")
    with plant.store.transaction() as transaction:
        transaction.write([], Lease(node="bridge-a", now=plant.clock.now()))
    second = plant.forwarder(server.settings(), node="bridge-b")
    plant.write(*numbered(30))
    await everything(server, numbered(30))
    await until(lambda: first.cursor and first.cursor.line == 30, "kept")
    assert second.cursor is None
    each_once(server)
    plant.store.forwarding("central", "bridge-a").release()
    await until(lambda: second.cursor, "taken over")
    plant.write(*numbered(30, 30))
    await everything(server, numbered(60))
