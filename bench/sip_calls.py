"""How many calls a second a user agent server answers on one core: ours and the alternatives, in one run.

    python -m bench.sip_calls            # about 12 minutes; --quick: 4 minutes

sipp has one core, the contender the other. Each rate lasts 5 seconds; a contender that is in trouble at two
rates is asked for no more. Then 10,000 calls at one rate, and a rest: what stays in memory.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench.environments import PeerError
from bench.figures import print_table
from bench.sip_contenders import CONTENDERS, OWN, Contender, Running
from bench.sip_load import STEPS, SUMMARY, Climb, Step, call, each_step, memory, summary
from tests.parts.processes import PartError

RATES: Final = (100, 200, 400, 600, 800, 1000, 1200, 1400, 1600)
SECONDS: Final = 5
WARM_UP: Final = 200
MANY: Final = 10_000
MANY_RATE: Final = 200
REST: Final = 45.0
"""Seconds: the longest timer of a transaction is 32, then 5 more."""
SIPP_CORE: Final = 0
CORE: Final = 1


@dataclass
class Result(Climb):
    """What one contender did. memory: MB before, right after, after the rest."""

    many: Step | None = None
    memory: list[float] = field(default_factory=list)


def measure(contender: Contender, rates: tuple[int, ...], many: int, result: Result) -> None:
    """Let one contender answer all rates and, in a process that is new again, many calls."""
    try:
        with contender.start(CORE) as peer:
            call(peer, SIPP_CORE, 100, WARM_UP)
            result.go(rates, partial(_step, peer))
        with contender.start(CORE) as peer:
            call(peer, SIPP_CORE, 100, WARM_UP)
            result.memory.append(memory(peer.pid))
            result.many = call(peer, SIPP_CORE, MANY_RATE, many)
            result.memory.append(memory(peer.pid))
            time.sleep(REST)
            result.memory.append(memory(peer.pid))
    except (PeerError, PartError, OSError) as error:
        result.problem = str(error).partition("\n")[0]


def _step(peer: Running, rate: int) -> Step:
    return call(peer, SIPP_CORE, rate, rate * SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sip_calls", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rates, 2,000 calls instead of 10,000")
    parser.add_argument("--only", default="", help="contenders whose names begin so")
    options = parser.parse_args()
    rates, many = (RATES[1::2], 2_000) if options.quick else (RATES, MANY)
    results: dict[str, Result] = {}
    for contender in CONTENDERS:
        if contender.name.startswith(options.only):
            measure(contender, rates, many, results.setdefault(contender.name, Result()))
    print_table(
        "Calls a second on one core (INVITE, 200, ACK, BYE, 200; UDP)",
        SUMMARY,
        summary(results, OWN.name),
        "CPU at the highest clean rate. Target: ours clean up to at least 1,000.",
    )
    print_table("Every step of 5 seconds", STEPS, each_step(results))
    print_table(
        f"{many:,} calls at {MANY_RATE}/s, then {REST:.0f} s of rest",
        ("", "failed", "retransmitted", "CPU ms/call", "MB before", "after", "after the rest"),
        _memory(results),
        "Target: back within 20 % of what it was before.",
    )


def _memory(results: Mapping[str, Result]) -> Iterator[tuple[str, ...]]:
    for name, result in results.items():
        if result.many is None or len(result.memory) < 3:
            continue
        many = result.many
        counts = (str(many.failed), str(many.retransmissions), f"{many.cpu:.2f}")
        yield name, *counts, *(f"{megabytes:.1f}" for megabytes in result.memory)


if __name__ == "__main__":
    main()
