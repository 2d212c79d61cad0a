"""Registration at a real Asterisk, and real telephones at our registrar."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from bridge.protocols.secret import Secret
from bridge.protocols.sip.digest import Algorithm
from bridge.protocols.sip.registrar import Account as Telephone
from bridge.protocols.sip.registrar import Authenticator, Change, Registrar
from bridge.protocols.sip.registration import (
    Account,
    Due,
    Lost,
    Registered,
    Registration,
    Server,
    Stopped,
    Times,
)
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Endpoint as PbxEndpoint
from tests.parts.baresip import Baresip
from tests.parts.ports import free_port
from tests.parts.processes import Child
from tests.sip_endpoint.node import Node
from tests.waiting import until

VARIABLE = "TEST_PASSWORD_SIP"
BRIDGE = PbxEndpoint(name="9110", password="pw")
TCP = "[tcp]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:@SIP_PORT@\n"


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "pw")


def registration(*servers: Server, times: Times | None = None) -> Registration:
    account = Account(user="9110", password=Secret("env", VARIABLE), expires=120)
    ids = [os.urandom(8).hex() for _ in servers]
    return Registration(account, servers, call_ids=ids, chance=random.random, times=times)


@pytest.mark.real("asterisk")
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_at_asterisk(asterisk22: StartAsterisk, transport: str) -> None:
    """Registered, refreshed, unregistered."""
    pbx = await asyncio.to_thread(asterisk22, endpoints=[BRIDGE], append={"pjsip.conf": TCP})
    server = Server(name="pbx1", host="127.0.0.1", port=pbx.sip_port, transport=transport)
    async with Node(transport) as node:
        node.register(registration(server))
        await until(lambda: node.news == [Registered(server)])
        contacts = await asyncio.to_thread(pbx.cli, "pjsip show contacts")
        assert f"9110/sip:9110@127.0.0.1:{node.port}" in contacts
        node.fire(Due.REFRESH)
        await until(lambda: not node.asked and not node.tasks)
        node.stop()
        await until(lambda: node.news == [Registered(server), Stopped()])
        assert "9110/sip" not in await asyncio.to_thread(pbx.cli, "pjsip show contacts")


@pytest.mark.real("asterisk")
async def test_wrong_password(asterisk22: StartAsterisk, monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = await asyncio.to_thread(asterisk22, endpoints=[BRIDGE])
    monkeypatch.setenv(VARIABLE, "wrong")
    async with Node() as node:
        node.register(registration(Server(name="pbx1", host="127.0.0.1", port=pbx.sip_port)))
        await until(lambda: bool(node.news))
        assert node.news == [Lost("pbx1: 401 Unauthorized")]


@pytest.mark.real("asterisk")
async def test_a_dead_first_server_costs_no_time(asterisk22: StartAsterisk) -> None:
    """ICMP says so, within milliseconds instead of 32 s."""
    pbx = await asyncio.to_thread(asterisk22, endpoints=[BRIDGE])
    dead = Server(name="pbx1", host="127.0.0.1", port=free_port())
    living = Server(name="pbx2", host="127.0.0.1", port=pbx.sip_port)
    async with Node() as node:
        node.register(registration(dead, living))
        await until(lambda: bool(node.news))
        assert node.news == [Registered(living)]


@pytest.mark.real("asterisk")
async def test_a_pbx_that_is_restarted(asterisk22: StartAsterisk) -> None:
    pbx = await asyncio.to_thread(asterisk22, endpoints=[BRIDGE])
    server = Server(name="pbx1", host="127.0.0.1", port=pbx.sip_port)
    async with Node() as node:
        node.register(registration(server, times=Times(first=0.1, longest=0.2)))
        await until(lambda: node.news == [Registered(server)])
        await asyncio.to_thread(pbx.stop)
        node.fire(Due.REFRESH)
        await until(lambda: isinstance(node.news[-1], Lost))
        await asyncio.to_thread(pbx.start)
        await until(lambda: node.news[-1] == Registered(server))


def registrar(*algorithms: Algorithm) -> Registrar:
    account = Telephone(phone="P-03", username="9103", password=Secret("env", VARIABLE))
    return Registrar(Authenticator("plant", [account], randomness=os.urandom, algorithms=algorithms))


@pytest.mark.real("baresip")
async def test_baresip() -> None:
    """It registers, and unregisters when it ends. Version 1.0 gives up at the sight of SHA-256."""
    async with Node(registrar=registrar(Algorithm.MD5)) as node:
        assert node.registrar is not None
        phone = await asyncio.to_thread(Baresip, "9103", node.port, password="pw")
        try:
            [binding] = node.registrar.contacts("9103", node.clock.now())
            assert binding.flow.remote == ("127.0.0.1", phone.port)
        finally:
            await asyncio.to_thread(phone.close)
        await until(lambda: node.answers[-1].changed != ())
        changed = [changed.change for answer in node.answers for changed in answer.changed]
        assert changed == [Change.REGISTERED, Change.UNREGISTERED]


REGISTER = """\
REGISTER sip:127.0.0.1:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: <sip:9103@127.0.0.1>;tag=[call_number]
To: <sip:9103@127.0.0.1>
Call-ID: [call_id]
CSeq: {number} REGISTER
Max-Forwards: 70
Contact: <sip:9103@[local_ip]:[local_port]>
Expires: 90
{authorization}
Content-Length: 0

"""
SIGNED = "[authentication username=9103 password={password}]"


def scenario(password: str, expected: int) -> str:
    first = REGISTER.format(number=1, authorization="X-First: 1")
    second = REGISTER.format(number=2, authorization=SIGNED.format(password=password))
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="REGISTER">\n'
        f'<send retrans="500"><![CDATA[\n{first}\n]]></send>\n<recv response="401" auth="true"/>\n'
        f'<send retrans="500"><![CDATA[\n{second}\n]]></send>\n<recv response="{expected}"/>\n</scenario>\n'
    )


@pytest.mark.real("sipp")
@pytest.mark.parametrize(("transport", "mode"), [("UDP", "u1"), ("TCP", "t1")])
@pytest.mark.parametrize(("password", "status"), [("pw", 200), ("wrong", 401)])
async def test_sipp(tmp_path: Path, transport: str, mode: str, password: str, status: int) -> None:
    (tmp_path / "scenario.xml").write_text(scenario(password, status))
    async with Node(transport, registrar=registrar(Algorithm.MD5)) as node:
        command = ["sipp", "-sf", "scenario.xml", "-t", mode, "-i", "127.0.0.1", "-nostdin", "-m", "1"]
        command += ["-timeout", "8", "-timeout_error", "-trace_err", f"127.0.0.1:{node.port}"]
        sipp = Child(command, tmp_path / "out.log", folder=tmp_path)
        try:
            code = await asyncio.to_thread(sipp.wait, 12)
        finally:
            sipp.kill()
        assert code == 0, sipp.log_tail(40)
        assert node.registrar is not None
        known = node.registrar.contacts("9103", node.clock.now())
        assert len(known) == (status == 200)
