"""Phones that talk without a pause: both sides of many calls, in a process of its own.

    python -m bench.rtp_load          # plan as JSON on stdin, figures as JSON on stdout

Each phone sends 172 bytes every 20 ms, evenly spread over the phones, with the time in it; the other side's
socket looks how old they are when they come.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PERIOD: Final = 0.02
_SLOTS: Final = 10
"""In 20 ms: every 2 ms a tenth of the phones sends."""
_HEADER: Final = struct.Struct("!BBHIIId")
_SIZE: Final = 172
_MARK: Final = 0x5EAF00D
"""In every packet of ours: whatever else arrives is not counted."""
_SETTLE: Final = 0.3


@dataclass(frozen=True)
class Call:
    """Two phones' own ports, and the relay's port that each of them sends to."""

    ports: tuple[int, int]
    relay: tuple[int, int]


@dataclass(frozen=True)
class Heard:
    """sent, heard: packets. ages: seconds from sending to hearing. held_up: turns of this process that began
    more than 5 ms late, when the ages say little about the relay."""

    sent: int
    heard: int
    ages: Sequence[float]
    held_up: int


class Load:
    """A running load process. `figures()` waits for its end."""

    def __init__(self, calls: Sequence[Call], seconds: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.rtp_load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([[asdict(call) for call in calls], seconds]).encode())
        self._process.stdin.close()

    def figures(self) -> Heard:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            told = out.read()
        self._process.wait()
        return Heard(**json.loads(told))


class _Phones:
    def __init__(self, calls: Sequence[dict[str, list[int]]]) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._targets: list[tuple[socket.socket, tuple[str, int]]] = []
        for call in calls:
            for own, relay in zip(call["ports"], call["relay"], strict=True):
                phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
                phone.bind((LOOPBACK, own))
                phone.setblocking(False)
                self._poll.register(phone, select.EPOLLIN)
                self._sockets[phone.fileno()] = phone
                self._targets.append((phone, (LOOPBACK, relay)))
        self.sent = self.held_up = 0
        self.ages: list[float] = []

    def talk(self, seconds: float) -> None:
        packet = bytearray(_SIZE)
        start = time.monotonic()
        for slot in range(int(seconds / PERIOD) * _SLOTS):
            due = start + slot * PERIOD / _SLOTS
            self.listen_until(due)
            if time.monotonic() > due + 0.005:
                self.held_up += 1
            period, part = divmod(slot, _SLOTS)
            for number in range(part, len(self._targets), _SLOTS):
                phone, target = self._targets[number]
                _HEADER.pack_into(
                    packet, 0, 0x80, 8, period, period * 160, number + 1, _MARK, time.monotonic()
                )
                phone.sendto(packet, target)
                self.sent += 1
        self.listen_until(time.monotonic() + _SETTLE)

    def listen_until(self, due: float) -> None:
        while True:
            for descriptor, _ in self._poll.poll(max(0.0, due - time.monotonic())):
                heard = self._sockets[descriptor].recv(2048)
                if len(heard) == _SIZE:
                    *_, mark, sent_at = _HEADER.unpack_from(heard)
                    if mark == _MARK:
                        self.ages.append(time.monotonic() - sent_at)
            if time.monotonic() >= due:
                return


def main() -> None:
    calls, seconds = json.load(sys.stdin)
    phones = _Phones(calls)
    phones.talk(seconds)
    json.dump(asdict(Heard(phones.sent, len(phones.ages), phones.ages, phones.held_up)), sys.stdout)


if __name__ == "__main__":
    main()
