"""TCP: messages in any pieces, the way back, keep-alives, and what is closed when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, respond
from bridge.protocols.sip_endpoint import Hop
from bridge.protocols.sip_endpoint.drops import Drop
from tests.parts.ports import free_port
from tests.sip_endpoint.conftest import Served, Start, listens, options
from tests.sip_endpoint.test_udp import HOSTILE, request
from tests.waiting import until

VIA = "SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK{}"


def asks(number: int, **more: Any) -> bytes:
    return options(f"c{number}", via=VIA.format(number), **more)


class Peer:
    """One connection to an endpoint."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self) -> str:
        """Return the next head."""
        async with asyncio.timeout(20):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def hear_bytes(self, count: int) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.readexactly(count)

    async def closed(self) -> bytes:
        """Wait until the other side closes; returns what it had still to say."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


Connect = Callable[..., Awaitable[Peer]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    peers: list[Peer] = []

    async def to(served: Served, **how: Any) -> Peer:
        host, port = served.address("TCP", how.pop("host", "127.0.0.1"))
        peers.append(Peer(*await asyncio.open_connection(host, port, **how)))
        return peers[-1]

    yield to
    for peer in peers:
        peer.writer.transport.abort()


class TestPieces:
    async def test_one_message_byte_by_byte(self, serve: Start, connect: Connect) -> None:
        peer = await connect(await serve())
        for byte in asks(1):
            peer.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await peer.hear()).startswith("SIP/2.0 200 ")

    async def test_two_segments(self, serve: Start, connect: Connect) -> None:
        served = await serve()
        peer = await connect(served)
        message = asks(1, body=b"12345", extra="Content-Type: text/plain\r\n")
        peer.send(message[:-3])
        await asyncio.sleep(0.02)
        assert served.uas.requests() == []
        peer.send(message[-3:])
        assert (await peer.hear()).startswith("SIP/2.0 200 ")
        assert served.uas.requests()[0].body == b"12345"

    async def test_three_messages_in_one_segment(self, serve: Start, connect: Connect) -> None:
        peer = await connect(await serve())
        peer.send(asks(1) + b"\r\n" + asks(2) + asks(3))
        answers = [await peer.hear() for _ in range(3)]
        assert [answer.partition("Call-ID: ")[2][:2] for answer in answers] == ["c1", "c2", "c3"]


class TestWayBack:
    async def test_by_the_connection_whatever_the_via_says(self, serve: Start, connect: Connect) -> None:
        """With and without rport (18.2.2)."""
        peer = await connect(await serve())
        for number, rport in enumerate(("", ";rport")):
            peer.send(options(via=f"SIP/2.0/TCP 10.9.9.9:1;branch=z9hG4bK{number}{rport}"))
            answer = await peer.hear()
            assert ";received=127.0.0.1" in answer
            assert ("rport=" in answer) == bool(rport)

    async def test_by_a_new_one_to_the_via_when_it_is_gone(self, serve: Start, connect: Connect) -> None:
        served = await serve()
        served.uas.answers = False
        heard: list[bytes] = []

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.close()

        async with await asyncio.start_server(listen, "127.0.0.1", 0) as phone:
            port = phone.sockets[0].getsockname()[1]
            peer = await connect(served)
            peer.send(options(via=f"SIP/2.0/TCP pump.invalid:{port};branch=z9hG4bK1;rport"))
            await until(lambda: bool(served.uas.requests()))
            peer.writer.close()
            await until(lambda: served.endpoint.connections == 0)
            message, flow = served.uas.came[-1]
            assert isinstance(message, Request)
            served.endpoint.send(respond(message, 200, to_tag="late"), flow)
            await until(lambda: bool(heard))
        assert heard[0].startswith(b"SIP/2.0 200 ")

    async def test_nobody_there_any_more(self, serve: Start, connect: Connect) -> None:
        served = await serve()
        served.uas.answers = False
        peer = await connect(served)
        peer.send(options(via=f"SIP/2.0/TCP 127.0.0.1:{free_port()};branch=z9hG4bK1"))
        await until(lambda: bool(served.uas.requests()))
        peer.writer.close()
        await until(lambda: served.endpoint.connections == 0)
        message, flow = served.uas.came[-1]
        assert isinstance(message, Request)
        why: list[str] = []
        served.endpoint.send(respond(message, 200, to_tag="late"), flow, failed=why.append)
        await until(lambda: bool(why))
        assert "no connection" in why[0]


class TestSending:
    async def test_one_connection_for_all_that_goes_there(self, serve: Start) -> None:
        ours, theirs = await serve(), await serve()
        for number in range(5):
            served_at = Hop(*theirs.address("TCP"), transport="TCP")
            ours.endpoint.send(request(f"o{number}"), served_at)
        await until(lambda: len(theirs.uas.requests()) == 5)
        assert theirs.endpoint.connections == ours.endpoint.connections == 1

    async def test_via_names_where_we_listen(self, serve: Start) -> None:
        """Not the connection's own port, where nobody does."""
        ours, theirs = await serve(), await serve()
        flow = await ours.endpoint.open(Hop(*theirs.address("TCP"), transport="TCP"))
        assert flow.local == ours.address("TCP")
        ours.endpoint.send(request(), flow)
        await until(lambda: bool(theirs.uas.requests()))
        via = theirs.uas.requests()[0].via
        assert (via.transport, via.host, via.port) == ("TCP", *ours.address("TCP"))

    async def test_the_answer_comes_back_on_it(self, serve: Start) -> None:
        ours, theirs = await serve(), await serve()
        flow = await ours.endpoint.open(Hop(*theirs.address("TCP"), transport="TCP"))
        ours.endpoint.send(request(), flow)
        await until(lambda: any(at == flow for _, at in ours.uas.came))

    async def test_a_flow_without_a_connection_opens_one(self, serve: Start) -> None:
        ours, theirs = await serve(), await serve()
        ours.endpoint.send(request(), Flow("TCP", ("127.0.0.1", 1), theirs.address("TCP")))
        await until(lambda: bool(theirs.uas.requests()))

    async def test_a_request_on_a_closed_connection_fails(self, serve: Start) -> None:
        """Its user agent knows where else the other side may be; the flow does not."""
        ours, theirs = await serve(), await serve()
        flow = await ours.endpoint.open(Hop(*theirs.address("TCP"), transport="TCP"))
        await theirs.endpoint.stop()
        await until(lambda: ours.endpoint.connections == 0)
        why: list[str] = []
        ours.endpoint.send(request(), flow, failed=why.append)
        await until(lambda: bool(why))
        assert why == ["the connection is closed"]

    async def test_the_end_of_a_connection_fails_what_was_sent_on_it(self, serve: Start) -> None:
        ours, theirs = await serve(), await serve()
        theirs.uas.answers = False
        why: list[str] = []
        ours.endpoint.send(request(), Hop(*theirs.address("TCP"), transport="TCP"), failed=why.append)
        await until(lambda: bool(theirs.uas.requests()))
        await theirs.endpoint.stop()
        await until(lambda: bool(why))

    async def test_nobody_listens(self, serve: Start) -> None:
        served = await serve()
        why: list[str] = []
        hop = Hop("127.0.0.1", free_port(), transport="TCP")
        served.endpoint.send(request(), hop, failed=why.append)
        await until(lambda: bool(why))
        assert "refused" in why[0]

    async def test_nobody_answers(self, serve: Start) -> None:
        """A full backlog is as silent as a firewall."""
        served = await serve(connections={"connect": 0.05})
        with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
            fills = [socket.socket() for _ in range(3)]
            for filler in fills:
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            why: list[str] = []
            hop = Hop("127.0.0.1", deaf.getsockname()[1], "TCP")
            served.endpoint.send(request(), hop, failed=why.append)
            await until(lambda: bool(why))
            for filler in fills:
                filler.close()
        assert "no connection within 0.05 s" in why[0]

    async def test_ipv6(self, serve: Start) -> None:
        ours, theirs = (
            await serve(listen=listens("TCP", host="::1")),
            await serve(listen=listens("TCP", host="::1")),
        )
        ours.endpoint.send(request(), Hop(*theirs.address("TCP", "::1"), transport="TCP"))
        await until(lambda: bool(theirs.uas.requests()))
        assert theirs.uas.requests()[0].via.host == "::1"

    async def test_a_peer_that_does_not_read(self, serve: Start) -> None:
        """Its unread messages do not fill our memory."""
        served = await serve(connections={"unsent": 65_536})
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            flow = await served.endpoint.open(Hop("127.0.0.1", deaf.getsockname()[1], "TCP"))
            why: list[str] = []
            for _ in range(1000):
                served.endpoint.send(request(body=b"x" * 30_000), flow, failed=why.append)
            await until(lambda: bool(why))
        assert "the other side does not read" in why
        assert served.endpoint.drops[Drop.UNREAD] == 1


