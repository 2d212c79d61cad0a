"""Media by an rtpengine daemon, for large sites. Keeps the `facade.Media` protocol (ng protocol, version 10).

    media = RtpengineMedia(RtpengineSettings(host="127.0.0.1", port=22222), clock=clock, on_event=take)

Differences from `builtin`:
* Digits need `--dtmf-log-dest` at the daemon, pointing at `digits_port`; rtpengine alone judges whether a
  telephone-event is a key.
* Keys are pressed only to a party that is joined with one who speaks, and relayed under the number they came
  with: both parties must use the same one for telephone-event (101 nearly everywhere).
* Recordings are pcap files in the daemon's own folder (`--recording-method=pcap`, `--recording-dir`), of the
  whole leg; the WAV file that was asked for is not made. Without `recordings` they are refused.
* Prompts are read by the daemon, from the same path, and by whatever ffmpeg knows: a WAV of another rate is
  no error.
* A party without prompt and peer hears nothing at all, no silence. `Unreachable` is never told; silence is
  seen once a second. Jitter, loss and round trip are not known.
* A source is learned at once and must have the negotiated address; a stranger's packets are not counted.
* Calls survive the bridge, and rtpengine ends them itself (`--timeout`).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from bridge.errors import Permanent, ProtocolError, Retryable
from bridge.model import Clock
from bridge.protocols.media.bencode import Plain
from bridge.protocols.media.facade import (
    Digit,
    Layout,
    Local,
    MediaLost,
    MediaReady,
    MediaRefused,
    OnEvent,
    Recording,
    Remote,
    Statistics,
)
from bridge.protocols.media.ng import NgClient
from bridge.protocols.media.rtpengine_digits import digit_of
from bridge.protocols.media.rtpengine_leg import EngineLeg
from bridge.protocols.media.rtpengine_watch import source_of, statistics_of

LOOK_EVERY: Final = 1.0
_FOLDER_ANSWERS: Final = 1.0
"""Seconds. The folder may be on another machine, and whatever else is asked of a leg stands behind it."""
_LARGEST: Final = 4096

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpengineSettings:
    """host, port: of the daemon's ng socket, an IP address. address: that parties are told, one of the
    daemon's interfaces. digits_address, digits_port: where the daemon sends DTMF logs to; port 0 = nowhere.
    recordings: the daemon's recording folder, as we see it. silence_after: seconds."""

    host: str = "127.0.0.1"
    port: int = 22222
    address: str = "127.0.0.1"
    digits_address: str = "127.0.0.1"
    digits_port: int = 0
    recordings: Path | None = None
    silence_after: float = 5.0


