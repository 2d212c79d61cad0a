"""Datagrams: the way back, and everything that must not silence the socket."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct

import pytest

from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Headers, Request
from bridge.protocols.sip.uri import SipUri
from bridge.protocols.sip_endpoint import Hop, NotSentError
from bridge.protocols.sip_endpoint.drops import Drop
from tests.parts.ports import free_port
from tests.sip_endpoint.conftest import Start, UdpPeer, listens, options
from tests.waiting import until


def request(call_id: str = "out", body: bytes = b"", uri_host: str = "127.0.0.1") -> Request:
    """A request of ours, with the branch that the user agent chose."""
    headers = Headers.of(
        ("Via", "SIP/2.0/UDP invalid;branch=z9hG4bKours"),
        ("From", "<sip:bridge@127.0.0.1>;tag=f"),
        ("To", "<sip:9103@127.0.0.1>"),
        ("Call-ID", call_id),
        ("CSeq", "1 OPTIONS"),
        *((("Content-Type", "text/plain"),) if body else ()),
    )
    return Request("OPTIONS", SipUri(uri_host), headers, body)


class TestWayBack:
    """RFC 3261 section 18.2.2, RFC 3581 section 4."""

    async def test_rport_goes_to_the_source(self, serve: Start) -> None:
        served = await serve()
        with UdpPeer() as phone:
            phone.send(options(via="SIP/2.0/UDP 10.9.9.9:9;branch=z9hG4bK1;rport"), served.address("UDP"))
            answer = await phone.hear()
        assert answer.startswith("SIP/2.0 200 ")
        assert f";rport={phone.address[1]};received=127.0.0.1" in answer

    async def test_without_rport_it_goes_to_the_port_of_the_sent_by(self, serve: Start) -> None:
        served = await serve()
        with UdpPeer() as sends, UdpPeer() as listens_:
            via = f"SIP/2.0/UDP pump.invalid:{listens_.address[1]};branch=z9hG4bK1"
            sends.send(options(via=via), served.address("UDP"))
            answer = await listens_.hear()
        assert ";received=127.0.0.1\r\n" in answer
        assert "rport" not in answer

    @pytest.mark.parametrize("lie", ["maddr=127.0.0.2", "received=127.0.0.2"])
    async def test_nobody_makes_us_send_to_a_third_party(self, serve: Start, lie: str) -> None:
        served = await serve()
        with UdpPeer() as phone:
            via = f"SIP/2.0/UDP 127.0.0.1:{phone.address[1]};branch=z9hG4bK1;{lie}"
            phone.send(options(via=via), served.address("UDP"))
            assert (await phone.hear()).startswith("SIP/2.0 200 ")

    async def test_the_answer_comes_from_the_socket_that_was_asked(self, serve: Start) -> None:
        served = await serve(listen=(*listens("UDP"), *listens("UDP", host="127.0.0.2")))
        asked = served.address("UDP", "127.0.0.2")
        with UdpPeer() as phone:
            phone.send(options(), asked)
            data, source = await asyncio.get_running_loop().sock_recvfrom(phone.socket, 65_535)
        assert source == asked
        assert data.startswith(b"SIP/2.0 200 ")

    async def test_ipv6(self, serve: Start) -> None:
        served = await serve(listen=listens("UDP", host="::1"))
        with UdpPeer("::1") as phone:
            via = f"SIP/2.0/UDP [2001:db8::9]:{phone.address[1]};branch=z9hG4bK1"
            phone.send(options(via=via), served.address("UDP", "::1"))
            assert ";received=::1\r\n" in (await phone.hear())
        assert served.uas.came[-1][1].local == served.address("UDP", "::1")

    async def test_several_vias_on_a_line(self, serve: Start) -> None:
        """Only the top one is ours to write into."""
        served = await serve()
        with UdpPeer() as phone:
            other = "SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK0"
            via = f"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport , {other}"
            phone.send(options(via=via, extra="Via: SIP/2.0/UDP 192.0.2.8\r\n"), served.address("UDP"))
            vias = [line for line in (await phone.hear()).split("\r\n") if line.startswith("Via")]
        assert vias[1:] == [f"Via: {other}", "Via: SIP/2.0/UDP 192.0.2.8"]
        assert f"rport={phone.address[1]}" in vias[0]


HOSTILE = {
    "nothing at all": b"",
    "one NUL": b"\0",
    "line ends": b"\r\n\r\n",
    "junk": random.Random(1).randbytes(1200),
    "junk of 65 kB": random.Random(2).randbytes(65_507),
    "65 kB after the word": b"OPTIONS sip:a SIP/2.0\r\n" + random.Random(3).randbytes(65_000),
    "a port beyond all ports": options(via="SIP/2.0/UDP 127.0.0.1:999999;branch=z9hG4bK1"),
    "port 0": options(via="SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bK1"),
    "a negative port": options(via="SIP/2.0/UDP 127.0.0.1:-1;branch=z9hG4bK1"),
    "a port of letters": options(via="SIP/2.0/UDP 127.0.0.1:sip;branch=z9hG4bK1"),
    "a port where nobody listens": options(via="SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1"),
    "rport beyond all ports": options(via="SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport=999999"),
    "received is nonsense": options(via="SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;received=[::"),
    "a host that is none": options(via="SIP/2.0/UDP \\0;branch=z9hG4bK1"),
    "2,000 Vias": options(extra="Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\n" * 2000)[:65_000],
    "no Call-ID": options().replace(b"Call-ID: c1\r\n", b""),
    "no CSeq": options().replace(b"CSeq: 1 OPTIONS\r\n", b""),
    "a response to nothing": options().replace(b"OPTIONS sip:bridge@127.0.0.1 SIP/2.0", b"SIP/2.0 200 OK"),
    "half a body": options(body=b"1234")[:-2],
    "Latin-1": options().replace(b"<sip:9103", b'"M\xfcller" <sip:9103'),
}


class TestHostile:
    @pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
    async def test_one_datagram_silences_nobody(self, serve: Start, data: bytes) -> None:
        served = await serve()
        with UdpPeer() as stranger:
            stranger.send(data, served.address("UDP"))
            assert (await stranger.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")
        assert served.endpoint.drops[Drop.FAULT] == 0

    async def test_whatever_comes(self, serve: Start) -> None:
        """A message with bytes changed, cut and doubled at random, 1,500 times."""
        served = await serve(allowed=("127.0.0.0/8",))
        chance = random.Random(5)
        with UdpPeer() as stranger:
            for number in range(1500):
                data = bytearray(options(f"m{number}"))
                for _ in range(chance.randint(1, 8)):
                    place = chance.randrange(len(data))
                    data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
                stranger.send(bytes(data), served.address("UDP"))
                if number % 100 == 0:
                    assert "200" in await stranger.ask(served.address("UDP"), f"a{number}")
        assert served.endpoint.drops[Drop.FAULT] == 0
        assert served.endpoint.drops[Drop.MALFORMED] > 100

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", Drop.EMPTY),
            (b"\xff\xfe\xfd\xfc\xfb\xfa", Drop.NOT_SIP),
            (options().replace(b"CSeq: 1 OPTIONS\r\n", b""), Drop.MALFORMED),
        ],
    )
    async def test_drops_are_counted(self, serve: Start, data: bytes, reason: Drop) -> None:
        served = await serve()
        with UdpPeer() as stranger:
            stranger.send(data, served.address("UDP"))
            await until(lambda: served.endpoint.drops[reason] == 1)

    async def test_what_cannot_be_read_is_answered(self, serve: Start) -> None:
        served = await serve()
        with UdpPeer() as stranger:
            stranger.send(HOSTILE["a port beyond all ports"], served.address("UDP"))
            assert (await stranger.hear()).startswith("SIP/2.0 400 ")

    async def test_from_port_0(self, serve: Start) -> None:
        """Only a raw socket sends that; an answer could not."""
        served = await serve()
        port = served.address("UDP")[1]
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        except PermissionError:
            pytest.skip("a raw socket needs root")
        with raw, UdpPeer() as stranger:
            data = options()
            raw.sendto(struct.pack("!HHHH", 0, port, 8 + len(data), 0) + data, ("127.0.0.1", 0))
            await until(lambda: served.endpoint.drops[Drop.NO_WAY_BACK] == 1)
            assert (await stranger.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")

    async def test_an_error_of_the_user_agent_costs_one_message(self, serve: Start) -> None:
        served = await serve()
        received = served.uas.received

        def fails(message: object, flow: Flow) -> None:
            served.endpoint._inbox._received = received
            raise KeyError("CSeq")

        served.endpoint._inbox._received = fails
        with UdpPeer() as stranger:
            stranger.send(options("first"), served.address("UDP"))
            assert (await stranger.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")
        assert served.endpoint.drops[Drop.FAULT] == 1

    async def test_one_wake_up_reads_no_more_than_its_share(self, serve: Start) -> None:
        """Others of the loop get their turn, however many datagrams wait."""
        served = await serve(allowed=("127.0.0.0/8",))
        with UdpPeer() as phone:
            for number in range(200):
                phone.send(
                    options(f"c{number}", via=f"SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{number};rport"),
                    served.address("UDP"),
                )
            seen = []
            while len(served.uas.requests()) < 200:
                await asyncio.sleep(0)
                seen.append(len(served.uas.requests()))
        assert max(later - before for before, later in zip([0, *seen], seen, strict=False)) <= 64


class TestSending:
    async def test_a_request_gets_our_address_and_asks_for_rport(self, serve: Start) -> None:
        served = await serve()
        with UdpPeer() as phone:
            served.endpoint.send(request(), Hop(*phone.address))
            text = await phone.hear()
        host, port = served.address("UDP")
        assert f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKours;rport\r\n" in text

    async def test_the_advertised_host(self, serve: Start) -> None:
        listen = [{"address": "127.0.0.1", "port": 0, "advertise": "203.0.113.9"}]
        served = await serve(listen=listen)
        with UdpPeer() as phone:
            flow = await served.endpoint.open(Hop(*phone.address))
            assert flow.local == ("203.0.113.9", served.address("UDP")[1])
            served.endpoint.send(request(), flow)
            assert f"Via: SIP/2.0/UDP 203.0.113.9:{flow.local[1]};" in await phone.hear()

    @pytest.mark.parametrize(("wildcard", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
    async def test_a_wildcard_never_gets_into_a_via(self, serve: Start, wildcard: str, loopback: str) -> None:
        served = await serve(listen=listens("UDP", "TCP", host=wildcard))
        with UdpPeer(loopback) as phone:
            flow = await served.endpoint.open(Hop(*phone.address))
            assert flow.local == (loopback, served.address("UDP", wildcard)[1])
            served.endpoint.send(request(), flow)
            assert (await phone.hear()).startswith("OPTIONS ")

    async def test_a_flow_of_before_a_restart(self, serve: Start) -> None:
        """It names a socket that this process has not used yet."""
        served = await serve()
        with UdpPeer() as phone:
            served.endpoint.send(request(), Flow("UDP", ("198.51.100.1", 5060), phone.address))
            assert (await phone.hear()).startswith("OPTIONS ")

    async def test_icmp_says_that_nobody_is_there(self, serve: Start) -> None:
        """And the socket lives on."""
        served = await serve()
        why: list[str] = []
        served.endpoint.send(request(), Hop("127.0.0.1", free_port()), failed=why.append)
        await until(lambda: bool(why))
        assert why == [os.strerror(111)]
        with UdpPeer() as phone:
            assert (await phone.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")

    async def test_icmp_about_one_does_not_fail_another(self, serve: Start) -> None:
        """The kernel reports it to whoever sends next."""
        served = await serve()
        dead: list[str] = []
        well: list[str] = []
        with UdpPeer() as phone:
            closed = Hop("127.0.0.1", free_port())
            for number in range(20):
                served.endpoint.send(request(f"d{number}"), closed, failed=dead.append)
                served.endpoint.send(request(f"w{number}"), Hop(*phone.address), failed=well.append)
            for _ in range(20):
                assert "Call-ID: w" in await phone.hear()
            await until(lambda: bool(dead))
        assert well == []

    @pytest.mark.parametrize(
        ("hop", "words"),
        [
            (Hop("127.0.0.1", 0), "Invalid argument"),
            (Hop("127.0.0.1", 999_999), "0-65535"),
            (Hop("255.255.255.255", 5060), "Permission denied"),
            (Hop("::1", 5060), "no UDP socket of ours can reach"),
        ],
    )
    async def test_errors_of_the_kernel(self, serve: Start, hop: Hop, words: str) -> None:
        served = await serve()
        why: list[str] = []
        served.endpoint.send(request(), hop, failed=why.append)
        await until(lambda: bool(why))
        assert words in why[0]
        with UdpPeer() as phone:
            assert (await phone.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")

    async def test_longer_than_any_datagram(self, serve: Start) -> None:
        served = await serve()
        why: list[str] = []
        with UdpPeer() as phone:
            served.endpoint.send(request(body=b"x" * 65_507), Hop(*phone.address), failed=why.append)
            await until(lambda: bool(why))
            assert "too long" in why[0]
            assert (await phone.ask(served.address("UDP"))).startswith("SIP/2.0 200 ")

    async def test_what_would_break_out_of_its_line_is_not_sent(self, serve: Start) -> None:
        served = await serve()
        why: list[str] = []
        broken = Request("OPTIONS", SipUri("h"), request().headers.setting("Subject", "a\r\nVia: b"))
        served.endpoint.send(broken, Hop("127.0.0.1", 9), failed=why.append)
        await until(lambda: bool(why))
        assert "CR, LF" in why[0]

    async def test_failed_is_never_called_from_within_send(self, serve: Start) -> None:
        served = await serve()
        why: list[str] = []
        flow = Flow("UDP", served.address("UDP"), ("127.0.0.1", 0))
        served.endpoint.send(request(), flow, failed=why.append)
        assert why == []
        await until(lambda: bool(why))

    async def test_an_address_in_use_is_named(self, serve: Start) -> None:
        with UdpPeer() as other, pytest.raises(OSError, match=f"UDP 127.0.0.1:{other.address[1]}: .*in use"):
            await serve(listen=({"address": "127.0.0.1", "port": other.address[1]},))

    async def test_a_stopped_endpoint_is_not_healthy(self, serve: Start) -> None:
        served = await serve()
        assert served.endpoint.healthy()
        await served.endpoint.stop()
        assert served.endpoint.reason == "the SIP endpoint does not run"
        with pytest.raises(NotSentError):
            await served.endpoint.open(Hop("127.0.0.1", 9))


class TestLongRequests:
    """RFC 3261 section 18.1.1: over 1300 bytes a stream is better."""

    LONG = b"x" * 1400

    async def test_by_a_stream_where_there_is_one(self, serve: Start) -> None:
        ours, theirs = await serve(), await serve(listen=listens("TCP"))
        hop = Hop(*theirs.address("TCP"), large_over="TCP")
        ours.endpoint.send(request(body=self.LONG), hop)
        await until(lambda: bool(theirs.uas.requests("out")))
        assert theirs.uas.requests("out")[0].via.transport == "TCP"

    @pytest.mark.parametrize("large_over", ["", "TCP"])
    async def test_otherwise_by_udp(self, serve: Start, large_over: str) -> None:
        """Nobody listens at that TCP port: a long SOS is better in pieces than not at all."""
        served = await serve()
        with UdpPeer() as phone:
            served.endpoint.send(request(body=self.LONG), Hop(*phone.address, large_over=large_over))
            assert "Via: SIP/2.0/UDP " in await phone.hear()
