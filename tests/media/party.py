"""A party of a call for the tests: real sockets, a voice of one tone, keys, and ears."""

from __future__ import annotations

import asyncio
import math
import socket
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Self

from bridge.errors import ProtocolError
from bridge.protocols.media.facade import Law, Local, Remote
from bridge.protocols.media.g711 import decode, encode
from bridge.protocols.media.rtp import FRAME, RATE, Packet, build, parse
from bridge.protocols.media.telephone_event import press
from tests.parts.ports import free_block, give_back


class Party:
    """Speaks a tone of `hertz` by `law`. `heard`: RTP packets; `told`: RTCP datagrams."""

    def __init__(
        self, *, law: Law = Law.PCMA, hertz: int = 440, event_type: int = 101, address: str = "127.0.0.1"
    ) -> None:
        self.law, self.event_type, self.address = law, event_type, address
        self.payload_type = 8 if law is Law.PCMA else 0
        self.port = free_block(2)
        self.rtp, self.rtcp = self._open(self.port), self._open(self.port + 1)
        self.heard: list[Packet] = []
        self.told: list[bytes] = []
        self.media: Local | None = None
        self.sequence, self.timestamp, self.ssrc = 65_500, 0xFFFFF000, 4711 + hertz
        wave = (round(9000 * math.sin(math.tau * hertz * n / RATE)) for n in range(RATE))
        self._codes = encode(law, array("h", wave).tobytes())
        self._spoken = 0
        loop = asyncio.get_running_loop()
        loop.add_reader(self.rtp, self._hear)
        loop.add_reader(self.rtcp, self._be_told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in (self.rtp, self.rtcp):
            if sock.fileno() >= 0:
                loop.remove_reader(sock)
                sock.close()
        give_back(self.port, 2)

    def remote(self, **changes: Any) -> Remote:
        """What its SDP says."""
        said = Remote(
            address=self.address,
            port=self.port,
            law=self.law,
            payload_type=self.payload_type,
            event_type=self.event_type,
        )
        return replace(said, **changes)

    def send(self, datagram: bytes) -> None:
        assert self.media is not None
        with suppress(ConnectionRefusedError):
            self.rtp.sendto(datagram, (self.media.address, self.media.rtp_port))

    def report(self, datagram: bytes) -> None:
        assert self.media is not None
        self.rtcp.sendto(datagram, (self.media.address, self.media.rtcp_port))

    def frame(self, *, marker: bool = False) -> bytes:
        """The next 20 ms of its tone."""
        codes = self._codes[self._spoken : self._spoken + FRAME]
        self._spoken = (self._spoken + FRAME) % RATE
        packet = Packet(self.payload_type, marker, self.sequence, self.timestamp, self.ssrc, codes)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
        return build(packet)

    async def say(self, frames: int, *, every: float = 0.02) -> None:
        """Speak."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for number in range(frames):
            self.send(self.frame(marker=number == 0))
            due += every
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def press(self, digits: str, *, without: tuple[int, ...] = (), every: float = 0.02) -> None:
        """Press keys; the packets of each key whose numbers are in `without` get lost."""
        for digit in digits:
            start = self.timestamp
            sent = 0
            for step in press(digit):
                if step.payload:
                    packet = Packet(
                        self.event_type, step.marker, self.sequence, start, self.ssrc, step.payload
                    )
                    self.sequence = (self.sequence + 1) & 0xFFFF
                    if sent not in without:
                        self.send(build(packet))
                    sent += 1
                self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
                await asyncio.sleep(every)

    def hears(self, hertz: int, *, clean: float = 0.9, last: int = 4800) -> bool:
        """Whether what it heard last (so many bytes of linear samples) is this tone, and so clean."""
        voice = self.voice()
        return len(voice) >= last and tone(voice[-last:], hertz) > clean

    def voice(self) -> bytes:
        """What it heard but keys, as linear samples one packet after the other."""
        return b"".join(
            decode(self.law, packet.payload)
            for packet in self.heard
            if packet.payload_type == self.payload_type
        )

    def _open(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((self.address, port))
        return sock

    def _hear(self) -> None:
        with suppress(OSError, ProtocolError):
            self.heard.append(parse(self.rtp.recv(4096)))

    def _be_told(self) -> None:
        with suppress(OSError):
            self.told.append(self.rtcp.recv(4096))


@asynccontextmanager
async def speaking(*parties: Party) -> AsyncIterator[None]:
    """All speak while the `async with` lasts: how long that must be, on a busy machine, nobody knows."""
    tasks = [asyncio.create_task(party.say(100_000)) for party in parties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tone(linear: bytes, hertz: int) -> float:
    """How much of this sound is a tone of `hertz` (Goertzel): 0.0 none, 1.0 nothing else."""
    samples = array("h", linear)
    power = sum(value * value for value in samples)
    if not power:
        return 0.0
    real = sum(value * math.cos(math.tau * hertz * n / RATE) for n, value in enumerate(samples))
    imaginary = sum(value * math.sin(math.tau * hertz * n / RATE) for n, value in enumerate(samples))
    return min(1.0, 2 * (real * real + imaginary * imaginary) / (len(samples) * power))
