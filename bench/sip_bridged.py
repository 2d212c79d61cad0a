"""How many calls a second a B2BUA joins on one core: our exchange, and sippy's, in one run.

    python -m bench.sip_bridged           # about 5 minutes; --quick: 2 minutes

A call is INVITE, 180, 200, ACK, BYE, 200 on both sides, over UDP, without a word said: from a trunk to the
desk, a routine call. The sipps at both ends have one core; the B2BUA, with all processes that it starts, the
other. sippy's carries no media, so ours is measured without it, too. `sosbridge run` stores an incident for
each call.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from bench import sip_peers
from bench.environments import PeerError
from bench.figures import print_table
from bench.sip_contenders import Running, pin_family, program
from bench.sip_desk import answering, register
from bench.sip_exchange import RTP_PORTS
from bench.sip_load import STEPS, SUMMARY, Climb, Step, call, calls_and_hangs_up, each_step, summary
from bench.site import DESK_NUMBER, ENVIRONMENT, own_exchange, site_of
from bench.sosbridge import Sosbridge
from bench.vms import VmsStub
from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import PartError

RATES: Final = (50, 100, 150, 200, 250, 300, 350, 400, 500, 600)
SECONDS: Final = 5
WARM_UP: Final = 100
SIPP_CORE: Final = 0
CORE: Final = 1


@dataclass(frozen=True)
class Bridging:
    """A B2BUA. start: given the port of the desk and a core. registers: the desk must say where it is.

    Raises PeerError or PartError where it cannot run.
    """

    name: str
    start: Callable[[int, int], AbstractContextManager[Running]]
    registers: bool = True


def _exchange(*options: str) -> Callable[[int, int], AbstractContextManager[Running]]:
    command = [sys.executable, "-m", "bench.sip_exchange", *options]
    return lambda _, core: program(core, command, environment=ENVIRONMENT)


def _sippy(desk: int, core: int) -> AbstractContextManager[Running]:
    return program(core, sip_peers.command("sippy", str(desk)))


@contextmanager
def _sosbridge(_desk: int, core: int) -> Iterator[Running]:
    port, first = free_port(), free_block(RTP_PORTS)
    # Of every rate, and of warming up, the same phones.
    numbers = [f"5{count}" for count in range(1, max(RATES) * SECONDS + 1)]
    pbx = own_exchange(port, range(first, first + RTP_PORTS))
    try:
        with VmsStub() as vms, Sosbridge(lambda: site_of(numbers, pbx=pbx, vms_url=vms.url)) as bridge:
            pin_family(bridge.pid, core)
            yield Running(bridge.pid, port)
    finally:
        give_back(first, RTP_PORTS)


OWN: Final = Bridging("exchange, no store", _exchange())
CONTENDERS: Final = (
    OWN,
    Bridging("exchange, no store, no media", _exchange("--no-media")),
    Bridging("sosbridge run", _sosbridge),
    Bridging(f"sippy {sip_peers.VERSIONS['sippy']} b2bua_simple", _sippy, registers=False),
)


def measure(contender: Bridging, rates: tuple[int, ...], climb: Climb) -> None:
    """Let one B2BUA join calls at all rates."""
    desk = free_port()
    try:
        with contender.start(desk, CORE) as peer:
            if contender.registers:
                register(desk, peer.port)
            with answering(desk, SIPP_CORE):
                _calls(peer, 50, WARM_UP)
                climb.go(rates, lambda rate: _calls(peer, rate, rate * SECONDS))
    except (PeerError, PartError, OSError) as error:
        climb.problem = str(error).partition("\n")[0]


def _calls(peer: Running, rate: int, calls: int) -> Step:
    story = calls_and_hangs_up("5[call_number]")
    return call(peer, SIPP_CORE, rate, calls, story=story, dialled=DESK_NUMBER)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.sip_bridged", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rates")
    parser.add_argument("--only", default="", help="contenders whose names begin so")
    options = parser.parse_args()
    rates = RATES[1::2] if options.quick else RATES
    climbs: dict[str, Climb] = {}
    for contender in CONTENDERS:
        if contender.name.startswith(options.only):
            measure(contender, rates, climbs.setdefault(contender.name, Climb()))
    print_table(
        "Bridged calls a second on one core (INVITE, 180, 200, ACK, BYE, 200 on both sides; UDP)",
        SUMMARY,
        summary(climbs, OWN.name),
        "CPU of all processes at the highest clean rate. Target: the exchange without a store at least 300.",
    )
    print_table(f"Every step of {SECONDS} seconds", STEPS, each_step(climbs))


if __name__ == "__main__":
    main()
