"""Whether somebody is connected: not before the caller has heard our answer to its call."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.model import Kind
from tests.triggers_sip.house import House, site_of
from tests.triggers_sip.wire import SDP, Wire, answering, register

SOS = "sip:9110@127.0.0.1"
CONSOLE = site_of(tiers=(), consoles=("desk-1",))


async def test_a_caller_is_connected_once_it_acknowledges_the_answer(tmp_path: Path) -> None:
    async with House(tmp_path, site=CONSOLE) as house:
        with Wire("help-1", house.port()) as phone, Wire("desk-1", house.port()) as desk:
            await register(desk)
            phone.send(phone.request("INVITE", SOS, body=SDP))
            desk.send(answering(await desk.request_heard("INVITE")))
            answer = await phone.answer()
            while not answer.startswith("SIP/2.0 200 "):
                answer = await phone.answer()
            await asyncio.sleep(0.2)
            assert not house.of(Kind.CALL_CONNECTED)
            assert not house.of(Kind.CALL_ANSWERED, dialled="9110")
            phone.send(phone.acknowledgement(answer))
            await house.told(Kind.CALL_CONNECTED, dialled="9110", connected_to="desk-1")


async def test_a_caller_without_a_codec_in_common_was_never_connected_and_did_not_hang_up(
    tmp_path: Path,
) -> None:
    g722 = SDP.replace("RTP/AVP 8", "RTP/AVP 9").replace("rtpmap:8 PCMA", "rtpmap:9 G722")
    async with House(tmp_path, site=CONSOLE) as house:
        with Wire("help-1", house.port()) as phone, Wire("desk-1", house.port()) as desk:
            await register(desk)
            phone.send(phone.request("INVITE", SOS, body=g722))
            desk.send(answering(await desk.request_heard("INVITE")))
            answer = await phone.answer()
            while answer.startswith("SIP/2.0 18"):
                answer = await phone.answer()
            assert answer.startswith("SIP/2.0 488 ")
            await house.told(Kind.CALL_FAILED, dialled="9110", lost="yes")
            assert not house.of(Kind.CALL_CONNECTED)
            # The console hears that, and is let go.
            await desk.request_heard("BYE")


async def test_a_dispatcher_whose_1_reaches_nobody_waits_while_the_phone_is_called_back(
    tmp_path: Path,
) -> None:
    g722 = SDP.replace("RTP/AVP 8", "RTP/AVP 9").replace("rtpmap:8 PCMA", "rtpmap:9 G722")
    async with House(tmp_path, site=site_of(tiers=(("disp-1",),))) as house:
        with Wire("help-1", house.port()) as phone, Wire("disp-1", house.port()) as dispatcher:
            await register(dispatcher)
            await register(phone)
            phone.call_id = "help-1-sos"
            phone.send(phone.request("INVITE", SOS, body=g722))
            invite = await dispatcher.request_heard("INVITE")
            dispatcher.send(answering(invite))
            await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
            dispatcher.send(pressing_1(invite))
            await house.told(Kind.ACKNOWLEDGED, by="disp-1")
            await house.told(Kind.CALL_FAILED, endpoint="help-1", lost="yes")
            assert not house.of(Kind.CALL_CONNECTED)
            phone.send(answering(await phone.request_heard("INVITE")))
            await house.told(Kind.CALL_CONNECTED, endpoint="help-1", connected_to="disp-1")


def pressing_1(invite: str) -> bytes:
    """Return the INFO by which who answered an INVITE presses a key."""
    fields = dict(line.split(": ", 1) for line in invite.split("\r\n\r\n", maxsplit=1)[0].split("\r\n")[1:])
    body = "Signal=1\r\nDuration=160\r\n"
    lines = (
        f"INFO {fields['Contact'].strip('<>')} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-info;rport",
        f"From: {fields['To']};tag=x",
        f"To: {fields['From']}",
        f"Call-ID: {fields['Call-ID']}",
        "CSeq: 1 INFO",
        "Max-Forwards: 70",
        "Content-Type: application/dtmf-relay",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", body)).encode()
