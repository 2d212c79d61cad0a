"""Independent peers ask over every transport and family: sipp, and openssl, as Debian's sipp has no TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme

from tests.parts.processes import Child
from tests.sip_endpoint.conftest import Start, listens, options
from tests.sip_endpoint.test_tls import Papers

SCENARIO = """\
<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="OPTIONS">
  <send retrans="500"><![CDATA[
OPTIONS sip:bridge@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]>;tag=[call_number]
To: <sip:bridge@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200" timeout="3000"/>
</scenario>
"""


@pytest.mark.real("sipp")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("transport", "mode"), [("UDP", "u1"), ("TCP", "t1"), ("TCP", "tn")])
async def test_sipp(serve: Start, tmp_path: Path, transport: str, mode: str, host: str) -> None:
    served = await serve(listen=listens(transport, host=host), allowed=("127.0.0.0/8", "::1/128"))
    (tmp_path / "scenario.xml").write_text(SCENARIO)
    there = f"{f'[{host}]' if ':' in host else host}:{served.address(transport, host)[1]}"
    command = ["sipp", "-sf", "scenario.xml", "-t", mode, "-i", host, "-nostdin", "-m", "50", "-r", "200"]
    command += ["-max_socket", "1000", "-timeout", "15", "-timeout_error", "-trace_err", there]
    sipp = Child(command, tmp_path / "out.log", folder=tmp_path)
    try:
        code = await asyncio.to_thread(sipp.wait, 20)
    finally:
        sipp.kill()
    assert code == 0, sipp.log_tail(60)
    asked = {request.via.branch for request in served.uas.requests()}
    assert len(asked) == 50, "a request that had to be sent again is still one request"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_openssl(serve: Start, tmp_path: Path, host: str, version: str) -> None:
    papers = Papers(tmp_path, trustme.CA(), host)
    served = await serve(listen=listens("TLS", host=host), tls=papers.settings)
    there = f"{f'[{host}]' if ':' in host else host}:{served.address('TLS', host)[1]}"
    client = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-quiet", version, "-CAfile", str(papers.ca), "-verify_return_error"),
        *("-connect", there),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    try:
        client.stdin.write(options(via="SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1;rport"))
        async with asyncio.timeout(5):
            answer = await client.stdout.readuntil(b"\r\n\r\n")
    finally:
        client.kill()
        await client.wait()
    assert answer.startswith(b"SIP/2.0 200 ")
