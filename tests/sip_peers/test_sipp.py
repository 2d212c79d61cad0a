"""sipp calls us and is called by us, over each transport and family that it has, and over a bad network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.protocols.sip.agent.events import Answered, Ended, Offered
from bridge.protocols.sip.dialog.vocabulary import Cause
from tests.parts.ports import free_port
from tests.parts.processes import Child
from tests.parts.sipp_steps import PROGRESS, Phone, ack_of_answer, bye_of_caller, invite, receive, scenario
from tests.sip_peers.lossy import Lossy
from tests.sip_peers.telephone import Telephone
from tests.waiting import until

pytestmark = pytest.mark.real("sipp")
HOST = "127.0.0.1"
CALLER = Phone("9103")
CALLS = scenario(
    invite(CALLER),
    *PROGRESS,
    receive("200"),
    ack_of_answer(CALLER),
    # Named, or the answer of the INVITE, sent again, would pass for that of a BYE that was lost.
    bye_of_caller(CALLER).replace("<send", '<send start_txn="bye"', 1),
    receive("200", response_txn="bye"),
).replace("branch=[branch]", "branch=[branch];rport")


def sipp(folder: Path, *arguments: str, host: str = HOST, port: int) -> Child:
    there = f"{f'[{host}]' if ':' in host else host}:{port}"
    command = ["sipp", *arguments, "-i", host, "-nostdin", "-trace_err", "-timeout_error", there]
    return Child(command, folder / "out.log", folder=folder)


async def ended_well(child: Child, seconds: float) -> None:
    try:
        code = await asyncio.to_thread(child.wait, seconds)
    finally:
        child.kill()
    errors = "".join(
        path.read_text(errors="replace")[:4000] for path in child.log_file.parent.glob("*errors*")
    )
    assert code == 0, f"{errors}\n{child.log_tail(40)}"


@pytest.mark.parametrize("host", [HOST, "::1"])
@pytest.mark.parametrize(("transport", "mode"), [("UDP", "u1"), ("TCP", "t1"), ("TCP", "tn")])
async def test_it_calls_us(tmp_path: Path, transport: str, mode: str, host: str) -> None:
    """Its own scenario, 50 times."""
    async with Telephone(transport, host=host) as phone:
        options = ("-sn", "uac", "-t", mode, "-m", "50", "-r", "100", "-max_socket", "500", "-timeout", "15")
        await ended_well(sipp(tmp_path, *options, host=host, port=phone.port), 20)
        await until(lambda: not phone.agent.calls)
        assert len(phone.told(Offered)) == 50
        assert {ended.cause for ended in phone.told(Ended)} == {Cause.BYE}


async def test_we_call_it(tmp_path: Path) -> None:
    port = free_port()
    async with Telephone() as phone:
        child = sipp(tmp_path, "-sn", "uas", "-p", str(port), "-m", "1", "-timeout", "10", port=phone.port)
        try:
            # Until it listens nobody answers: the INVITE is repeated, and ICMP about it would end the call.
            log = Path("/proc/net/udp")
            await until(lambda: f"0100007F:{port:04X}" in log.read_text())
            await phone.call("9201", HOST, port)
            assert (await phone.wait_for(Answered)).stream is not None
            phone.hang_up()
            assert (await phone.wait_for(Ended)).cause is Cause.HUNG_UP
        finally:
            await ended_well(child, 10)


async def test_200_of_200_calls_at_5_percent_loss(tmp_path: Path) -> None:
    (tmp_path / "scenario.xml").write_text(CALLS)
    async with (
        Telephone() as phone,
        Lossy(to=(HOST, phone.port), loss=0.05, seed=3) as network,
    ):
        options = ("-sf", "scenario.xml", "-s", "9110", "-m", "200", "-r", "50", "-timeout", "40")
        await ended_well(sipp(tmp_path, *options, port=network.port), 45)
        assert len(phone.told(Offered)) == 200
        assert network.lost > 20
        await until(lambda: not phone.agent.calls)
        assert {ended.cause for ended in phone.told(Ended)} == {Cause.BYE}
