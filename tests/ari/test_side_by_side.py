"""AMI and ARI on the same calls of a real Asterisk 22 and 16: the same events, with the same ids."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress

import pytest

from bridge.calls import Devices
from bridge.model import CALL_KINDS, Event, Kind
from bridge.protocols.secret import Secret
from bridge.triggers import ami
from tests.ami.clock import RunningClock
from tests.ami.door import Door, restored, running
from tests.ami.scenarios import SCENARIOS
from tests.ami.stage import ENDPOINTS, MODULES, Scenario, Stage, story_of
from tests.ari.conftest import KnownDevices, watch_by_ari
from tests.ari.scenarios import ALL, FILES
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Asterisk
from tests.parts.baresip import Baresip
from tests.parts.sip import Phones
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")

ONLY_AMI = {"fault 1002", "fault_cleared 1002"}
"""Reports of class `security`, which ARI does not have."""
REPORTED = frozenset({*CALL_KINDS, Kind.ACKNOWLEDGED, Kind.DISPATCH_STARTED})


def watch_by_ami(pbx: Asterisk, secret: Secret, devices: KnownDevices | None = None) -> ami.Trigger:
    settings = {"host": "127.0.0.1", "port": pbx.ami_port, "username": "watch", "secret": secret}
    return ami.Trigger("pbx1", ami.Config.model_validate(settings), clock=RunningClock(), devices=devices)


def without_security(expected: dict[str, list[str]]) -> dict[str, list[str]]:
    return {about: said for about, said in expected.items() if about not in ONLY_AMI}


def told(door: Door) -> dict[str, list[str]]:
    """Return what was said of the PBX; of the link itself each way has its own to say."""
    return story_of([event for event in door.events if event.source == "asterisk/pbx1"])


def ids(events: list[Event]) -> Counter[str]:
    return Counter(event.id for event in events if event.kind in REPORTED)


async def test_the_same_calls_are_the_same_events(asterisk: StartAsterisk, secret: Secret) -> None:
    pbx = asterisk(endpoints=ENDPOINTS, files=FILES, modules=MODULES)
    by_ami, by_ari = Door(), Door()
    async with running(watch_by_ami(pbx, secret), by_ami), running(watch_by_ari(pbx, secret), by_ari):
        await restored(by_ami)
        await restored(by_ari)
        for scenario in ALL:
            by_ami.events.clear()
            by_ari.events.clear()
            await play(scenario, pbx, by_ami, by_ari)
            assert ids(by_ari.events) == ids(by_ami.events), scenario.name
            assert set(ids(by_ari.events).values()) <= {1}, scenario.name
            assert said_of_each(by_ari) == said_of_each(by_ami), scenario.name
    assert Kind.LINK_LOST not in by_ari.kinds


async def test_a_phone_that_registers_and_goes_is_told_once(asterisk: StartAsterisk, secret: Secret) -> None:
    """Both links lead to one door, as in the bridge."""
    pbx = asterisk(endpoints=ENDPOINTS, files=FILES, modules=MODULES)
    door = Door()
    known: defaultdict[str, Devices] = defaultdict(Devices)

    def moves() -> list[Kind]:
        return [event.kind for event in door.of(Kind.ONLINE, Kind.OFFLINE) if event.endpoint == "1002"]

    by_ami = watch_by_ami(pbx, secret, devices=known.__getitem__)
    by_ari = watch_by_ari(pbx, secret, devices=known.__getitem__)
    async with running(by_ami, door), running(by_ari, door):
        await restored(door, 2)
        phone = await asyncio.to_thread(Baresip, "1002", pbx.sip_port, password="right")
        try:
            await until(lambda: Kind.ONLINE in moves())
        finally:
            await asyncio.to_thread(phone.close)
        await until(lambda: moves()[-1] is Kind.OFFLINE)
        # Both have told all of it once a call that came later has been told by both.
        with Phones() as phones:
            await asyncio.to_thread(SCENARIOS[0].play, Stage(pbx, phones))
        await until(lambda: {event.via for event in door.of(Kind.CALL_ENDED)} == {"ami", "ari"})
    assert moves() == [Kind.OFFLINE, Kind.ONLINE, Kind.OFFLINE]


async def play(scenario: Scenario, pbx: Asterisk, by_ami: Door, by_ari: Door) -> None:
    expected = {call: list(said) for call, said in scenario.expected.items()}
    with Phones() as phones:
        await asyncio.to_thread(scenario.play, Stage(pbx, phones))
        with suppress(TimeoutError):
            await until(lambda: told(by_ami) == expected)
        with suppress(TimeoutError):
            await until(lambda: told(by_ari) == without_security(expected))
    assert told(by_ami) == expected, scenario.name
    assert told(by_ari) == without_security(expected), scenario.name


def said_of_each(door: Door) -> dict[str, tuple[str, str, str, dict[str, str]]]:
    """Everything that an event says, by its id, but for the way it came. AMI doubles each backslash."""
    return {
        event.id: (
            event.endpoint,
            event.caller,
            event.incident,
            {name: value.replace("\\", "") for name, value in event.attributes.items()},
        )
        for event in door.events
        if event.kind in REPORTED
    }
