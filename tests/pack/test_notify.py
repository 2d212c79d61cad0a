"""What the bridge starts, by the real driver on a real Asterisk: who is told, how the phone is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.drivers.dispatch import Driver
from bridge.model import DeliveryState
from bridge.protocols.ami import Message
from tests.pack.deliveries import dispatch_driver, notification
from tests.pack.lab import TONES, PackLab, at, until_rung
from tests.parts.baresip import Baresip
from tests.parts.sip import (
    Phone,
    Phones,
    answers,
    calls,
    calls_and_cancels,
    refuses,
)
from tests.parts.sound import strength

pytestmark = pytest.mark.real("asterisk", "sipp")

PRESSES = answers(after=0.1, presses=[(0.4, "1")])


@pytest.fixture
async def driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab, monkeypatch)
    yield made
    await made.close()


@pytest.fixture
async def driver_both(lab_both: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    made = dispatch_driver(lab_both, monkeypatch)
    yield made
    await made.close()


async def test_1_picks_up_the_ringing_call(lab_both: PackLab, phones: Phones, driver_both: Driver) -> None:
    lab, driver = lab_both, driver_both
    crew = lab.crew(phones, {"2002": PRESSES})
    lab.beat()
    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.5), lab.pbx.sip_port, "9110")
    uid = (await _wait(lab, "SOSCall", Phone="1001")).get("SosUid")
    delivery = notification()
    receipt = await driver.perform(delivery)
    assert (receipt.outcome, receipt.proof) == (DeliveryState.VERIFIED, "the PBX rings dispatch, tier 1")
    await asyncio.to_thread(caller.finish)
    # The acknowledgement finds its incident by the call and by the bridge's own id.
    ack = await _wait(lab, "SOSAck", SosUid=uid, SosIncident=delivery.incident, Dispatcher="2002")
    assert caller.received("200")[0].at - at(ack) < 0.5
    await _wait(lab, "SOSDone", SosUid=uid, Has="dispatcher", By="2002")
    assert crew["9000"].received("CANCEL")
    assert not crew["2003"].received("INVITE")
    assert lab.complaints() == []


@pytest.mark.parametrize("number", ["4599", "anonymous"])
async def test_the_call_of_a_stranger_behind_a_gateway_is_found(
    lab_both: PackLab, phones: Phones, driver_both: Driver, number: str
) -> None:
    """Two strangers at one gateway are two: each is told and picked up by what tells them apart."""
    lab, driver = lab_both, driver_both
    lab.crew(phones, {"2002": PRESSES})
    lab.beat()
    asserted = f"Max-Forwards: 70\nP-Asserted-Identity: <sip:{number}@127.0.0.1>"
    scenario = calls(Phone("gateway"), hangs_up_after=0.5).replace("Max-Forwards: 70", asserted, 1)
    caller = phones.call(scenario, lab.pbx.sip_port, "9110")
    uid = (await _wait(lab, "SOSCall", Phone="gateway")).get("SosUid")
    stranger = f"unknown/gateway/{uid if number == 'anonymous' else number}"
    await driver.perform(notification(phone=stranger, params={"endpoint": "gateway"}))
    await asyncio.to_thread(caller.finish)
    await _wait(lab, "SOSAck", SosUid=uid, Dispatcher="2002")
    await _wait(lab, "SOSDone", SosUid=uid, Has="dispatcher", By="2002")
    assert lab.complaints() == []


async def test_1_joins_the_talk_with_the_console(
    lab_both: PackLab, phones: Phones, driver_both: Driver
) -> None:
    """A console that talks does not know that there is no picture: dispatch is told all the same."""
    lab, driver = lab_both, driver_both
    crew = lab.crew(phones, {"9000": answers(after=0.1, hangs_up_after=1.6), "2002": PRESSES})
    lab.beat()
    caller = phones.call(calls(Phone("1001"), hangs_up_after=2.2), lab.pbx.sip_port, "9110")
    await asyncio.to_thread(caller.wait_received, "200")
    await driver.perform(notification())
    ack = await _wait(lab, "SOSAck", Dispatcher="2002")
    three = await asyncio.to_thread(
        lab.events.wait, lambda m: m.event == "BridgeEnter" and m.get("BridgeNumChannels") == "3", 2
    )
    assert at(three) - at(ack) < 0.5
    await asyncio.to_thread(caller.finish)
    await asyncio.sleep(0.5)
    # The console hung up first, the dispatcher and the phone talked on; nobody is rung for that.
    assert crew["9000"].calls_received() == 1


@pytest.mark.parametrize(
    "case",
    [("1001", [True], "ANSWER"), ("1004", [False], "ANSWER"), ("1003", [], "NEVER")],
    ids=["auto_answer", "ring", "never"],
)
async def test_1_calls_a_phone_without_a_call_back(
    lab: PackLab, phones: Phones, driver: Driver, case: tuple[str, list[bool], str]
) -> None:
    phone, answers_itself, status = case
    lab.crew(phones, {"2001": PRESSES})
    answerer = phones.answer(answers(hangs_up_after=0.3), lab.port(phone))
    delivery = notification(phone=f"P-{phone}")
    await driver.perform(delivery)
    await _wait(lab, "SOSAck", SosUid=delivery.incident, SosIncident=delivery.incident, Phone=phone)
    await _wait(lab, "SOSCallbackEnd", SosUid=delivery.incident, DialStatus=status)
    assert [bool(invite.header("Call-Info")) for invite in answerer.received("INVITE")] == answers_itself


async def test_a_repeated_delivery_rings_nobody_twice(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, {"2001": PRESSES, "2002": refuses()})
    delivery = notification()
    await driver.perform(delivery)
    await _wait(lab, "SOSAck", Dispatcher="2001")
    doubtful = await driver.perform(replace(delivery, doubtful=True))
    assert (doubtful.outcome, doubtful.proof) == (DeliveryState.VERIFIED, "an earlier attempt had started it")
    # Even a bridge that does not ask first rings nobody again.
    await asyncio.to_thread(lab.as_administrator, "Hangup", ("Channel", "/^.*$/"))
    await asyncio.to_thread(lab.wait_no_channels)
    again = await driver.perform(delivery)
    assert (again.outcome, again.proof) == (DeliveryState.VERIFIED, "the PBX had started it already")
    await until_rung(crew, d2001=1, d2002=1)


async def test_a_doubtful_delivery_that_never_arrived_is_performed(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {})
    await driver.perform(notification(doubtful=True))
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")


async def test_who_is_rung_already_is_not_rung_once_more(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    """The dialplan rings tier 1 for this SOS: a notification adds what it knows, and no second call."""
    crew = lab.crew(phones, {})
    phones.call(calls_and_cancels(Phone("1001"), after=1.2), lab.pbx.sip_port, "9110")
    await _wait(lab, "SOSTier", Dispatcher="2002", Kind="alarm")
    await asyncio.gather(driver.perform(notification()), driver.perform(notification("escalate_2/1")))
    await until_rung(crew, d2001=1, d2002=1, d2003=1)


async def test_two_notifications_at_once_ring_nobody_twice(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {})
    first = notification("no_picture/1")
    again = notification("escalate_1/1", incident=first.incident)
    await asyncio.gather(driver.perform(first), driver.perform(again))
    await until_rung(crew, d2001=1, d2002=1, d2003=0)


async def test_the_steps_of_an_incident_ring_their_tiers(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, dict.fromkeys(("2001", "2002", "2003"), refuses()))
    await driver.perform(notification("escalate_2/1"))
    await asyncio.to_thread(crew["2003"].wait_received, "INVITE")
    assert not crew["2001"].received("INVITE")
    delivery = notification("escalate_1/1")
    await driver.perform(delivery)
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
    await _wait(lab, "SOSNotTaken", Tier="1", SosIncident=delivery.incident)


async def test_after_an_unanswered_hangup_all_tiers_ring_until_somebody_has_it(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    lab.crew(phones, {"2001": refuses(), "2002": refuses(), "2003": answers(after=1.0, presses=[(0.2, "1")])})
    phones.answer(answers(hangs_up_after=0.2), lab.port("1001"))
    delivery = notification("unanswered/1")
    await driver.perform(delivery)
    await _wait(lab, "SOSTier", Kind="recall", Dispatcher="2001", Loop="3")
    await _wait(lab, "SOSAck", Dispatcher="2003", SosIncident=delivery.incident)
    await _wait(lab, "SOSCallbackEnd", DialStatus="ANSWER")


async def test_the_bridge_starts_no_second_hunt(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, {})
    caller = phones.call(calls_and_cancels(Phone("1001"), after=0.2), lab.pbx.sip_port, "9110")
    await asyncio.to_thread(caller.finish)
    receipt = await driver.perform(notification("unanswered/1"))
    assert receipt.proof == "the PBX had started it already"
    await _wait(lab, "SOSTier", Kind="hunt", Dispatcher="2001")
    await asyncio.sleep(0.3)
    assert not lab.reports("SOSTier", Kind="recall")
    assert crew["2001"].received("INVITE")


async def test_pressed_again_after_an_acknowledgement_rings_again(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {"2001": PRESSES})
    first = notification("no_picture/1", phone="P-1003")
    again = notification("pressed_again/2", phone="P-1003", incident=first.incident)
    late = notification("escalate_1/2", phone="P-1003", incident=first.incident)
    for delivery in (first, again, late):
        await driver.perform(delivery)
        await asyncio.to_thread(lab.wait_no_channels)
    assert crew["2001"].calls_received() == 2


@pytest.mark.real("baresip")
async def test_what_is_known_of_the_picture_is_said(lab: PackLab, phones: Phones, driver: Driver) -> None:
    for picture, tone, other in (
        ("not confirmed", "video-unconfirmed", "video-none"),
        ("none", "video-none", "video-unconfirmed"),
    ):
        with lab.listening() as ear:
            await driver.perform(notification(phone="P-1003", params={"picture": picture}))
            await asyncio.to_thread(ear.wait_event, "CALL_ESTABLISHED")
            await asyncio.sleep(1.4)
            ear.hang_up()
            await asyncio.to_thread(ear.wait_event, "CALL_CLOSED")
            assert strength(ear.heard(), TONES[tone]) > 5 * strength(ear.heard(), TONES[other])
        lab.start_over()


@pytest.mark.real("baresip")
async def test_a_click_ends_the_ringing_and_tells_the_caller(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {})
    with Baresip("1001", lab.pbx.sip_port, register=False) as caller:
        caller.dial("9110")
        await _wait(lab, "SOSTier", Dispatcher="2001")
        clicked = notification("acknowledged/1", params={"acknowledged_by": "anna"})
        receipt = await driver.perform(clicked)
        assert receipt.proof == "the PBX knows that somebody has it"
        await asyncio.to_thread(crew["2001"].wait_received, "CANCEL")
        await asyncio.sleep(2.0)
        caller.hang_up()
        await asyncio.to_thread(caller.wait_event, "CALL_CLOSED")
        await _wait(lab, "SOSDone", Has="person", By="anna")
        assert strength(caller.heard(), TONES["person-has-it"]) > 0.05
    # The console goes on ringing: whoever clicked may want to talk.
    assert crew["9000"].calls_received() == 2
    assert not lab.reports("SOSTier", Kind="hunt")


async def test_the_call_goes_on_without_the_bridge(lab: PackLab, phones: Phones, driver: Driver) -> None:
    lab.crew(phones, {"2002": answers(after=0.6, presses=[(0.3, "1")])})
    phones.answer(answers(hangs_up_after=0.3), lab.port("1001"))
    await driver.perform(notification())
    await driver.close()
    await _wait(lab, "SOSCallbackEnd", DialStatus="ANSWER")


async def _wait(lab: PackLab, name: str, **fields: str) -> Message:
    return await asyncio.to_thread(lambda: lab.wait(name, **fields))
