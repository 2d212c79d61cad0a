"""A word about an earlier press leaves the next call alone; what rings although somebody has it rings.

By the real driver on Asterisk 22 and 16.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from bridge.drivers.dispatch import Driver
from bridge.protocols.ami import Message
from tests.pack.deliveries import dispatch_driver, notification
from tests.pack.lab import PackLab
from tests.parts.sip import Phone, Phones, Sipp, answers, calls, refuses
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp")

PRESSES: Final = answers(after=0.1, presses=[(0.4, "1")])
PATIENT: Final = {"SOS_GAP_1": "600", "SOS_HEARTBEAT_STALE": "600", "SOS_REDIAL_WAIT": "600"}
TOLD: Final = "the PBX knows that somebody has it"
LATE: Final = "nothing was changed: the phone has called again since"
RINGS: Final = "the PBX rings dispatch, tier 1"
ANNA: Final = {"acknowledged_by": "anna", "closed_by": "anna"}


@pytest.fixture
def lab(lab_both: PackLab) -> Iterator[PackLab]:
    """Nobody's turn comes by the clock: dispatch is rung because the bridge asks for it, and else not."""
    usual = {name: _global(lab_both, name) for name in PATIENT}
    for name, value in PATIENT.items():
        lab_both.set_global(name, value)
    yield lab_both
    for name, value in usual.items():
        lab_both.set_global(name, value)


@pytest.fixture
async def driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab, monkeypatch)
    yield made
    await made.close()


@pytest.mark.parametrize("step", ["acknowledged/1", "cleared/1"])
async def test_a_word_about_the_call_before_leaves_the_next_to_dispatch(
    lab: PackLab, phones: Phones, driver: Driver, step: str
) -> None:
    """Without a heartbeat dispatch rings at once, while the phone calls and after it hung up."""
    crew = lab.crew(phones, {})
    first, second = (await _ring(lab, phones))[1], (await _ring(lab, phones))[1]
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
    assert await _proof(driver, step, call_key=first, **ANNA) == LATE
    assert not _global(lab, "SOS_TAKEN_P-1001").startswith(second)
    await _hang_up(lab, second)
    await until(lambda: _global(lab, "SOS_RUN_P-1001") == f"{second}/hunting")
    assert await _proof(driver, step, call_key=first, **ANNA) == LATE
    assert _global(lab, "SOS_TAKEN_P-1001") == ""
    assert await _proof(driver, step, call_key=second, **ANNA) == TOLD
    assert _global(lab, "SOS_TAKEN_P-1001") == f"{second}/person/anna"
    assert lab.complaints() == []


@pytest.mark.parametrize("consoles", ["Local/*9000@sos-console/n", ""], ids=["a console", "no console"])
async def test_a_second_alert_rings_beside_a_click_and_its_1_reaches_the_caller(
    lab: PackLab, phones: Phones, driver: Driver, consoles: str
) -> None:
    usual = {name: _global(lab, name) for name in ("SOS_CONSOLES", "SOS_TIER_1")}
    lab.set_global("SOS_CONSOLES", consoles)
    try:
        crew = lab.crew(phones, {"2002": PRESSES})
        incident = str(uuid.uuid4())
        lab.beat()
        lab.set_global("SOS_TIER_1", "Local/*2003@sos-leg/n")  # without a console at once
        caller, uid = await _ring(lab, phones)
        assert await _proof(driver, "acknowledged/1", incident=incident, **ANNA) == TOLD
        assert await _proof(driver, "no_picture/1", incident=incident) == "nobody is rung: anna has it"
        assert not crew["2001"].received("INVITE")
        assert await _proof(driver, "unresolved/0a1b2c3d", incident=incident) == RINGS
        await _wait(lab, "SOSAck", SosUid=uid, SosIncident=incident, Dispatcher="2002")
        await until(lambda: _together(lab, "1001", "Local/*P-1001@sos-notify"))
        await _hang_up(lab, uid)
        await _wait(lab, "SOSDone", SosUid=uid, Has="dispatcher", By="2002")
        await asyncio.to_thread(lab.wait_no_channels)
        assert not lab.reports("SOSTier", Kind="hunt")
        assert not lab.reports("SOSNotTaken")
        assert caller.received("200")
        assert lab.complaints() == []
    finally:
        for name, value in usual.items():
            lab.set_global(name, value)


