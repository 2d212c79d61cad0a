"""The dialplan pack of a real Asterisk 22 and 16, watched and started over ARI with the pack's own users."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from bridge.drivers.dispatch import Config, Driver, way_of_beats
from bridge.drivers.dispatch import line as line_module
from bridge.errors import Permanent, Retryable, Uncertain, Unreachable
from bridge.model import DeliveryState, Kind, Targets
from bridge.pack.facts import AriUser
from bridge.protocols.ami import Message
from bridge.protocols.secret import Secret
from bridge.supervision.clocks import SystemClock
from bridge.supervision.heartbeat import Heartbeat
from bridge.triggers import ami
from tests.ami.clock import RunningClock
from tests.ami.door import Door, restored, running
from tests.ari.cable import Cable
from tests.ari.conftest import watch_by_ari
from tests.pack.deliveries import notification
from tests.pack.lab import FACTS, WATCH, PackLab, until_rung
from tests.parts.availability import need
from tests.parts.sip import Phone, Phones, answers, calls, calls_and_cancels, refuses
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp")

WATCHER = AriUser(username="sos-ari-watch", what="watches", read_only=True, secret="watch-secret")
CALLER = AriUser(username="sos-ari-calls", what="starts calls", read_only=False, secret="calls-secret")
PRESSES = answers(after=0.1, presses=[(0.4, "1")])


@pytest.fixture(scope="module", params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def shared_lab(request: pytest.FixtureRequest) -> Iterator[PackLab]:
    need("asterisk" if request.param == "22" else "asterisk-16")
    with ExitStack() as running:
        facts = replace(FACTS, ari_users=(WATCHER, CALLER))
        yield running.enter_context(PackLab(request.param, facts=facts))


@pytest.fixture
def lab(shared_lab: PackLab, phones: Phones) -> Iterator[PackLab]:
    """The calls are ended before the phones are, as in tests/pack/conftest.py."""
    yield shared_lab
    shared_lab.start_over()


def settings_at(lab: PackLab, **ari: Any) -> Config:
    """Settings with the pack's user for calls and nothing of AMI; keywords are settings of `dispatch.ari`."""
    user = {"username": CALLER.username, "secret": {"env": "ARI_CALLS_SECRET"}}
    return Config.model_validate(
        {"ari": {"base_url": f"http://127.0.0.1:{lab.pbx.http_port}", **user, **ari}}
    )


def driver_at(lab: PackLab, **ari: Any) -> Driver:
    """A driver on these settings."""
    return Driver("dispatch", settings_at(lab, **ari), targets=Targets(), clock=SystemClock())


@pytest.fixture
async def driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    monkeypatch.setenv("ARI_CALLS_SECRET", str(CALLER.secret))
    made = driver_at(lab)
    yield made
    await made.close()


async def report(lab: PackLab, name: str, **fields: str) -> Message:
    return await asyncio.to_thread(lambda: lab.wait(name, **fields))


# --- starting ---------------------------------------------------------------------------------------


async def test_1_picks_up_the_ringing_call(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, {"2002": PRESSES})
    lab.beat()
    caller = phones.call(calls(Phone("1001"), hangs_up_after=0.5), lab.pbx.sip_port, "9110")
    uid = (await report(lab, "SOSCall", Phone="1001")).get("SosUid")
    delivery = notification()
    receipt = await driver.perform(delivery)
    assert (receipt.outcome, receipt.proof) == (DeliveryState.VERIFIED, "the PBX rings dispatch, tier 1")
    await asyncio.to_thread(caller.finish)
    await report(lab, "SOSAck", SosUid=uid, SosIncident=delivery.incident, Dispatcher="2002")
    await report(lab, "SOSDone", SosUid=uid, Has="dispatcher", By="2002")
    assert not crew["2003"].received("INVITE")
    assert lab.complaints() == []


