"""Who may call, and what is told of a call: over every transport, with good, bad and no passwords."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bridge.model import Kind
from tests.parts.processes import Child
from tests.parts.sip import Phone, calls_and_cancels
from tests.triggers_sip.house import PASSWORD, House, site_of, until
from tests.triggers_sip.wire import SDP, Wire, answering, register, ringing

SOS = "sip:9110@127.0.0.1"


@pytest.mark.real("sipp")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("transport", "mode"), [("UDP", "u1"), ("TCP", "t1")])
async def test_a_telephone_dials_9110(tmp_path: Path, transport: str, mode: str, host: str) -> None:
    async with House(tmp_path, listen=((transport, host),)) as house:
        (tmp_path / "scenario.xml").write_text(calls_and_cancels(Phone("help-1"), after=0.3))
        there = f"{f'[{host}]' if ':' in host else host}:{house.port(transport, host)}"
        command = ["sipp", "-s", "9110", "-sf", "scenario.xml", "-t", mode, "-i", host, "-mi", host]
        command += ["-nostdin", "-m", "1", "-timeout", "10", "-timeout_error", "-trace_err", there]
        sipp = Child(command, tmp_path / "out.log", folder=tmp_path)
        try:
            code = await asyncio.to_thread(sipp.wait, 15)
        finally:
            sipp.kill()
        assert code == 0, sipp.log_tail(60)
        [dialing] = house.of(Kind.CALL_DIALING, dialled="9110")
        ended = await house.told(Kind.CALL_ENDED, dialled="9110")
        assert ended.key == dialing.key
        assert ended.attributes["ended_by"] == "caller"
        # It registered nowhere and has no password: an SOS all the same, from nobody known, and a fault.
        assert (dialing.endpoint, dialing.caller) == ("", "help-1")
        assert dialing.attributes["claimed"] == "help-1"
        fault = await house.told(Kind.FAULT, what="refused")
        assert "called without proof of who it is" in fault.attributes["text"]
        assert "the SOS was taken" in fault.attributes["text"]
        assert "refused" not in fault.attributes["text"]


async def test_a_repeated_invite_is_one_call(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            invite = phone.request("INVITE", SOS, body=SDP)
            for _ in range(3):
                phone.send(invite)
            tags = {(await phone.answer()).partition("To: ")[2].partition("\r\n")[0] for _ in range(3)}
            assert len(tags) == 1
            assert len(house.of(Kind.CALL_DIALING, dialled="9110")) == 1


@pytest.mark.parametrize("wrong", ["another", PASSWORD])
async def test_an_sos_is_taken_with_any_password(tmp_path: Path, wrong: str) -> None:
    """Asked by a routine call, the telephone signs its SOS: rightly, or wrongly."""
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", "sip:4102@127.0.0.1", body=SDP))
            challenge = await phone.answer()
            assert challenge.startswith("SIP/2.0 401 ")
            phone.call_id = "help-1-2"
            signed = phone.credentials(challenge, "INVITE", SOS, wrong)
            phone.send(phone.request("INVITE", SOS, signed, body=SDP))
            assert (await phone.answer()).startswith("SIP/2.0 18")
        [dialing] = house.of(Kind.CALL_DIALING, dialled="9110")
        if wrong == PASSWORD:
            assert dialing.endpoint == "help-1"
            assert not house.of(Kind.FAULT, what="refused")
        else:
            assert dialing.endpoint == ""
            fault = await house.told(Kind.FAULT, what="refused")
            assert fault.attributes["subject"] == "endpoint/help-1"


async def test_a_routine_call_needs_a_password(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", "sip:4102@127.0.0.1", body=SDP))
            challenge = await phone.answer()
            signed = phone.credentials(challenge, "INVITE", "sip:4102@127.0.0.1", "another")
            phone.send(phone.request("INVITE", "sip:4102@127.0.0.1", signed, body=SDP))
            assert (await phone.answer()).startswith("SIP/2.0 401 ")
        await house.told(Kind.FAULT, what="refused")
        assert not house.of(Kind.CALL_DIALING)


async def test_an_sos_from_elsewhere_proves_who_it_is(tmp_path: Path) -> None:
    async with House(tmp_path, allowed=["192.0.2.0/24"]) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", SOS, body=SDP))
            challenge = await phone.answer()
            assert challenge.startswith("SIP/2.0 401 ")
            phone.send(
                phone.request("INVITE", SOS, phone.credentials(challenge, "INVITE", SOS, PASSWORD), body=SDP)
            )
            assert (await phone.answer()).startswith("SIP/2.0 18")
        assert [event.endpoint for event in house.of(Kind.CALL_DIALING, dialled="9110")] == ["help-1"]


async def test_the_emergency_service_and_a_position(tmp_path: Path) -> None:
    pidf = (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf"><tuple id="a"><status>'
        '<civicAddress xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"><FLR>3</FLR></civicAddress>'
        "</status></tuple></presence>"
    )
    body = (
        f"--x\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n"
        f"--x\r\nContent-Type: application/pidf+xml\r\n\r\n{pidf}\r\n--x--\r\n"
    )
    async with House(tmp_path) as house:
        with Wire("stranger", house.port()) as phone:
            told = ("Call-Info: <http://192.0.2.1/card>;purpose=info", "Subject: fire")
            phone.send(
                phone.request(
                    "INVITE", "urn:service:sos.fire", *told, body=body, kind="multipart/mixed;boundary=x"
                )
            )
            assert (await phone.answer()).startswith("SIP/2.0 18")
        [dialing] = house.of(Kind.CALL_DIALING, direction="out")
        assert dialing.dialled == "9110"
        assert dialing.attributes["civic_flr"] == "3"
        assert dialing.attributes["call_info"] == "http://192.0.2.1/card"
        assert dialing.attributes["subject"] == "fire"


async def test_nobody_is_dialled_who_is_not_of_the_site(tmp_path: Path) -> None:
    """Whatever the headers of a caller say."""
    async with House(tmp_path, site=site_of(tiers=(("disp-1",),))) as house:
        with Wire("help-1", house.port()) as phone, Wire("spy", house.port()) as spy:
            there = f"sip:spy@127.0.0.1:{spy._socket.getsockname()[1]}"
            names = ("P-Asserted-Identity", "Diversion", "Refer-To", "Route")
            lures = [f"{name}: <{there};lr>" for name in names]
            phone.send(phone.request("INVITE", SOS, *lures, body=SDP))
            await phone.answer()
            with pytest.raises(TimeoutError):
                await spy.hear(0.5)


async def test_a_telephone_comes_and_goes(tmp_path: Path) -> None:
    async with House(tmp_path, options_every=0.1, options_misses=2) as house:
        with Wire("help-1", house.port()) as phone:
            await register(phone)
            await house.told(Kind.ONLINE, endpoint="help-1")
            assert house.trigger.status.registered == 1
            # It answers no OPTIONS: gone, long before its registration runs out.
            await house.told(Kind.OFFLINE, endpoint="help-1")
            await register(phone)
            await house.told(Kind.ONLINE, endpoint="help-1", count=2)


@pytest.mark.parametrize("without_qop", [False, True])
async def test_a_telephone_of_rfc_2069(tmp_path: Path, without_qop: bool) -> None:
    async with House(tmp_path, without_qop=without_qop) as house:
        with Wire("help-1", house.port()) as phone:
            uri, to = "sip:127.0.0.1", "<sip:help-1@127.0.0.1>"
            phone.send(phone.request("REGISTER", uri, "Expires: 60", to=to))
            signed = phone.old_credentials(await phone.answer(), "REGISTER", uri, PASSWORD)
            phone.send(phone.request("REGISTER", uri, "Expires: 60", signed, to=to))
            assert (await phone.answer()).startswith("SIP/2.0 200 " if without_qop else "SIP/2.0 401 ")


async def test_a_registered_telephone_is_known_without_being_asked(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        with Wire("help-1", house.port()) as phone:
            await register(phone)
            phone.call_id = "help-1-sos"
            phone.send(phone.request("INVITE", SOS, body=SDP))
            assert (await phone.answer()).startswith("SIP/2.0 18")
        assert [event.endpoint for event in house.of(Kind.CALL_DIALING, dialled="9110")] == ["help-1"]
        assert not house.of(Kind.FAULT, what="refused")


async def test_silence_of_the_caller_is_one_fault_once_it_is_answered(tmp_path: Path) -> None:
    """Before, a telephone need not send any sound."""
    site = site_of(tiers=(), consoles=("desk-1",))
    async with House(tmp_path, silence=0.3, site=site) as house:
        with Wire("help-1", house.port()) as phone, Wire("desk-1", house.port()) as desk:
            await register(desk)
            await register(phone)
            phone.call_id = "help-1-sos"
            phone.send(phone.request("INVITE", SOS, body=SDP))
            invite = await desk.request_heard("INVITE")
            await asyncio.sleep(0.6)
            assert not house.of(Kind.FAULT, endpoint="help-1")
            desk.send(answering(invite))
            fault = await house.told(Kind.FAULT, what="rtp_silence")
            assert fault.endpoint == "help-1"
            await asyncio.sleep(0.4)
            assert not house.of(Kind.FAULT, what="silent")


async def test_a_call_without_an_offer_is_recorded_once_it_is_answered(tmp_path: Path) -> None:
    """It has no media before, so nothing is announced, recorded, or told as recorded."""
    site = site_of(tiers=(), consoles=("desk-1",))
    async with House(tmp_path, site=site) as house:
        with Wire("help-1", house.port()) as phone, Wire("desk-1", house.port()) as desk:
            await register(desk)
            phone.send(phone.request("INVITE", SOS))
            assert (await phone.answer()).startswith("SIP/2.0 180 ")
            invite = await desk.request_heard("INVITE")
            await asyncio.sleep(0.2)
            assert not recorded(house)
            desk.send(answering(invite))
            answer = await phone.answer()
            while not answer.startswith("SIP/2.0 200 "):
                answer = await phone.answer()
            await until(lambda: len(recorded(house)) == 1, story=house.story)
            [file] = (tmp_path / "recordings").iterdir()
            assert file.name in recorded(house)[0]
            assert not house.of(Kind.FAULT, what="announcement")
            assert not house.of(Kind.FAULT, what="recording")


async def test_lost_media_are_a_gap_in_the_recording_and_not_its_end(tmp_path: Path) -> None:
    site = site_of(tiers=(), consoles=("desk-1",))
    async with House(tmp_path, site=site) as house:
        with Wire("help-1", house.port()) as phone, Wire("desk-1", house.port()) as desk:
            await register(desk)
            await register(phone)
            phone.call_id = "help-1-sos"
            phone.send(phone.request("INVITE", SOS, body=SDP))
            desk.send(answering(await desk.request_heard("INVITE")))
            answer = await phone.answer()
            while not answer.startswith("SIP/2.0 200 "):
                answer = await phone.answer()
            phone.send(phone.acknowledgement(answer))
            await house.told(Kind.CALL_CONNECTED, endpoint="help-1")
            await until(lambda: len(recorded(house)) == 1, story=house.story)
            os.kill(house.voice, signal.SIGKILL)
            fault = await house.told(Kind.FAULT, what="media")
            assert "1 recordings have a gap" in fault.attributes["text"]
            await until(lambda: len(recorded(house)) == 2, story=house.story)
            assert "after a gap" in recorded(house)[1]
            first, second = sorted((tmp_path / "recordings").iterdir(), key=lambda file: len(file.name))
            assert second.stem == f"{first.stem}-2"
            assert second.name in recorded(house)[1]
            keys = [event.key for event in house.of(Kind.REPORTED) if "record" in event.attributes["text"]]
            assert len(set(keys)) == 2


async def test_who_waits_hears_the_announcement_again_after_the_media_were_lost(tmp_path: Path) -> None:
    async with House(tmp_path, site=site_of(tiers=(), consoles=("desk-1",))) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", SOS, body=SDP))
            first = await early_media(phone)
            await house.told(Kind.FAULT_CLEARED, what="announcement")
            await until(lambda: len(recorded(house)) == 1, story=house.story)
            os.kill(house.voice, signal.SIGKILL)
            assert await early_media(phone) != first
            await until(lambda: len(recorded(house)) == 2, story=house.story)
            assert not house.of(Kind.FAULT, what="announcement")


async def early_media(phone: Wire) -> str:
    """Return the m-line of the next 183."""
    answer = ""
    while not answer.startswith("SIP/2.0 183 "):
        answer = await phone.answer()
    return next(line for line in answer.split("\r\n") if line.startswith("m="))


def recorded(house: House) -> list[str]:
    """Return what was told about recordings."""
    told = [event.attributes["text"] for event in house.of(Kind.REPORTED)]
    return [text for text in told if "record" in text]


async def test_it_tells_when_it_is_well(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.trigger.status.text
    async with house:
        await until(lambda: house.trigger.status.up)
        assert house.trigger.status.text == ""
    await until(lambda: not house.trigger.status.up)


async def test_stopping_leaves_nobody_ringing(tmp_path: Path) -> None:
    """The state was written before: the next run rings again."""
    async with House(tmp_path) as house:
        with Wire("disp-1", house.port()) as dispatcher, Wire("help-1", house.port()) as phone:
            await register(dispatcher)
            phone.send(phone.request("INVITE", SOS, body=SDP))
            invite = await dispatcher.hear()
            while not invite.startswith("INVITE "):
                invite = await dispatcher.hear()
            dispatcher.send(ringing(invite))
            await phone.answer()
            await house.told(Kind.DISPATCH_STARTED)
            await house.stop()
            heard = [await dispatcher.hear()]
            while not heard[-1].startswith("CANCEL "):
                heard.append(await dispatcher.hear())
            answer = "SIP/2.0 183 "
            while answer.startswith("SIP/2.0 18"):
                answer = await phone.answer()
            assert answer.startswith("SIP/2.0 480 ")


async def test_a_missing_announcement_is_a_fault_and_no_silence(tmp_path: Path) -> None:
    async with House(tmp_path, sounds=str(tmp_path / "nowhere")) as house:
        with Wire("help-1", house.port()) as phone:
            phone.send(phone.request("INVITE", SOS, body=SDP))
            fault = await house.told(Kind.FAULT, what="announcement")
            assert fault.attributes["subject"] == "sip/own"
            assert (await phone.answer()).startswith("SIP/2.0 18")
