"""Who answers the calls of `bench.sip_calls`: our user agent, two Python libraries, Asterisk.

`bench.sip_bridged` and `bench.sip_sos` start and pin their processes by it, too.

A contender is a name and a way to start it on one core; another one is another entry of `CONTENDERS`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def family(pid: int) -> list[int]:
    """Return a process and all that it has started, and those."""
    parents = dict(_parents())
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Return every process of this machine with its parent."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            yield int(file.parent.name), int(file.read_text().rpartition(")")[2].split()[1])


def pin_family(pid: int, core: int) -> None:
    """As `pin`, with all that the process has started."""
    for one in family(pid):
        pin(one, core)


@contextmanager
def program(
    core: int, command: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a program that takes its port as its last argument and says `ready`."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-sip-") as folder:
        log_file = Path(folder) / "out.log"
        child = Child([*command, str(port)], log_file, environment=environment, name=command[-1])
        try:
            child.wait_until(lambda: "ready" in log_file.read_text(), 20, "ready")
            pin_family(child.pid, core)
            yield Running(child.pid, port)
        finally:
            child.stop()


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
        lambda core: program(core, sip_peers.command(name)),
    )


OWN: Final = Contender("sosbridge", lambda core: program(core, [sys.executable, "-m", "bench.sip_own"]))
CONTENDERS: Final = (OWN, _peer("aiosipua"), _peer("sippy"), Contender("Asterisk 22", _asterisk))
