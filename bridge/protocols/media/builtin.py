"""The media of our own: a child process, started again when it dies. Keeps the `facade.Media` protocol.

    media = BuiltinMedia(ChildSettings(address="10.1.2.3"), clock=clock, on_event=take)
    running = asyncio.create_task(media.run())        # until cancelled
    await media.ready()

What it does not do: digits that are tones within the voice, any codec but G.711, SRTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import structlog

from bridge.errors import Retryable
from bridge.model import Clock
from bridge.protocols.media.facade import (
    Digit,
    FirstRtp,
    Layout,
    Local,
    MediaEvent,
    MediaFault,
    MediaLost,
    MediaReady,
    OnEvent,
    PromptEnded,
    Recording,
    RecordingFailed,
    Remote,
    RtpBack,
    RtpSilent,
    Statistics,
    Unreachable,
)
from bridge.protocols.media.process import Process
from bridge.protocols.media.settings import ChildSettings

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0
"""Seconds between two starts of a child that does not stay."""
DISK_TIMEOUT: Final = 10.0
"""Seconds for what waits for a disk."""

_log = structlog.get_logger(__name__)

# `asdict` copies each value, for every call anew.
_REMOTE: Final = tuple(field.name for field in fields(Remote))

_EVENTS: Final[dict[str, type[MediaEvent]]] = {
    "digit": Digit,
    "first_rtp": FirstRtp,
    "rtp_silent": RtpSilent,
    "rtp_back": RtpBack,
    "prompt_ended": PromptEnded,
    "unreachable": Unreachable,
    "recording_failed": RecordingFailed,
    "fault": MediaFault,
}


class BuiltinMedia:
    """See `facade.Media`. keep_relaying: when cancelled, leave the child to the calls that talk."""

    def __init__(
        self, settings: ChildSettings, *, clock: Clock, on_event: OnEvent, keep_relaying: bool = False
    ) -> None:
        self._settings, self._clock, self._on_event = settings, clock, on_event
        self._keep_relaying = keep_relaying
        self._process: Process | None = None
        self._legs: dict[str, None] = {}
        self._ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the running child."""
        return self._process.pid if self._process else None

    async def ready(self) -> None:
        """Return when there is a child."""
        await self._ready.wait()

    async def run(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                process = await Process.start(self._settings, self._take)
            except Retryable as error:
                _log.error("no media process", why=str(error), again_in=delay)
                self._on_event(MediaFault(text=str(error)))
                await self._clock.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            delay = FIRST_DELAY
            await self._live(process)

    async def _live(self, process: Process) -> None:
        """From the child's start to its end."""
        self._process = process
        self._ready.set()
        _log.info("media process started", pid=process.pid)
        self._on_event(MediaReady())
        try:
            await process.serve()
        except asyncio.CancelledError:
            await (process.abandon() if self._keep_relaying else process.stop())
            raise
        finally:
            self._process = None
            self._ready.clear()
        await process.kill()
        legs, self._legs = tuple(self._legs), {}
        _log.error("media process lost", pid=process.pid, why=process.why, legs=len(legs))
        self._on_event(MediaLost(legs=legs, why=process.why))

    async def open(self, leg: str, *, address: str = "") -> Local:
        local = Local(**await self._ask("open", leg=leg, address=address))
        self._legs[leg] = None
        return local

    async def set_remote(self, leg: str, remote: Remote) -> None:
        await self._ask("set_remote", leg=leg, remote={name: getattr(remote, name) for name in _REMOTE})

    async def play(self, leg: str, files: Sequence[Path], *, loop: bool = False) -> int:
        names = [_full(file) for file in files]
        played = await self._ask("play", timeout=DISK_TIMEOUT, leg=leg, files=names, loop=loop)
        return int(played["prompt"])

    async def stop_playing(self, leg: str) -> None:
        await self._ask("stop_playing", leg=leg)

    async def send_digits(self, leg: str, digits: str) -> None:
        await self._ask("send_digits", leg=leg, digits=digits)

    async def join(self, one: str, other: str) -> None:
        await self._ask("join", leg=one, other=other)

    async def leave(self, leg: str) -> None:
        await self._ask("leave", leg=leg)

    async def start_recording(self, leg: str, file: Path, layout: Layout = Layout.STEREO) -> None:
        where = {"file": _full(file), "layout": layout.value}
        await self._ask("start_recording", timeout=DISK_TIMEOUT, leg=leg, **where)

    async def stop_recording(self, leg: str) -> Recording:
        done = await self._ask("stop_recording", timeout=DISK_TIMEOUT, leg=leg)
        return Recording(file=Path(done["file"]), seconds=done["seconds"], dropped=done["dropped"])

    async def statistics(self, leg: str) -> Statistics:
        return Statistics(**await self._ask("statistics", leg=leg))

    async def close(self, leg: str) -> None:
        self._legs.pop(leg, None)
        if self._process is not None:
            await self._ask("close", leg=leg)

    async def _ask(self, command: str, **fields: Any) -> Any:
        if self._process is None:
            raise Retryable("the media process is not running")
        return await self._process.ask(command, **fields)

    def _take(self, message: dict[str, Any]) -> None:
        """Make the child's words an event. One of a leg that was closed meanwhile is nobody's."""
        fields = dict(message)
        kind = _EVENTS.get(fields.pop("event"))
        if kind is None or ("leg" in fields and fields["leg"] not in self._legs):
            return
        if kind is MediaFault:
            _log.error("fault in the media process", text=fields.get("text"))
        self._on_event(kind(**fields))


def _full(file: Path) -> str:
    """The child need not be where we are."""
    return str(file.absolute())
