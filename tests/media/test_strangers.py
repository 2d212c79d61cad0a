"""Who may be heard by the media process, and what it does with everything else."""

from __future__ import annotations

import asyncio
import os
import socket

from bridge.protocols.media.facade import (
    Digit,
    FirstRtp,
    RtpSilent,
    Unreachable,
)
from tests.media.conftest import Studio, counted, joined
from tests.media.party import Party
from tests.waiting import until

HOSTILE = [
    b"",
    b"\x80",
    b"\x00" * 12,
    b"\xff" * 172,
    b"\x8f\x08" + bytes(20),
    b"\x90\x08" + bytes(10) + b"\xbe\xde\xff\xff",
    b"\xa0\x08" + bytes(30) + b"\xff",
    b"\x80\x7f" + bytes(170),
    b"\x80\x65" + bytes(10) + b"\x01\x8a\x03\xc0",
    b"\x81\xc8\x00\x06" + bytes(24),
    os.urandom(1400),
    b"\x80\x08" + bytes(65_000),
]


async def test_hostile_datagrams_do_no_harm_whoever_sends_them(builtin: Studio) -> None:
    with Party() as phone, Party() as dispatcher, Party() as stranger:
        await joined(builtin, phone, dispatcher)
        await phone.say(10)
        stranger.media = phone.media
        for _ in range(5):
            for datagram in HOSTILE:
                stranger.send(datagram)
                stranger.report(datagram)
                phone.send(datagram)
                phone.report(datagram)
        before = len(dispatcher.heard)
        await phone.say(20)
        await until(lambda: len(dispatcher.heard) >= before + 20)
        assert not builtin.of(Digit)
        statistics = await builtin.media.statistics("phone")
        assert statistics.received == 30
        assert statistics.malformed > 50
        assert statistics.foreign > 0


async def test_strangers_are_counted_and_dropped(builtin: Studio) -> None:
    with Party() as phone, Party() as dispatcher:
        await joined(builtin, phone, dispatcher)
        await phone.say(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            assert phone.media is not None
            stranger.bind(("127.0.0.2", 0))
            for _ in range(10):
                stranger.sendto(phone.frame(), (phone.media.address, phone.media.rtp_port))
        await counted(builtin, "phone", foreign=10, received=10)


async def test_before_anybody_is_heard_a_stranger_is_not_latched_to_either(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            assert phone.media is not None
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(phone.frame(), (phone.media.address, phone.media.rtp_port))
        await counted(builtin, "phone", foreign=1, received=0)
        assert not builtin.of(FirstRtp)


async def test_behind_nat_the_address_of_the_signalling_is_latched_to_and_sent_to(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone, address="192.0.2.55", behind_nat="127.0.0.1")
        await phone.say(5)
        assert (await builtin.told(FirstRtp)).source == f"127.0.0.1 {phone.port}"
        await until(lambda: len(phone.heard) > 5)


async def test_without_that_option_it_is_not(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone, address="192.0.2.55")
        await phone.say(5)
        await counted(builtin, "phone", foreign=5, received=0)
        assert not phone.heard


async def test_ipv6(builtin: Studio) -> None:
    with Party(address="::1") as phone, Party() as dispatcher:
        await joined(builtin, phone, dispatcher)
        await phone.say(10)
        await dispatcher.say(10)
        await until(lambda: len(dispatcher.heard) >= 10 and len(phone.heard) >= 10)
        assert (await builtin.told(FirstRtp)).source == f"::1 {phone.port}"


async def test_voice_is_marked_for_expedited_forwarding(builtin: Studio) -> None:
    with Party() as phone:
        phone.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        asyncio.get_running_loop().remove_reader(phone.rtp)
        await builtin.seat("phone", phone)
        for _ in range(100):
            await asyncio.sleep(0.01)
            try:
                _, ancillary, _, _ = phone.rtp.recvmsg(2048, 64)
            except BlockingIOError:
                continue
            break
        assert [data for _, kind, data in ancillary if kind == socket.IP_TOS] == [bytes([46 << 2])]


async def test_a_closed_port_is_told_once(builtin: Studio) -> None:
    with Party() as phone:
        phone.media = await builtin.media.open("phone")
        asyncio.get_running_loop().remove_reader(phone.rtp)
        phone.rtp.close()
        await builtin.media.set_remote("phone", phone.remote())
        await builtin.told(Unreachable)
        await asyncio.sleep(0.3)
        assert len(builtin.of(Unreachable)) == 1


async def test_on_hold_nothing_is_sent_and_silence_is_no_fault(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        await phone.say(5)
        await builtin.media.set_remote("phone", phone.remote(sends=False, receives=False))
        await asyncio.sleep(0.05)
        phone.heard.clear()
        await asyncio.sleep(1.0)
        assert not phone.heard
        assert not builtin.of(RtpSilent)
        await builtin.media.set_remote("phone", phone.remote(address="0.0.0.0", port=9))
        await asyncio.sleep(0.1)
        assert not phone.heard
