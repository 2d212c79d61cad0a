"""Simulated phones against each other, joined by an exchange of a hundred lines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.media.facade import MediaRefused
from bridge.protocols.sip.digest import Algorithm
from bridge.protocols.sip.message import Headers, Request
from bridge.protocols.sip.uri import SipUri
from bridge.simulator.phones import Heard, Kind, NotConnected, NotRegistered, Phone, PhoneCall, Voice
from bridge.simulator.phones.phone import answer_after
from tests.simulator_phones.conftest import MakePhone
from tests.simulator_phones.exchange import Exchange


async def test_it_registers_and_leaves(phone: MakePhone, exchange: Exchange) -> None:
    east = await phone("EAST-03")
    assert exchange.registered("EAST-03")
    await east.register()  # once more: the same Call-ID with a higher number
    assert len(exchange.registrar.contacts("EAST-03", exchange.clock.now())) == 1
    await east.unregister()
    assert not exchange.registered("EAST-03")


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_every_digest(algorithm: Algorithm, exchange: Exchange, phone: MakePhone) -> None:
    exchange.registrar._authenticator._algorithms = (algorithm,)  # type: ignore[misc]  # a test's shortcut
    await phone("EAST-03")
    assert exchange.registered("EAST-03")


@pytest.mark.parametrize(("user", "password"), [("EAST-03", "wrong"), ("EAST-03", ""), ("nobody", "pw")])
async def test_a_wrong_password(user: str, password: str, voice: Voice, exchange: Exchange) -> None:
    async with Phone(user, voice, exchange=exchange.address, password=password) as east:
        with pytest.raises(NotRegistered, match=f"^{user}: UDP 127.0.0.1:.* said 401$"):
            await east.register()
    assert not exchange.registered(user)


async def test_nobody_there(voice: Voice, exchange: Exchange) -> None:
    await exchange.line.close()
    async with Phone("EAST-03", voice, exchange=exchange.address) as east:
        with pytest.raises(NotRegistered):
            await east.register()


async def test_two_talk_and_one_hangs_up(phone: MakePhone, voice: Voice) -> None:
    """Each hears the other's tone; a key is a key; a hangup ends both."""
    east = await phone("EAST-03", says=voice.tone(440))
    desk = await phone("desk-1", says=voice.tone(880))
    call = await east.dial("desk-1")
    rung = await desk.rung()
    await call.until_ringing()
    assert (rung.peer, call.state, rung.state) == ("EAST-03", "ringing", "ringing")
    with pytest.raises(NotConnected):
        await rung.press("1")
    rung.answer()
    await asyncio.gather(call.until_answered(), rung.until_answered())
    hears = await asyncio.gather(
        call.until_hears(Kind.TONE, hertz=880), rung.until_hears(Kind.TONE, hertz=440)
    )
    assert [each.kind for each in hears] == [Kind.TONE, Kind.TONE]
    await rung.press("1*#")
    await call.until_pressed("1*#")
    desk_says_nothing = rung.be_quiet
    desk_says_nothing()
    await call.until_hears(Kind.SILENCE)
    call.hang_up()
    await asyncio.gather(call.until_ended(), rung.until_ended())
    assert (str(call.cause), str(rung.cause)) == ("hung up", "bye")
    call.hang_up()  # nothing happens
    with pytest.raises(NotConnected):
        await call.press("1")


async def test_a_key_that_is_none(phone: MakePhone) -> None:
    east, desk = await phone("EAST-03"), await phone("desk-1", answers_after=0.0)
    call = await east.dial("desk-1")
    await call.until_answered()
    with pytest.raises(MediaRefused, match="x"):
        await call.press("x")
    assert desk.calls[0].digits == ""


async def test_it_answers_after_a_while(phone: MakePhone) -> None:
    east, desk = await phone("EAST-03"), await phone("desk-1", answers_after=0.2)
    call = await east.dial("desk-1")
    await call.until_answered()
    assert call.ringing_at is not None
    assert call.answered_at is not None
    assert 0.15 < call.answered_at - call.ringing_at < 1.0
    [taken] = desk.calls
    assert taken.state == "answered"