async def test_a_repeated_delivery_rings_nobody_twice(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, {"2001": refuses()})
    delivery = notification()
    await driver.perform(delivery)
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
    await asyncio.to_thread(crew["2002"].wait_received, "INVITE")
    # Twice while its channel lives: after asking, and by a bridge that does not ask.
    for again in (replace(delivery, doubtful=True), delivery):
        receipt = await driver.perform(again)
        assert (receipt.outcome, receipt.proof) == (
            DeliveryState.VERIFIED,
            "an earlier attempt had started it",
        )
    await asyncio.to_thread(lab.as_administrator, "Hangup", ("Channel", "/^.*$/"))
    await asyncio.to_thread(lab.wait_no_channels)
    # And when it is gone: the dialplan itself remembers.
    receipt = await driver.perform(delivery)
    assert (receipt.outcome, receipt.proof) == (DeliveryState.VERIFIED, "the PBX had started it already")
    await until_rung(crew, d2001=1, d2002=1, d2003=0)


async def test_a_doubtful_delivery_that_never_arrived_is_performed(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    crew = lab.crew(phones, {})
    receipt = await driver.perform(notification(doubtful=True))
    assert receipt.proof == "the PBX rings dispatch, tier 1"
    await asyncio.to_thread(crew["2001"].wait_received, "INVITE")


async def test_each_step_starts_its_own_context(lab: PackLab, phones: Phones, driver: Driver) -> None:
    crew = lab.crew(phones, dict.fromkeys(("2001", "2002", "2003"), refuses()))
    second = await driver.perform(notification("escalate_2/1"))
    assert second.proof == "the PBX rings dispatch, tier 2"
    await asyncio.to_thread(crew["2003"].wait_received, "INVITE")
    clicked = await driver.perform(notification("acknowledged/1", params={"acknowledged_by": "anna"}))
    assert clicked.proof == "the PBX knows that somebody has it"
    await asyncio.to_thread(lab.wait_no_channels)
    assert not crew["2001"].received("INVITE")


async def test_the_call_goes_on_without_the_bridge(lab: PackLab, phones: Phones, driver: Driver) -> None:
    lab.crew(phones, {"2002": answers(after=0.6, presses=[(0.3, "1")])})
    phones.answer(answers(hangs_up_after=0.3), lab.port("1001"))
    await driver.perform(notification())
    await driver.close()
    await report(lab, "SOSCallbackEnd", DialStatus="ANSWER")


async def test_check_rings_nobody(lab: PackLab, phones: Phones, driver: Driver) -> None:
    found = await driver.check()
    assert [(each.level, each.subject) for each in found] == [
        ("ok", "dispatch/heartbeat"),
        ("ok", "dispatch/ari"),
    ]
    assert lab.reports("SOSTier") == []


async def test_a_check_from_elsewhere_leaves_the_running_bridge_alone(
    lab: PackLab, phones: Phones, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    lab.crew(phones, {"2001": refuses(), "2002": refuses()})
    await driver.perform(notification())
    elsewhere = driver_at(lab)
    assert [each.level for each in await elsewhere.check()] == ["ok", "ok"]
    await elsewhere.close()
    assert [each.level for each in await driver.check()] == ["ok", "ok"], "by its own connection"
    assert "took the application" not in caplog.text


async def test_a_user_who_may_only_read_is_refused(
    lab: PackLab, phones: Phones, monkeypatch: pytest.MonkeyPatch, driver: Driver
) -> None:
    monkeypatch.setenv("ARI_CALLS_SECRET", str(WATCHER.secret))
    reader = driver_at(lab, username=WATCHER.username)
    with pytest.raises(Permanent, match="403"):
        await reader.perform(notification())
    await reader.close()


async def test_a_pbx_without_the_pack(lab: PackLab, phones: Phones, driver: Driver) -> None:
    """What the PBX takes and its dialplan does not have is tried again, and said."""
    await driver.perform(notification("acknowledged/1", phone="P-1002"))  # rings nobody
    loaded = (lab.pbx.etc / "extensions.conf").read_text()
    try:
        lab.pbx.write("extensions.conf", "[general]\n[phones]\nexten => 1,1,Hangup()\n")
        await asyncio.to_thread(lab.pbx.cli, "dialplan reload")
        with pytest.raises(Retryable, match="is the dialplan pack loaded"):
            await driver.perform(notification())
    finally:
        (lab.pbx.etc / "extensions.conf").write_text(loaded)
        await asyncio.to_thread(lab.pbx.cli, "dialplan reload")


async def test_a_call_whose_answer_is_lost_is_asked_for_and_rings_once(
    lab: PackLab, phones: Phones, driver: Driver
) -> None:
    """The request arrives, the PBX rings, and nothing comes back: uncertain, then found started."""
    crew = lab.crew(phones, {})
    async with Cable(lab.pbx.http_port) as cable:
        quick = {"timeouts": {"total": 1.0}, "ping_interval": 0.2, "ping_timeout": 0.3}
        unsure = driver_at(lab, base_url=f"http://127.0.0.1:{cable.port}", **quick)
        await unsure.perform(notification("acknowledged/1", phone="P-1002"))  # rings nobody
        cable.mute = True
        delivery = notification()
        with pytest.raises(Uncertain):
            await unsure.perform(delivery)
        cable.mute = False
        await asyncio.to_thread(crew["2001"].wait_received, "INVITE")
        again = replace(delivery, doubtful=True)
        proofs = []

        async def perform() -> bool:
            with suppress(Unreachable):  # the link was given up, and comes back
                proofs.append((await unsure.perform(again)).proof)
            return bool(proofs)

        await until(perform)
        assert proofs == ["an earlier attempt had started it"]
        await unsure.close()
    await until_rung(crew, d2001=1, d2002=1, d2003=0)


async def test_a_pbx_that_cannot_be_reached_is_asked_nothing(
    lab: PackLab, phones: Phones, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "CONNECT_WITHIN", 0.5)
    crew = lab.crew(phones, {})
    async with Cable(lab.pbx.http_port) as cable:
        cable.plugged = False
        away = driver_at(lab, base_url=f"http://127.0.0.1:{cable.port}")
        with pytest.raises(Unreachable, match="dispatch/dispatch"):
            await away.perform(notification())
        await away.close()
    assert not crew["2001"].received("INVITE")


# --- the heartbeat ----------------------------------------------------------------------------------


async def test_beats_are_noted_by_the_pbx_and_stop_when_the_path_does_not_work(
    lab: PackLab, driver: Driver
) -> None:
    """It may be started again, as after an error that nobody thought of."""
    path = {"healthy": True}
    way = way_of_beats(settings_at(lab), name="heartbeat/pbx1", clock=SystemClock())
    heart = Heartbeat(way, SystemClock(), every=0.2, healthy=lambda: path["healthy"])
    for _ in range(2):
        heart.noted_at = None
        lab.set_global("SOS_BEAT_AT", "0")
        async with beating(heart):
            await until(lambda: heart.noted_at is not None)
            assert heart.why == ""
            noted = lab.as_administrator("Getvar", ("Variable", "SOS_BEAT_AT")).get("Value")
            assert int(noted) == pytest.approx(SystemClock().now(), abs=10)
    async with beating(heart):
        path["healthy"] = False
        await until(lambda: heart.why.startswith("held back"))
    lab.set_global("SOS_BEAT_AT", "0")
    assert [each.level for each in await driver.check()] == ["ok", "ok"]
    assert lab.as_administrator("Getvar", ("Variable", "SOS_BEAT_AT")).get("Value") == "0", "only tried"


async def test_a_pbx_without_the_heartbeats_dialplan_is_said(lab: PackLab, driver: Driver) -> None:
    heart = Heartbeat(
        way_of_beats(settings_at(lab), name="heartbeat/pbx1", clock=SystemClock()),
        SystemClock(),
        every=0.2,
        healthy=lambda: True,
    )
    await asyncio.to_thread(lab.pbx.cli, "dialplan remove context sos-heartbeat")
    try:
        async with beating(heart):
            await until(lambda: "ended the call before anybody answered" in heart.why)
            assert heart.noted_at is None
        beat, _ = await driver.check()
        assert (beat.level, beat.subject) == ("error", "dispatch/heartbeat")
        assert beat.text.endswith("is the dialplan pack loaded?")
    finally:
        await asyncio.to_thread(lab.pbx.cli, "dialplan reload")


async def test_a_user_who_may_only_read_proves_nothing(
    lab: PackLab, monkeypatch: pytest.MonkeyPatch, driver: Driver
) -> None:
    monkeypatch.setenv("ARI_CALLS_SECRET", str(WATCHER.secret))
    reader = driver_at(lab, username=WATCHER.username)
    assert [(each.level, "403" in each.text) for each in await reader.check()] == [("error", True)] * 2
    await reader.close()


@asynccontextmanager
async def beating(heart: Heartbeat) -> AsyncIterator[None]:
    task = asyncio.create_task(heart.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- watching ---------------------------------------------------------------------------------------


async def test_an_sos_through_the_pack_is_the_same_over_both(
    lab: PackLab, phones: Phones, driver: Driver, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tier 1, the bridge's own notification, an acknowledgement, a hangup, a call back: each event once."""
    monkeypatch.setenv("AMI_WATCH", str(WATCH.secret))
    by_ami, by_ari = Door(), Door()
    ami_settings = {
        "host": "127.0.0.1",
        "port": lab.pbx.ami_port,
        "username": WATCH.username,
        "secret": {"env": "AMI_WATCH"},
    }
    ami_watch = ami.Trigger("pbx1", ami.Config.model_validate(ami_settings), clock=RunningClock())
    ari_watch = watch_by_ari(lab.pbx, secret, username=WATCHER.username)
    async with running(ami_watch, by_ami), running(ari_watch, by_ari):
        await restored(by_ami)
        await restored(by_ari)
        lab.crew(phones, {"2001": refuses(), "2002": answers(after=0.6, presses=[(0.4, "1")])})
        phones.answer(answers(hangs_up_after=0.3), lab.port("1001"))
        talks = phones.call(calls(Phone("1001"), hangs_up_after=0.4), lab.pbx.sip_port, "9110")
        await report(lab, "SOSCall")
        await driver.perform(notification())
        await asyncio.to_thread(talks.finish)
        await report(lab, "SOSDone", Has="dispatcher", By="2002")
        gives_up = phones.call(calls_and_cancels(Phone("1001"), after=0.2), lab.pbx.sip_port, "9110")
        await asyncio.to_thread(gives_up.finish)
        await report(lab, "SOSCallbackEnd", DialStatus="ANSWER")
        await asyncio.to_thread(lab.wait_no_channels)
        await until(lambda: identities(by_ari) == identities(by_ami))
        await until(lambda: Kind.CALL_ENDED in by_ari.kinds)
    assert len(by_ari.of(Kind.ACKNOWLEDGED)) == 2
    kinds = {event.kind for event in by_ari.events}
    assert {Kind.CALL_DIALING, Kind.DISPATCH_STARTED, Kind.ACKNOWLEDGED, Kind.CALL_ENDED} <= kinds
    assert {event.dialled for event in by_ari.of(Kind.CALL_DIALING)} >= {"9110"}


def identities(door: Door) -> Counter[str]:
    """Ids of all events of the PBX, but for those of devices: each way reports its own moment of them."""
    return Counter(
        event.id
        for event in door.events
        if event.source == "asterisk/pbx1" and event.kind not in (Kind.ONLINE, Kind.OFFLINE)
    )
