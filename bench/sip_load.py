"""Calls by sipp at a steady rate, and what they cost the process that answers them.

A call is INVITE, 200, ACK, BYE, 200, over UDP, without media.
"""

from __future__ import annotations

import csv
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import load
from bench.sip_contenders import DIALLED, Running, pin
from tests.parts.ports import free_port
from tests.parts.processes import Child, PartError
from tests.parts.sipp_steps import PROGRESS, Phone, ack_of_answer, bye_of_caller, invite, receive, scenario

LOOPBACK: Final = "127.0.0.1"
_PHONE: Final = Phone("9103")
_SCENARIO: Final = scenario(
    invite(_PHONE),
    *PROGRESS,
    receive("200", rrs="true"),
    ack_of_answer(_PHONE),
    bye_of_caller(_PHONE),
    receive("200"),
)
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Step:
    """One rate. retransmissions: requests that sipp had to repeat. reached: calls a second that sipp made.

    cpu: milliseconds of the answering process for a call. load: of the machine, just after.
    """

    rate: int
    calls: int
    failed: int
    retransmissions: int
    reached: float
    cpu: float
    load: str

    @property
    def clean(self) -> bool:
        return not (self.failed or self.retransmissions)


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def call(peer: Running, core: int, rate: int, calls: int) -> Step:
    """Make `calls` calls at `rate` a second from the core of that number. Raises PartError."""
    with tempfile.TemporaryDirectory(prefix="bench-sipp-") as name:
        folder = Path(name)
        (folder / "scenario.xml").write_text(_SCENARIO)
        command = ["sipp", "-sf", "scenario.xml", "-s", DIALLED, "-nostdin"]
        command += ["-i", LOOPBACK, "-p", str(free_port()), "-r", str(rate), "-m", str(calls), "-l", "20000"]
        command += ["-trace_stat", "-stf", "stat.csv", "-fd", "1", "-recv_timeout", "32000"]
        before = _cpu(peer.pid)
        child = Child([*command, f"{LOOPBACK}:{peer.port}"], folder / "out.log", folder=folder, name="sipp")
        try:
            pin(child.pid, core)
            # 1: calls failed, which is counted below.
            if child.wait(calls / rate + 60) not in (0, 1):
                raise PartError(child.log_tail())
        finally:
            child.kill()
        cpu = _cpu(peer.pid) - before
        with (folder / "stat.csv").open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    return Step(
        rate,
        calls,
        failed=int(last["FailedCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        reached=float(last["CallRate(C)"]),
        cpu=cpu / calls * 1000,
        load=load(),
    )
