"""How the media process lives and dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from bridge.errors import Retryable
from bridge.protocols.media.facade import (
    FirstRtp,
    MediaLost,
    MediaReady,
    MediaRefused,
)
from bridge.protocols.media.process import Process
from tests.media.conftest import PORTS, Studio, builtin_studio, child_settings, joined
from tests.media.party import Party
from tests.waiting import until


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    """Memory in kB."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def test_when_it_dies_the_parent_says_so_and_starts_another(builtin: Studio) -> None:
    with Party() as phone:
        await builtin.seat("phone", phone)
        pid = builtin.media.pid
        os.kill(pid, signal.SIGKILL)
        lost = await builtin.told(MediaLost)
        assert lost.legs == ("phone",)
        await builtin.told(MediaReady, count=2)
        assert builtin.media.pid != pid
        with pytest.raises(MediaRefused, match="no leg 'phone' is open"):
            await builtin.media.statistics("phone")
        await builtin.seat("phone", phone)
        await phone.say(3)
        await builtin.told(FirstRtp)


async def test_when_it_hangs_it_is_replaced(builtin: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.protocols.media.process.PING_EVERY", 0.05)
    monkeypatch.setattr("bridge.protocols.media.process.ANSWER_TIMEOUT", 0.1)
    os.kill(builtin.media.pid, signal.SIGKILL)
    await builtin.told(MediaReady, count=2)
    os.kill(builtin.media.pid, signal.SIGSTOP)
    assert (await builtin.told(MediaLost, count=2)).why == "it hung"
    await builtin.told(MediaReady, count=3)


async def test_ports_are_given_back_and_nothing_grows(builtin: Studio) -> None:
    pid = builtin.media.pid
    with Party() as phone, Party() as dispatcher:
        for _ in range(3):
            await joined(builtin, phone, dispatcher)
            await phone.say(3, every=0.002)
            before = descriptors(pid)
            await builtin.media.close("phone")
            await builtin.media.close("dispatcher")
        for _ in range(30):
            await joined(builtin, phone, dispatcher)
            await phone.say(3, every=0.002)
            assert descriptors(pid) == before
            await builtin.media.close("phone")
            await builtin.media.close("dispatcher")


async def test_when_the_range_is_used_up_the_answer_says_so(builtin: Studio) -> None:
    for number in range(PORTS // 2):
        await builtin.media.open(f"leg-{number}")
    with pytest.raises(MediaRefused, match="no free pair of ports"):
        await builtin.media.open("one-more")
    with pytest.raises(MediaRefused, match=r"192\.0\.2\.1"):
        await builtin.media.open("elsewhere", address="192.0.2.1")


async def test_wrong_commands_are_answered_and_survived(builtin: Studio) -> None:
    process = builtin.media._process
    assert isinstance(process, Process)
    for command, fields in (
        ("nonsense", {}),
        ("open", {}),
        ("open", {"leg": 5, "address": ""}),
        ("open", {"leg": "x" * 99, "address": ""}),
        ("open", {"leg": "a", "address": "not an address"}),
        ("set_remote", {"leg": "a", "remote": {}}),
        ("play", {"leg": ["a"]}),
    ):
        with pytest.raises(MediaRefused):
            await process.ask(command, **fields)
    process._writer.write(b"no json\n[1]\n" + b"x" * 200_000 + b"\n")
    assert await process.ask("ping") == {"legs": 0}


async def test_what_is_asked_together_is_written_together_and_answered_in_order(builtin: Studio) -> None:
    process = builtin.media._process
    assert isinstance(process, Process)
    with patch.object(process._writer, "write", wraps=process._writer.write) as write:
        asked = (process.ask("open", leg=f"leg-{number}", address="") for number in range(4))
        opened = await asyncio.gather(*asked)
    in_turn = [(local["rtp_port"] - opened[0]["rtp_port"]) % PORTS for local in opened]
    assert write.call_count == 1
    assert in_turn == sorted(set(in_turn))


async def test_a_party_of_the_other_family_is_refused(builtin: Studio) -> None:
    with Party() as phone:
        phone.media = await builtin.media.open("phone")
        for address, why in (("::1", "another family"), ("phone.example", "no IP address")):
            with pytest.raises(MediaRefused, match=why):
                await builtin.media.set_remote("phone", phone.remote(address=address))


async def test_it_starts_fast_and_stays_small() -> None:
    with child_settings() as settings:
        start = time.monotonic()
        process = await Process.start(settings, lambda _: None)
        took = time.monotonic() - start
        kilobytes = resident(process.pid)
        await process.stop()
    assert took < 5  # 0.1 on an idle machine
    assert kilobytes < 30_000


async def test_without_a_process_everything_is_refused_at_once() -> None:
    async with builtin_studio() as studio:
        media = studio.media
    with pytest.raises(Retryable, match="not running"):
        await media.open("phone")


PARENT = """
import asyncio, sys, time
from bridge.protocols.media.builtin import BuiltinMedia
from bridge.protocols.media.facade import Remote
from bridge.protocols.media.settings import ChildSettings

async def main(first, one, other):
    media = BuiltinMedia(ChildSettings(first_port=first, last_port=first + 39, orphan_after=1.0),
                         clock=None, on_event=lambda event: None)
    task = asyncio.create_task(media.run())
    await media.ready()
    ports = []
    for leg, port in (("one", one), ("other", other)):
        ports.append((await media.open(leg)).rtp_port)
        await media.set_remote(leg, Remote(address="127.0.0.1", port=port))
    await media.join("one", "other")
    print("relaying:", media.pid, *ports, flush=True)
    await task

asyncio.run(main(*map(int, sys.argv[1:])))
"""


def start_parent(*ports: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PARENT, *map(str, ports)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_it_goes_on_relaying_when_the_parent_is_killed_and_ends_after_the_call() -> None:
    with child_settings() as settings, Party() as phone, Party() as dispatcher:
        ports = (settings.first_port, phone.port, dispatcher.port)
        with start_parent(*ports) as parent:
            assert parent.stdout is not None
            line = await asyncio.to_thread(parent.stdout.readline)
            while not line.startswith("relaying:"):
                line = await asyncio.to_thread(parent.stdout.readline)
            pid, one, _ = map(int, line.split()[1:])
            try:
                await _talk_over_the_end(parent, phone, dispatcher, one)
                await until(lambda: not _runs(pid))
            finally:
                if _runs(pid):
                    os.kill(pid, signal.SIGKILL)


async def test_without_a_call_it_ends_with_its_parent() -> None:
    """It would hold the parent's output open, and whoever waits for the end of that would wait as well."""
    with child_settings(orphan_after=3600.0) as settings:
        process = await Process.start(settings, lambda _: None)
        await process.abandon()
        await until(lambda: not _runs(process.pid))
        await process.kill()  # only to have its end noticed


async def _talk_over_the_end(
    parent: subprocess.Popen[str], phone: Party, dispatcher: Party, port: int
) -> None:
    def send() -> None:
        phone.rtp.sendto(phone.frame(), ("127.0.0.1", port))

    for number in range(100):
        send()
        await asyncio.sleep(0.02)
        if number == 10:
            parent.kill()
    assert len([packet for packet in dispatcher.heard if packet.payload != bytes([0xD5]) * 160]) == 100


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def test_cancelled_with_keep_relaying_it_stays_for_the_calls_that_talk() -> None:
    with Party() as phone, Party() as dispatcher:
        async with builtin_studio(keep_relaying=True, orphan_after=0.6) as studio:
            await joined(studio, phone, dispatcher)
            await phone.say(5)
            pid = studio.media.pid
        dispatcher.heard.clear()
        await phone.say(40)
        await until(lambda: len(dispatcher.heard) >= 40)
        numbers = [packet.sequence for packet in dispatcher.heard[-40:]]
        assert numbers == [(numbers[0] + position) % 0x10000 for position in range(40)]
        await until(lambda: not _runs(pid))
