"""Calls by sipp at a steady rate, what they cost who answers them, and the rates up to which all went well.

A call is INVITE, 200, ACK, BYE, 200, over UDP, without media.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.figures import load
from bench.sip_contenders import DIALLED, Running, family, pin
from tests.parts.ports import free_port
from tests.parts.processes import Child, PartError
from tests.parts.sipp_steps import (
    PROGRESS,
    Phone,
    ack_of_answer,
    bye_of_caller,
    invite,
    pause,
    receive,
    scenario,
)

LOOPBACK: Final = "127.0.0.1"
_TIMES: Final = "messages.csv"
_MOST_TROUBLED: Final = 2
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


@dataclass
class Climb:
    """What became of one contender at one rate after the other. problem: why it did not run."""

    steps: list[Step] = field(default_factory=list)
    problem: str = ""

    def go(self, rates: Sequence[int], step: Callable[[int], Step]) -> None:
        """Take the rates in turn; who is in trouble at two of them is asked for no more."""
        for rate in rates:
            self.steps.append(step(rate))
            if sum(not done.clean for done in self.steps) == _MOST_TROUBLED:
                break

    @property
    def clean_up_to(self) -> int:
        """The rate up to which every step was clean."""
        rates = []
        for step in self.steps:
            if not step.clean:
                break
            rates.append(step.rate)
        return max(rates, default=0)

    @property
    def trouble(self) -> Step | None:
        return next((step for step in self.steps if not step.clean), None)

    @property
    def cpu(self) -> float:
        """Milliseconds a call at the highest clean rate."""
        clean = [step for step in self.steps if step.clean]
        return (clean or self.steps)[-1].cpu if self.steps else 0.0


SUMMARY: Final = (
    "",
    "clean up to",
    "first trouble at",
    "failed",
    "retransmitted",
    "CPU ms/call",
    "CPU, ours = 1",
)
STEPS: Final = ("", "calls/s", "reached", "calls", "failed", "retransmitted", "CPU ms/call", "load")


def summary(climbs: Mapping[str, Climb], ours: str) -> Iterator[tuple[str, ...]]:
    """Return a row of `SUMMARY` for each contender."""
    own = climbs[ours].cpu if ours in climbs else 0.0
    for name, climb in climbs.items():
        if climb.problem and not climb.steps:
            yield name, f"did not run: {climb.problem}", *[""] * 5
            continue
        trouble = climb.trouble
        seen = ["-"] * 3
        if trouble:
            seen = [str(trouble.rate), str(trouble.failed), str(trouble.retransmissions)]
        relative = f"{climb.cpu / own:.1f}" if own else "-"
        yield name, str(climb.clean_up_to), *seen, f"{climb.cpu:.2f}", relative


def each_step(climbs: Mapping[str, Climb]) -> Iterator[tuple[str, ...]]:
    """Return a row of `STEPS` for each rate of each contender."""
    for name, climb in climbs.items():
        for step in climb.steps:
            counts = (str(step.calls), str(step.failed), str(step.retransmissions))
            yield name, str(step.rate), f"{step.reached:.0f}", *counts, f"{step.cpu:.2f}", step.load


def calls_and_hangs_up(user: str, *, talks: float = 0.0) -> str:
    """Return the scenario of a caller who hangs up after `talks` seconds. user: sipp replaces its words."""
    phone = Phone(user)
    return scenario(
        invite(phone),
        *PROGRESS,
        receive("200", rrs="true"),
        ack_of_answer(phone),
        pause(talks),
        bye_of_caller(phone),
        receive("200"),
    )


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process, and of those it has started, so far."""
    return sum(map(_cpu, family(pid)))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def call(
    peer: Running,
    core: int,
    rate: int,
    calls: int,
    *,
    story: str = calls_and_hangs_up("9103"),
    dialled: str = DIALLED,
    times: dict[int, float] | None = None,
) -> Step:
    """Make `calls` calls at `rate` a second from the core of that number. Raises PartError.

    story: the scenario. times: gets when the first INVITE of each call left: number from 1 -> UTC.
    """
    with tempfile.TemporaryDirectory(prefix="bench-sipp-") as name:
        folder = Path(name)
        (folder / "scenario.xml").write_text(story)
        command = ["sipp", "-sf", "scenario.xml", "-s", dialled, "-nostdin"]
        command += ["-i", LOOPBACK, "-p", str(free_port()), "-r", str(rate), "-m", str(calls), "-l", "20000"]
        command += ["-trace_stat", "-stf", "stat.csv", "-fd", "1", "-recv_timeout", "32000"]
        if times is not None:
            command += ["-trace_shortmsg", "-shortmessage_file", _TIMES]
        before = cpu_seconds(peer.pid)
        child = Child([*command, f"{LOOPBACK}:{peer.port}"], folder / "out.log", folder=folder, name="sipp")
        try:
            pin(child.pid, core)
            # 1: calls failed, which is counted below.
            if child.wait(calls / rate + 60) not in (0, 1):
                raise PartError(child.log_tail())
        finally:
            child.kill()
        cpu = cpu_seconds(peer.pid) - before
        with (folder / "stat.csv").open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        if times is not None:
            times.update(_invited(folder / _TIMES))
    return Step(
        rate,
        calls,
        failed=int(last["FailedCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        reached=float(last["CallRate(C)"]),
        cpu=cpu / calls * 1000,
        load=load(),
    )


def _invited(file: Path) -> dict[int, float]:
    """Read when each call's first INVITE left. A line: date, time, epoch, way, Call-ID, CSeq, first line."""
    found: dict[int, float] = {}
    for line in file.read_text(errors="replace").splitlines():
        columns = line.split("\t")
        if len(columns) > 6 and columns[3] == "S" and columns[6].startswith("INVITE "):
            found.setdefault(int(columns[4].partition("-")[0]), float(columns[2]))
    return found
