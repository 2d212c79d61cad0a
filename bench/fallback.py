"""How soon after an SOS the first dispatcher's phone rings when the video system refuses, hangs or lies.

    python -m bench.fallback                       # about 8 minutes; --calls 6: two minutes
    python -m bench.fallback --through exchange    # the bridge is the exchange itself

sipp is the phone, the desk and the dispatcher, and its logs say when the phone's INVITE left and when the
dispatcher's 180 did. `sosbridge run` and the PBX are processes of their own, with the default waiting times,
but for how long a broken system is tried again. Several such houses work side by side, each with one SOS at a
time; every first call finds a video system that nobody has asked for anything yet. Only the bridge's
notification counts: not that the PBX rings dispatch by itself after 20 s. Ends with 1 if a call never reached
the dispatcher so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from bench.fallback_house import AsteriskHouse, ExchangeHouse, House, Outage, Press, Told
from bench.fallback_site import Broken, Post, posts_of
from bench.fallback_systems import Systems
from bench.figures import load, milliseconds, percentile, print_table, ratio

HOUSES: Final = {"asterisk": AsteriskHouse, "exchange": ExchangeHouse}
CALLS: Final = 100
SIDE_BY_SIDE: Final = 6
BUSY_AT_ONCE: Final = 2
"""Houses that press one SOS right after the other: more would measure how long they wait for each other."""
KNOWN_WITHIN: Final = 40.0
"""Seconds after the last first call in which every breaker must have opened."""
PROBED_WITHIN: Final = 40.0
"""Seconds in which every driver must have been probed: the work of a start is over then."""
NOTIFY: Final = "notify"
SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Case:
    """again: the second call about each system, once its breaker is open. target: seconds.

    waits: most of a call is waiting, so that all houses may press at once.
    """

    name: str
    broken: Broken
    target: float
    again: bool = False
    waits: bool = False


CASES: Final = (
    Case("refuses connections, first SOS", Broken.REFUSING, 1.0),
    Case("refuses connections, known", Broken.REFUSING, 1.0, again=True),
    Case("refuses with 403", Broken.FORBIDDING, 1.0),
    Case("hung, first SOS", Broken.HUNG, 5.0, waits=True),
    Case("hung, known", Broken.HUNG, 5.0, again=True),
    Case("lying", Broken.LYING, 5.0, waits=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One SOS as the telephones saw it, and what the bridge did.

    rung_for: for what the exchange says it rang dispatch. known: the system's breaker was open.
    """

    house: int
    press: Press
    told: Told | None
    rung_for: Set[str]
    known: bool

    @property
    def name(self) -> str:
        return f"house {self.house}, phone {self.press.post.extension}"

    @property
    def missed(self) -> str:
        """Why the bridge's notification did not ring the dispatcher; empty if it did."""
        rang, told = self.press.rang, self.told
        if rang is None:
            return f"the dispatcher never rang {self.press.problem}".strip()
        after = f"the dispatcher rang after {self.seconds:.2f} s"
        if self.rung_for != {NOTIFY}:
            return f"{after} for {' and '.join(sorted(self.rung_for)) or 'no known reason'}"
        return "" if told and told.started_at <= rang else f"{after}, before the bridge asked for it"

    @property
    def seconds(self) -> float:
        """From the phone's INVITE to the dispatcher's 180."""
        return (self.press.rang or 0.0) - self.press.invited

    @property
    def stages(self) -> tuple[float, ...]:
        """The same, cut where `STAGES` says."""
        told = self.told
        if told is None or self.press.rang is None:
            return ()
        cuts = (
            self.press.invited,
            told.occurred_at,
            told.received_at,
            told.decided_at,
            told.started_at,
            self.press.rang,
        )
        return tuple(after - before for before, after in pairwise(cuts))


