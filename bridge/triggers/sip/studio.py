"""The media of all legs: commands in the order in which they were given, events by the leg they belong to.

Media answers later, and a leg's commands must not overtake each other: those of one leg form a chain, and a
command of two legs waits for both chains. What fails is told, and the chain goes on. Called by `switch`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from bridge.b2bua.effects import Word
from bridge.b2bua.words import OF_CALLERS
from bridge.errors import SosBridgeError
from bridge.protocols.media import facade
from bridge.protocols.media.facade import Law, Layout, Local, Remote
from bridge.protocols.sip.sdp import Stream
from bridge.triggers.sip.disk import Disk

READY_WITHIN: Final = 5.0
"""Seconds that a leg waits for media; without them an SOS is still an event."""
DRAIN_WITHIN: Final = 5.0
"""Seconds that stopping waits for media."""
NOWHERE: Final = "0.0.0.0"  # noqa: S104 - "send nothing", not an address to bind

_log = structlog.get_logger(__name__)

Judged = Callable[[str, str], None]
"""(what was asked for: `leg`, `rtp`, `announcement`, `join` or `recording`; why not, '' if it was done)."""


Looked = Callable[[str, bool], None]
"""(file of an announcement below the sounds, without `.wav`; whether it is there)."""


class Media(facade.Media, Protocol):
    """Media that tell when they are there."""

    async def ready(self) -> None: ...


class Studio:
    """sounds, recordings: folders. judged: told of each command whether it was done. looked: of each file."""

    def __init__(
        self, media: Media, *, sounds: Path, recordings: Path, judged: Judged, looked: Looked
    ) -> None:
        self._media = media
        self._sounds = sounds
        self._recordings = recordings
        self._judged = judged
        self._looked = looked
        self._disk = Disk("sounds", threads=2)
        self._chains: dict[str, asyncio.Task[None]] = {}
        self._prompts: dict[tuple[str, int], int] = {}
        """(leg, number at the media) -> number at the exchange."""
        self._open: set[str] = set()
        self._unrecorded: dict[str, Callable[[], Awaitable[None]]] = {}
        """Leg that is not open yet -> starts its recording."""

    async def drain(self) -> None:
        """Return when everything that was asked for is done, or when it is no use to wait on."""
        if self._chains:
            await asyncio.wait(set(self._chains.values()), timeout=DRAIN_WITHIN)

    async def ready(self) -> None:
        """Return when there is media, at the start or after it was lost, or when it is no use to wait on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                await self._media.ready()

    # --- commands -----------------------------------------------------------------------------------

    async def open(self, leg: str, address: str) -> Local | None:
        """Open a leg as soon as there is media; None where that is not possible. Called within `then`."""
        await self.ready()
        try:
            local = await self._media.open(leg, address=address)
        except SosBridgeError as error:
            self._judged("leg", f"it cannot be opened: {error}")
            return None
        self._judged("leg", "")
        self._open.add(leg)
        if record := self._unrecorded.pop(leg, None):
            await record()
        return local

    def lost(self, legs: Iterable[str]) -> None:
        """Take note that these are open no more."""
        self._open.difference_update(legs)

    async def aim(self, leg: str, stream: Stream, behind_nat: str) -> None:
        """Say now where the party is, as it was negotiated. To be called from within `then`."""
        try:
            await self._media.set_remote(leg, remote_of(stream, behind_nat))
        except SosBridgeError as error:
            self._judged("rtp", str(error))
        else:
            self._judged("rtp", "")

    def set_remote(self, leg: str, stream: Stream, behind_nat: str) -> None:
        """Say where the party is, behind all that was asked for before."""
        self.then((leg,), lambda: self.aim(leg, stream, behind_nat))

    def play(
        self,
        leg: str,
        number: int,
        words: Sequence[Word],
        language: str,
        *,
        loop: bool,
        over: Callable[[], None],
    ) -> None:
        """Say words; a leg that is not open hears nothing. over: called at once where nothing can be said."""

        async def act() -> None:
            if leg not in self._open:  # a caller without an offer, for whom there is no early media
                over()
                return
            try:
                found = await self._disk.run(partial(files_of, self._sounds, language, words))
            except OSError as error:
                self._judged("announcement", f"{self._sounds}: {error.strerror}")
                over()
                return
            for name, there in found.looked.items():
                self._looked(name, there)
            if not found.files:
                names = ", ".join(word.name for word in words)
                self._judged("announcement", f"there is none of {names} in {language}")
                over()
                return
            try:
                prompt = await self._media.play(leg, found.files, loop=loop)
            except SosBridgeError as error:
                self._judged("announcement", str(error))
                over()
            else:
                self._judged("announcement", "")
                self._prompts[leg, prompt] = number

        self.then((leg,), act)

    def prompt_ended(self, leg: str, prompt: int, told: Callable[[int], None]) -> None:
        """Tell the exchange's own number of what was said; behind the command that may be on its way."""

        async def act() -> None:
            number = self._prompts.pop((leg, prompt), None)
            if number is not None:
                told(number)

        self.then((leg,), act)

    def stop_playing(self, leg: str) -> None:
        self._do((leg,), "announcement", lambda: self._media.stop_playing(leg), only_open=True)

    def join(self, one: str, other: str) -> None:
        self._do((one, other), "join", lambda: self._media.join(one, other))

    def leave(self, leg: str) -> None:
        self._do((leg,), "join", lambda: self._media.leave(leg))

    def start_recording(self, leg: str, file: str, begun: Callable[[], None]) -> None:
        """Record a leg, as soon as it is open. begun: called once it is recorded indeed."""
        path = self._recordings / file

        async def begin() -> None:
            await self._disk.run(partial(path.parent.mkdir, parents=True, exist_ok=True, mode=0o750))
            await self._media.start_recording(leg, path, Layout.STEREO)
            begun()

        async def act() -> None:
            if leg in self._open:
                await self._try_to("recording", begin)
            else:
                self._unrecorded[leg] = lambda: self._try_to("recording", begin)

        self.then((leg,), act)

    def stop_recording(self, leg: str) -> None:
        self._do((leg,), "recording", lambda: self._media.stop_recording(leg), only_open=True)

    def close(self, leg: str) -> None:
        """End a leg; one that is not open is no error."""

        async def act() -> None:
            self._open.discard(leg)
            self._unrecorded.pop(leg, None)
            await self._try_to("leg", lambda: self._media.close(leg))

        self.then((leg,), act)
        for key in [key for key in self._prompts if key[0] == leg]:
            del self._prompts[key]

    # --- chains -------------------------------------------------------------------------------------

    def _do(
        self,
        legs: tuple[str, ...],
        what: str,
        command: Callable[[], Awaitable[object]],
        *,
        only_open: bool = False,
    ) -> None:
        async def act() -> None:
            if not only_open or self._open.issuperset(legs):
                await self._try_to(what, command)

        self.then(legs, act)

    async def _try_to(self, what: str, command: Callable[[], Awaitable[object]]) -> None:
        try:
            await command()
        except (SosBridgeError, OSError) as error:
            self._judged(what, str(error))
        else:
            self._judged(what, "")

    def then(self, legs: tuple[str, ...], act: Callable[[], Awaitable[None]]) -> None:
        """Do something once all that was asked of these legs is done."""
        before = [self._chains[leg] for leg in legs if leg in self._chains]
        task = asyncio.get_running_loop().create_task(_after(before, act))
        for leg in legs:
            self._chains[leg] = task
        task.add_done_callback(lambda _: self._forget(legs, task))

    def _forget(self, legs: tuple[str, ...], task: asyncio.Task[None]) -> None:
        for leg in legs:
            if self._chains.get(leg) is task:
                del self._chains[leg]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a media command broke", exc_info=error)


