"""Marking: seen by the receiver, on every transport and family."""

from __future__ import annotations

import socket

import pytest

from bridge.protocols.sip_endpoint import CS3, EF, Hop, mark
from tests.sip_endpoint.conftest import Start, UdpPeer, listens
from tests.sip_endpoint.test_udp import request


@pytest.mark.parametrize("dscp", [CS3, EF, 0])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_on_the_wire(serve: Start, host: str, dscp: int) -> None:
    served = await serve(listen=listens("UDP", host=host), dscp=dscp)
    with UdpPeer(host) as phone:
        if ":" in host:
            phone.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            phone.socket.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        phone.socket.settimeout(2)
        served.endpoint.send(request(), await served.endpoint.open(Hop(*phone.address)))
        _, ancillary, *_ = phone.socket.recvmsg(65_535, 128)
    assert [int.from_bytes(data, "little") for *_, data in ancillary] == [dscp << 2]


@pytest.mark.parametrize(("host", "option"), [("127.0.0.1", socket.IP_TOS), ("::1", socket.IPV6_TCLASS)])
async def test_connections(serve: Start, host: str, option: int) -> None:
    ours, theirs = [await serve(listen=listens("TCP", host=host)) for _ in range(2)]
    flow = await ours.endpoint.open(Hop(*theirs.address("TCP", host), transport="TCP"))
    connection = ours.endpoint._connections.find(flow.connection)
    assert connection is not None
    assert connection._transport is not None
    sock = connection._transport.get_extra_info("socket")
    level = socket.IPPROTO_IPV6 if ":" in host else socket.IPPROTO_IP
    assert sock.getsockopt(level, option) == CS3 << 2


def test_out_of_range() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(ValueError, match="0 to 63"):
        mark(sock, 64)
