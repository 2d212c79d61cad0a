"""A bad network between one telephone and one server: a UDP relay that loses some of what passes it.

    async with Lossy(to=("127.0.0.1", phone.port), loss=0.05, seed=1) as network:
        network.port        # what the telephone is told to be the server's

Called by `test_sipp`.
"""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Self

from bridge.protocols.sip.flow import HostPort

LOOPBACK = "127.0.0.1"


class Lossy:
    """loss: from 0 to 1, of either direction. The telephone must ask for rport, or the answers go past it."""

    def __init__(self, *, to: HostPort, loss: float, seed: int) -> None:
        self._to = to
        self._loss = loss
        self._chance = random.Random(seed)
        self._caller: HostPort | None = None
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self._front, self._back):
            sock.bind((LOOPBACK, 0))
            sock.setblocking(False)
        self.port: int = self._front.getsockname()[1]
        self.lost = self.passed = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._front, self._from_caller)
        loop.add_reader(self._back, self._from_server)
        return self

    async def __aexit__(self, *_: object) -> None:
        for sock in (self._front, self._back):
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def _from_caller(self) -> None:
        data, self._caller = self._front.recvfrom(65_535)
        self._pass_on(self._back, data, self._to)

    def _from_server(self) -> None:
        data = self._back.recv(65_535)
        if self._caller is not None:
            self._pass_on(self._front, data, self._caller)

    def _pass_on(self, sock: socket.socket, data: bytes, to: HostPort) -> None:
        if self._chance.random() < self._loss:
            self.lost += 1
        else:
            self.passed += 1
            sock.sendto(data, to)
