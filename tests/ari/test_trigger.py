"""The trigger against a fake PBX: gaps closed, link story told, faults of the link, nothing waited for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.errors import ConfigError, StoreError
from bridge.model import Call, Kind, Tier
from bridge.protocols.secret import Secret
from bridge.triggers.ari import Config, Trigger
from tests.ami.clock import RunningClock
from tests.ami.door import Door, restored, running
from tests.ami.test_link import HastyClock
from tests.ari.conftest import WATCH_SECRET
from tests.ari.fake_pbx import FakePbx, channel
from tests.waiting import until

MakeTrigger = Callable[..., Trigger]


@pytest.fixture
async def pbx() -> AsyncIterator[FakePbx]:
    async with FakePbx() as server:
        yield server


@pytest.fixture
def trigger(pbx: FakePbx, secret: Secret) -> MakeTrigger:
    def make(
        *,
        pack_hash: Callable[[], str] | None = None,
        unfinished: Callable[[], object] | None = None,
        **settings: object,
    ) -> Trigger:
        defaults = {"base_url": pbx.url, "username": "watch", "secret": secret, "timeouts": {"total": 2.0}}
        config = Config.model_validate({**defaults, **settings})
        clock = HastyClock()
        return Trigger("pbx1", config, clock=clock, pack_hash=pack_hash, unfinished=unfinished)  # type: ignore[arg-type]  # the test's own

    return make


def stories(door: Door) -> list[tuple[Kind, str, str | None]]:
    return [
        (event.kind, event.key, event.attributes.get("recovered"))
        for event in door.events
        if event.source == "asterisk/pbx1"
    ]


def call_of(key: str) -> Call:
    return Call(
        id=f"call-{key}",
        source="asterisk/pbx1",
        key=key,
        endpoint="1001",
        caller="1001",
        dialled="9110",
        phone="P-1001",
        location="PLACE-A",
        tier=Tier.EMERGENCY,
        dialing_at=1_700_000_000.0,
    )


# --- gaps -------------------------------------------------------------------------------------------


async def test_the_first_handshake_clears_what_an_earlier_run_left_open(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
    assert Kind.LINK_LOST not in door.kinds
    assert {event.attributes["what"] for event in door.of(Kind.FAULT_CLEARED)} == {"unreadable", "login"}
    [link] = door.of(Kind.LINK_RESTORED)
    assert (link.attributes["subject"], link.via) == ("ari/pbx1", "ari")
    assert "since" not in link.attributes


async def test_a_call_that_began_in_the_gap_is_found_and_one_that_ended_is_ended(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.CALL_DIALING))
        pbx.channels = [channel("1700000000.2")]
        pbx.drop()
        await restored(door, 2)
    assert stories(door) == [
        (Kind.CALL_DIALING, "1700000000.1", None),
        (Kind.CALL_DIALING, "1700000000.2", "yes"),
        (Kind.CALL_ENDED, "1700000000.1", "yes"),
    ]
    lost, back = door.of(Kind.LINK_LOST)[0], door.of(Kind.LINK_RESTORED)[1]
    assert float(back.attributes["since"]) == pytest.approx(lost.occurred_at, abs=0.001)
    assert door.events.index(back) > door.events.index(door.of(Kind.CALL_ENDED)[0]), "restored: reconciled"


async def test_what_happens_while_the_snapshot_is_taken_is_told_by_the_buffer(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    """Subscribe, buffer, snapshot, then the buffer: a call that begins meanwhile is live, not recovered."""
    watching = trigger()

    def begin_and_end() -> None:
        pbx.before_channels = lambda: None
        begun = channel("1700000000.2")
        pbx.channels = [begun]
        pbx.emit("ChannelCreated", channel=begun)
        pbx.emit("ChannelHangupRequest", channel=channel("1700000000.1"))
        pbx.emit("ChannelDestroyed", channel=channel("1700000000.1"))

    async with running(watching, door):
        await restored(door)
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.CALL_DIALING))
        pbx.before_channels = begin_and_end
        pbx.drop()
        await restored(door, 2)
        await until(lambda: door.of(Kind.CALL_ENDED))
    [_, begun] = door.of(Kind.CALL_DIALING)
    [ended] = door.of(Kind.CALL_ENDED)
    assert "recovered" not in begun.attributes
    assert (ended.attributes["ended_by"], ended.attributes.get("recovered")) == ("caller", None)


async def test_a_call_of_an_earlier_run_goes_on_and_is_not_dialled_again(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async def unfinished() -> list[Call]:
        return [call_of(key) for key in ("1700000000.1", "1700000000.2")]

    pbx.channels = [channel("1700000000.1")]
    async with running(trigger(unfinished=unfinished), door):
        await restored(door)
    assert stories(door) == [(Kind.CALL_ENDED, "1700000000.2", "yes")]


async def test_a_channel_that_ended_unseen_is_dropped_at_the_second_look(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(resync_interval=0.05), door):
        await restored(door)
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.CALL_ENDED))
    assert door.of(Kind.CALL_ENDED)[0].attributes["outcome"] == "unknown"


async def test_devices_that_went_in_the_gap(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    pbx.endpoints = [{"technology": "PJSIP", "resource": "1001", "state": "offline"}]
    async with running(trigger(), door):
        await restored(door)
    assert [event.endpoint for event in door.of(Kind.OFFLINE)] == ["1001"]


# --- the link itself --------------------------------------------------------------------------------


async def test_a_wrong_password_is_a_fault_and_the_right_one_ends_it(
    pbx: FakePbx, trigger: MakeTrigger, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WATCH_SECRET, "wrong")
    watching = trigger()
    async with running(watching, door):
        await until(lambda: door.of(Kind.FAULT))
        assert door.of(Kind.FAULT)[0].attributes["what"] == "login"
        assert not watching.status.up
        monkeypatch.setenv(WATCH_SECRET, "watch-secret")
        await restored(door)
    assert "login" in {event.attributes["what"] for event in door.of(Kind.FAULT_CLEARED)}


async def test_lists_that_are_refused_keep_the_link_down(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    """A link whose calls cannot be reconciled must not look as if nothing were missed."""
    pbx.refusals["GET /channels"] = 500
    watching = trigger()
    async with running(watching, door):
        await until(lambda: door.of(Kind.LINK_LOST))
        assert "HTTP 500" in door.of(Kind.LINK_LOST)[0].attributes["text"]
        assert Kind.LINK_RESTORED not in door.kinds
        pbx.refusals.clear()
        await restored(door)


async def test_what_cannot_be_read_is_a_fault_until_the_next_session(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        pbx.send("{")
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.FAULT))
        assert door.of(Kind.FAULT)[0].attributes["what"] == "unreadable"
        pbx.drop()
        await restored(door, 2)
    cleared = [event for event in door.of(Kind.FAULT_CLEARED) if event.attributes["what"] == "unreadable"]
    assert len(cleared) == 2


async def test_channels_that_do_not_tell_their_call_are_a_fault(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    async with running(trigger(), door):
        await restored(door)
        bare = {**channel("1700000000.1"), "channelvars": {}}
        pbx.emit("ChannelCreated", channel=bare)
        await until(lambda: door.of(Kind.FAULT))
        pbx.emit("ChannelCreated", channel=channel("1700000000.2"))
        await until(lambda: len(door.of(Kind.CALL_DIALING)) == 2)
    assert [event.attributes["what"] for event in door.of(Kind.FAULT)] == ["channelvars"]
    assert "channelvars" in [event.attributes["what"] for event in door.of(Kind.FAULT_CLEARED)]


async def test_a_pack_that_differs(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    pbx.globals["SOS_PACK_HASH"] = "abc"
    async with running(trigger(pack_hash=lambda: "abc", resync_interval=0.05), door):
        await until(lambda: "pack_drift" in {e.attributes["what"] for e in door.of(Kind.FAULT_CLEARED)})
        pbx.globals["SOS_PACK_HASH"] = "other"
        await until(lambda: door.of(Kind.FAULT))
        pbx.globals.clear()
        await until(lambda: len(door.of(Kind.FAULT)) == 2)
    texts = [event.attributes["text"] for event in door.of(Kind.FAULT)]
    assert "(other)" in texts[0]
    assert "no dialplan pack loaded" in texts[1]


async def test_a_pack_that_cannot_be_rendered(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    def broken() -> str:
        raise ConfigError("nobody would be rung")

    async with running(trigger(pack_hash=broken), door):
        await until(lambda: door.of(Kind.FAULT))
    text = door.of(Kind.FAULT)[0].attributes["text"]
    assert text == "the dialplan pack cannot be rendered: nobody would be rung"


async def test_an_event_that_cannot_be_kept_ends_the_run(
    pbx: FakePbx, trigger: MakeTrigger, door: Door
) -> None:
    door.error = StoreError("disk full")
    with pytest.raises(StoreError, match="disk full"):
        async with asyncio.timeout(5):
            await trigger().run(door)
    await until(lambda: pbx.connected == 0)


async def test_a_ca_file_that_is_missing_is_told_at_once(trigger: MakeTrigger) -> None:
    with pytest.raises(ConfigError, match=r"tls\.ca /nowhere"):
        trigger(base_url="https://pbx:8089", tls={"ca": "/nowhere"})


async def test_status(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    watching = trigger()
    assert (watching.status.up, watching.status.text, watching.status.lag) == (False, "not started", None)
    async with running(watching, door):
        await restored(door)
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.CALL_DIALING))
        status = watching.status
        assert (status.up, status.text, status.backlog, status.in_flight) == (True, "", 0, 0)
        assert (status.channels, status.calls, status.events) == (1, 1, len(door.events))
        assert status.last_heard == pytest.approx(RunningClock().now(), abs=5)
    assert watching.status.lag is None


async def test_source_names_the_pbx_not_the_link(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    async with running(trigger(source="asterisk/main"), door):
        await restored(door)
        pbx.emit("ChannelCreated", channel=channel("1700000000.1"))
        await until(lambda: door.of(Kind.CALL_DIALING))
    assert door.of(Kind.CALL_DIALING)[0].source == "asterisk/main"


async def test_no_request_but_questions(pbx: FakePbx, trigger: MakeTrigger, door: Door) -> None:
    async with running(trigger(pack_hash=lambda: ""), door):
        await restored(door)
        await until(lambda: ("GET", "/asterisk/variable") in [each[:2] for each in pbx.requests])
    assert {method for method, _, _ in pbx.requests} == {"GET"}


# --- check ------------------------------------------------------------------------------------------


async def test_check_leaves_the_running_bridge_alone(pbx: FakePbx, trigger: MakeTrigger) -> None:
    found = await trigger(app="mine").check()
    assert [each.level for each in found] == ["ok", "ok", "ok"]
    [app] = pbx.apps
    assert re.fullmatch(r"mine-ari-pbx1-check-\d", app)


async def test_check_warns_of_a_module_that_may_block_ari(pbx: FakePbx, trigger: MakeTrigger) -> None:
    pbx.modules.add("res_stasis_device_state.so")
    *_, warning = await trigger().check()
    assert warning.level == "warning"
    assert "put `noload = res_stasis_device_state.so` into modules.conf" in warning.text


async def test_check_of_a_pbx_that_is_away(trigger: MakeTrigger) -> None:
    [found] = await trigger(base_url="http://127.0.0.1:9").check()
    assert (found.level, found.subject) == ("error", "ari/pbx1")
    assert "cannot be reached" in found.text
