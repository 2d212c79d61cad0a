"""Ways to kill the bridge at one exact step: at the N-th system call of a kind, or around the N-th request.

A system call is counted in each thread by itself (strace(1), "Tampering"), from the moment that strace has
attached: the first thread that gets to N takes the process with it. What other threads do at their own N-th
call towards a VMS is left to the requests, which are counted over all threads and both VMSs.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from bridge.simulator.vms.server import Answer, FakeServer, Request
from tests.app.scene import Scene
from tests.parts.processes import PartError

SYSCALLS: Final = ("fdatasync", "pwrite64", "sendto", "recvfrom", "connect", "write")
"""Commits (WAL frames, then their sync), all that is sent, all that is read, log lines."""
MOMENTS: Final = ("before", "done", "answered")
"""A request is in, but nothing is done; it is done, but not answered; it is answered."""
AFTER_THE_ANSWER: Final = 0.002
"""Seconds: the answer has arrived, what it means is not stored yet."""


@dataclass(frozen=True, slots=True)
class Point:
    """One step to die at: `fdatasync 3` or `request 7 done`."""

    what: str
    n: int
    moment: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.n} {self.moment}".rstrip()

    def aim(self, scene: Scene) -> AbstractContextManager[None]:
        """Kill the running bridge when it comes to this point within the `with`."""
        return _at_request(scene, self) if self.what == "request" else _at_syscall(scene, self)


@contextlib.contextmanager
def _at_syscall(scene: Scene, point: Point) -> Iterator[None]:
    assert scene.bridge is not None
    pid = scene.bridge.pid
    command = ["strace", "-f", "-q", "-p", str(pid), "-o", "/dev/null", "-e", f"trace={point.what}"]
    tracer = subprocess.Popen(
        [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            *command,
            "-e",
            f"inject={point.what}:signal=KILL:when={point.n}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_traced(pid)
        yield
    finally:
        tracer.terminate()  # it lets go of a bridge that lives
        tracer.wait(10)


def wait_traced(pid: int) -> None:
    """Until every thread is traced."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):  # it is dead already, or a thread has just ended
            threads = list(Path(f"/proc/{pid}/task").iterdir())
            if all("TracerPid:\t0\n" not in (each / "status").read_text("utf-8") for each in threads):
                return
        time.sleep(0.005)
    raise PartError("strace did not attach")


@contextlib.contextmanager
def _at_request(scene: Scene, point: Point) -> Iterator[None]:
    victim, left = scene.bridge, point.n

    def kill() -> None:
        assert victim is not None
        victim.send(signal.SIGKILL)

    async def answer(server: FakeServer, request: Request) -> Answer:
        nonlocal left
        left -= 1
        if left == 0 and point.moment == "before":
            server.requests.remove(request)  # whoever counts what was done must not count this one
            kill()
            return Answer(500)
        done = await type(server).answer(server, request)
        if left == 0 and point.moment == "done":
            kill()
        if left == 0 and point.moment == "answered":
            asyncio.get_running_loop().call_later(AFTER_THE_ANSWER, kill)
        return done

    with pytest.MonkeyPatch.context() as patch:
        for server in (scene.plant.zoneminder, scene.plant.wall):
            patch.setattr(server, "answer", functools.partial(answer, server))
        yield
