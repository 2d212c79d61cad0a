"""Beside a real Asterisk: registered there as an extension, and calling people over it and over a trunk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.model import Kind
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Endpoint
from tests.parts.sip import Phone, Phones, answers, calls
from tests.triggers_sip.house import PASSWORD, VARIABLE, House, site_of, until
from tests.triggers_sip.wire import SDP, Wire

SECRET = {"env": VARIABLE}
DIALPLAN = """\
[phones]
exten => _X.,1,Dial(PJSIP/${EXTEN},20)
"""


@pytest.mark.real("asterisk", "sipp")
async def test_an_asterisk_calls_the_exchange_as_its_extension(
    asterisk22: StartAsterisk, phones: Phones, tmp_path: Path
) -> None:
    """A telephone of the PBX dials 9110: the exchange has it, and rings a dispatcher of the PBX."""
    pbx = await asyncio.to_thread(
        lambda: asterisk22(
            endpoints=[
                Endpoint(name="1001"),
                Endpoint(name="2001", port=-1),
                Endpoint(name="9110", password=PASSWORD),
            ],
            files={"extensions.conf": DIALPLAN},
        )
    )
    server = {"host": "127.0.0.1", "port": pbx.sip_port}
    house = House(
        tmp_path,
        site=site_of(tiers=(("2001@pbx",),)),
        registrations={"pbx": {"user": "9110", "secret": SECRET, "servers": [server]}},
    )
    async with house:
        await house.told(Kind.FAULT_CLEARED, what="registration pbx")
        dispatcher = await asyncio.to_thread(phones.answer, answers(), pbx.port_of("2001"))
        caller = await asyncio.to_thread(
            phones.call, calls(Phone("1001"), hangs_up_after=1), pbx.sip_port, "9110"
        )
        dialing = await house.told(Kind.CALL_DIALING, dialled="9110")
        # Who calls over a PBX is known by its number there.
        assert (dialing.endpoint, dialing.caller) == ("pbx", "1001")
        await house.told(Kind.CALL_ANSWERED, endpoint="2001@pbx")
        assert dispatcher.received("INVITE")
        caller.stop()


@pytest.mark.real("sipp")
async def test_a_dispatcher_beyond_a_trunk(phones: Phones, tmp_path: Path) -> None:
    trunk = await asyncio.to_thread(phones.answer, answers(), 0)
    house = House(
        tmp_path,
        site=site_of(tiers=(("+31201234567@office",),)),
        trunks={"office": {"host": "127.0.0.1", "port": trunk.port}},
    )
    async with house:
        with Wire("4711", house.port()) as phone:
            phone.send(phone.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
            dialing = await house.told(Kind.CALL_DIALING, dialled="9110")
            assert (dialing.endpoint, dialing.caller) == ("office", "4711")
            await house.told(Kind.CALL_ANSWERED, endpoint="+31201234567@office")
        [invite] = trunk.received("INVITE")
        assert invite.first_line == f"INVITE sip:+31201234567@127.0.0.1:{trunk.port} SIP/2.0"


async def test_a_registration_that_is_refused_is_a_fault(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        registrations={
            "pbx": {"user": "9110", "secret": SECRET, "servers": [{"host": "127.0.0.1", "port": 1}]}
        },
    )
    async with house:
        fault = await house.told(Kind.FAULT, what="registration pbx")
        assert "not registered at pbx" in fault.attributes["text"]
        await until(lambda: house.trigger.status.up)  # its own telephones are served all the same
