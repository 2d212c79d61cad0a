"""Who answers the calls of `bench.sip_calls`: our user agent, two Python libraries, Asterisk.

A contender is a name and a way to start it on one core; another one is another entry of `CONTENDERS`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import sip_peers
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import free_port
from tests.parts.processes import Child

DIALLED: Final = "9110"
_AHEAD: Final = -10
"""Of other work on this machine; sipp is as far ahead."""
_DIALPLAN: Final = f"[general]\n[globals]\n[sos]\nexten => {DIALLED},1,Answer()\n same => n,Wait(30)\n"
_IDENTIFY: Final = "[sipp-lines]\ntype=identify\nendpoint=sipp\nmatch=127.0.0.1\n"


@dataclass(frozen=True)
class Running:
    """A contender's process, and where it listens."""

    pid: int
    port: int


@dataclass(frozen=True)
class Contender:
    """start: runs it on the core of that number. Raises PeerError or PartError where it cannot run."""

    name: str
    start: Callable[[int], AbstractContextManager[Running]]


def pin(pid: int, core: int) -> None:
    """Keep a process, all its threads, on one core and, where we may, ahead of what else runs there."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), _AHEAD)


@contextmanager
def _program(core: int, command: Sequence[str]) -> Iterator[Running]:
    """Run a program that takes its port as its last argument and says `ready`."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-sip-") as folder:
        log_file = Path(folder) / "out.log"
        child = Child([*command, str(port)], log_file, name=command[-1])
        try:
            child.wait_until(lambda: "ready" in log_file.read_text(), 20, "ready")
            pin(child.pid, core)
            yield Running(child.pid, port)
        finally:
            child.kill()


@contextmanager
def _asterisk(core: int) -> Iterator[Running]:
    pbx = Asterisk(
        "22",
        files={"extensions.conf": _DIALPLAN},
        append={"pjsip.conf": _IDENTIFY},
        endpoints=[Endpoint(name="sipp", context="sos")],
        rtp_ports=1000,
    )
    with pbx:
        pin(pbx.pid, core)
        yield Running(pbx.pid, pbx.sip_port)


def _peer(name: str) -> Contender:
    return Contender(
        f"{name} {sip_peers.VERSIONS[name]}",
        lambda core: _program(core, [str(sip_peers.environment()), sip_peers.__file__, name]),
    )


OWN: Final = Contender("sosbridge", lambda core: _program(core, [sys.executable, "-m", "bench.sip_own"]))
CONTENDERS: Final = (OWN, _peer("aiosipua"), _peer("sippy"), Contender("Asterisk 22", _asterisk))
