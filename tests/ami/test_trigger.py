"""The trigger against a fake PBX: gaps closed, link story told, events kept in order, nothing waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from bridge.errors import ConfigError, StoreError
from bridge.model import Event, Kind
from bridge.protocols.secret import Secret
from bridge.simulator.ami_server import ALL_ACTIONS, WATCHER, AmiServer
from bridge.simulator.dialogue import Dialogue
from bridge.triggers._accepting import Handover
from bridge.triggers.ami import Config, Trigger
from tests.ami.clock import RunningClock
from tests.ami.conftest import SECRET_VARIABLE
from tests.ami.door import Door, restored, running
from tests.ami.scenarios import SCENARIOS
from tests.ami.stage import story_of
from tests.ami.test_link import HastyClock
from tests.calls.test_recordings import FOLDER
from tests.waiting import until

MakeTrigger = Callable[..., Trigger]


@pytest.fixture
def trigger(pbx: AmiServer, secret: Secret) -> MakeTrigger:
    def make(*, pack_hash: Callable[[], str] | None = None, **settings: object) -> Trigger:
        defaults = {"host": "127.0.0.1", "port": pbx.port, "username": "watch", "secret": secret}
        waits = {"connect_timeout": 1.0, "action_timeout": 1.0, "ping_timeout": 2.0}
        config = Config.model_validate({**defaults, **waits, **settings})
        return Trigger("pbx1", config, clock=HastyClock(), pack_hash=pack_hash)

    return make


def new_channel(pbx: AmiServer, uniqueid: str = "1700000000.0", exten: str = "9110") -> None:
    pbx.emit(
        "Newchannel",
        Channel=f"PJSIP/1001-{uniqueid[-1]}",
        ChannelState="4",
        ChannelStateDesc="Ring",
        CallerIDNum="1001",
        Exten=exten,
        Uniqueid=uniqueid,
        Linkedid=uniqueid,
    )


# --- the normal day ---------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [0, 1])
@pytest.mark.parametrize("name", ["answered", "press_one"])
async def test_a_real_dialogue_becomes_its_events(
    name: str, chunk: int, pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    expected = {call: list(said) for call, said in scenario.expected.items()}
    async with running(trigger(), door):
        await restored(door)
        pbx.chunk = chunk
        door.events.clear()
        await pbx.play(Dialogue.load(FOLDER / "22" / f"{name}.ami"), speed=1000)
        await until(lambda: story_of(door.events) == expected)
    assert {event.source for event in door.events} == {"asterisk/pbx1"}
    assert {event.via for event in door.events} == {"ami"}


async def test_source_names_the_pbx_not_the_link(pbx: AmiServer, trigger: MakeTrigger, door: Door) -> None:
    async with running(trigger(source="asterisk/main"), door):
        await restored(door)
        new_channel(pbx)
        await until(lambda: door.of(Kind.CALL_DIALING))
    assert door.events[-1].source == "asterisk/main"


async def test_status(pbx: AmiServer, trigger: MakeTrigger, door: Door) -> None:
    watching = trigger()
    assert (watching.status.up, watching.status.text, watching.status.lag) == (False, "not started", None)
    async with running(watching, door):
        await restored(door)
        new_channel(pbx)
        await until(lambda: door.of(Kind.CALL_DIALING))
        status = watching.status
        assert (status.up, status.text, status.version) == (True, "", "11.0.0")
        assert (status.channels, status.calls, status.events) == (1, 1, len(door.events))
        assert (status.lag, status.backlog, status.in_flight) == (0.0, 0, 0)
        assert status.last_heard == pytest.approx(RunningClock().now(), abs=5)
    assert watching.status.lag is None


# --- gaps -------------------------------------------------------------------------------------------


async def test_first_login_clears_what_an_earlier_run_left_open(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
    assert Kind.LINK_LOST not in door.kinds
    cleared = {event.attributes["what"] for event in door.of(Kind.FAULT_CLEARED)}
    assert cleared == {"unreadable", "rights", "login"}
    [link] = door.of(Kind.LINK_RESTORED)
    assert link.attributes["subject"] == "ami/pbx1"
    assert "since" not in link.attributes


async def test_a_call_that_began_in_the_gap_is_found_and_one_that_ended_is_ended(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        new_channel(pbx, "1700000000.1")
        await until(lambda: door.of(Kind.CALL_DIALING))
        pbx.drop()
        pbx.channels.clear()
        new_channel(pbx, "1700000000.2")
        await restored(door, 2)
    lost, back = door.of(Kind.LINK_LOST)[0], door.of(Kind.LINK_RESTORED)[1]
    story = door.events[door.events.index(lost) :]
    calls = [(e.kind, e.key, e.attributes.get("recovered")) for e in story if e.source == "asterisk/pbx1"]
    assert calls == [
        (Kind.CALL_DIALING, "1700000000.2", "yes"),
        (Kind.CALL_ENDED, "1700000000.1", "yes"),
    ]
    assert lost.occurred_at <= RunningClock().now()
    assert float(back.attributes["since"]) == pytest.approx(lost.occurred_at, abs=0.001)
    assert float(back.attributes["until"]) >= float(back.attributes["since"])
    assert story.index(back) > story.index(door.of(Kind.CALL_ENDED)[0]), "restored means reconciled"


async def test_what_happens_while_the_snapshot_is_taken_is_told_by_the_buffer(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    """Log in, buffer, snapshot, then the buffer: a call that begins meanwhile is live, not recovered."""

    def begin_and_end(pbx: AmiServer) -> None:
        new_channel(pbx, "1700000000.2")
        pbx.emit("HangupRequest", Uniqueid="1700000000.1")
        pbx.emit("Hangup", Uniqueid="1700000000.1")

    async with running(trigger(), door):
        await restored(door)
        new_channel(pbx, "1700000000.1")
        await until(lambda: door.of(Kind.CALL_DIALING))
        pbx.before_snapshot = lambda: begin_and_end(pbx)
        pbx.drop()
        await restored(door, 2)
        await until(lambda: door.of(Kind.CALL_ENDED))
    [_, begun] = door.of(Kind.CALL_DIALING)
    [ended] = door.of(Kind.CALL_ENDED)
    assert "recovered" not in begun.attributes
    assert (ended.attributes["ended_by"], ended.attributes.get("recovered")) == ("caller", None)


async def test_asterisk_restarted_in_the_middle_of_a_call(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        new_channel(pbx)
        await until(lambda: door.of(Kind.CALL_DIALING))
        await pbx.restart(downtime=0.02)
        await restored(door, 2)
    [lost] = door.of(Kind.LINK_LOST)
    assert lost.attributes["text"].startswith("the PBX shuts down")
    [ended] = door.of(Kind.CALL_ENDED)
    assert (ended.attributes["outcome"], ended.attributes["recovered"]) == ("unknown", "yes")


async def test_half_open_link_is_a_blind_interval_since_the_last_proof_of_life(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(ping_timeout=0.5, connect_timeout=0.2), door):
        await restored(door)
        pbx.freeze()
        frozen_at = RunningClock().now()
        await until(lambda: door.of(Kind.LINK_LOST))
        pbx.thaw()
        await restored(door, 2)
    [lost] = door.of(Kind.LINK_LOST)
    assert lost.attributes["text"] == "no answer to Ping within 0.5 s"
    assert lost.occurred_at == pytest.approx(frozen_at, abs=0.4), "not when it was noticed"
    assert lost.source == "bridge"
    assert lost.attributes["subject"] == "ami/pbx1"


async def test_phones_that_went_while_nobody_looked(pbx: AmiServer, trigger: MakeTrigger, door: Door) -> None:
    pbx.devices = {"PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "UNAVAILABLE", "Queue:sos": "NOT_INUSE"}
    async with running(trigger(), door):
        await restored(door)
        pbx.devices["PJSIP/1001"] = "UNAVAILABLE"
        pbx.drop()
        await restored(door, 2)
    told = [(event.kind, event.endpoint) for event in door.of(Kind.ONLINE, Kind.OFFLINE)]
    assert told == [(Kind.ONLINE, "1001"), (Kind.OFFLINE, "1002"), (Kind.OFFLINE, "1001")]


async def test_calls_go_on_being_told_where_the_snapshot_is_not_allowed(
    secret: Secret, trigger: MakeTrigger, door: Door
) -> None:
    forbidden = {"CoreShowChannels", "DeviceStateList"}
    async with AmiServer(actions=WATCHER - forbidden) as pbx, running(trigger(port=pbx.port), door):
        await restored(door)
        new_channel(pbx)
        await until(lambda: door.of(Kind.CALL_DIALING))
    [fault] = door.of(Kind.FAULT)
    assert fault.attributes["what"] == "rights"
    assert "write = reporting" in fault.attributes["text"]


async def test_a_channel_whose_end_was_never_told_is_dropped_after_two_snapshots(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    watching = trigger(resync_interval=0.05)
    async with running(watching, door):
        await restored(door)
        new_channel(pbx, "1700000000.1")
        new_channel(pbx, "1700000000.2")
        await until(lambda: watching.status.channels == 2)
        pbx.channels.pop("1700000000.1")
        await until(lambda: watching.status.channels == 1)
        await asyncio.sleep(0.15)
        assert watching.status.channels == 1
    [ended] = door.of(Kind.CALL_ENDED)
    assert (ended.key, ended.attributes["outcome"]) == ("1700000000.1", "unknown")


# --- logging in -------------------------------------------------------------------------------------


async def test_wrong_secret_is_a_visible_fault_until_it_is_right(
    pbx: AmiServer, trigger: MakeTrigger, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    watching = trigger()
    async with running(watching, door):
        await until(lambda: len(pbx.received) > 6)
        assert door.kinds == [Kind.LINK_LOST, Kind.FAULT], "said once, not at every attempt"
        assert "Authentication failed" in watching.status.text
        monkeypatch.setenv(SECRET_VARIABLE, "watch-secret")
        await restored(door)
    fault = door.events[1]
    assert (fault.attributes["subject"], fault.attributes["what"]) == ("ami/pbx1", "login")
    assert "Authentication failed" in fault.attributes["text"]
    assert [e.attributes["what"] for e in door.of(Kind.FAULT_CLEARED)] == ["unreadable", "rights", "login"]


# --- the pack ---------------------------------------------------------------------------------------


async def test_pack_drift(pbx: AmiServer, trigger: MakeTrigger, door: Door) -> None:
    async with running(trigger(pack_hash=lambda: "new"), door):
        await until(lambda: door.of(Kind.FAULT))
        pbx.variables["SOS_PACK_HASH"] = "old"
        pbx.emit("Reload", Module="pbx_config", Status="0")
        await until(lambda: len(door.of(Kind.FAULT)) == 2)
        pbx.variables["SOS_PACK_HASH"] = "new"
        pbx.emit("Reload", Module="pbx_config", Status="0")
        await until(lambda: door.of(Kind.FAULT_CLEARED)[-1].attributes["what"] == "pack_drift")
    none, other = door.of(Kind.FAULT)
    assert {none.attributes["what"], other.attributes["what"]} == {"pack_drift"}
    assert "no dialplan pack" in none.attributes["text"]
    assert "(old)" in other.attributes["text"]
    assert "(new)" in other.attributes["text"]


async def test_pack_that_cannot_be_read_or_rendered(trigger: MakeTrigger, door: Door) -> None:
    def broken() -> str:
        raise ConfigError("no dispatch group")

    async with AmiServer(actions=ALL_ACTIONS - {"Getvar"}) as pbx:
        watching = trigger(port=pbx.port, pack_hash=lambda: "x")
        async with running(watching, door):
            await until(lambda: door.of(Kind.FAULT))
    async with AmiServer() as pbx, running(trigger(port=pbx.port, pack_hash=broken), door):
        await until(lambda: len(door.of(Kind.FAULT)) == 2)
    forbidden, unrenderable = (event.attributes["text"] for event in door.of(Kind.FAULT))
    assert "Permission denied" in forbidden
    assert "no dispatch group" in unrenderable


# --- bad input and floods ---------------------------------------------------------------------------


async def test_what_cannot_be_read_is_a_fault_and_the_next_event_is_read(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        pbx.send(b"x" * (2 * 1024 * 1024) + b"\r\n\r\n" + b"".join(b"junk %d\r\n\r\n" % n for n in range(9)))
        new_channel(pbx)
        await until(lambda: door.of(Kind.CALL_DIALING))
    [fault] = door.of(Kind.FAULT)
    assert fault.attributes["what"] == "unreadable"
    assert "longer than" in fault.attributes["text"]


async def test_invalid_utf8_in_a_name(pbx: AmiServer, trigger: MakeTrigger, door: Door) -> None:
    async with running(trigger(), door):
        await restored(door)
        pbx.emit_raw(
            b"Event: Newchannel\nChannel: PJSIP/1001-0\nChannelState: 4\nCallerIDNum: 1001\n"
            b"CallerIDName: Jos\xe9\nExten: 9110\nUniqueid: 1.0\nLinkedid: 1.0"
        )
        await until(lambda: door.of(Kind.CALL_DIALING))
    [dialing] = door.of(Kind.CALL_DIALING)
    assert dialing.attributes["name"] == r"Jos\xe9"


async def test_ten_thousand_calls_at_once_are_kept_in_order(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        before = len(door.events)
        for number in range(10_000):
            new_channel(pbx, f"1700000000.{number}")
        await until(lambda: len(door.events) >= before + 10_000, within=20)
    assert [int(e.key.partition(".")[2]) for e in door.of(Kind.CALL_DIALING)] == list(range(10_000))
    assert Kind.LINK_LOST not in door.kinds


async def test_commits_are_not_waited_for_one_by_one_but_their_number_is_bounded(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    watching = trigger()
    async with running(watching, door):
        await restored(door)
        before = len(door.events)
        door.slow = True
        for number in range(2_500):
            new_channel(pbx, f"1700000000.{number}")
        await until(lambda: watching.status.in_flight == 2_000)
        await until(lambda: watching.status.backlog >= 400)
        assert len(door.events) - before == 2_000
        assert watching.status.lag is not None
        door.slow = False
        for durable in door.waiting:
            durable.set_result(None)
        await until(lambda: len(door.events) - before == 2_500)


async def test_an_event_that_could_not_be_kept_ends_the_run(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    task = asyncio.create_task(trigger().run(door))
    await restored(door)
    door.error = StoreError("disk full")
    new_channel(pbx)
    with pytest.raises(StoreError, match="disk full"):
        await task
    await until(lambda: not pbx.logged_in)


async def test_the_next_run_tells_the_interval_that_the_end_of_the_last_one_made(
    pbx: AmiServer, trigger: MakeTrigger, door: Door
) -> None:
    watching = trigger()
    task = asyncio.create_task(watching.run(door))
    await restored(door)
    door.error = StoreError("disk full")
    new_channel(pbx)
    with pytest.raises(StoreError):
        await task
    ended_at = RunningClock().now()
    door.error = None
    pbx.channels.clear()
    async with running(watching, door):
        await restored(door, 2)
    since = float(door.of(Kind.LINK_RESTORED)[-1].attributes["since"])
    assert since == pytest.approx(ended_at, abs=2)
    assert [event.attributes["recovered"] for event in door.of(Kind.CALL_ENDED)] == ["yes"]


async def test_a_defect_beside_the_reader_ends_the_run(trigger: MakeTrigger, door: Door) -> None:
    def defect() -> str:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        await trigger(pack_hash=defect).run(door)


def test_authority_file_that_is_missing_is_refused_before_a_reload_stops_the_old_link(
    trigger: MakeTrigger,
) -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/ca\.pem"):
        trigger(tls={"ca": "/nowhere/ca.pem"})


async def test_authority_file_that_has_gone_is_seen(trigger: MakeTrigger, door: Door, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca))
    watching = trigger(tls={"ca": str(ca)})
    ca.unlink()
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"ca\.pem"):
            await watching.run(door)
    assert door.kinds == [Kind.LINK_LOST, Kind.FAULT], "not at every attempt"
    assert "ca.pem" in watching.status.text
    [finding] = await watching.check()
    assert (finding.level, "ca.pem" in finding.text) == ("error", True)


async def test_handover_takes_coroutines_as_well() -> None:
    kept: list[str] = []

    async def accept(event: Event) -> None:
        kept.append(event.key)

    handover = Handover(accept)
    for key in "abc":
        handover.put(Event(kind=Kind.SOS, source="s", key=key, occurred_at=0.0))
    await until(lambda: handover.in_flight == 0)
    assert kept == ["a", "b", "c"]
