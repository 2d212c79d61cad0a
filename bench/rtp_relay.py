"""What a relayed voice packet costs, and how late it is: our media process, and rtpengine in the same run.

    python -m bench.rtp_relay             # about a minute; --quick: 25 and 200 calls of our own, 2 s each

Every call is two phones that talk without a pause (100 packets a second). CPU is that of the relaying process
alone, from /proc; the phones are a process of their own. In the last row the parent of our media process
computes without a pause while 200 calls talk.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench.figures import load, print_table, spread
from bench.rtp_load import LOOPBACK, Call, Heard, Load
from bridge.protocols.media.bencode import Plain
from bridge.protocols.media.builtin import BuiltinMedia
from bridge.protocols.media.facade import Media, Remote
from bridge.protocols.media.ng import NgClient
from bridge.protocols.media.rtpengine import RtpengineMedia, RtpengineSettings
from bridge.protocols.media.rtpengine_sdp import local_of, of_inside
from bridge.protocols.media.settings import ChildSettings
from tests.parts.availability import missing
from tests.parts.ports import free_block, give_back
from tests.parts.rtpengine import Rtpengine

CALLS: Final = (25, 100, 200)
SECONDS: Final = 5.0
_PORTS_A_CALL: Final = 8
COLUMNS: Final = (
    "",
    "calls",
    "packets",
    "us a packet",
    "% of a core",
    "lost",
    "late ms: p50, p99, max",
    "load",
)


class SystemClock:
    """`model.Clock`."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


Connect = Callable[[int, int], Awaitable[list[Call]]]
"""Given the phones' first port, and how many calls: joins them, returns where they listen and send to."""


@dataclass(frozen=True)
class Relay:
    """A way to make calls, and the process that carries their packets."""

    connect: Connect
    pid: int


Start = Callable[[int, int], AbstractAsyncContextManager[Relay]]
"""Given a range of ports: the first one, and how many."""


@asynccontextmanager
async def our_own(first_port: int, ports: int) -> AsyncIterator[Relay]:
    settings = ChildSettings(first_port=first_port, last_port=first_port + ports - 1)
    media = BuiltinMedia(settings, clock=SystemClock(), on_event=lambda _: None)
    async with _running(media):
        await media.ready()
        assert media.pid is not None
        yield Relay(partial(_join_legs, media), media.pid)


@asynccontextmanager
async def rtpengine_as_media(_first_port: int, ports: int) -> AsyncIterator[Relay]:
    """Two calls of rtpengine for one of ours, as `bridge/protocols/media/rtpengine.py` uses it."""
    with Rtpengine(2 * ports) as engine:
        media = RtpengineMedia(
            RtpengineSettings(port=engine.port), clock=SystemClock(), on_event=lambda _: None
        )
        async with _running(media):
            await media.ready()
            yield Relay(partial(_join_legs, media), engine.pid)


@asynccontextmanager
async def rtpengine_alone(_first_port: int, ports: int) -> AsyncIterator[Relay]:
    """The least that it can be asked: one offer and one answer a call."""
    with Rtpengine(ports) as engine:
        client = await NgClient.connect(LOOPBACK, engine.port)
        try:
            yield Relay(partial(_offer_and_answer, client), engine.pid)
        finally:
            client.close()


@asynccontextmanager
async def _running(media: Media) -> AsyncIterator[None]:
    task = asyncio.create_task(media.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def measure(name: str, start: Start, calls: int, seconds: float, *, busy: bool = False) -> list[str]:
    """Return one row of the table."""
    first = free_block(2 * _PORTS_A_CALL * calls)
    try:
        async with start(first, _PORTS_A_CALL * calls) as relay:
            pairs = await relay.connect(first + _PORTS_A_CALL * calls, calls)
            before, began = cpu_seconds(relay.pid), time.monotonic()
            talk = Load(pairs, seconds)
            if busy:
                _compute(seconds)
            heard = await asyncio.to_thread(talk.figures)
            used, took = cpu_seconds(relay.pid) - before, time.monotonic() - began
    finally:
        give_back(first, 2 * _PORTS_A_CALL * calls)
    return _row(name, calls, heard, used, took)


async def _join_legs(media: Media, first_port: int, calls: int) -> list[Call]:
    pairs: list[Call] = []
    for number in range(calls):
        ports = (first_port + 4 * number, first_port + 4 * number + 2)
        relay: list[int] = []
        for leg, port in zip((f"a{number}", f"b{number}"), ports, strict=True):
            relay.append((await media.open(leg)).rtp_port)
            await media.set_remote(leg, Remote(address=LOOPBACK, port=port))
        await media.join(f"a{number}", f"b{number}")
        pairs.append(Call(ports, (relay[0], relay[1])))
    return pairs


async def _offer_and_answer(client: NgClient, first_port: int, calls: int) -> list[Call]:
    pairs: list[Call] = []
    for number in range(calls):
        ports = (first_port + 4 * number, first_port + 4 * number + 2)
        towards_b = await _tell(client, number, "offer", ports[0], from_tag="a")
        towards_a = await _tell(client, number, "answer", ports[1], from_tag="a", to_tag="b")
        pairs.append(Call(ports, (towards_a, towards_b)))
    return pairs


async def _tell(client: NgClient, number: int, command: str, port: int, **tags: Plain) -> int:
    """Return the port that rtpengine gives for what it was told of a phone."""
    answer = await client.ask(
        command, call_id=f"call-{number}", sdp=of_inside(LOOPBACK, port), flags=["trust address"], **tags
    )
    body = answer["sdp"]
    assert isinstance(body, bytes)
    return local_of(body).rtp_port


def cpu_seconds(pid: int) -> float:
    """Return what all threads of a process have used: by the scheduler, not by its 100 ticks a second."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in threads) / 1e9


def _compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def _row(name: str, calls: int, heard: Heard, used: float, took: float) -> list[str]:
    late = ", ".join(spread(heard.ages))
    share = f"{100 * used / took:.1f}"
    cost = f"{1e6 * used / heard.sent:.1f}"
    return [name, str(calls), str(heard.sent), cost, share, str(heard.sent - heard.heard), late, load()]


async def run(*, quick: bool) -> list[list[str]]:
    seconds, sizes = (2.0, (25, 200)) if quick else (SECONDS, CALLS)
    rows: list[list[str]] = []
    for calls in sizes:
        rows.append(await measure("media process", our_own, calls, seconds))
        if not quick and not missing("rtpengine"):
            rows.append(await measure("rtpengine alone", rtpengine_alone, calls, seconds))
            rows.append(await measure("rtpengine as media", rtpengine_as_media, calls, seconds))
    rows.append(await measure("media process, parent busy", our_own, 200, 3.0, busy=True))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.rtp_relay", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="our own only, 2 s each")
    quick: bool = parser.parse_args().quick
    rows = asyncio.run(run(quick=quick))
    absent = missing("rtpengine")
    print_table(
        "Relayed voice",
        COLUMNS,
        rows,
        "Targets: at most 9 us a packet; none lost with 200 calls while the parent is busy."
        + (f" rtpengine is missing: {absent}" if absent else ""),
    )


if __name__ == "__main__":
    main()