class TestKeepAlive:
    """RFC 5626 section 3.5.1."""

    async def test_ping_and_pong(self, serve: Start, connect: Connect) -> None:
        peer = await connect(await serve())
        peer.send(b"\r\n\r\n")
        assert await peer.hear_bytes(2) == b"\r\n"
        peer.send(asks(1))
        assert (await peer.hear()).startswith("SIP/2.0 200 ")

    async def test_we_ping(self, serve: Start) -> None:
        served = await serve(connections={"ping": 0.03, "idle": 0.05})
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            await served.endpoint.open(Hop("127.0.0.1", server.getsockname()[1], "TCP"))
            connection, _ = server.accept()
            with connection:
                connection.setblocking(False)
                heard = b""
                while len(heard) < 12:
                    heard += await asyncio.get_running_loop().sock_recv(connection, 100)
        assert heard[:12] == b"\r\n\r\n" * 3


class TestClosing:
    async def test_idle(self, serve: Start, connect: Connect) -> None:
        served = await serve(connections={"idle": 0.1})
        peer = await connect(served)
        assert await peer.closed() == b""
        assert served.endpoint.drops[Drop.IDLE] == 1

    async def test_a_trickle_of_bytes_keeps_nothing_open(self, serve: Start, connect: Connect) -> None:
        served = await serve(connections={"idle": 0.15})
        peer = await connect(served)

        async def trickle() -> None:
            for byte in asks(1)[:-4] * 5:
                peer.send(bytes([byte]))
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert await peer.closed() == b""
        trickling.cancel()

    async def test_messages_do(self, serve: Start, connect: Connect) -> None:
        peer = await connect(await serve(connections={"idle": 0.2}))
        for number in range(6):
            peer.send(asks(number))
            assert (await peer.hear()).startswith("SIP/2.0 200 ")
            await asyncio.sleep(0.08)

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"\x16\x03\x01" + b"\xff" * 40_000, b""),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
            (asks(1).replace(b"Content-Length: 0\r\n", b""), b"SIP/2.0 400 "),
            (asks(1).replace(b"Content-Length: 0", b"Content-Length: 99999999"), b"SIP/2.0 513 "),
            (asks(1).replace(b"Content-Length: 0", b"Content-Length: -1"), b"SIP/2.0 400 "),
        ],
    )
    async def test_where_the_next_message_begins_cannot_be_told(
        self, serve: Start, connect: Connect, data: bytes, said: bytes
    ) -> None:
        served = await serve()
        peer = await connect(served)
        peer.send(data)
        assert (await peer.closed())[:12] == said
        other = await connect(served)
        other.send(asks(2))
        assert (await other.hear()).startswith("SIP/2.0 200 ")

    @pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
    async def test_what_hurts_no_datagram_socket_hurts_no_listener(
        self, serve: Start, connect: Connect, data: bytes
    ) -> None:
        served = await serve()
        stranger = await connect(served)
        stranger.send(data)
        stranger.writer.write_eof()
        await stranger.closed()
        other = await connect(served)
        other.send(asks(2))
        assert (await other.hear()).startswith("SIP/2.0 200 ")
        assert served.endpoint.drops[Drop.FAULT] == 0

    async def test_one_bad_message_does_not_close_it(self, serve: Start, connect: Connect) -> None:
        peer = await connect(await serve())
        peer.send(asks(1).replace(b"CSeq: 1 OPTIONS\r\n", b"") + asks(2))
        assert (await peer.hear()).startswith("SIP/2.0 400 ")
        assert (await peer.hear()).startswith("SIP/2.0 200 ")


