"""The sound of all simulated phones of a process: one media child, and a folder for what they say and hear.

A phone hears by its recording: the left track is what the other side says. The child writes it once a second,
so what `heard` returns is up to a second old.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from array import array
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, Self

import structlog

from bridge.errors import Permanent, Retryable, Uncertain
from bridge.model import Clock
from bridge.protocols.media.builtin import BuiltinMedia
from bridge.protocols.media.facade import Digit, Law, Local, MediaEvent, MediaLost, Remote
from bridge.protocols.media.rtp import RATE
from bridge.protocols.media.settings import ChildSettings
from bridge.protocols.sip.sdp import PCMA, Stream
from bridge.simulator.phones.ear import left_track
from bridge.simulator.phones.tones import write_tone

FIRST_PORT: Final = 28_000
LAST_PORT: Final = 29_999
"""Of RTP; away from those that a bridge on the same machine takes."""
_START: Final = 10.0
"""Seconds until there must be a media child."""
_HEADER: Final = 44
"""Bytes before the samples of a WAV file as `WavWriter` makes it."""

log = structlog.get_logger(__name__)

Pressed = Callable[[str], None]


class Voice:
    """folder: for tones and recordings; whoever made it removes it. Use as an async context manager."""

    def __init__(self, clock: Clock, folder: Path, *, address: str = "127.0.0.1") -> None:
        self.clock: Final = clock
        self._folder: Final = folder
        settings = ChildSettings(address=address, first_port=FIRST_PORT, last_port=LAST_PORT)
        self._media: Final = BuiltinMedia(settings, clock=clock, on_event=self._happened)
        self._numbers: Final = itertools.count(1)
        self._pressed: Final[dict[str, Pressed]] = {}
        self._steps: Final[set[asyncio.Task[None]]] = set()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._running = asyncio.create_task(self._media.run(), name="media of the simulated phones")
        try:
            async with asyncio.timeout(_START):
                await self._media.ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._steps:
            await asyncio.gather(*self._steps, return_exceptions=True)
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    def tone(self, hertz: int) -> Path:
        """Return a file with a second of this tone, to be looped."""
        file = self._folder / f"tone-{hertz}.wav"
        return file if file.exists() else write_tone(file, hertz)

    async def open(self, user: str, pressed: Pressed) -> tuple[str, Local]:
        """Open a leg of a phone and begin to listen. Returns its name and its ports.

        pressed: told each key that the other side presses.
        """
        leg = f"{user}-{next(self._numbers)}"
        local = await self._media.open(leg)
        self._pressed[leg] = pressed
        await self._media.start_recording(leg, self.recording(leg))
        return leg, local

    def recording(self, leg: str) -> Path:
        """Return the file with what was said to a leg (left) and by it (right)."""
        return self._folder / f"heard-{leg}.wav"

    def connect(self, leg: str, stream: Stream, exchange: str) -> None:
        """Send to, and take from, the party that was agreed on, or whoever sends from `exchange`."""
        host, port = stream.remote or ("0.0.0.0", 0)  # noqa: S104  how the facade says "on hold"
        remote = Remote(
            address=host,
            port=port,
            rtcp_port=stream.rtcp[1] if stream.rtcp else 0,
            law=Law.PCMA if stream.codec == PCMA else Law.PCMU,
            payload_type=stream.send.audio,
            event_type=stream.send.events,
            sends=stream.direction.sends,
            receives=stream.direction.receives,
            behind_nat=exchange,
        )
        self._soon(self._media.set_remote(leg, remote))

    def say(self, leg: str, file: Path, *, loop: bool) -> None:
        """Play a WAV file (8 kHz, mono, 16 bit) instead of what is being said."""
        self._soon(self._play(leg, file, loop=loop))

    def be_quiet(self, leg: str) -> None:
        self._soon(self._media.stop_playing(leg))

    async def press(self, leg: str, digits: str) -> None:
        """Press keys (RFC 4733). Raises MediaRefused for what is no key."""
        # As a task of its own it comes behind the steps that were asked for before, `connect` for one.
        await asyncio.create_task(self._media.send_digits(leg, digits))

    def heard(self, leg: str, seconds: float) -> array[int]:
        """Return the last samples that the other side said; fewer at the beginning."""
        try:
            with self.recording(leg).open("rb") as file:
                size = file.seek(0, 2)
                wanted = int(seconds * RATE) * 4
                file.seek(max(_HEADER, size - wanted))
                return left_track(file.read())
        except FileNotFoundError:
            return array("h")

    def close(self, leg: str) -> None:
        """The call is over. Its recording stays."""
        if self._pressed.pop(leg, None) is not None:
            self._soon(self._media.close(leg))

    async def _play(self, leg: str, file: Path, *, loop: bool) -> None:
        await self._media.play(leg, [file], loop=loop)

    def _soon(self, step: Coroutine[Any, Any, None]) -> None:
        """Do it now, without anybody waiting. The child gets steps in the order they were asked for."""
        task = asyncio.create_task(self._tried(step))
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)

    async def _tried(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
        except (Permanent, Retryable, Uncertain) as error:  # a call that has just ended, for one
            log.info("a simulated phone's media", why=str(error))

    def _happened(self, event: MediaEvent) -> None:
        match event:
            case Digit(leg=leg, digit=digit) if leg in self._pressed:
                self._pressed[leg](digit)
            case MediaLost():
                log.error("the simulated phones have lost their voice", why=event.why)
