"""Our exchange as a process of its own, without a store: what it tells is thrown away.

    python -m bench.sip_exchange [--no-media] PORT     # prints `ready` and runs until it is ended

The trigger itself, as `app` runs it. --no-media: ports are said and never opened, as with a B2BUA that leaves
the voice to others. SOSBRIDGE_BENCH_SECRET: the desk's password.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import tempfile
from collections.abc import Awaitable, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.pbx import GATEWAY, SOS
from bench.sip_own import COLLECTOR, SystemClock
from bench.site import DESK, DESK_NUMBER, exchange_settings
from bridge.b2bua import Site
from bridge.model import Event, Phone
from bridge.protocols.media.facade import Layout, Local, MediaReady, OnEvent, Recording, Remote, Statistics
from bridge.response import Plan
from bridge.triggers.sip import Config, Trigger, service
from tests.parts.ports import free_block

RTP_PORTS = 1600
_PHONE = Phone(id="phone", endpoint=GATEWAY, extension="9103", location="post", shared=True)
_SITE = Site(alarm_extensions=(SOS,), phones=(_PHONE,), consoles=(DESK,), numbers={DESK_NUMBER: DESK})
_PLAN = Plan(site="bench", phones=(_PHONE,), alarm_extensions=(SOS,))


class NoMedia:
    """`facade.Media` that says yes to everything."""

    def __init__(self, *_: object, on_event: OnEvent, **__: object) -> None:
        self._on_event = on_event
        self._ports = count(0, 2)

    async def run(self) -> None:
        self._on_event(MediaReady())
        await asyncio.Event().wait()

    async def ready(self) -> None: ...

    async def open(self, leg: str, *, address: str = "") -> Local:
        del leg  # a port is never opened
        port = 20_000 + next(self._ports) % 20_000
        return Local(address=address, rtp_port=port, rtcp_port=port + 1)

    async def set_remote(self, leg: str, remote: Remote) -> None: ...

    async def play(self, leg: str, files: Sequence[Path], *, loop: bool = False) -> int:
        del leg, files, loop  # nobody listens
        return 1

    async def stop_playing(self, leg: str) -> None: ...

    async def send_digits(self, leg: str, digits: str) -> None: ...

    async def join(self, one: str, other: str) -> None: ...

    async def leave(self, leg: str) -> None: ...

    async def start_recording(self, leg: str, file: Path, layout: Layout = Layout.STEREO) -> None: ...

    async def stop_recording(self, leg: str) -> Recording:
        del leg  # nothing was recorded
        return Recording(file=Path(os.devnull), seconds=0.0)

    async def statistics(self, leg: str) -> Statistics:
        del leg  # nothing is counted
        return Statistics()

    async def close(self, leg: str) -> None: ...


async def _run(port: int, folder: Path) -> None:
    rtp = free_block(RTP_PORTS)
    settings: dict[str, Any] = exchange_settings(port, range(rtp, rtp + RTP_PORTS))
    trigger = Trigger(
        "exchange",
        Config.model_validate(settings),
        clock=SystemClock(),
        plan=lambda: _PLAN,
        site=lambda: _SITE,
        state_dir=folder,
    )
    kept = asyncio.get_running_loop().create_future()
    kept.set_result(None)

    def thrown_away(event: Event) -> Awaitable[None]:
        del event  # only that it came
        return kept

    running = asyncio.create_task(trigger.run(thrown_away))
    while not trigger.status.up and not running.done():
        await asyncio.sleep(0.02)
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
    print("ready", flush=True)
    await running


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.sip_exchange")
    parser.add_argument("--no-media", action="store_true")
    parser.add_argument("port", type=int)
    chosen = parser.parse_args()
    # There is no such setting, for good.
    media = patch.object(service, "BuiltinMedia", NoMedia) if chosen.no_media else contextlib.nullcontext()
    with (
        media,
        tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as where,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(_run(chosen.port, Path(where)))
