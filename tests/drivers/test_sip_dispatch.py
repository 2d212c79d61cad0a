"""What the bridge's own exchange is asked for, and what of its answer becomes a receipt.

The suite of test_contract.py is about drivers that speak HTTP; here is what of it means something without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.b2bua.effects import Outcome, Report
from bridge.b2bua.inputs import Cleared, Command, Notify, Recall, Taken
from bridge.drivers.sip_dispatch import Config, Driver
from bridge.errors import Permanent, Retryable, Unreachable
from bridge.model import Capability, Delivery, DeliveryState, Operation, Targets, TriggerStatus
from tests.drivers.case import INCIDENT, delivery
from tests.fake_clock import FakeClock


class FakeExchange:
    """Answers every command alike; keeps what was asked for."""

    def __init__(self, outcome: Outcome = Outcome.RINGS, error: Exception | None = None) -> None:
        self.asked: list[Command] = []
        self._outcome = outcome
        self._error = error

    @property
    def status(self) -> TriggerStatus:
        return TriggerStatus(up=self._error is None, since=0.0, text="no media")

    async def command(self, what: Notify | Recall | Taken) -> Report:
        if self._error is not None:
            raise self._error
        self.asked.append(what)
        return Report(what.delivery, self._outcome, "tier 1")


def driver(clock: FakeClock, exchange: FakeExchange | None) -> Driver:
    return Driver("dispatch", Config(), targets=Targets(), clock=clock, exchange=exchange)


def wanted(clock: FakeClock, step: str = "no_picture/1", **params: str) -> Delivery:
    return replace(delivery(clock, Operation.NOTIFY, "shift", **params), step=step)


ABOUT: Mapping[str, Any] = {
    "delivery": "0d2e6a9c-aaaa-5bbb-8ccc-dddddddddddd",
    "incident": INCIDENT,
    "phone": "EAST-03",
    "number": "4103",
}


@pytest.mark.parametrize(
    ("step", "params", "command"),
    [
        (
            "no_picture/1",
            {"picture": "not confirmed"},
            Notify(**ABOUT, mark=f"{INCIDENT}.1", picture="unconfirmed", group="shift"),
        ),
        (
            "missed/1",
            {"missed": "21:08"},
            Notify(**ABOUT, mark=f"{INCIDENT}.1", group="shift", missed="21:08"),
        ),
        (
            "no_picture/2",
            {"picture": "none"},
            Notify(**ABOUT, mark=f"{INCIDENT}.2", picture="none", group="shift"),
        ),
        ("escalate_2/1", {}, Notify(**ABOUT, mark=f"{INCIDENT}.1", group="shift", tier=2)),
        ("unresolved/3", {}, Notify(**ABOUT, mark=ABOUT["delivery"], group="shift", alert=True)),
        (
            "more_wanted/1-3",
            {"ring_tier": "3", "acknowledgers": "lead\nA. Weber"},
            Notify(
                **{**ABOUT, "mark": f"{INCIDENT}.1", "group": "shift"},
                tier=3,
                more=True,
                done=("lead", "A. Weber"),
            ),
        ),
        (
            "acknowledged/1",
            {"acknowledged_by": "Ann", "more": "yes", "call_key": "a1;b2"},
            Taken(**ABOUT, mark=f"{INCIDENT}.1", by="Ann", more=True, call="a1;b2"),
        ),
        ("acknowledged/1-2", {"acknowledged_by": "Ann"}, Taken(**ABOUT, mark=f"{INCIDENT}.1", by="Ann")),
        ("unanswered/1", {"exercise": "yes"}, Recall(**ABOUT, mark=f"{INCIDENT}.1", exercise=True)),
        ("acknowledged/1", {"acknowledged_by": "Ann"}, Taken(**ABOUT, mark=f"{INCIDENT}.1", by="Ann")),
        (
            "cleared/1",
            {"acknowledged_by": "Ann", "closed_by": "Bob", "call_key": "a1;b2"},
            Cleared(**ABOUT, mark=f"{INCIDENT}.1", by="Bob", call="a1;b2"),
        ),
    ],
)
async def test_each_step_asks_for_its_own(
    clock: FakeClock, step: str, params: dict[str, str], command: Command
) -> None:
    exchange = FakeExchange()
    await driver(clock, exchange).perform(wanted(clock, step, **params))
    assert exchange.asked == [command]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.RINGS, DeliveryState.ACCEPTED),  # whether a telephone is there shows only now
        (Outcome.TOLD, DeliveryState.VERIFIED),
        (Outcome.KNOWN, DeliveryState.VERIFIED),
    ],
)
async def test_what_the_exchange_knows_is_verified_and_a_beginning_is_not(
    clock: FakeClock, outcome: Outcome, state: DeliveryState
) -> None:
    receipt = await driver(clock, FakeExchange(outcome)).perform(wanted(clock))
    assert receipt.outcome is state
    assert receipt.proof.endswith("tier 1")


async def test_what_is_impossible_is_not_tried_again(clock: FakeClock) -> None:
    with pytest.raises(Permanent, match="tier 1"):
        await driver(clock, FakeExchange(Outcome.IMPOSSIBLE)).perform(wanted(clock))


async def test_without_a_running_exchange_nothing_is_claimed(clock: FakeClock) -> None:
    for exchange in (None, FakeExchange(error=Unreachable("sip/own: the exchange does not run"))):
        with pytest.raises(Unreachable):
            await driver(clock, exchange).perform(wanted(clock))
    with pytest.raises(Retryable):
        await driver(clock, FakeExchange(error=Retryable("silent"))).perform(wanted(clock))


async def test_it_can_do_nothing_else(clock: FakeClock) -> None:
    exchange = FakeExchange()
    made = driver(clock, exchange)
    assert set(made.capabilities) == set(Operation)
    for operation, capability in made.capabilities.items():
        if capability is Capability.IMPOSSIBLE:
            with pytest.raises(Permanent):
                await made.perform(replace(wanted(clock), operation=operation))
    assert exchange.asked == []
    assert await made.still_held(Operation.NOTIFY, "shift") is None
    await made.close()


async def test_check_says_how_the_exchange_is(clock: FakeClock) -> None:
    levels = []
    for exchange in (None, FakeExchange(), FakeExchange(error=Unreachable("gone"))):
        [finding] = await driver(clock, exchange).check()
        levels.append(finding.level)
    assert levels == ["ok", "ok", "error"]