async def test_a_second_alert_that_nobody_takes_leaves_the_call_to_who_clicked(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    lab.crew(phones, {"2001": refuses(), "2002": refuses()})
    lab.beat()
    _, uid = await _ring(lab, phones)
    await _proof(driver, "acknowledged/1", **ANNA)
    assert await _proof(driver, "unresolved/0a1b2c3d") == RINGS
    await _wait(lab, "SOSNotTaken", SosUid=uid)
    await _hang_up(lab, uid)
    await _wait(lab, "SOSDone", SosUid=uid, Has="person", By="anna")


@pytest.mark.parametrize(
    ("step", "rings"), [("no_picture/1", False), ("no_picture/2", False), ("pressed_again/10", True)]
)
async def test_a_click_is_for_its_press_and_those_before(
    lab: PackLab, phones: Phones, driver: Driver, step: str, rings: bool
) -> None:
    """A button was pressed while the caller waits for who clicked; a click at that press counts for it."""
    crew = lab.crew(phones, {})
    incident = str(uuid.uuid4())
    lab.beat()
    await _ring(lab, phones)
    await _proof(driver, "acknowledged/2", incident=incident, **ANNA)
    proof = await _proof(driver, step, incident=incident)
    if not rings:
        assert proof == "nobody is rung: anna has it"
        assert not crew["2001"].received("INVITE")
        return
    assert proof == RINGS
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
    await _proof(driver, "acknowledged/10", incident=incident, **ANNA)
    assert await _proof(driver, step, incident=incident) == "nobody is rung: anna has it"
    assert lab.complaints() == []


async def test_a_notification_during_a_hunt_does_not_end_it(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    lab.set_global("SOS_REDIAL_WAIT", "0.2")
    lab.crew(phones, {"2003": refuses()})
    lab.beat()
    _, uid = await _ring(lab, phones)
    await _hang_up(lab, uid)
    await _wait(lab, "SOSTier", Kind="hunt", Dispatcher="2001", Loop="1")
    await _proof(driver, "escalate_2/1")
    await _wait(lab, "SOSNotTaken", Tier="2")
    assert _global(lab, "SOS_RUN_P-1001") == f"{uid}/hunting"
    await _wait(lab, "SOSTier", Kind="hunt", Dispatcher="2001", Loop="2")


async def test_a_notification_whose_people_are_rung_by_another_has_nothing_to_tell(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    lab.crew(phones, {"2003": refuses()})
    first = notification(phone="P-1003")
    await driver.perform(first)
    await _wait(lab, "SOSTier", Dispatcher="2001", Loop="1")
    await _wait(lab, "SOSTier", Dispatcher="2002", Loop="1")
    again = notification("escalate_1/1", phone="P-1003", incident=first.incident)
    await driver.perform(again)
    await until(lambda: not _channels(lab, again.id))
    assert not lab.reports("SOSNotTaken")
    await _wait(lab, "SOSNotTaken", Delivery=first.id)
    assert len(lab.reports("SOSNotTaken")) == 1


async def test_whose_console_rings_is_notified_when_that_pauses(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    """A console that refuses at once is free for the notification; its dispatcher is the same telephone."""
    usual = {name: _global(lab, name) for name in ("SOS_CONSOLES", "SOS_CONSOLE_2001")}
    lab.set_global("SOS_CONSOLES", "Local/*2001@sos-console/n")
    lab.set_global("SOS_CONSOLE_2001", "PJSIP/2001")
    try:
        crew = lab.crew(phones, {})
        lab.beat()
        await _ring(lab, phones)
        await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
        delivery = notification()
        await driver.perform(delivery)
        await _wait(lab, "SOSTier", Dispatcher="2002", Loop="1")
        lab.as_administrator("Hangup", ("Channel", "/^PJSIP/2001-.*$/"))
        await _wait(lab, "SOSTier", Dispatcher="2001", Loop="1", Delivery=delivery.id)
        assert lab.complaints() == []
    finally:
        for name, value in usual.items():
            lab.set_global(name, value)


def _global(lab: PackLab, name: str) -> str:
    return lab.as_administrator("Getvar", ("Variable", name)).get("Value")


async def _ring(lab: PackLab, phones: Phones) -> tuple[Sipp, str]:
    """The phone calls; return it, and the call's SosUid."""
    known = {message.get("SosUid") for message in lab.reports("SOSCall")}
    caller = phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    await until(lambda: {message.get("SosUid") for message in lab.reports("SOSCall")} - known)
    [uid] = {message.get("SosUid") for message in lab.reports("SOSCall")} - known
    return caller, uid


async def _hang_up(lab: PackLab, uid: str) -> None:
    """End the phone's call, whichever of its calls that is."""
    row = next(row for row in lab.pbx.channels() if row[-1] == uid)
    lab.as_administrator("Hangup", ("Channel", row[0]))


def _channels(lab: PackLab, uid: str) -> list[list[str]]:
    return [row for row in lab.pbx.channels() if any(uid in field for field in row)]


async def _proof(driver: Driver, step: str, *, incident: str = "", **params: str) -> str:
    more = {"incident": incident} if incident else {}
    return (await driver.perform(notification(step, params=params, **more))).proof


def _together(lab: PackLab, *channels: str) -> bool:
    """Whether these entered one bridge."""
    entered: dict[str, set[str]] = {}
    for message in lab.events.all(lambda m: m.event == "BridgeEnter"):
        entered.setdefault(message.get("BridgeUniqueid"), set()).add(message.get("Channel"))
    return any(
        all(any(wanted in name for name in names) for wanted in channels) for names in entered.values()
    )


async def _wait(lab: PackLab, name: str, **fields: str) -> Message:
    return await asyncio.to_thread(lambda: lab.wait(name, **fields))
