"""What the `http` driver adds to the request that a script would send.

    python -m bench.driver_overhead       # about 20 s; --quick: 500 requests each

The same PUT to the same server, in turns: by `requests` alone, with one session as a careful script would,
then by the driver (template filled in, deadline watched, answer judged, receipt written).
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any, Final

import requests

from bench.figures import load, milliseconds, percentile, print_table, ratio
from bench.vms import VmsStub
from bridge.drivers.http import Config, Driver
from bridge.model import Delivery, DeliveryState, Operation, Targets, Tier
from bridge.supervision.clocks import SystemClock

TARGET: Final = 0.001
WORDS: Final = {"incident": "5b0c7f0e-1111-5222-8333-944455556666", "title": "SOS TANKFARM-EAST-POST-03"}


def _driver(url: str) -> Driver:
    request = {
        "method": "PUT",
        "path": "/recording/{target}",
        "json": {name: f"{{{name}}}" for name in WORDS},
        "capability": "repeatable",
    }
    config = Config.model_validate(
        {"base_url": url, "health": {"path": "/health"}, "requests": {"start_recording": request}}
    )
    return Driver("vms", config, targets=Targets(), clock=SystemClock())


def _delivery(number: int) -> Delivery:
    now = time.time()
    return Delivery(
        id=f"delivery-{number}",
        incident=WORDS["incident"],
        step="sos/1",
        driver="vms",
        operation=Operation.START_RECORDING,
        target="11",
        params=WORDS,
        tier=Tier.EMERGENCY,
        order=0,
        state=DeliveryState.LEASED,
        attempts=1,
        created_at=now,
        deadline=now + 60,
    )


async def measure(url: str, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each request by `requests` alone, and by the driver."""
    driver, session = _driver(url), requests.Session()
    session.trust_env = False
    bare: list[float] = []
    ours: list[float] = []
    body: dict[str, Any] = dict(WORDS)
    for number in range(rounds):
        began = time.perf_counter()
        session.put(f"{url}/recording/11", json=body, timeout=5).raise_for_status()
        bare.append(time.perf_counter() - began)
        delivery = _delivery(number)
        began = time.perf_counter()
        await driver.perform(delivery)
        ours.append(time.perf_counter() - began)
    await driver.close()
    return bare, ours


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.driver_overhead", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="500 requests each")
    rounds = 500 if parser.parse_args().quick else 3000
    with VmsStub() as vms:
        bare, ours = asyncio.run(measure(vms.url, rounds))
    added = [mine - theirs for mine, theirs in zip(ours, bare, strict=True)]
    middle = percentile(bare, 0.5)
    rows = [
        (
            name,
            *(milliseconds(percentile(each, share)) for share in (0.5, 0.95, 0.99)),
            ratio_of(each, middle),
        )
        for name, each in (("requests alone", bare), ("driver", ours), ("the driver adds", added))
    ]
    print_table(
        f"{rounds} requests each, in turns; load average {load()}",
        ("", "p50 ms", "p95 ms", "p99 ms", "times"),
        rows,
        f"Target: it adds at most {TARGET * 1000:g} ms (p50).",
    )


def ratio_of(seconds: list[float], base: float) -> str:
    return ratio(percentile(seconds, 0.5), base)


if __name__ == "__main__":
    main()
