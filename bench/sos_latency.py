"""How soon after an SOS the first request reaches the video system: sosbridge and what one would do instead.

    python -m bench.sos_latency            # about 5 minutes; --quick: a minute and a half

sipp calls a real Asterisk 22; the contenders take turns on it, alone each: `sosbridge run`, `CURL()` in the
dialplan, and asterisk-agent. A second table splits sosbridge's own way by the times that it has stored.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.contenders import AGENT, CURL, SOSBRIDGE, Contender
from bench.environments import PeerError
from bench.figures import load, percentile, print_table, ratio, spread
from bench.pbx import Pbx
from bench.sosbridge import Sosbridge, Stored
from bench.vms import VmsStub, first_at

RATES: Final = (5, 50)
"""Calls a second."""
WARM_UP: Final = 20
"""Calls before those that count: a process that has run for a minute is the one that matters."""
LATEST: Final = 10.0
"""Seconds after the last call in which a request may still come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of sosbridge's own way. seconds: of what is stored and when the request arrived."""

    name: str
    seconds: Callable[[Stored, float], float]


STAGES: Final = (
    # The PBX writes the event's time into it before it sends it, so this is a little more than the own share.
    Stage("own share, at most: PBX tells -> request arrives", lambda sos, at: at - sos.occurred_at),
    Stage("  PBX tells -> handed in by the AMI trigger", lambda sos, _: sos.received_at - sos.occurred_at),
    Stage("  handed in -> loaded and being decided", lambda sos, _: sos.decided_at - sos.received_at),
    Stage("  decided -> committed, taken up by the lane", lambda sos, _: sos.started_at - sos.decided_at),
    Stage("  taken up -> request arrives", lambda sos, at: at - sos.started_at),
)


@dataclass
class Result:
    """What one contender did at one rate, in all rounds. Seconds."""

    latencies: list[float] = field(default_factory=list)
    called: int = 0
    stages: dict[str, list[float]] = field(default_factory=dict)
    load: str = ""
    problem: str = ""


def measure(contender: Contender, pbx: Pbx, vms: VmsStub, rate: int, calls: int, result: Result) -> None:
    """Make `calls` calls at `rate` a second, and add what the contender did with them to `result`."""
    blocks = (("4", WARM_UP), ("5", calls))
    numbers = [f"{prefix}{count}" for prefix, most in blocks for count in range(1, most + 1)]
    try:
        with contender.start(pbx, vms, numbers) as process:
            pbx.call("4", WARM_UP, rate, extension=contender.extension)
            vms.wait(WARM_UP, LATEST)
            vms.forget()
            wave = pbx.call("5", calls, rate, extension=contender.extension)
            result.load = load()
            vms.wait(calls, LATEST)
            arrived = first_at(vms.arrivals(), contender.number)
            result.called += len(wave.invited)
            result.latencies += [at - wave.invited[number] for number, at in arrived.items()]
            if isinstance(process, Sosbridge):
                _add_stages(process.stored(), arrived, result)
    except PeerError as error:
        result.problem = str(error)
    pbx.wait_quiet()
    vms.forget()


def _add_stages(stored: list[Stored], arrived: dict[str, float], result: Result) -> None:
    for sos in stored:
        if sos.number in arrived:
            for stage in STAGES:
                seconds = stage.seconds(sos, arrived[sos.number])
                result.stages.setdefault(stage.name, []).append(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sos_latency", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer calls, one round")
    parser.add_argument("--rounds", type=int, default=2, help="how often the contenders take turns (2)")
    options = parser.parse_args()
    rounds, seconds = (1, 6) if options.quick else (options.rounds, 20)
    results = {(contender.name, rate): Result() for rate in RATES for contender in (SOSBRIDGE, CURL, AGENT)}
    with VmsStub() as vms, Pbx(vms.url) as pbx:
        for rate in RATES:
            for _ in range(rounds):
                for contender in (SOSBRIDGE, CURL, AGENT):
                    measure(contender, pbx, vms, rate, rate * seconds, results[contender.name, rate])
    print_table(
        "From the phone's INVITE to the first request at the video system",
        ("", "calls/s", "calls", "lost", "p50 ms", "p99 ms", "max ms", "p99, sosbridge = 1", "load"),
        _comparison(results),
    )
    print_table(
        "sosbridge's own share of it",
        ("", "calls/s", "p50 ms", "p99 ms", "max ms"),
        _own_share(results),
        "Target: p99 of the own share at most 10 ms at 50 calls/s.",
    )


def _comparison(results: dict[tuple[str, int], Result]) -> Iterator[tuple[str, ...]]:
    for (name, rate), result in results.items():
        if result.problem:
            yield name, str(rate), f"did not run: {result.problem}", *[""] * 6
            continue
        own = percentile(results[SOSBRIDGE.name, rate].latencies, 0.99)
        lost = result.called - len(result.latencies)
        relative = ratio(percentile(result.latencies, 0.99), own)
        counts = (str(rate), str(result.called), str(lost))
        yield name, *counts, *spread(result.latencies), relative, result.load


def _own_share(results: dict[tuple[str, int], Result]) -> Iterator[tuple[str, ...]]:
    for rate in RATES:
        for name, seconds in results[SOSBRIDGE.name, rate].stages.items():
            yield name, str(rate), *spread(seconds)


if __name__ == "__main__":
    main()