class RtpengineMedia:
    """See `facade.Media`."""

    def __init__(self, settings: RtpengineSettings, *, clock: Clock, on_event: OnEvent) -> None:
        self._settings, self._clock, self._on_event = settings, clock, on_event
        self._client: NgClient | None = None
        self._legs: dict[str, EngineLeg] = {}
        self._prefix = f"sosbridge-{os.urandom(6).hex()}-"
        self._ready = asyncio.Event()

    async def ready(self) -> None:
        """Return when the daemon answers."""
        await self._ready.wait()

    async def run(self) -> None:
        """Raises Retryable where the daemon's address, or the port for digits, cannot be used."""
        with ExitStack() as open_now:
            digits = self._listen_for_digits()
            if digits is not None:
                open_now.callback(digits.close)
                loop = asyncio.get_running_loop()
                loop.add_reader(digits, self._read_digit, digits)
                open_now.callback(loop.remove_reader, digits)
            self._client = await NgClient.connect(self._settings.host, self._settings.port)
            open_now.callback(self._disconnect)
            try:
                while True:
                    await self._look()
                    await self._clock.sleep(LOOK_EVERY)
            finally:
                for leg in tuple(self._legs):
                    with suppress(Retryable, Permanent):
                        await self.close(leg)

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._ready.clear()

    async def open(self, leg: str, *, address: str = "") -> Local:
        if leg in self._legs:
            raise MediaRefused(f"media: leg {leg} is open already")
        opened = EngineLeg(
            leg,
            self._prefix + leg,
            address or self._settings.address,
            ask=self._ask,
            clock=self._clock,
            on_event=self._on_event,
        )
        local = await opened.open()
        self._legs[leg] = opened
        return local

    async def set_remote(self, leg: str, remote: Remote) -> None:
        opened = self._leg(leg)
        await opened.set_remote(remote)
        if opened.peer is not None:
            await opened.peer.point()

    async def play(self, leg: str, files: Sequence[Path], *, loop: bool = False) -> int:
        if not files:
            raise MediaRefused("media: nothing to play")
        return await self._leg(leg).play([str(file.absolute()) for file in files], loop=loop)

    async def stop_playing(self, leg: str) -> None:
        await self._leg(leg).stop_playing()

    async def send_digits(self, leg: str, digits: str) -> None:
        await self._leg(leg).send_digits(digits)

    async def join(self, one: str, other: str) -> None:
        first, second = self._leg(one), self._leg(other)
        if first is second:
            raise MediaRefused("media: a leg is not joined with itself")
        for leg in (one, other):
            await self.leave(leg)
        first.peer, second.peer = second, first
        await first.point()
        await second.point()

    async def leave(self, leg: str) -> None:
        opened = self._leg(leg)
        other, opened.peer = opened.peer, None
        if other is None:
            return
        other.peer = None
        await opened.point()
        await other.point()

    async def start_recording(self, leg: str, file: Path, layout: Layout = Layout.STEREO) -> None:
        if self._settings.recordings is None:
            raise MediaRefused("media: rtpengine records only where `recordings` names its folder")
        opened = self._leg(leg)
        await opened.ask("start recording", metadata=f"{file}|{layout}")
        opened.recording_since = self._clock.monotonic()

    async def stop_recording(self, leg: str) -> Recording:
        opened = self._leg(leg)
        folder = self._settings.recordings
        if folder is None or opened.recording_since is None:
            raise MediaRefused(f"media: leg {leg} is not being recorded")
        await opened.ask("stop recording")
        seconds = self._clock.monotonic() - opened.recording_since
        opened.recording_since = None
        try:
            async with asyncio.timeout(_FOLDER_ANSWERS):
                found = await asyncio.to_thread(
                    lambda: sorted((folder / "pcaps").glob(f"{opened.call}-*.pcap"))
                )
        except TimeoutError:
            raise MediaRefused(
                f"media: {folder} did not answer: the recording of {leg} is not found"
            ) from None
        if not found:
            raise MediaRefused(f"media: rtpengine left no recording of {leg} below {folder}")
        return Recording(file=found[-1], seconds=seconds)

    async def statistics(self, leg: str) -> Statistics:
        opened = self._leg(leg)
        return statistics_of(await opened.ask("query"), opened.hearing.silent_for(self._clock.monotonic()))

    async def close(self, leg: str) -> None:
        opened = self._legs.get(leg)
        if opened is None:
            return
        await self.leave(leg)
        del self._legs[leg]
        await opened.close()

    def _leg(self, leg: str) -> EngineLeg:
        try:
            return self._legs[leg]
        except KeyError:
            raise MediaRefused(f"media: no leg {leg!r} is open") from None

    async def _ask(self, command: str, **fields: Plain) -> dict[str, Plain]:
        if self._client is None:
            raise Retryable("media: not connected with rtpengine")
        return await self._client.ask(command, **fields)

    async def _look(self) -> None:
        """Ask whether the daemon lives, and after every leg."""
        try:
            await self._ask("ping")
        except Retryable as error:
            self._lose(str(error))
            return
        if not self._ready.is_set():
            self._ready.set()
            self._on_event(MediaReady())
        for leg in tuple(self._legs.values()):
            try:
                answer = await leg.ask("query")
            except (Retryable, MediaRefused) as error:
                if leg.name in self._legs:
                    self._lose(str(error))
                return
            packets, now = statistics_of(answer, None).received, self._clock.monotonic()
            if leg.remote is not None and leg.remote.receives:
                silence = self._settings.silence_after
                for news in leg.hearing.look(packets, source_of(answer), now, silence):
                    self._on_event(news)

    def _lose(self, why: str) -> None:
        """The daemon is gone, or was started anew and knows no leg of ours."""
        if not self._ready.is_set():
            return
        self._ready.clear()
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            leg.forget()
        _log.error("rtpengine lost", why=why, legs=len(legs))
        self._on_event(MediaLost(legs=tuple(legs), why=why))

    def _listen_for_digits(self) -> socket.socket | None:
        settings = self._settings
        if not settings.digits_port:
            return None
        family = socket.AF_INET6 if ":" in settings.digits_address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.bind((settings.digits_address, settings.digits_port))
        except OSError as error:
            sock.close()
            where = f"{settings.digits_address}:{settings.digits_port}"
            raise Retryable(f"media: cannot take rtpengine's digits at {where}: {error.strerror}") from error
        return sock

    def _read_digit(self, sock: socket.socket) -> None:
        try:
            datagram, source = sock.recvfrom(_LARGEST)
            call, digit = digit_of(datagram)
        except (OSError, ProtocolError):
            return
        leg = self._legs.get(call.removeprefix(self._prefix))
        if leg is not None and leg.call == call and source[0] == self._settings.host:
            self._on_event(Digit(leg=leg.name, digit=digit))
