"""One person who has an SOS is not enough: further people are rung, join the talk, and take it from nobody.

The real driver on real Asterisks, whose dialplan rings no tier by itself in these tests: who is rung is rung
because the bridge asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from bridge.drivers.dispatch import Driver
from bridge.model import Delivery, DeliveryState
from bridge.protocols.ami import Message
from tests.pack.deliveries import dispatch_driver, notification
from tests.pack.lab import FACTS, TIMES, TONES, PackLab, at, until_rung
from tests.parts.availability import need
from tests.parts.sip import Phone, Phones, answers, calls, refuses
from tests.parts.sound import strength

pytestmark = pytest.mark.real("asterisk", "sipp")

PATIENT = replace(FACTS, times=replace(TIMES, tiers=(300.0, 600.0), repeats=100, heartbeat_stale=600))
PRESSES = answers(after=0.1, presses=[(0.4, "1")])
LISTENS = answers(after=0.1)


@pytest.fixture(scope="module", params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def patient(request: pytest.FixtureRequest) -> Iterator[PackLab]:
    need("asterisk" if request.param == "22" else "asterisk-16")
    with PackLab(request.param, facts=PATIENT) as lab:
        yield lab


@pytest.fixture
def lab(patient: PackLab, phones: Phones) -> Iterator[PackLab]:
    """No call and no report of an earlier test; the bridge is alive."""
    patient.beat()
    yield patient
    patient.start_over()


@pytest.fixture
async def driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab, monkeypatch)
    yield made
    await made.close()


class Sos:
    """An SOS of the phone 1001, and what the bridge asks of dispatch for it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.incident = notification().incident

    async def asks(self, step: str, **params: str) -> Delivery:
        delivery = notification(step, incident=self.incident, params=params)
        receipt = await self._driver.perform(delivery)
        assert receipt.outcome is DeliveryState.VERIFIED, receipt.proof
        return delivery

    async def is_had_by(self, name: str, *, enough: bool = False) -> None:
        """The bridge says so, and whether that is enough."""
        if enough:
            await self.asks("acknowledged/1-2", acknowledged_by=name)
        else:
            await self.asks("acknowledged/1", acknowledged_by=name, more="yes")

    async def wants_more(self, *done: str, tier: str = "1") -> Delivery:
        return await self.asks("more_wanted/1", acknowledgers="\n".join(done), ring_tier=tier, more="yes")


@pytest.fixture
def sos(driver: Driver) -> Sos:
    return Sos(driver)


async def test_the_second_joins_the_talk_and_the_first_keeps_the_sos(
    lab: PackLab, phones: Phones, sos: Sos
) -> None:
    crew = lab.crew(phones, {"2003": PRESSES, "2001": refuses(), "2002": PRESSES})
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    uid = (await _wait(lab, "SOSCall", Phone="1001")).get("SosUid")
    await sos.asks("escalate_2/1")
    await _wait(lab, "SOSAck", SosUid=uid, Dispatcher="2003")
    await _talk_of(lab, 2)
    await sos.is_had_by("2003")
    await sos.wants_more("2003")
    await _wait(lab, "SOSAck", SosUid=uid, SosIncident=sos.incident, Dispatcher="2002")
    await _talk_of(lab, 3)
    await sos.is_had_by("2003", enough=True)
    await asyncio.to_thread(lab.as_administrator, "Hangup", ("Channel", "/^PJSIP/1001-/"))
    done = await _wait(lab, "SOSDone", SosUid=uid)
    assert (done.get("Has"), done.get("By")) == ("dispatcher", "2003")
    rung = {name: sipp.calls_received() for name, sipp in crew.items()}
    assert rung == {"9000": 1, "2001": 1, "2002": 1, "2003": 1}
    assert len(lab.reports("SOSAck")) == 2
    assert not lab.reports("SOSNotTaken")
    assert lab.complaints() == []


async def test_a_caller_who_waits_for_who_clicked_is_given_to_them(
    lab: PackLab, phones: Phones, sos: Sos
) -> None:
    """Nobody talks with the phone yet. The click keeps the SOS all the same."""
    lab.crew(phones, {"2001": refuses(), "2002": PRESSES})
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    uid = (await _wait(lab, "SOSCall", Phone="1001")).get("SosUid")
    await sos.is_had_by("anna")
    await sos.wants_more("anna")
    await _wait(lab, "SOSAck", SosUid=uid, Dispatcher="2002")
    await _talk_of(lab, 2)
    await asyncio.to_thread(lab.as_administrator, "Hangup", ("Channel", "/^PJSIP/1001-/"))
    done = await _wait(lab, "SOSDone", SosUid=uid)
    assert (done.get("Has"), done.get("By")) == ("person", "anna")


