"""Whole calls over connections, cut where no message ends, and as TLS by openssl and Asterisk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme

from bridge.protocols.sip.agent import Login
from bridge.protocols.sip.agent.events import Answered, Ended, Offered
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Endpoint as PbxEndpoint
from tests.parts.ports import free_port
from tests.sip_endpoint.test_tls import Papers
from tests.sip_peers.by_hand import HOST, SDP, field, read_message, status, to_tag, write
from tests.sip_peers.telephone import Telephone
from tests.waiting import until


def call(method: str, number: int, *, tag: str = "", transport: str = "TCP", rport: str = "") -> bytes:
    via = f"SIP/2.0/{transport} {HOST}:5999;branch=z9hG4bK-{method}{number}{rport}"
    return write(
        method, call_id="stream", via=via, number=number, tag=tag, body=SDP if method == "INVITE" else ""
    )


@pytest.mark.parametrize("rport", ["", ";rport"])
async def test_a_message_in_two_segments(rport: str) -> None:
    """Without rport the answer comes by the same connection nevertheless (RFC 3261 section 18.2.2)."""
    async with Telephone("TCP") as phone:
        reader, writer = await asyncio.open_connection(HOST, phone.port)
        message = call("INVITE", 1, rport=rport)
        for part in (message[:30], message[30:-20], message[-20:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        answer = await read_message(reader)
        assert status(answer) == 200
        tag = to_tag(answer)
        writer.write(call("ACK", 1, tag=tag, rport=rport) + call("BYE", 2, tag=tag, rport=rport))
        assert field(await read_message(reader), "CSeq") == "2 BYE"
        assert len(phone.told(Offered)) == 1
        writer.transport.abort()


async def test_two_messages_in_a_segment() -> None:
    async with Telephone("TCP") as phone:
        reader, writer = await asyncio.open_connection(HOST, phone.port)
        writer.write(call("OPTIONS", 1) + call("OPTIONS", 2))
        assert [field(await read_message(reader), "CSeq") for _ in range(2)] == ["1 OPTIONS", "2 OPTIONS"]
        writer.transport.abort()


@pytest.mark.parametrize("host", [HOST, "::1"])
async def test_openssl_calls(tmp_path: Path, host: str) -> None:
    papers = Papers(tmp_path, trustme.CA(), host)
    async with Telephone("TLS", host=host, tls=papers.settings) as phone:
        there = f"{f'[{host}]' if ':' in host else host}:{phone.port}"
        client = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-quiet", "-CAfile", str(papers.ca), "-verify_return_error"),
            *("-connect", there),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            # One whose media we cannot reach is refused; an offer of ours is for any family.
            offer = SDP.replace("IP4 127.0.0.1", "IP6 ::1") if ":" in host else SDP
            via = f"SIP/2.0/TLS {there};branch=z9hG4bK-1"
            client.stdin.write(write("INVITE", call_id="tls", via=via, body=offer))
            answer = await read_message(client.stdout)
            assert status(answer) == 200
            tag = to_tag(answer)
            client.stdin.write(write("ACK", call_id="tls", via=via + "a", tag=tag))
            client.stdin.write(write("BYE", call_id="tls", via=via + "b", number=2, tag=tag))
            assert field(await read_message(client.stdout), "CSeq") == "2 BYE"
        finally:
            client.kill()
            await client.wait()


DIALPLAN = (
    "[general]\n[globals]\n[phones]\nexten => 9201,1,Answer()\n same => n,Wait(0.2)\n same => n,Hangup()\n"
)


@pytest.mark.real("asterisk")
@pytest.mark.parametrize("transport", ["TCP", "TLS"])
async def test_asterisk(asterisk22: StartAsterisk, tmp_path: Path, transport: str) -> None:
    """We call a PBX over a connection, log in, and it hangs up."""
    papers = Papers(tmp_path, trustme.CA(), HOST)
    port, kind = free_port(), transport.lower()
    secure = f"cert_file={papers.certificate}\npriv_key_file={papers.certificate}\nmethod=tlsv1_2\n"
    section = f"[{kind}]\ntype=transport\nprotocol={kind}\nbind={HOST}:{port}\n"
    endpoint = PbxEndpoint(name="9110", password="pw", settings={"transport": kind})
    await asyncio.to_thread(
        asterisk22,
        endpoints=[endpoint],
        files={"extensions.conf": DIALPLAN},
        append={"pjsip.conf": section + (secure if transport == "TLS" else "")},
    )
    async with Telephone(transport, tls=papers.settings) as phone:
        await phone.call("9201", HOST, port, transport=transport, login=Login("9110", "pw"))
        assert (await phone.wait_for(Answered)).stream is not None
        await phone.wait_for(Ended)
        await until(lambda: not phone.agent.calls)
