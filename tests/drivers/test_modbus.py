"""The contract of test_contract.py in the terms of Modbus, and what is particular, at a simulated module.

A write that no test asked for fails it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.drivers.modbus import Config, Driver, proofs_of
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unreachable
from bridge.model import Capability, Delivery, DeliveryState, Finding, Operation, Receipt, Targets
from bridge.simulator.modbus_module import Access, FakeModule, Fault
from tests.drivers.case import HastyClock, delivery
from tests.waiting import until

OUTPUTS: dict[str, dict[str, Any]] = {
    "east-beacon": {"coil": 16},
    "mast-horn": {"coil": 3, "write_code": 15, "unit": 7},
    "gate-lamp": {"coil": 4, "invert": True},
    "mute-lamp": {"coil": 5, "read_code": 0},
    "aux-lamp": {"coil": 6, "read_code": 2, "read_back": 6, "read_invert": False},
}
ON, OFF = Operation.BEACON_ON, Operation.BEACON_OFF
EAST_ON, EAST_OFF = Access(5, 16, (True,)), Access(5, 16, (False,))
READ_EAST = Access(1, 16)
REFUSED_FOR_GOOD = [1, 2, 3, 7, 8, 99]
REFUSED_FOR_NOW = [4, 5, 6, 10, 11]


@dataclass(slots=True)
class Site:
    driver: Driver
    module: FakeModule
    clock: HastyClock
    may: set[Access] = field(default_factory=lambda: {EAST_ON, EAST_OFF})
    """Writes that a test expects."""

    def order(self, operation: Operation = ON, target: str = "east-beacon", **changes: Any) -> Delivery:
        return replace(delivery(self.clock, operation, target), **changes)

    async def do(self, operation: Operation = ON, target: str = "east-beacon", **changes: Any) -> Receipt:
        return await self.driver.perform(self.order(operation, target, **changes))

    async def attempt(self, operation: Operation = ON, **changes: Any) -> Receipt | DeliveryError:
        """Perform, and return the error instead of raising it. Anything else that escapes fails the test."""
        try:
            return await self.do(operation, **changes)
        except DeliveryError as error:
            return error


MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make(hasty: HastyClock) -> AsyncIterator[MakeSite]:
    sites: list[Site] = []

    async def made(module: FakeModule | None = None, **settings: Any) -> Site:
        module = module or FakeModule(units=(1, 7))
        await module.start()
        given = {"host": "127.0.0.1", "port": module.port, "outputs": OUTPUTS, **settings}
        driver = Driver("io", Config.model_validate(given), targets=Targets(), clock=hasty)
        sites.append(Site(driver, module, hasty))
        return sites[-1]

    yield made
    for site in sites:
        await site.driver.close()
        await site.module.stop()
        assert set(site.module.writes) <= site.may


@pytest.fixture
async def site(make: MakeSite) -> Site:
    return await make()


@pytest.fixture
async def hurried(make: MakeSite) -> Site:
    """The same, for tests that wait for an answer that never comes."""
    return await make(timeout=0.5)


# --- switching, and the proof -----------------------------------------------------------------------------


async def test_on_and_off_are_written_once_and_read_back(site: Site) -> None:
    assert await site.do(ON) == Receipt(
        outcome=DeliveryState.VERIFIED, proof="east-beacon was read back as on"
    )
    assert site.module.lit == {(1, 16)}
    assert (await site.do(OFF)).proof == "east-beacon was read back as off"
    assert site.module.lit == set()
    assert site.module.seen == [EAST_ON, READ_EAST, EAST_OFF, READ_EAST]
    assert site.module.connections == 1


@pytest.mark.parametrize(
    ("target", "writes", "read", "lit"),
    [
        ("mast-horn", Access(15, 3, (True,), unit=7), [Access(1, 3, unit=7)], {(7, 3)}),
        ("gate-lamp", Access(5, 4, (False,)), [Access(1, 4)], set()),
        ("mute-lamp", Access(5, 5, (True,)), [], {(1, 5)}),
        ("aux-lamp", Access(5, 6, (True,)), [Access(2, 6)], {(1, 6)}),
    ],
)
async def test_each_output_has_its_own_ways(
    site: Site, target: str, writes: Access, read: list[Access], lit: set[tuple[int, int]]
) -> None:
    site.may = {writes}
    receipt = await site.do(ON, target)
    assert receipt.outcome is (DeliveryState.VERIFIED if read else DeliveryState.ACCEPTED)
    assert site.module.seen == [writes, *read]
    assert site.module.lit == lit


async def test_an_inverted_output_goes_off_by_a_coil_that_is_set(site: Site) -> None:
    site.may = {Access(5, 4, (True,))}
    assert (await site.do(OFF, "gate-lamp")).proof == "gate-lamp was read back as off"
    assert site.module.lit == {(1, 4)}


async def test_an_auxiliary_contact_of_the_other_polarity(make: MakeSite) -> None:
    """The relay drops to light the lamp, and its contact closes then."""
    lamp = {"coil": 8, "invert": True, "read_code": 2, "read_invert": True}
    site = await make(outputs={"lamp": lamp, "contrary": {**lamp, "coil": 9, "read_invert": False}}, settle=0)
    site.may = {Access(5, 8, (False,)), Access(5, 9, (False,))}
    assert (await site.do(ON, "lamp")).outcome is DeliveryState.VERIFIED
    with pytest.raises(Retryable, match="contrary is still off"):
        await site.do(ON, "contrary")


async def test_outputs_that_are_read_elsewhere(make: MakeSite) -> None:
    """A WAGO 750 coupler shows its outputs 0x0200 above, and something else at their own address."""
    outputs = {"right": {"coil": 16, "read_back": 0x210}, "wrong": {"coil": 17}}
    site = await make(FakeModule(mirror=0x200), outputs=outputs)
    site.may = {EAST_ON, Access(5, 17, (True,))}
    assert (await site.do(ON, "right")).outcome is DeliveryState.VERIFIED
    with pytest.raises(Retryable, match="wrong is still off"):
        await site.do(ON, "wrong")


async def test_a_plc_that_needs_a_cycle(make: MakeSite) -> None:
    site = await make(FakeModule(lag=3))
    assert (await site.do(ON)).outcome is DeliveryState.VERIFIED
    assert site.module.seen == [EAST_ON, *[READ_EAST] * 4]


async def test_a_module_that_says_yes_and_does_nothing_is_found_out(site: Site) -> None:
    site.module.fault = Fault.LIE
    began = site.clock.monotonic()
    result = await site.attempt()
    assert isinstance(result, Retryable)
    assert not isinstance(result, Unreachable)
    assert str(result) == "io: coil 16 of unit 1 was written, but east-beacon is still off"
    assert 0.5 <= site.clock.monotonic() - began < 0.6
    assert site.module.writes == [EAST_ON]


# --- down, hung, refusing, back again ---------------------------------------------------------------------


async def test_down_and_back_again(site: Site) -> None:
    await site.module.stop()
    assert isinstance(await site.attempt(), Unreachable)
    await site.module.start()
    assert isinstance(await site.attempt(), Receipt)
    assert site.module.writes == [EAST_ON]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.RESET, Fault.TRUNCATED, Fault.NONSENSE, Fault.OTHER])
async def test_no_answer_to_what_was_done_is_uncertain(hurried: Site, fault: Fault) -> None:
    hurried.module.fault = fault
    hurried.module.only = frozenset({5})
    assert isinstance(await hurried.attempt(), Uncertain)
    assert hurried.module.lit == {(1, 16)}
    assert hurried.module.writes == [EAST_ON]


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.RESET, Fault.TRUNCATED, Fault.NONSENSE])
async def test_written_and_then_silent_is_uncertain(hurried: Site, fault: Fault) -> None:
    hurried.module.fault = fault
    hurried.module.only = frozenset({1})
    result = await hurried.attempt()
    assert isinstance(result, Uncertain)
    assert "coil 16 of unit 1 was written" in str(result)


@pytest.mark.parametrize("fault", [Fault.OTHER, Fault.EMPTY])
async def test_an_answer_that_says_nothing_proves_nothing(site: Site, fault: Fault) -> None:
    site.module.fault = fault
    site.module.only = frozenset({1})
    assert isinstance(await site.attempt(), Retryable)


async def test_hung(hurried: Site) -> None:
    """It takes the request and does nothing: nobody can know that."""
    hurried.module.fault = Fault.FROZEN
    assert isinstance(await hurried.attempt(), Uncertain)
    hurried.module.fault = None
    assert (await hurried.do(doubtful=True, attempts=2)).outcome is DeliveryState.VERIFIED
    assert hurried.module.writes == [EAST_ON, EAST_ON]


async def test_an_answer_to_something_else_is_not_taken(hurried: Site) -> None:
    hurried.module.fault = Fault.STALE
    assert isinstance(await hurried.attempt(), Uncertain)
    hurried.module.fault = None
    assert (await hurried.do()).outcome is DeliveryState.VERIFIED
    assert hurried.module.connections == 2


async def test_a_unit_that_is_not_there_stays_silent(make: MakeSite) -> None:
    site = await make(FakeModule(units=(1,)), timeout=0.5)
    site.may = {Access(15, 3, (True,), unit=7)}
    with pytest.raises(Uncertain, match=r"write coils from 3 of unit 7: no answer within 0\.5 s"):
        await site.do(ON, "mast-horn")


@pytest.mark.parametrize("exception", REFUSED_FOR_GOOD)
async def test_refused_for_good(site: Site, exception: int) -> None:
    site.module.fault = Fault.REFUSE
    site.module.exception = exception
    with pytest.raises(Permanent, match=rf"write coil 16 of unit 1: refused: .*\(exception {exception}\)"):
        await site.do()
    assert site.module.seen == [EAST_ON]


@pytest.mark.parametrize("exception", REFUSED_FOR_NOW)
async def test_refused_for_now(site: Site, exception: int) -> None:
    """The module answers: its other outputs are not to wait for this one."""
    site.module.fault = Fault.REFUSE
    site.module.exception = exception
    result = await site.attempt()
    assert isinstance(result, Retryable)
    assert not isinstance(result, Unreachable)
    site.module.fault = None
    assert (await site.do()).outcome is DeliveryState.VERIFIED
    assert site.module.connections == 1


async def test_an_address_that_the_module_does_not_have(make: MakeSite) -> None:
    site = await make(outputs={"far": {"coil": 5000}})
    site.may = {Access(5, 5000, (True,))}
    with pytest.raises(Permanent, match=r"it has no such address \(exception 2\)"):
        await site.do(ON, "far")


async def test_an_output_that_may_not_be_read_is_accepted(make: MakeSite) -> None:
    """It was switched: to call that a failure would leave a person with the wrong picture."""
    site = await make(outputs={"lamp": {"coil": 16, "read_back": 5000}})
    receipt = await site.do(ON, "lamp")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "it cannot be read back" in receipt.proof
    [finding] = await site.driver.check()
    assert finding.level == "error"


# --- the connection ---------------------------------------------------------------------------------------


async def test_a_connection_that_the_module_ended_is_made_again(site: Site) -> None:
    await site.do(ON)
    site.module.hang_up()
    await asyncio.sleep(0)
    assert (await site.do(OFF)).outcome is DeliveryState.VERIFIED
    assert site.module.connections == 2
    assert site.module.writes == [EAST_ON, EAST_OFF]


async def test_a_used_connection_that_ends_under_a_request_is_tried_once_more(site: Site) -> None:
    """As after a restart of the module: the first bytes are what ends the old connection."""
    await site.do(ON)
    site.module.fault = Fault.RESET
    site.module.only = frozenset({5})
    assert isinstance(await site.attempt(OFF), Uncertain)
    assert site.module.writes == [EAST_ON, EAST_OFF, EAST_OFF]
    assert site.module.connections == 2


async def test_what_left_on_a_connection_that_ended_stays_uncertain(site: Site) -> None:
    """The module does it and is gone: that it cannot be reached again does not undo it."""
    await site.do(ON)

    async def die() -> None:
        await until(lambda: EAST_OFF in site.module.seen)
        await site.module.stop()

    site.module.fault = Fault.SILENT
    dying = asyncio.create_task(die())
    result = await site.attempt(OFF)
    await dying
    assert isinstance(result, Uncertain)
    assert "no connection" in str(result)


async def test_many_at_once_go_one_after_the_other_on_one_connection(site: Site) -> None:
    site.may = {EAST_ON, Access(15, 3, (True,), unit=7), Access(5, 4, (False,))}
    targets = ("east-beacon", "mast-horn", "gate-lamp")
    checking = asyncio.create_task(site.driver.check())
    receipts = await asyncio.gather(*(site.do(ON, target) for target in targets))
    await checking
    assert all(receipt.outcome is DeliveryState.VERIFIED for receipt in receipts)
    assert site.module.connections == 1


async def test_no_time_left(site: Site) -> None:
    assert isinstance(await site.attempt(deadline=site.clock.now() - 1), Retryable)
    assert site.module.seen == []
    assert site.module.connections == 0


async def test_the_deadline_is_kept(site: Site) -> None:
    site.module.fault = Fault.FROZEN
    with pytest.raises(Uncertain, match=r"no answer within 0\.2 s"):
        await site.do(deadline=site.clock.now() + 0.2)


async def test_cancelled(site: Site) -> None:
    site.module.fault = Fault.FROZEN
    task = asyncio.create_task(site.do())
    await until(lambda: EAST_ON in site.module.seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    site.module.fault = None
    assert (await site.do()).outcome is DeliveryState.VERIFIED


async def test_close_ends_everything(site: Site) -> None:
    site.module.fault = Fault.FROZEN
    task = asyncio.create_task(site.attempt())
    await until(lambda: EAST_ON in site.module.seen)
    await site.driver.close()
    assert isinstance(await task, Uncertain)
    assert isinstance(await site.attempt(), Retryable)
    assert site.module.writes == [EAST_ON]


# --- a beacon that must stay on ---------------------------------------------------------------------------


async def test_a_reboot_drops_the_lamp_and_is_noticed(site: Site) -> None:
    await site.do(ON)
    assert await site.driver.still_held(ON, "east-beacon") is True
    await site.module.reboot()
    assert await site.driver.still_held(ON, "east-beacon") is False
    assert (await site.do(ON)).outcome is DeliveryState.VERIFIED
    assert await site.driver.still_held(ON, "east-beacon") is True


async def test_still_held_never_raises_and_never_writes(site: Site) -> None:
    for operation in Operation:
        for target in (*OUTPUTS, "nothing-here"):
            assert await site.driver.still_held(operation, target) in (True, False, None)
    assert await site.driver.still_held(ON, "mute-lamp") is None
    assert await site.driver.still_held(OFF, "east-beacon") is None
    assert await site.driver.still_held(ON, "gate-lamp") is True  # its coil is 0, and it is inverted
    await site.module.stop()
    assert await site.driver.still_held(ON, "east-beacon") is None
    assert site.module.writes == []


async def test_a_lamp_that_could_not_be_lit_is_not_told_as_off(site: Site) -> None:
    """It would be written again every few seconds, and refused each time."""
    site.module.fault = Fault.REFUSE
    site.module.exception = 2
    site.module.only = frozenset({5})
    assert isinstance(await site.attempt(), Permanent)
    assert await site.driver.still_held(ON, "east-beacon") is None
    site.module.fault = None
    await site.do()
    site.module.lit.clear()
    assert await site.driver.still_held(ON, "east-beacon") is False


async def test_after_a_crash_it_is_simply_written_again(site: Site) -> None:
    await site.do(ON)
    assert (await site.do(ON, doubtful=True, attempts=2)).outcome is DeliveryState.VERIFIED
    assert site.module.writes == [EAST_ON, EAST_ON]


# --- what it can, and check -------------------------------------------------------------------------------


async def test_what_it_can_do(site: Site) -> None:
    table = site.driver.capabilities
    assert set(table) == set(Operation)
    assert {operation for operation, how in table.items() if how is Capability.REPEATABLE} == {ON, OFF}
    for operation, capability in table.items():
        if capability is Capability.IMPOSSIBLE:
            assert isinstance(await site.attempt(operation), Permanent)
    with pytest.raises(Permanent, match="no output 'west'; there is east-beacon, mast-horn"):
        await site.do(ON, "west")
    assert site.module.seen == []


async def test_check_reads_every_output_and_switches_none(site: Site) -> None:
    site.module.lit = {(1, 16)}
    assert await site.driver.check() == [
        Finding(level="ok", subject="io", text="output east-beacon is on"),
        Finding(level="ok", subject="io", text="output mast-horn is off"),
        Finding(level="ok", subject="io", text="output gate-lamp is on"),
        Finding(
            level="warning",
            subject="io",
            text="output mute-lamp is not read back (read_code: 0): that it switches is never verified",
        ),
        Finding(level="ok", subject="io", text="output aux-lamp is off"),
    ]
    assert site.module.writes == []


async def test_check_when_down(site: Site) -> None:
    await site.module.stop()
    found = await site.driver.check()
    assert [finding.level for finding in found] == ["error", "error"]  # once for each unit
    assert all("no connection" in finding.text for finding in found)


@pytest.mark.parametrize("fault", list(Fault))
async def test_check_always_answers(make: MakeSite, fault: Fault) -> None:
    site = await make(outputs={name: OUTPUTS[name] for name in ("east-beacon", "mute-lamp")}, timeout=0.5)
    site.module.fault = fault
    levels = {finding.level for finding in await site.driver.check()}
    assert levels == ({"ok", "warning"} if fault is Fault.LIE else levels - {"ok"})
    assert site.module.writes == []


async def test_a_lamp_that_cannot_be_asked_still_proves_the_module(make: MakeSite) -> None:
    site = await make(outputs={"mute-lamp": OUTPUTS["mute-lamp"]})
    site.module.fault = Fault.REFUSE
    assert [finding.level for finding in await site.driver.check()] == ["warning"]
    await site.module.stop()
    assert [finding.level for finding in await site.driver.check()] == ["error"]


async def test_only_its_own_words_reach_the_log(hurried: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    hurried.module.fault = Fault.SILENT
    await hurried.attempt()
    await hurried.module.stop()
    await hurried.attempt()
    assert not [record for record in caplog.records if record.name.startswith("pymodbus")]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({}, "at least 1"),
        ({"a": {"coil": 70000}}, "less than or equal to 65535"),
        ({"a": {"coil": 1, "unit": 256}}, "less than or equal to 255"),
        ({"a": {"coil": 1, "write_code": 6}}, "5 or 15"),
        ({"a": {"coil": 1, "read_code": 3}}, "0, 1 or 2"),
        ({"a b": {"coil": 1}}, "should match pattern"),
        ({"a": {"coil": 1}, "b": {"coil": 1}}, "coil 1 of unit 1 twice: as `a` and as `b`"),
    ],
)
def test_settings_that_cannot_be_meant(outputs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate({"host": "io.plant.example", "outputs": outputs})


def test_one_coil_number_in_two_units_is_two_coils() -> None:
    outputs = {"a": {"coil": 1}, "b": {"coil": 1, "unit": 2}}
    assert len(Config.model_validate({"host": "h", "outputs": outputs}).outputs) == 2


def test_proofs_are_promised_only_where_every_output_can_be_asked() -> None:
    can = Config.model_validate({"host": "h", "outputs": {"a": OUTPUTS["east-beacon"]}})
    cannot = Config.model_validate({"host": "h", "outputs": OUTPUTS})
    assert set(proofs_of(can)) == {ON, OFF}
    assert proofs_of(cannot) == {}