async def test_a_phone_without_a_call_is_never_called_back(lab: PackLab, phones: Phones, sos: Sos) -> None:
    lab.crew(phones, {"2001": refuses(), "2002": PRESSES})
    phone = phones.answer(answers(), lab.port("1001"))
    await sos.is_had_by("anna")
    await sos.wants_more("anna")
    await _wait(lab, "SOSAck", SosIncident=sos.incident, Dispatcher="2002")
    await asyncio.to_thread(lab.wait_no_channels)
    assert not phone.received("INVITE")
    assert not lab.reports("SOSCallbackEnd")


async def test_who_listens_is_let_go_when_enough_have_it(lab: PackLab, phones: Phones, sos: Sos) -> None:
    """And not when the bridge says only that somebody has it."""
    lab.crew(phones, {"2001": refuses(), "2002": LISTENS})
    await sos.wants_more("anna")
    await _wait(lab, "SOSLegAnswered", Dispatcher="2002")
    await sos.is_had_by("anna")
    await sos.is_had_by("anna", enough=True)
    gone = await _wait(lab, "SOSTaken", Dispatcher="2002")
    assert gone.get("Why") == "taken"
    _, enough = lab.reports("SOSTold")
    assert at(gone) >= at(enough)


async def test_who_is_on_the_telephone_about_it_already_is_rung_after_that(
    lab: PackLab, phones: Phones, sos: Sos
) -> None:
    """They were just told that somebody has it."""
    lab.crew(phones, {"2001": refuses(), "2002": LISTENS})
    first = await sos.asks("no_picture/1")
    await _wait(lab, "SOSLegAnswered", Dispatcher="2002")
    await sos.is_had_by("anna")
    more = await sos.wants_more("anna")
    taken = await _wait(lab, "SOSTaken", Dispatcher="2002")
    again = await _wait(lab, "SOSTier", Dispatcher="2002", Delivery=more.id)
    assert at(again) >= at(taken)
    assert len(lab.reports("SOSTier", Dispatcher="2002", Delivery=first.id)) == 1


async def test_who_has_acknowledged_is_not_asked_again(lab: PackLab, phones: Phones, sos: Sos) -> None:
    """Whether the bridge says so, or the PBX itself has heard their 1."""
    crew = lab.crew(phones, {"2001": refuses(), "2002": PRESSES})
    await sos.is_had_by("anna")
    await sos.wants_more("anna", "2001")
    await _wait(lab, "SOSAck", Dispatcher="2002")
    await asyncio.to_thread(lab.wait_no_channels)
    await sos.wants_more("anna")
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
    await asyncio.to_thread(lab.wait_no_channels)
    await until_rung(crew, d2001=1, d2002=1)


async def test_a_redial_ends_the_ringing_for_more(lab: PackLab, phones: Phones, sos: Sos) -> None:
    """Pressed again, it is rung for anew, and their 1 would be for that."""
    lab.crew(phones, {"2001": refuses(), "2002": LISTENS})
    await sos.is_had_by("anna")
    await sos.wants_more("anna")
    await _wait(lab, "SOSLegAnswered", Dispatcher="2002")
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    gone = await _wait(lab, "SOSTaken", Dispatcher="2002")
    assert gone.get("Why") == "redialled"


@pytest.mark.real("baresip")
async def test_they_hear_that_one_more_is_wanted(lab: PackLab, phones: Phones, sos: Sos) -> None:
    lab.set_global("SOS_REPEATS", "2")
    try:
        with lab.listening("2003") as ear:
            await sos.is_had_by("anna")
            await sos.wants_more("anna", tier="2")
            await asyncio.to_thread(ear.wait_event, "CALL_CLOSED", 30)  # it was said twice
            for tone in ("one-more", "location-PLACE-A"):
                assert strength(ear.heard(), TONES[tone]) > 5 * strength(ear.heard(), TONES["more-1"])
    finally:
        lab.set_global("SOS_REPEATS", "100")


async def _wait(lab: PackLab, name: str, **fields: str) -> Message:
    return await asyncio.to_thread(lambda: lab.wait(name, **fields))


async def _talk_of(lab: PackLab, people: int) -> None:
    """So many hear each other."""

    def fits(message: Message) -> bool:
        return message.event == "BridgeEnter" and message.get("BridgeNumChannels") == str(people)

    await asyncio.to_thread(lab.events.wait, fits)
