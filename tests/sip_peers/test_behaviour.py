"""What a telephone may do, right or wrong, and what it must get for it, over a raw socket.

Each of these rows is answered wrong by one Python SIP library or another.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.protocols.sip.agent.events import Confirmed, Digit, Ended, Offered, Renegotiated
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.sdp import Direction
from tests.sip_endpoint.conftest import UdpPeer
from tests.sip_peers.by_hand import SDP, Caller, field, status, to_tag
from tests.sip_peers.telephone import Telephone


@pytest.fixture
async def phone() -> AsyncIterator[Telephone]:
    async with Telephone() as started:
        yield started


@pytest.fixture
async def ringing() -> AsyncIterator[Telephone]:
    async with Telephone(picks_up=False) as started:
        yield started


@pytest.fixture
def peer() -> Iterator[UdpPeer]:
    with UdpPeer() as opened:
        yield opened


async def test_options(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    caller.send("OPTIONS")
    answer = await caller.hear()
    assert status(answer) == 200
    assert "INVITE" in field(answer, "Allow")


async def test_info_dtmf_relay(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    await caller.talk()
    caller.send("INFO", number=2, body="Signal=1\r\nDuration=160\r\n", kind="application/dtmf-relay")
    assert status(await caller.hear()) == 200
    assert phone.told(Digit) == [Digit(phone.last(Offered).call, "1", 160)]
    await caller.hang_up()


async def test_require_of_what_nobody_knows(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    caller.invite("Require: foo")
    answer = await caller.hear()
    assert (status(answer), field(answer, "Unsupported")) == (420, "foo")
    assert not phone.told(Offered)


async def test_hold(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    await caller.talk()
    caller.send("INVITE", number=2, body=SDP.replace("1 1 IN", "1 2 IN") + "a=sendonly\r\n")
    answer = await caller.hear_final()
    assert status(answer) == 200
    assert "a=recvonly" in answer
    caller.send("ACK", number=2, branch="z9hG4bK-second-ack")
    assert (await phone.wait_for(Renegotiated)).stream.direction is Direction.RECVONLY
    await caller.hang_up()


async def test_bye_with_the_wrong_tag(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    await caller.talk()
    caller.send("BYE", number=2, tag="wrong")
    assert status(await caller.hear()) == 481
    assert not phone.told(Ended)
    await caller.hang_up()
    assert phone.last(Ended).cause is Cause.BYE


async def test_invite_without_sdp(phone: Telephone, peer: UdpPeer) -> None:
    """Our offer is in the 200, the answer in the ACK."""
    caller = Caller(peer, phone.port)
    caller.invite(body="")
    answer = await caller.hear_final()
    assert status(answer) == 200
    assert re.search(r"m=audio 40000 RTP/AVP 8 0 101\r", answer)
    caller.ack(body=SDP)
    stream = (await phone.wait_for(Confirmed)).stream
    assert stream is not None
    assert stream.remote == ("127.0.0.1", 41_000)
    await caller.hang_up()


def assert_at(came: list[float], due: list[float]) -> None:
    """Seconds. On a busy machine each may be late, never early."""
    assert len(came) == len(due)
    assert all(-0.1 < at - planned < 0.9 for at, planned in zip(came, due, strict=True)), came


async def test_four_200s_in_5_seconds_without_ack(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    caller.invite()
    heard = await caller.hear_all(5.0)
    assert [status(answer) for _, answer in heard] == [200] * 4
    assert_at([at for at, _ in heard], [0.0, 0.5, 1.5, 3.5])


async def test_one_invite_three_times_answered(phone: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, phone.port)
    for _ in range(3):
        caller.invite()
        await asyncio.sleep(0.05)
    heard = await caller.hear_all(0.3)
    assert len({to_tag(answer) for _, answer in heard}) == 1
    assert len(phone.told(Offered)) == 1


async def test_one_invite_three_times_while_it_rings(ringing: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, ringing.port)
    for _ in range(3):
        caller.invite()
        await asyncio.sleep(0.05)
    heard = await caller.hear_all(0.3)
    assert [status(answer) for _, answer in heard] == [180] * 3
    assert len({to_tag(answer) for _, answer in heard}) == 1
    assert len(ringing.told(Offered)) == 1


async def test_cancel_while_it_rings(ringing: Telephone, peer: UdpPeer) -> None:
    caller = Caller(peer, ringing.port)
    caller.invite()
    assert status(await caller.hear()) == 180
    branch = f"z9hG4bK-{caller.call_id}-INVITE-1"
    caller.send("CANCEL", branch=branch, tag="")
    answers = [await caller.hear(), await caller.hear()]
    assert sorted((status(answer), field(answer, "CSeq")) for answer in answers) == [
        (200, "1 CANCEL"),
        (487, "1 INVITE"),
    ]
    caller.send("ACK", branch=branch)
    assert ringing.last(Ended).cause is Cause.CANCELLED
    assert await caller.hear_all(0.7) == []  # the ACK was believed


async def test_nobody_there(peer: UdpPeer) -> None:
    """A hole that swallows everything: the INVITE comes at 0, 0.5, 1.5, 3.5 and 7.5 s, the same each time."""
    async with Telephone() as phone:
        await phone.call("9201", *peer.address)
        begun = asyncio.get_running_loop().time()
        came: list[tuple[float, str]] = []
        for _ in range(5):
            text = await peer.hear(5.0)
            came.append((asyncio.get_running_loop().time() - begun, text))
        assert_at([at for at, _ in came], [0.0, 0.5, 1.5, 3.5, 7.5])
        assert len({text for _, text in came}) == 1
