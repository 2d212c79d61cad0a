"""pyVoIP, an independent telephone: registers with us, calls, presses a key, hears one, hangs up."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bridge.protocols.secret import Secret
from bridge.protocols.sip.agent.events import Confirmed, Ended
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.digest import Algorithm
from bridge.protocols.sip.registrar import Account, Authenticator, Change, Registrar
from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import Child
from tests.sip_endpoint.conftest import UdpPeer
from tests.sip_peers.telephone import Telephone
from tests.waiting import until

SCRIPT = Path(__file__).with_name("pyvoip_phone.py")
RTP_PORTS = 8
EVENTS = 101


def packet(payload_type: int, sequence: int, payload: bytes, *, marker: bool = False) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type | marker << 7, sequence, 1, 7) + payload


def is_end_of(data: bytes, digit: int) -> bool:
    """Whether it is a telephone-event packet that says that this key is up again (RFC 4733 section 2.3)."""
    return data[1] & 0x7F == EVENTS and data[12] == digit and bool(data[13] & 0x80)


@pytest.mark.skipif(find_spec("pyVoIP") is None, reason="pyVoIP is missing: make setup")
async def test_it_registers_calls_presses_1_and_hangs_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD_SIP", "pw")
    account = Account(phone="P-03", username="9103", password=Secret("env", "TEST_PASSWORD_SIP"))
    # It can neither SHA-256 nor qop.
    authenticator = Authenticator(
        "plant", [account], randomness=os.urandom, algorithms=(Algorithm.MD5,), without_qop=True
    )
    registrar = Registrar(authenticator)
    rtp = free_block(RTP_PORTS)
    with UdpPeer() as ear:
        # It looks for 180 or 401 before the 200: what answers at once it never hears.
        phone = Telephone(registrar=registrar, picks_up=False, media_port=ear.address[1])
        async with phone:
            command = [sys.executable, "-W", "ignore", SCRIPT, phone.port, free_port(), rtp]
            child = Child([str(word) for word in command], tmp_path / "out.log", name="pyVoIP")
            try:
                await until(lambda: "registered" in child.log_file.read_text())
                [binding] = registrar.contacts("9103", phone.clock.now())
                await until(lambda: bool(phone.events))
                phone.accept()
                stream = (await phone.wait_for(Confirmed)).stream
                assert stream is not None
                assert stream.remote is not None
                assert stream.send.events == EVENTS

                events: list[bytes] = []
                audio = 0
                while sum(is_end_of(data, 1) for data in events) < 3:
                    data = await next_packet(ear)
                    if data[1] & 0x7F == EVENTS:
                        events.append(data)
                    else:
                        audio += len(data) == 172
                assert len(events) == 6
                assert {data[12] for data in events} == {1}
                assert audio > 0

                ear.send(packet(EVENTS, 1, bytes((5, 0x0A, 0, 160)), marker=True), stream.remote)
                assert (await phone.wait_for(Ended)).cause is Cause.BYE
                await until(lambda: "stopped" in child.log_file.read_text())
                assert "heard 5\nhung up" in child.log_file.read_text()
                assert binding.flow.remote[0] == "127.0.0.1"
                changes = [changed.change for answer in phone.answers for changed in answer.changed]
                # It wants to unregister, too, but takes the answer to its BYE for the one it waits for.
                assert changes[:1] == [Change.REGISTERED]
            finally:
                child.kill()
                give_back(rtp, RTP_PORTS)


async def next_packet(ear: UdpPeer) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(ear.socket, 2048)
