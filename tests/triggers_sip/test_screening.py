"""An SOS that is not written well: taken where it is clear what was meant, and a fault where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.model import Kind
from tests.triggers_sip.house import House
from tests.triggers_sip.wire import SDP, Wire

SOS = "sip:9110@127.0.0.1"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("From: <", 'From: "Post 03 <'),
        ("From: <", 'From: Mr. "J." User <'),
        ("From: <", 'From: Post 03" <'),
        ("To: <", 'To: "Help <'),
        ("Contact: <", 'Contact: "Post \\<'),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nAccept: ;;;"),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nRecord-Route: <sip:"),
    ],
)
async def test_what_was_meant_is_taken(tmp_path: Path, was: str, becomes: str) -> None:
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", SOS, body=SDP).replace(was.encode(), becomes.encode(), 1))
            assert (await phone.answer()).startswith("SIP/2.0 18")
        [dialing] = house.of(Kind.CALL_DIALING, dialled="9110")
        assert dialing.caller == "help-1"
        assert not house.of(Kind.FAULT, what="unheard 127.0.0.1")


@pytest.mark.parametrize(
    ("was", "becomes", "status"),
    [
        ("Content-Type: application/sdp", "Content-Type: text/plain", 415),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: what", 420),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nSession-Expires: 10\r\nSupported: timer", 422),
        ("To: <sip:9110@127.0.0.1>", 'To: "Help <sip:9110@127.0.0.1> <sip:9111@127.0.0.1>', 400),
        ("INVITE sip:9110@127.0.0.1 SIP/2.0", "INVITE sip:9110@127.0.0.1 SIP/7.0", 505),
        ("INVITE sip:9110@127.0.0.1 SIP/2.0", "INVITE sip:9110@127.0.0.1 sip 2.0 SIP/2.0", 400),
        ("CSeq: 1 INVITE", "CSeq: one INVITE", 400),
    ],
)
async def test_what_is_refused_is_a_fault(tmp_path: Path, was: str, becomes: str, status: int) -> None:
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            right = phone.request("INVITE", SOS, body=SDP)
            wrong = right.replace(was.encode(), becomes.encode(), 1)
            assert wrong != right
            phone.send(wrong)
            assert (await phone.answer()).startswith(f"SIP/2.0 {status} ")
            fault = await house.told(Kind.FAULT, what="unheard 127.0.0.1", subject="sip/own")
            text = fault.attributes["text"]
            assert "127.0.0.1" in text
            assert f"refused with {status}" in text
            assert "help-1" in text
            phone.call_id = "help-1-again"
            phone.send(phone.request("INVITE", SOS, body=SDP))
            await house.told(Kind.FAULT_CLEARED, what="unheard 127.0.0.1")


@pytest.mark.parametrize(
    ("uri", "allowed", "method"),
    [
        ("sip:4102@127.0.0.1", "127.0.0.0/8", "INVITE"),
        (SOS, "192.0.2.0/24", "INVITE"),
        (SOS, "127.0.0.0/8", "OPTIONS"),
    ],
)
async def test_others_are_refused_as_ever(tmp_path: Path, uri: str, allowed: str, method: str) -> None:
    async with House(tmp_path, allowed=[allowed]) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request(method, uri, body=SDP).replace(b"From: <", b'From: "Post <', 1))
            assert (await phone.answer()).startswith("SIP/2.0 400 ")
            phone.send(phone.request(method, uri, "Require: what", body=SDP))
            assert not (await phone.answer()).startswith("SIP/2.0 2")
        assert not house.of(Kind.FAULT, what="unheard 127.0.0.1")
