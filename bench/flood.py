"""3,000 SOS in ten seconds: is one lost, how late is it stored, what stays in memory.

    python -m bench.flood                 # about 3 minutes; --quick: 600 calls and a short rest

sipp makes 300 calls a second at a real Asterisk 22, each from a phone of its own: about 6,700 AMI events a
second. sosbridge takes them first; then, at the same rate on the same PBX, a bare panoramisk listener that
only counts, and asterisk-agent.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Final

from bench.commits import committed_by
from bench.contenders import AGENT, SOSBRIDGE
from bench.environments import PeerError
from bench.figures import load, print_table, spread
from bench.listener import Listener
from bench.pbx import Pbx, Wave
from bench.sosbridge import Sosbridge
from bench.vms import VmsStub, first_at

RATE: Final = 300
PATIENCE: Final = 120.0
"""Seconds for requests that queue."""

CALLS_MADE: Final = "SOS calls that sipp made"
CALL_RATE: Final = "  calls a second, achieved"
KNOWN: Final = "SOS that it knows of"
LOST: Final = "  lost"
LAG: Final = "PBX tells -> it has it for good, ms: p50, p99, max"
OWN_LAG: Final = "  handed in -> committed, ms: p50, p99, max"
QUEUED: Final = "requests: most waiting at a time"
DRAINED: Final = "  last one, seconds after the last call"
MEMORY: Final = "memory before, right after, after a rest, MB"
LOAD: Final = "load average"
LINES: Final = (CALLS_MADE, CALL_RATE, KNOWN, LOST, LAG, OWN_LAG, QUEUED, DRAINED, MEMORY, LOAD)

Figures = Mapping[str, str]


class Memory:
    """Resident memory of a process, looked at now and then."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self.seen: list[str] = []

    def look(self) -> None:
        lines = self._status.read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        self.seen.append(f"{kilobytes / 1024:.0f}")

    def __str__(self) -> str:
        return ", ".join(self.seen)


def flood_sosbridge(pbx: Pbx, vms: VmsStub, calls: int, rest: float) -> Figures:
    """`has it for good` = committed."""
    numbers = [f"5{count}" for count in range(1, calls + 1)]
    with SOSBRIDGE.start(pbx, vms, numbers) as bridge:
        assert isinstance(bridge, Sosbridge)
        memory = Memory(bridge.pid)
        memory.look()
        wave = pbx.call("5", calls, RATE)
        figures = _of_wave(wave)
        bridge.wait_settled(calls, PATIENCE)
        memory.look()
        time.sleep(rest)
        memory.look()
        stored, incidents = bridge.stored(), bridge.incidents()
    commits = committed_by(stored)
    arrived = first_at(vms.arrivals(), SOSBRIDGE.number)
    return figures | {
        KNOWN: str(incidents),
        LOST: _lost(wave, {sos.number for sos in stored} & arrived.keys()),
        LAG: _spread([at - sos.occurred_at for sos, at in commits]),
        OWN_LAG: _spread([at - sos.received_at for sos, at in commits]),
        QUEUED: str(_most_waiting([(at, sos.started_at) for sos, at in commits])),
        DRAINED: _drained(wave, arrived),
        MEMORY: str(memory),
    }


def flood_listener(pbx: Pbx, calls: int, rest: float) -> Figures:
    """`has it for good` = its callback was called; it keeps nothing."""
    with Listener(ami_port=pbx.ami_port) as listener:
        memory = Memory(listener.pid)
        memory.look()
        wave = pbx.call("6", calls, RATE)
        figures = _of_wave(wave)
        memory.look()
        time.sleep(rest)
        memory.look()
        heard = listener.heard()
    return figures | {
        KNOWN: f"{len(heard.lags)} ({heard.events / heard.seconds:.0f} events/s)",
        LOST: str(len(wave.invited) - len(heard.lags)),
        LAG: _spread(heard.lags),
        MEMORY: str(memory),
    }


def flood_agent(pbx: Pbx, vms: VmsStub, calls: int, rest: float) -> Figures:
    """`has it for good` = its post arrived, counted from the INVITE; it keeps nothing."""
    try:
        with AGENT.start(pbx, vms, ()) as agent:
            assert agent is not None
            memory = Memory(agent.pid)
            memory.look()
            wave = pbx.call("7", calls, RATE)
            figures = _of_wave(wave)
            vms.wait(calls, PATIENCE)
            memory.look()
            time.sleep(rest)
            memory.look()
    except PeerError as error:
        return {CALLS_MADE: f"did not run: {error}"}
    arrived = first_at(vms.arrivals(), AGENT.number)
    return figures | {
        KNOWN: str(len(arrived)),
        LOST: _lost(wave, arrived.keys()),
        LAG: _spread([at - wave.invited[number] for number, at in arrived.items()]),
        DRAINED: _drained(wave, arrived),
        MEMORY: str(memory),
    }


def _of_wave(wave: Wave) -> dict[str, str]:
    return {CALLS_MADE: str(len(wave.invited)), CALL_RATE: f"{wave.rate:.0f}", LOAD: load()}


def _lost(wave: Wave, known: Set[str]) -> str:
    return str(len(wave.invited.keys() - known))


def _spread(seconds: Sequence[float]) -> str:
    return ", ".join(spread(seconds))


def _drained(wave: Wave, arrived: Mapping[str, float]) -> str:
    return f"{max(arrived.values(), default=0.0) - max(wave.invited.values()):.1f}"


def _most_waiting(waits: Sequence[tuple[float, float]]) -> int:
    """Return how many of these (from, to) intervals overlap at most."""
    steps = sorted([(begin, 1) for begin, _ in waits] + [(end, -1) for _, end in waits])
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.flood", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="600 calls, 5 s of rest")
    quick: bool = parser.parse_args().quick
    calls, rest = (600, 5.0) if quick else (3000, 30.0)
    with VmsStub() as vms, Pbx(vms.url) as pbx:
        results = {SOSBRIDGE.name: flood_sosbridge(pbx, vms, calls, rest)}
        vms.forget()
        pbx.wait_quiet()
        results["panoramisk alone"] = flood_listener(pbx, calls, rest)
        pbx.wait_quiet()
        results[AGENT.name] = flood_agent(pbx, vms, calls, rest)
    print_table(
        f"{RATE} SOS calls a second for {calls / RATE:g} s",
        ("", *results),
        ([line, *(figures.get(line, "") for figures in results.values())] for line in LINES),
        "Targets: none lost; handed in -> committed p99 at most 250 ms; memory flat.",
    )


if __name__ == "__main__":
    main()
