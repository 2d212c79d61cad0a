"""SOS calls at our own exchange: up to which rate each is answered and every incident stored, and how soon.

    python -m bench.sip_sos               # about 4 minutes; --quick: 2 minutes

`sosbridge run` with SQLite, an HTTP VMS, and a console. Each call comes from a phone of its own over a trunk,
hears that it waits, is answered by the console at once, is recorded, and hangs up after half a second. sipp,
the console and the VMS have one core; sosbridge, with its media process, the other. A new bridge a rate.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Final

from bench.commits import committed_by
from bench.figures import print_table, spread
from bench.sip_contenders import Running, pin, pin_family
from bench.sip_desk import answering, register
from bench.sip_load import Step, call, calls_and_hangs_up, memory
from bench.site import own_exchange, site_of
from bench.sosbridge import Sosbridge
from bench.vms import VmsStub
from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import PartError

RATES: Final = (50, 75, 100, 150, 200, 300)
SECONDS: Final = 10
TALKS: Final = 0.5
WARM_UP: Final = 50
PATIENCE: Final = 30.0
STILL: Final = 8.0
"""Seconds without news: an SOS that is not stored by then is lost."""
LOOK_EVERY: Final = 0.5
RTP_PORTS: Final = 1600
SIPP_CORE: Final = 0
CORE: Final = 1


@dataclass(frozen=True)
class Result:
    """One rate. stored: incidents. requests: that the VMS answered. lags, own: seconds until the commit, from
    the INVITE's leaving sipp and from the event's being handed in. megabytes: memory before and after."""

    step: Step
    stored: int
    requests: int
    lags: list[float]
    own: list[float]
    megabytes: tuple[float, float]

    @property
    def row(self) -> tuple[str, ...]:
        step = self.step
        return (
            str(step.rate),
            f"{step.reached:.0f}",
            str(step.calls),
            str(step.failed),
            str(step.retransmissions),
            str(self.stored),
            str(self.requests),
            ", ".join(spread(self.lags)),
            ", ".join(spread(self.own)),
            f"{step.cpu:.2f}",
            "{:.0f}, {:.0f}".format(*self.megabytes),
            step.load,
        )


COLUMNS: Final = (
    "calls/s",
    "reached",
    "calls",
    "failed",
    "retr.",
    "stored",
    "requests",
    "INVITE -> committed ms: p50, p99, max",
    "handed in -> committed",
    "CPU ms/call",
    "MB",
    "load",
)


def measure(rate: int, seconds: int) -> Result:
    """Flood one new bridge. Raises PartError."""
    calls, first, port, desk = rate * seconds, free_block(RTP_PORTS), free_port(), free_port()
    blocks = (("4", WARM_UP), ("5", calls))
    numbers = [f"{prefix}{count}" for prefix, most in blocks for count in range(1, most + 1)]
    pbx = own_exchange(port, range(first, first + RTP_PORTS))
    try:
        with VmsStub() as vms, Sosbridge(lambda: site_of(numbers, pbx=pbx, vms_url=vms.url)) as bridge:
            pin(vms.pid, SIPP_CORE)
            pin_family(bridge.pid, CORE)
            register(desk, port)
            with answering(desk, SIPP_CORE):
                peer = Running(bridge.pid, port)
                call(peer, SIPP_CORE, 25, WARM_UP, story=_story("4"))
                bridge.wait_settled(WARM_UP, PATIENCE)
                return _flood(bridge, peer, rate, calls)
    finally:
        give_back(first, RTP_PORTS)


def _flood(bridge: Sosbridge, peer: Running, rate: int, calls: int) -> Result:
    invited: dict[int, float] = {}
    before = memory(bridge.pid)
    step = call(peer, SIPP_CORE, rate, calls, story=_story("5"), times=invited)
    _wait_still(bridge, WARM_UP + calls)
    after = memory(bridge.pid)
    stored = bridge.stored()
    commits = [(sos, at) for sos, at in committed_by(stored) if sos.number.startswith("5")]
    return Result(
        step,
        stored=bridge.incidents() - WARM_UP,
        requests=len(commits),
        lags=[at - invited[int(sos.number[1:])] for sos, at in commits],
        own=[at - sos.received_at for sos, at in commits],
        megabytes=(before, after),
    )


def _wait_still(bridge: Sosbridge, wanted: int) -> None:
    """Wait until all is stored and requested, or nothing has been added for a while."""
    known, since = 0, time.monotonic()
    while known < wanted and time.monotonic() - since < STILL:
        time.sleep(LOOK_EVERY)
        if (now := len(bridge.stored())) > known:
            known, since = now, time.monotonic()


def _story(prefix: str) -> str:
    return calls_and_hangs_up(f"{prefix}[call_number]", talks=TALKS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sip_sos", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rates, 5 s each")
    quick: bool = parser.parse_args().quick
    rates, seconds = (RATES[1::2], 5) if quick else (RATES, SECONDS)
    rows: list[tuple[str, ...]] = []
    for rate in rates:
        try:
            rows.append(measure(rate, seconds).row)
        except (PartError, OSError) as error:
            rows.append((str(rate), str(error).partition("\n")[0], *[""] * (len(COLUMNS) - 2)))
    print_table(
        f"SOS calls over our own exchange, {seconds} s at each rate, `sosbridge run` on one core",
        COLUMNS,
        rows,
        "Target: 300 calls a second, none failed, every incident stored.",
    )


if __name__ == "__main__":
    main()
