"""An SOS that is over, told by the dialplan: once, as what it is, and nobody is connected for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.drivers.dispatch import Driver
from bridge.model import Delivery, DeliveryState
from tests.pack.deliveries import dispatch_driver, notification
from tests.pack.lab import TONES, PackLab, until_rung
from tests.parts.sip import Phone, Phones, answers, calls, refuses
from tests.parts.sound import strength
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp")

PRESSES = answers(after=0.1, presses=[(0.4, "1")])
LISTENS = answers(after=0.1)


@pytest.fixture
async def driver_both(lab_both: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab_both, monkeypatch)
    yield made
    await made.close()


@pytest.fixture
async def driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab, monkeypatch)
    yield made
    await made.close()


def missed(phone: str = "P-1001") -> Delivery:
    return notification("missed/1", phone=phone, params={"missed": "21:08", "picture": ""})


async def test_a_1_marks_it_heard_and_connects_nobody(
    lab_both: PackLab, phones: Phones, driver_both: Driver
) -> None:
    """Beside a living call of the same phone, which goes on being rung for."""
    lab = lab_both
    crew = lab.crew(phones, {"2001": PRESSES})
    lab.beat()
    caller = phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    uid = (await asyncio.to_thread(lab.wait, "SOSCall", Phone="1001")).get("SosUid")
    await asyncio.to_thread(crew["9000"].wait_received, "INVITE")
    delivery = missed()
    receipt = await driver_both.perform(delivery)
    assert (receipt.outcome, receipt.proof) == (DeliveryState.VERIFIED, "the PBX rings dispatch, tier 1")
    fields = {"SosUid": delivery.incident, "SosIncident": delivery.incident, "Dispatcher": "2001"}
    await asyncio.to_thread(lambda: lab.wait("SOSAck", **fields))
    await asyncio.to_thread(crew["2001"].wait_received, "BYE")
    assert not caller.received("200"), "who waits for help is not picked up by it"
    assert lab.reports("SOSDone", SosUid=uid) == []
    assert lab.reports("SOSNotHeard") == []
    assert lab.complaints() == []


async def test_heard_once_it_is_over_for_all(lab: PackLab, phones: Phones, driver: Driver) -> None:
    """Who has heard it to the end is let go, the others of the tier need not answer any more."""
    crew = lab.crew(phones, {"2001": LISTENS})
    called = phones.answer(answers(), lab.port("1001"))
    await driver.perform(missed())
    await asyncio.to_thread(crew["2001"].wait_received, "BYE")
    await asyncio.to_thread(crew["2002"].wait_received, "CANCEL")
    await asyncio.to_thread(lab.wait_no_channels)
    for name in ("SOSAck", "SOSNoAck", "SOSNotHeard", "SOSNotTaken", "SOSUnanswered"):
        assert lab.reports(name) == [], name
    assert called.received("INVITE") == [], "nobody is called back"
    assert lab.complaints() == []


async def test_an_sos_of_now_goes_before_all_that_are_over(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {"2001": LISTENS, "2002": refuses()})
    over = [missed(f"P-{number}") for number in ("1001", "1002", "1003")]
    for delivery in over:
        await driver.perform(delivery)
    await asyncio.to_thread(crew["2001"].wait_received, "ACK")
    now = notification(phone="P-1004")
    await driver.perform(now)
    await asyncio.to_thread(lab.wait, "SOSNoAck", SosIncident=now.incident)
    rung = [(report.get("SosIncident"), report.get("Dispatcher")) for report in lab.reports("SOSTier")]
    since = rung[rung.index((now.incident, "")) :]
    before = [who for who in since[: since.index((now.incident, "2001"))] if who[1] == "2001"]
    assert len(before) <= 1, "at most the one that had just begun comes before it"
    await until(lambda: len(lab.reports("SOSLegAnswered", Dispatcher="2001")) == 1 + len(over))
    await asyncio.to_thread(lab.wait_no_channels)
    assert lab.complaints() == []


async def test_nobody_picks_up(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, {})
    delivery = missed()
    await driver.perform(delivery)
    await asyncio.to_thread(lab.wait, "SOSNotHeard", SosIncident=delivery.incident)
    await asyncio.to_thread(lab.wait_no_channels)
    await until_rung(crew, d2001=1, d2002=1, d2003=0)


@pytest.mark.real("baresip")
async def test_what_is_said_is_no_alarm(lab: PackLab, phones: Phones, driver: Driver) -> None:
    with lab.listening() as ear:
        await driver.perform(missed())
        await asyncio.to_thread(ear.wait_event, "CALL_CLOSED")
        heard = ear.heard()
        for said in ("missed", "press-heard"):
            assert strength(heard, TONES[said]) > 5 * strength(heard, TONES["press-1"]), said
        assert strength(heard, TONES["missed"]) > 5 * strength(heard, TONES["location-PLACE-A"])
