"""The video system of the benches: takes any request, says yes, and notes when it came. A process of its own.

    with VmsStub() as vms:
        vms.url; vms.arrivals(); vms.forget()

It parses no more of HTTP than it must, so that it costs the systems under test as little as possible.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import requests

from bench.waiting import wait
from tests.parts.ports import free_port
from tests.parts.processes import Child

ARRIVALS: Final = "/arrivals"
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_YES: Final = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request. at: UTC epoch seconds of its first byte."""

    at: float
    path: str
    body: str


class VmsStub:
    """The stub's process, seen from the bench."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-vms-")
        command = [sys.executable, "-m", "bench.vms", str(self.port)]
        self._child = Child(command, Path(self._folder.name) / "vms.log", name="VMS stub")
        self._child.wait_until(self._answers, 10, "answering")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return self._child.pid

    def arrivals(self) -> list[Arrival]:
        """Return every request since the last `forget`, in order."""
        return [Arrival(*row) for row in requests.get(self.url + ARRIVALS, timeout=30).json()]

    def forget(self) -> None:
        requests.delete(self.url + ARRIVALS, timeout=30)

    def wait(self, wanted: int, timeout: float) -> None:
        """Wait until so many requests have come, at most `timeout` seconds."""
        wait(lambda: len(self.arrivals()) >= wanted, timeout, every=0.2)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url + ARRIVALS, timeout=1).ok
        except requests.RequestException:
            return False


def first_at(arrivals: Iterable[Arrival], number: re.Pattern[str]) -> dict[str, float]:
    """Return when the first request about each phone came. number: its first group finds the phone's number
    in the path or else the body."""
    found: dict[str, float] = {}
    for arrival in arrivals:
        match = number.search(arrival.path) or number.search(arrival.body)
        if match:
            found.setdefault(match[1], arrival.at)
    return found


# --- the process ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Connection(asyncio.Protocol):
    """One connection; requests may follow one another on it."""

    seen: list[Arrival]
    buffer: bytes = b""
    began: float = 0.0
    transport: asyncio.Transport = field(init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.buffer:
            self.began = time.time()
        self.buffer += data
        while self._take_one():
            pass

    def _take_one(self) -> bool:
        """Answer the first request of the buffer, if all of it is there."""
        head, end, rest = self.buffer.partition(_HEAD_END)
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size:
            return False
        self.buffer = rest[size:]
        method, path, _ = head.decode("latin-1").split(" ", 2)
        self.transport.write(self._answer(method, path, rest[:size].decode(errors="replace")))
        return bool(self.buffer)

    def _answer(self, method: str, path: str, body: str) -> bytes:
        if path != ARRIVALS:
            self.seen.append(Arrival(self.began, path, body))
            return _YES
        told = json.dumps([(one.at, one.path, one.body) for one in self.seen]).encode()
        if method == "DELETE":
            self.seen.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told)


async def _serve(port: int) -> None:
    seen: list[Arrival] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(seen), "127.0.0.1", port, backlog=1000
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
