"""Datagrams that silenced one SIP library or another for ever, and a call that is set up all the same."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocols.secret import Secret
from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.registrar import Account, Authenticator, Registrar
from bridge.protocols.sip_endpoint.drops import Drop
from tests.parts.processes import Child
from tests.sip_endpoint.conftest import UdpPeer
from tests.sip_peers.by_hand import HOST, SDP, Caller, write
from tests.sip_peers.telephone import Telephone
from tests.waiting import until

VIA = f"SIP/2.0/UDP {HOST}:5999;branch=z9hG4bK-evil"
PARAMETERS = ", ".join(f'p{number}="{"x" * 20}"' for number in range(24))


def evil(method: str, *fields: str, via: str = VIA) -> bytes:
    return write(method, *fields, call_id="evil", via=via, body=SDP if method == "INVITE" else "")


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "port-999999": lambda: evil("OPTIONS", via=VIA.replace("5999", "999999")),
    "port-0": lambda: evil("OPTIONS", via=VIA.replace("5999", "0")),
    "2000-vias": lambda: evil("INVITE", *("v: SIP/2.0/UDP h" for _ in range(2000))),
    "2000-vias-in-a-line": lambda: evil("INVITE", via=", ".join(f"{VIA}{n}" for n in range(1000))),
    "24-digest-parameters": lambda: evil("REGISTER", f"Authorization: Digest {PARAMETERS}"),
    "unclosed-digest": lambda: evil("REGISTER", "Authorization: Digest " + 'a="' * 5000),
    "no-cseq": lambda: evil("INVITE").replace(b"CSeq: 1 INVITE\r\n", b""),
    "no-call-id": lambda: evil("INVITE").replace(b"Call-ID: evil\r\n", b""),
    "content-length": lambda: evil("INVITE").replace(b"Content-Length: ", b"Content-Length: 9"),
    "nuls": lambda: evil("INVITE").replace(b"caller", b"\0" * 20),
    "half": lambda: evil("INVITE")[:150],
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_one_datagram(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PASSWORD_SIP", "pw")
    account = Account(phone="P-03", username="9103", password=Secret("env", "TEST_PASSWORD_SIP"))
    registrar = Registrar(Authenticator("plant", [account], randomness=bytes))
    async with Telephone(registrar=registrar) as phone:
        with UdpPeer() as peer:
            begun = time.monotonic()
            for _ in range(5):
                peer.send(HOSTILE[name](), (HOST, phone.port))
            caller = Caller(peer, phone.port)
            await caller.talk()
            await caller.hang_up()
            assert time.monotonic() - begun < 4
        assert phone.endpoint.drops.get(Drop.FAULT, 0) == 0


JUNK = """\
import random, socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.9", 0))
chance = random.Random(1)
junk = [chance.randbytes(chance.randint(1, 1200)) for _ in range(200)]
junk += [b"INVITE sip:a SIP/2.0\\r\\nVia: " + data for data in junk[:100]]
begun = time.monotonic()
sent = 0
while time.monotonic() - begun < 60:
    while sent < (time.monotonic() - begun) * 5000:
        sock.sendto(junk[sent % len(junk)], ("127.0.0.1", int(sys.argv[1])))
        sent += 1
    time.sleep(0.001)
"""


async def test_a_call_during_5000_packets_of_junk_a_second(tmp_path: Path) -> None:
    """From an address of no allowed network, by a process of its own."""
    async with Telephone(allowed=(f"{HOST}/32",)) as phone:
        child = Child([sys.executable, "-c", JUNK, str(phone.port)], tmp_path / "junk.log")
        try:
            before = _dropped(phone)
            await until(lambda: _dropped(phone) - before > 1000)
            before, begun = _dropped(phone), time.monotonic()
            with UdpPeer() as peer:
                for _ in range(10):
                    started = time.monotonic()
                    caller = Caller(peer, phone.port)
                    await caller.talk()
                    assert time.monotonic() - started < 4
                    await caller.hang_up()
                    await asyncio.sleep(0.1)
            rate = (_dropped(phone) - before) / (time.monotonic() - begun)
        finally:
            child.kill()
        assert len(phone.told(Offered)) == 10
        assert rate > 3000  # of 5,000 sent; the rest is a busy machine's


def _dropped(phone: Telephone) -> int:
    return sum(phone.endpoint.drops.values())