class TestTooMany:
    async def test_of_one_stranger(self, serve: Start, connect: Connect) -> None:
        served = await serve(connections={"most_of_one_stranger": 2})
        peers = [await connect(served) for _ in range(3)]
        assert await peers[2].closed() == b""
        assert served.endpoint.drops[Drop.CONNECTIONS] == 1
        other = await connect(served, local_addr=("127.0.0.3", 0))
        other.send(asks(1))
        assert (await other.hear()).startswith("SIP/2.0 200 ")

    async def test_of_all_strangers_and_a_telephone_still_gets_through(
        self, serve: Start, connect: Connect
    ) -> None:
        limits = {"most": 10, "most_of_strangers": 3, "most_of_one_stranger": 2}
        served = await serve(connections=limits, allowed=("127.0.0.7/32",))
        strangers = [await connect(served, local_addr=(f"127.0.0.{last}", 0)) for last in (2, 3, 4, 5)]
        assert await strangers[3].closed() == b""
        for number in range(5):
            telephone = await connect(served, local_addr=("127.0.0.7", 0))
            telephone.send(asks(number))
            assert (await telephone.hear()).startswith("SIP/2.0 200 ")

    async def test_altogether(self, serve: Start, connect: Connect) -> None:
        served = await serve(connections={"most": 2}, allowed=("127.0.0.0/8",))
        peers = [await connect(served) for _ in range(3)]
        assert await peers[2].closed() == b""

    async def test_places_are_given_back(self, serve: Start, connect: Connect) -> None:
        served = await serve(connections={"most_of_one_stranger": 1})
        for number in range(5):
            peer = await connect(served)
            peer.send(asks(number))
            assert (await peer.hear()).startswith("SIP/2.0 200 ")
            peer.writer.close()
            await until(lambda: served.endpoint.connections == 0)