STAGES: Final = ("INVITE -> told", "-> handed in", "-> dispatch decided", "-> call asked for", "-> rings")


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    outcomes: Sequence[Outcome]
    load: str

    @property
    def seconds(self) -> list[float]:
        return [outcome.seconds for outcome in self.outcomes if not outcome.missed]

    @property
    def missed(self) -> dict[str, str]:
        """Which phone -> why."""
        return {outcome.name: outcome.missed for outcome in self.outcomes if outcome.missed}

    @property
    def problems(self) -> dict[str, str]:
        """Which phone -> what went wrong after the dispatcher had rung."""
        return {
            outcome.name: outcome.press.problem
            for outcome in self.outcomes
            if outcome.press.problem and not outcome.missed
        }

    @property
    def known(self) -> int:
        """At how many the breaker was open already."""
        return sum(outcome.known for outcome in self.outcomes)

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.case.name,
            str(len(self.outcomes)),
            str(self.known),
            *(milliseconds(percentile(self.seconds, share)) for share in SHARES.values()),
            ratio(percentile(self.seconds, 0.99), self.case.target),
            str(len(self.missed)),
            self.load,
        )

    @property
    def parts(self) -> tuple[str, ...]:
        reached = [outcome.stages for outcome in self.outcomes if not outcome.missed]
        columns = zip(*reached, strict=True) if reached else [()] * len(STAGES)
        return (self.case.name, *map(_p50_p99, columns))

    @property
    def data(self) -> dict[str, Any]:
        """For `--json`: seconds."""
        reached = {name: percentile(self.seconds, share) for name, share in SHARES.items() if self.seconds}
        return {
            "case": self.case.name,
            "target": self.case.target,
            "calls": len(self.outcomes),
            "breaker_open": self.known,
            **reached,
            "missed": self.missed,
            "problems": self.problems,
            "load": float(self.load),
        }


def _p50_p99(seconds: Sequence[float]) -> str:
    return ", ".join(milliseconds(percentile(seconds, share)) for share in (0.5, 0.99))


def measure(houses: Sequence[House], case: Case) -> Result:
    """Make one case's calls: in all houses at once, or in a few at a time."""
    with ThreadPoolExecutor(SIDE_BY_SIDE if case.waits else BUSY_AT_ONCE) as pool:
        rounds = list(pool.map(lambda house: _press_all(house, case), houses))
    seen = load()
    outcomes = [
        outcome
        for number, (house, presses) in enumerate(zip(houses, rounds, strict=True), 1)
        for outcome in _outcomes(number, house, presses)
    ]
    return Result(case, outcomes, seen)


def _press_all(house: House, case: Case) -> list[Press]:
    posts = [post for post in house.posts if (post.broken, post.again) == (case.broken, case.again)]
    if case.again:
        house.wait_known((post.system for post in posts), KNOWN_WITHIN)
    return [house.press(post) for post in posts]


def _outcomes(number: int, house: House, presses: Sequence[Press]) -> Iterator[Outcome]:
    told, rung_for, outages = house.told(), house.rung_for(), house.outages()
    for press in presses:
        of_system: list[Outage] = outages.get(press.post.system, [])
        phone, known = press.post.extension, any(outage.covers(press.invited) for outage in of_system)
        yield Outcome(number, press, told.get(phone), rung_for.get(phone, set()), known)


@contextmanager
def houses(through: str, calls: int) -> Iterator[list[House]]:
    """Run as many houses as are of use, which share the calls out among them. Raises PartError."""
    count = min(SIDE_BY_SIDE, calls)
    shares = [posts_of(calls // count + (index < calls % count)) for index in range(count)]
    everybody: list[Post] = max(shares, key=len)
    with Systems(everybody) as systems, ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        made = [HOUSES[through](posts, systems.urls) for posts in shares]
        running = list(pool.map(stack.enter_context, made))
        list(pool.map(lambda house: house.wait_probed(PROBED_WITHIN), running))
        yield running


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.fallback", description=__doc__.partition("\n")[0])
    parser.add_argument("--through", choices=sorted(HOUSES), default="asterisk", help="who rings (asterisk)")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"of each case ({CALLS})")
    parser.add_argument("--json", action="store_true", help="print one JSON value instead of tables")
    options = parser.parse_args()
    if options.calls < 1:
        parser.error("--calls: at least 1")
    with houses(options.through, options.calls) as running:
        results = [measure(running, case) for case in CASES]
    if options.json:
        print(
            json.dumps({"through": options.through, "cases": [result.data for result in results]}, indent=2)
        )
    else:
        _print(options.through, results)
    return int(any(result.missed for result in results))


def _print(through: str, results: Sequence[Result]) -> None:
    print_table(
        f"From the phone's INVITE to the dispatcher's ringing, through {through}",
        (
            "video system",
            "SOS",
            "open",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "p99/target",
            "missed",
            "load",
        ),
        (result.row for result in results),
        "open: calls at which the system's breaker was open. Targets: refusing 1 s, hung and lying 5 s.",
    )
    print_table("Where the time goes: p50, p99 ms", ("video system", *STAGES), (one.parts for one in results))
    for result in results:
        for name, why in result.missed.items():
            print(f"missed: {result.case.name}, {name}: {why}")
        for name, why in result.problems.items():
            print(f"rang, but: {result.case.name}, {name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
