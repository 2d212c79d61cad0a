"""One leg in an rtpengine daemon: its call with the sides `in` and `out` (`rtpengine_sdp`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, Protocol

from bridge.errors import Permanent, ProtocolError, Retryable
from bridge.model import Clock
from bridge.protocols.media import rtpengine_sdp as sdp
from bridge.protocols.media.bencode import Plain
from bridge.protocols.media.facade import Local, MediaRefused, OnEvent, PromptEnded, Remote
from bridge.protocols.media.rtpengine_watch import Hearing
from bridge.protocols.media.telephone_event import DIGITS

_INSIDE: Final[dict[str, Plain]] = {"from_tag": "in"}
_PRESSED: Final = 0.12
_PAUSE: Final = 0.1
_FLAGS: Final[list[Plain]] = ["port latching", "strict source", "endpoint learning immediate"]
_TRANSLATED: Final[dict[str, Plain]] = {"transcode": ["PCMU"]}
_numbers = count(1)


class Ask(Protocol):
    def __call__(self, command: str, **fields: Plain) -> Awaitable[dict[str, Plain]]: ...


class EngineLeg:
    """See `facade.Media` for what its methods mean, and what they raise."""

    def __init__(
        self, name: str, call: str, address: str, *, ask: Ask, clock: Clock, on_event: OnEvent
    ) -> None:
        self.name, self.call, self._address = name, call, address
        self._ask, self._clock, self._on_event = ask, clock, on_event
        self.remote: Remote | None = None
        self.peer: EngineLeg | None = None
        self.inner: Local | None = None
        self.recording_since: float | None = None
        self.hearing = Hearing(name, clock.monotonic())
        self._presses = False
        """Keys were asked for: the daemon is told to decode the voice, which costs ten times its CPU."""
        self._playing: asyncio.Task[None] | None = None
        self._pressing: asyncio.Task[None] | None = None

    async def ask(self, command: str, **fields: Plain) -> dict[str, Plain]:
        return await self._ask(command, call_id=self.call, **fields)

    async def open(self) -> Local:
        return await self._offer()

    async def set_remote(self, remote: Remote) -> None:
        first, self.remote = self.remote is None, remote
        self.hearing = Hearing(self.name, self._clock.monotonic())
        if first:
            # The offer that opened the leg still waits for it; another one would change the ports.
            await self._answer()
        if self.peer is not None or not first:
            await self.point()

    async def point(self) -> None:
        """Lead the inner side to the peer, or to nobody. Waits until both parties are known."""
        if self.remote is not None:
            await self._offer()
            await self._answer()

    async def play(self, files: Sequence[str], *, loop: bool) -> int:
        await self.stop_playing()
        # Otherwise the party would get both streams in one.
        await self.ask("block media", **_INSIDE)
        try:
            seconds = await self._play_one(files[0])
        except BaseException:
            await self._unblock()
            raise
        prompt = next(_numbers)
        self._playing = asyncio.create_task(self._play_on(files, seconds, prompt, loop=loop))
        return prompt

    async def stop_playing(self) -> None:
        playing, self._playing = self._playing, None
        if playing is None:
            return
        playing.cancel()
        with suppress(MediaRefused):  # it had just ended
            await self.ask("stop media", from_tag="out")
        await self._unblock()

    async def send_digits(self, digits: str) -> None:
        if self.remote is None or self.remote.event_type is None:
            raise MediaRefused(
                f"media: leg {self.name} takes no telephone-event, and no other digits are sent"
            )
        if wrong := [digit for digit in digits.upper() if digit not in DIGITS]:
            raise MediaRefused(f"media: {wrong[0]!r} is no key: write 0 to 9, *, #, A to D")
        if not self._presses:
            self._presses = True
            await self.point()
        self._pressing = asyncio.create_task(self._press(digits.upper(), self._pressing))

    async def close(self) -> None:
        self.forget()
        with suppress(MediaRefused):  # the daemon had ended it already
            await self.ask("delete", delete_delay=0)

    def forget(self) -> None:
        """End what runs for this leg on our side."""
        for task in (self._playing, self._pressing):
            if task is not None:
                task.cancel()
        self._playing = self._pressing = None

    async def _offer(self) -> Local:
        target = self.peer.inner if self.peer is not None else None
        address, port = (target.address, target.rtp_port) if target else (self._address, sdp.NOBODY_PORT)
        answer = await self.ask(
            "offer",
            **_INSIDE,
            **({"to_tag": "out"} if self.remote is not None else {}),
            sdp=sdp.of_inside(address, port),
            flags=[*self._flags, "trust address"],
            codec=_TRANSLATED,
            replace=["origin", "session connection"],
            ICE="remove",
        )
        return _local(answer)

    @property
    def _flags(self) -> list[Plain]:
        return [*_FLAGS, "inject DTMF"] if self._presses else _FLAGS

    async def _answer(self) -> None:
        remote = self.remote
        if remote is None:
            return
        nat = remote.behind_nat
        where: dict[str, Plain] = {"received_from": ["IP6" if ":" in nat else "IP4", nat]} if nat else {}
        answer = await self.ask(
            "answer",
            **_INSIDE,
            to_tag="out",
            sdp=sdp.of_party(remote),
            flags=[*self._flags, "SIP source address" if nat else "trust address"],
            replace=["origin", "session connection"],
            ICE="remove",
            **where,
        )
        self.inner = _local(answer)

    async def _play_one(self, file: str) -> float:
        answer = await self.ask("play media", from_tag="out", file=file)
        milliseconds = answer.get("duration")
        return milliseconds / 1000 if isinstance(milliseconds, int) else 0.0

    async def _play_on(self, files: Sequence[str], seconds: float, prompt: int, *, loop: bool) -> None:
        """The first file plays: wait for its end, then play the others."""
        with suppress(Retryable, Permanent):
            while True:
                for file in files[1:]:
                    await self._clock.sleep(seconds)
                    seconds = await self._play_one(file)
                await self._clock.sleep(seconds)
                if not loop:
                    break
                seconds = await self._play_one(files[0])
            self._playing = None
            await self._unblock()
            self._on_event(PromptEnded(leg=self.name, prompt=prompt))

    async def _unblock(self) -> None:
        await self.ask("unblock media", **_INSIDE)

    async def _press(self, digits: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        with suppress(Retryable, Permanent):
            for digit in digits:
                # As if the inner side had pressed it; the daemon needs sound from there to put it into.
                await self.ask("play DTMF", **_INSIDE, code=digit, duration=int(_PRESSED * 1000))
                await self._clock.sleep(_PRESSED + _PAUSE)


def _local(answer: dict[str, Plain]) -> Local:
    body = answer.get("sdp")
    if not isinstance(body, bytes):
        raise ProtocolError("rtpengine: an answer without a session description")
    return sdp.local_of(body)
