"""An SOS with real telephones: who rings, what each hears, who talks with whom.

Every prompt is a tone of its own, and so is every telephone's voice: baresip's recording tells what was
heard.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bridge.b2bua.effects import Outcome
from bridge.b2bua.inputs import Notify
from bridge.model import Kind
from tests.ladder_own.sounds import heard_so_far, seconds_of
from tests.parts.baresip import Baresip
from tests.parts.rtpengine import Rtpengine
from tests.parts.sound import strength
from tests.triggers_sip.house import TONES, VARIABLE, House, seen, site_of, until
from tests.triggers_sip.wire import SDP, Wire

pytestmark = pytest.mark.real("baresip")

CALLER, FIRST = 1500, 2500
"""What the telephones say, in Hz."""
AUDIBLE = 0.1
INAUDIBLE = 0.02


def heard(file: Path) -> set[str]:
    """Return which prompts, and whose voices, are in a recording."""
    voices = {"caller": CALLER, "first": FIRST}
    tones = {**{name: hertz for name, (hertz, _) in TONES.items()}, **voices}
    shares = {name: strength(file, hertz) for name, hertz in tones.items()}
    assert not [name for name, share in shares.items() if INAUDIBLE < share < AUDIBLE], shares
    return {name for name, share in shares.items() if share >= AUDIBLE}


async def until_hears(phone: Baresip, hertz: int, tenths: int = 2) -> None:
    """Wait until a telephone has heard so much of a tone in its latest call."""
    await until(lambda: seconds_of(heard_so_far(phone), hertz) > tenths / 10, seconds=30)


async def until_asked(phone: Baresip) -> None:
    """Wait until a dispatcher has heard that a 1 is wanted."""
    await until_hears(phone, TONES["en/press-1"][0])


async def test_a_dispatcher_hears_where_presses_1_and_talks(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        caller, first, second = await asyncio.gather(
            house.phone("help-1", plays=CALLER),
            house.phone("disp-1", plays=FIRST, auto_answer=True),
            house.phone("disp-2"),
        )
        caller.dial("9110")
        dialing = await house.told(Kind.CALL_DIALING, endpoint="help-1")
        assert (dialing.dialled, dialing.source, dialing.via) == ("9110", "sip/own", "sip")
        assert "baresip" in dialing.attributes["user_agent"]
        await seen(second, "CALL_INCOMING")
        await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
        await until_asked(first)
        first.press("1")
        await house.told(Kind.ACKNOWLEDGED, by="disp-1")
        await house.told(Kind.CALL_CONNECTED, endpoint="help-1", connected_to="disp-1")
        await seen(second, "CALL_CLOSED")
        await until_hears(first, CALLER)
        await until_hears(caller, FIRST)
        caller.hang_up()
        ended = await house.told(Kind.CALL_ENDED, endpoint="help-1")
        assert ended.attributes["ended_by"] == "caller"
        await seen(first, "CALL_CLOSED")
        assert heard(first.heard()) == {"en/location-EAST-01", "en/number-P-01", "en/press-1", "caller"}
        assert {"en/caller/waiting", "first"} <= heard(caller.heard())
        recording = await house.told(Kind.REPORTED, call_key=dialing.key)
        file = tmp_path / "recordings" / recording.attributes["text"].split()[-1]
        assert strength(file, CALLER) > AUDIBLE


async def test_a_place_without_its_file_is_a_generic_one_and_a_fault_until_it_has_one(tmp_path: Path) -> None:
    subject = "prompt/en/location-EAST-01"
    async with House(tmp_path) as house:
        file = tmp_path / "sounds" / "en" / "location-EAST-01.wav"
        aside = file.rename(tmp_path / "aside.wav")
        caller, first = await asyncio.gather(
            house.phone("help-1", plays=CALLER), house.phone("disp-1", plays=FIRST, auto_answer=True)
        )
        caller.dial("9110")
        fault = await house.told(Kind.FAULT, subject=subject)
        assert fault.attributes["what"] == "prompt"
        assert fault.attributes["text"].startswith("en/location-EAST-01.wav is not in the folder of sounds")
        await asyncio.to_thread(first.wait_sound, 0.8)
        aside.rename(file)
        first.hang_up()
        await seen(first, "CALL_CLOSED")
        assert strength(first.heard(), TONES["en/location-unknown"][0]) > AUDIBLE
        # They are rung again, and it is there.
        await house.told(Kind.FAULT_CLEARED, subject=subject)
        caller.hang_up()
        assert len(house.of(Kind.FAULT, subject=subject)) == 1


async def test_who_hung_up_too_early_is_called_back(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        caller, first = await asyncio.gather(
            house.phone("help-1", plays=CALLER), house.phone("disp-1", plays=FIRST, auto_answer=True)
        )
        caller.dial("9110")
        await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
        caller.hang_up()
        await house.told(Kind.CALL_ENDED, endpoint="help-1", ended_by="caller")
        # The dispatcher is rung for the one who is gone, takes it, and the telephone rings.
        await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
        for _ in range(20):
            first.press("1")
            if house.of(Kind.ACKNOWLEDGED):
                break
            await asyncio.sleep(0.4)
        await seen(caller, "CALL_INCOMING")
        caller.accept()
        await house.told(Kind.CALL_CONNECTED, endpoint="help-1", connected_to="disp-1")


async def test_a_delivery_rings_dispatch_once(tmp_path: Path) -> None:
    """The bridge asks for an SOS that no call of ours began; a repeated delivery rings nobody again."""
    async with House(tmp_path) as house:
        second = await house.phone("disp-2")
        wanted = Notify(
            delivery="d-1",
            incident="5b0c7f0e-1111-5222-8333-944455556666",
            mark="m",
            phone="P-01",
            picture="unconfirmed",
            group="shift",
        )
        assert (await house.trigger.command(wanted)).outcome is Outcome.RINGS
        await seen(second, "CALL_INCOMING")
        assert (await house.trigger.command(wanted)).outcome is Outcome.KNOWN
        started = await house.told(Kind.DISPATCH_STARTED)
        assert started.attributes["delivery"] == "d-1"
        second.accept()
        await seen(second, "CALL_ESTABLISHED")
        await until_asked(second)
        second.press("1")
        acknowledged = await house.told(Kind.ACKNOWLEDGED, by="disp-2")
        assert acknowledged.incident == wanted.incident


async def test_a_call_survives_the_loss_of_its_media(tmp_path: Path) -> None:
    """The media process is killed: legs are opened anew, the telephones told by re-INVITE."""
    async with House(tmp_path) as house:
        caller, first = await asyncio.gather(
            house.phone("help-1", plays=CALLER), house.phone("disp-1", plays=FIRST, auto_answer=True)
        )
        caller.dial("9110")
        await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
        await until_asked(first)
        first.press("1")
        await house.told(Kind.CALL_CONNECTED, endpoint="help-1")
        os.kill(house.voice, signal.SIGKILL)
        await house.told(Kind.FAULT, what="media")
        await house.told(Kind.FAULT_CLEARED, what="media", count=2)
        before = seconds_of(heard_so_far(first), CALLER)
        await until_hears(first, CALLER, tenths=round(10 * before) + 10)
        assert not first.events("CALL_CLOSED")
        caller.hang_up()
        await seen(first, "CALL_CLOSED")


async def test_all_devices_of_an_endpoint_ring_and_one_has_the_call(tmp_path: Path) -> None:
    accounts = {"disp-1": {"secret": {"env": VARIABLE}, "contacts": 2}}
    async with House(tmp_path, site=site_of(tiers=(("disp-1",),)), accounts=accounts) as house:
        desk, handset = await asyncio.gather(house.phone("disp-1"), house.phone("disp-1"))
        with Wire("stranger", house.port()) as phone:
            phone.send(phone.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
            await seen(desk, "CALL_INCOMING")
            await seen(handset, "CALL_INCOMING")
            handset.accept()
            await seen(handset, "CALL_ESTABLISHED")
            await seen(desk, "CALL_CLOSED")
            await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")


@pytest.mark.real("rtpengine")
async def test_the_voice_may_be_an_rtpengines(tmp_path: Path) -> None:
    engine = await asyncio.to_thread(Rtpengine)
    media = {
        "type": "rtpengine",
        "port": engine.port,
        "address": "127.0.0.1",
        "digits_port": engine.digits_port,
        "recordings": str(engine.folder),
    }
    try:
        async with House(tmp_path, media=media) as house:
            caller, first = await asyncio.gather(
                house.phone("help-1", plays=CALLER), house.phone("disp-1", plays=FIRST, auto_answer=True)
            )
            caller.dial("9110")
            await house.told(Kind.CALL_ANSWERED, endpoint="disp-1")
            await until_asked(first)
            first.press("1")
            await house.told(Kind.CALL_CONNECTED, endpoint="help-1", connected_to="disp-1")
            await until_hears(first, CALLER)
            caller.hang_up()
            await seen(first, "CALL_CLOSED")
            assert {"en/location-EAST-01", "en/press-1", "caller"} <= heard(first.heard())
    finally:
        await asyncio.to_thread(engine.close)
