"""Whose message did not get through."""

from __future__ import annotations

import pytest

from bridge.protocols.sip_endpoint.outstanding import Outstanding
from tests.fake_clock import FakeClock

THERE = ("192.0.2.3", 5060)


def message(number: int) -> bytes:
    via = f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{number};rport"
    return f"INVITE sip:9103@192.0.2.3 SIP/2.0\r\n{via}\r\nCall-ID: {number}\r\n\r\n".encode()


@pytest.fixture
def why() -> list[str]:
    return []


@pytest.fixture
def sent(clock: FakeClock, why: list[str]) -> Outstanding:
    made = Outstanding(clock)
    made.add(THERE, lambda reason: why.append(f"1: {reason}"), message(1))
    made.add(THERE, lambda reason: why.append(f"2: {reason}"), message(2))
    return made


@pytest.mark.parametrize("length", [100, 548, 10_000])
def test_icmp_fails_what_it_quotes(sent: Outstanding, why: list[str], length: int) -> None:
    sent.returned(THERE, message(2)[:length], "refused")
    assert why == ["2: refused"]
    sent.returned(THERE, message(2), "refused")
    assert why == ["2: refused"]


@pytest.mark.parametrize(
    "quoted", [b"", message(1)[:8], message(1)[:60], message(3), b"INVITE sip:9103@192.0.2.3 SIP/2.0\r\n"]
)
def test_forged_icmp_fails_nothing(sent: Outstanding, why: list[str], quoted: bytes) -> None:
    sent.returned(THERE, quoted, "refused")
    sent.returned(("192.0.2.4", 5060), message(1), "refused")
    assert why == []


def test_the_end_of_a_connection_fails_all(sent: Outstanding, why: list[str]) -> None:
    sent.fail(THERE, "reset")
    sent.fail(THERE, "reset")
    assert why == ["1: reset", "2: reset"]


async def test_what_is_long_over(sent: Outstanding, why: list[str], clock: FakeClock) -> None:
    await clock.advance(33)
    sent.fail(THERE, "reset")
    assert why == []


def test_memory_is_bounded(clock: FakeClock) -> None:
    made = Outstanding(clock)
    for number in range(20_000):
        made.add(("192.0.2.3", number), print, message(number))
        made.add(THERE, print, message(number))
    assert len(made._sent) <= 4096
    assert len(made._sent[THERE]) == 16