WISHES: list[tuple[str, str, float | None]] = [
    ("Call-Info", "<sip:plant>;answer-after=0", 0.0),
    ("Call-Info", "<sip:a>;purpose=icon, <sip:b>; Answer-After = 2", 2.0),
    ("Call-Info", "<sip:plant>;answer-after=soon", None),
    ("Call-Info", "<sip:plant>;answer-after=99999", None),
    ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer", 0.0),
    ("Alert-Info", "Ring Answer", None),
    ("Alert-Info", "ring-answer", 0.0),
    ("Alert-Info", "<urn:alert:tone:internal>", None),
    ("Subject", "answer-after=0", None),
]


@pytest.mark.parametrize(("name", "value", "seconds"), WISHES)
def test_who_wants_it_to_answer_by_itself(name: str, value: str, seconds: float | None) -> None:
    invite = Request("INVITE", SipUri("127.0.0.1"), Headers.of((name, value)), b"")
    assert answer_after(invite) == seconds


@pytest.mark.parametrize("obeys", [True, False])
async def test_auto_answer(obeys: bool, phone: MakePhone, exchange: Exchange) -> None:
    exchange.wishes["EAST-03"] = (("Call-Info", "<sip:plant>;answer-after=0"),)
    east, desk = await phone("EAST-03", auto_answers=obeys), await phone("desk-1")
    call = await desk.dial("EAST-03")
    if obeys:
        await call.until_answered()
    else:
        with pytest.raises(NotConnected, match=r"was not answered within 0\.3 s"):
            await call.until_answered(0.3)
        assert east.calls[0].state == "ringing"


async def test_busy(phone: MakePhone) -> None:
    east, _ = await phone("EAST-03"), await phone("desk-1", busy=True)
    call = await east.dial("desk-1")
    with pytest.raises(NotConnected, match="was not answered: 486"):
        await call.until_answered()
    assert (call.status, call.state) == (486, "ended")


async def test_nobody_has_that_number(phone: MakePhone) -> None:
    east = await phone("EAST-03")
    call = await east.dial("4711")
    with pytest.raises(NotConnected, match="did not ring: 404"):
        await call.until_ringing()


async def test_the_caller_gives_up(phone: MakePhone) -> None:
    east, desk = await phone("EAST-03"), await phone("desk-1")
    call = await east.dial("desk-1")
    rung = await desk.rung()
    await call.until_ringing()
    call.hang_up()
    await asyncio.gather(call.until_ended(), rung.until_ended())
    assert (str(rung.cause), rung.elsewhere) == ("cancelled", False)


async def test_somebody_else_was_quicker(phone: MakePhone, exchange: Exchange) -> None:
    east, desk = await phone("EAST-03"), await phone("desk-1")
    await east.dial("desk-1")
    rung = await desk.rung()
    exchange.take_back("desk-1")
    await rung.until_ended()
    assert rung.elsewhere


async def test_it_says_what_it_hears_instead(phone: MakePhone, voice: Voice) -> None:
    east, desk = await phone("EAST-03", says=voice.tone(440)), await phone("desk-1", answers_after=0.0)
    await east.dial("desk-1")
    rung = await desk.rung()
    with pytest.raises(NotConnected, match="hears a tone of 440 Hz, not a tone of 880 Hz"):
        await rung.until_hears(Kind.TONE, hertz=880, timeout=2.5)
    assert rung.has_heard(0.5) == rung.hears


async def test_nothing_is_heard_before_a_call_stands(phone: MakePhone) -> None:
    east, _ = await phone("EAST-03"), await phone("desk-1")
    call = await east.dial("desk-1")
    await call.until_ringing()
    assert call.hears == Heard(Kind.SILENCE)


async def test_unplugged_in_the_middle(phone: MakePhone) -> None:
    """The exchange is not told; the phone is just gone."""
    east, desk = await phone("EAST-03"), await phone("desk-1", answers_after=0.0)
    call = await east.dial("desk-1")
    await call.until_answered()
    await east.unplug()
    assert desk.calls[0].state == "answered"


async def test_what_no_phone_can_dial(phone: MakePhone, voice: Voice) -> None:
    east = await phone("EAST-03")
    with pytest.raises(ProtocolError):
        await east.dial("9110", fields=(("Subject", "a\r\nb: c"),))
    assert [call.state for call in east.calls] == ["ended"]


def test_a_call_for_people() -> None:
    class NoVoice:
        clock: Any = type("Clock", (), {"now": staticmethod(lambda: 0.0)})

    call = PhoneCall(NoVoice(), "EAST-03", "9110", "127.0.0.1")  # type: ignore[arg-type]  # it needs only the clock here
    assert repr(call) == "<call of EAST-03 to 9110: begun>"