async def _after(before: Sequence[asyncio.Task[None]], act: Callable[[], Awaitable[None]]) -> None:
    if before:
        await asyncio.wait(before)
    await act()


def remote_of(stream: Stream, behind_nat: str) -> Remote:
    """Return what the media must know of what was negotiated."""
    address, port = stream.remote or (NOWHERE, 0)
    return Remote(
        address=address,
        port=port,
        rtcp_port=stream.rtcp[1] if stream.rtcp else 0,
        law=Law(stream.codec.name),
        payload_type=stream.send.audio,
        event_type=stream.receive.events,
        sends=stream.direction.sends,
        receives=stream.direction.receives,
        behind_nat=behind_nat,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The files that say something. looked: each that was looked for, as `Looked` names it: is it there?"""

    files: list[Path] = field(default_factory=list)
    looked: dict[str, bool] = field(default_factory=dict)


def files_of(sounds: Path, language: str, words: Sequence[Word]) -> Found:
    """Find what says `words`, as far as it exists. Blocks for as long as the disk does."""
    found = Found()
    for word in words:
        if not _find(sounds, language, word.name, found):
            for name in word.instead:
                _find(sounds, language, name, found)
    return found


def _find(sounds: Path, language: str, name: str, found: Found) -> bool:
    """Take note of the file, if it is there."""
    place = f"{language}/caller/{name}" if name in OF_CALLERS else f"{language}/{name}"
    file = sounds / f"{place}.wav"
    there = found.looked[place] = file.is_file()
    if there:
        found.files.append(file)
    return there
