"""The ARI trigger on real Asterisk 22 and 16: gaps, a PBX that dies or hangs, users, TLS."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.errors import Retryable
from bridge.model import Kind
from bridge.protocols.ari import connect
from bridge.protocols.ari import session as session_module
from bridge.protocols.secret import Secret
from bridge.triggers.ari import Config
from tests.ami.clock import RunningClock
from tests.ami.door import Door, assert_found_in_the_middle, restored, running
from tests.ami.scenarios import PHONE
from tests.ami.stage import ENDPOINTS, FILES, MODULES
from tests.ari.cable import Cable
from tests.ari.conftest import WATCH_SECRET, watch_by_ari
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Asterisk
from tests.parts.ports import free_port
from tests.parts.sip import Phones, Sipp, answers, calls
from tests.parts.sipp_steps import FOREVER
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp")

QUICK: dict[str, Any] = {
    "ping_interval": 0.2,
    "ping_timeout": 0.3,
    "timeouts": {"connect": 0.5, "total": 1.0},
}


def started(start: StartAsterisk) -> Asterisk:
    return start(endpoints=ENDPOINTS, files=FILES, modules=MODULES)


async def talking(pbx: Asterisk, phones: Phones, *, hangs_up_after: float = FOREVER) -> Sipp:
    """Return the phone of a call to 9110 that was answered."""
    phones.answer(answers(), pbx.port_of("9110"))
    caller = await asyncio.to_thread(
        phones.call, calls(PHONE, hangs_up_after=hangs_up_after), pbx.sip_port, "9110"
    )
    await asyncio.to_thread(caller.wait_received, "200")
    return caller


@pytest.fixture
async def cable_22(asterisk22: StartAsterisk) -> AsyncIterator[tuple[Asterisk, Cable]]:
    pbx = started(asterisk22)
    async with Cable(pbx.http_port) as cable:
        yield pbx, cable


# --- gaps -------------------------------------------------------------------------------------------


async def test_a_bridge_that_starts_in_the_middle_of_a_call(
    asterisk: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk)
    caller = await talking(pbx, phones, hangs_up_after=1.5)
    async with running(watch_by_ari(pbx, secret), door):
        await restored(door)
        await assert_found_in_the_middle(door, caller)


async def test_a_link_cut_and_back_in_the_middle_of_a_call(
    cable_22: tuple[Asterisk, Cable], phones: Phones, secret: Secret, door: Door
) -> None:
    """The call that ended meanwhile is ended, the one that began is opened, and each is told once."""
    pbx, cable = cable_22
    trigger = watch_by_ari(pbx, secret, base_url=f"http://127.0.0.1:{cable.port}", **QUICK)
    async with running(trigger, door):
        await restored(door)
        first = await talking(pbx, phones)
        await until(lambda: door.of(Kind.CALL_CONNECTED))
        cable.cut()
        await until(lambda: door.of(Kind.LINK_LOST))
        assert door.of(Kind.LINK_LOST)[0].attributes["text"] == "the PBX closed the connection"
        first.stop()  # without a word: only the PBX can end it
        await asyncio.to_thread(pbx.cli, "channel request hangup all")
        await until(lambda: not pbx.channels())
        second = await talking(pbx, phones, hangs_up_after=2.0)
        cable.plugged = True
        await restored(door, 2)
        await asyncio.to_thread(second.finish)
        await until(lambda: len(door.of(Kind.CALL_ENDED)) == 4)
    dialled = door.of(Kind.CALL_DIALING)
    assert len({event.id for event in dialled}) == len(dialled) == 4, "both sides of both calls, once each"
    assert [event.attributes.get("recovered") for event in dialled] == [None, None, "yes", "yes"]
    outcomes = [event.attributes["outcome"] for event in door.of(Kind.CALL_ENDED)]
    assert outcomes == ["unknown", "unknown", "connected", "connected"]
    [lost] = door.of(Kind.LINK_LOST)
    back = door.of(Kind.LINK_RESTORED)[-1]
    assert float(back.attributes["since"]) == pytest.approx(lost.occurred_at, abs=0.001)


async def test_a_link_cut_and_back_while_a_call_goes_on_tells_nothing_twice(
    cable_22: tuple[Asterisk, Cable], phones: Phones, secret: Secret, door: Door
) -> None:
    pbx, cable = cable_22
    trigger = watch_by_ari(pbx, secret, base_url=f"http://127.0.0.1:{cable.port}", **QUICK)
    async with running(trigger, door):
        await restored(door)
        await talking(pbx, phones, hangs_up_after=2.5)
        await until(lambda: len(door.of(Kind.CALL_CONNECTED)) == 2)
        cable.cut()
        await until(lambda: door.of(Kind.LINK_LOST))
        cable.plugged = True
        await restored(door, 2)
        await until(lambda: len(door.of(Kind.CALL_ENDED)) == 2)
    calls_ = [event.id for event in door.events if event.source == "asterisk/pbx1" and event.key]
    assert len(door.of(Kind.CALL_DIALING)) == len(door.of(Kind.CALL_CONNECTED)) == 2
    assert len(set(calls_)) == len(calls_)
    assert {event.attributes["ended_by"] for event in door.of(Kind.CALL_ENDED)} == {"caller"}


async def test_a_cable_that_swallows_everything_is_noticed(
    cable_22: tuple[Asterisk, Cable], secret: Secret, door: Door
) -> None:
    pbx, cable = cable_22
    trigger = watch_by_ari(pbx, secret, base_url=f"http://127.0.0.1:{cable.port}", **QUICK)
    async with running(trigger, door):
        await restored(door)
        cable.silent = True
        await until(lambda: door.of(Kind.LINK_LOST))
        assert "no answer to a ping" in door.of(Kind.LINK_LOST)[0].attributes["text"]
        cable.silent = False
        await restored(door, 2)


async def test_asterisk_killed_and_started_again_in_the_middle_of_a_call(
    asterisk: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk)
    async with running(watch_by_ari(pbx, secret, **QUICK), door):
        await restored(door)
        await talking(pbx, phones)
        await until(lambda: len(door.of(Kind.CALL_CONNECTED)) == 2)
        pbx.kill()
        await until(lambda: door.of(Kind.LINK_LOST))
        await asyncio.to_thread(pbx.start)
        await restored(door, 2)
        await until(lambda: len(door.of(Kind.CALL_ENDED)) == 2)
    ended = [event for event in door.of(Kind.CALL_ENDED) if event.attributes["direction"] == "out"]
    assert [(e.attributes["outcome"], e.attributes["recovered"]) for e in ended] == [("unknown", "yes")]


async def test_asterisk_restarted_by_its_administrator(
    asterisk: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    """It hangs the calls up before it goes, and says so."""
    pbx = started(asterisk)
    async with running(watch_by_ari(pbx, secret, **QUICK), door):
        await restored(door)
        await talking(pbx, phones)
        await until(lambda: len(door.of(Kind.CALL_CONNECTED)) == 2)
        await asyncio.to_thread(pbx.restart)
        await restored(door, 2)
        await until(lambda: len(door.of(Kind.CALL_ENDED)) == 2)
    assert {event.attributes["ended_by"] for event in door.of(Kind.CALL_ENDED)} <= {"pbx", ""}
    assert len(door.of(Kind.LINK_LOST)) == 1


async def test_asterisk_that_hangs_is_noticed_and_its_return_too(
    asterisk: StartAsterisk, secret: Secret, door: Door
) -> None:
    """SIGSTOP: the kernel goes on acknowledging, so only the ping can tell."""
    pbx = started(asterisk)
    trigger = watch_by_ari(pbx, secret, **QUICK)
    async with running(trigger, door):
        await restored(door)
        os.kill(pbx.pid, signal.SIGSTOP)
        try:
            await until(lambda: door.of(Kind.LINK_LOST))
            assert not trigger.status.up
            assert "no answer to a ping within 0.3 s" in door.of(Kind.LINK_LOST)[0].attributes["text"]
        finally:
            os.kill(pbx.pid, signal.SIGCONT)
        await restored(door, 2)


# --- users ------------------------------------------------------------------------------------------


async def test_check_tells_rights_and_a_wrong_password(
    asterisk: StartAsterisk, secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbx = started(asterisk)
    good = await watch_by_ari(pbx, secret).check()
    assert [finding.level for finding in good] == ["ok", "ok", "ok"]
    assert good[0].text.startswith(f"events arrive, Asterisk {pbx.version}.")
    assert good[2].text == "has no rights beyond watching"
    monkeypatch.setenv(WATCH_SECRET, "lab-secret")
    excessive = await watch_by_ari(pbx, secret, username="lab").check()
    assert [finding.text for finding in excessive if finding.level == "warning"] == [
        "has all rights, a watcher needs none: set `read_only = yes` in ari.conf"
    ]
    monkeypatch.setenv(WATCH_SECRET, "wrong")
    [refused] = await watch_by_ari(pbx, secret).check()
    assert refused.level == "error"
    assert refused.text.endswith("the user or the password is wrong (HTTP 401)")


async def test_check_tells_of_missing_channelvars_where_a_channel_shows_it(
    asterisk22: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    bare = "[general]\nenabled = yes\n[watch]\ntype = user\nread_only = yes\npassword = watch-secret\n"
    pbx = asterisk22(endpoints=ENDPOINTS, files={**FILES, "ari.conf": bare}, modules=MODULES)
    await talking(pbx, phones)
    found = await watch_by_ari(pbx, secret).check()
    assert [each.text.partition(":")[0] for each in found if each.level == "error"] == [
        "ari.conf's `channelvars` must name CHANNEL(linkedid)"
    ]
    async with running(watch_by_ari(pbx, secret), door):
        await restored(door)
    assert [event.attributes["what"] for event in door.of(Kind.FAULT)] == ["channelvars"]


async def test_two_bridges_under_one_name_tell_it(
    asterisk: StartAsterisk, secret: Secret, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "NAMES", 1)  # each begins with the same
    pbx = started(asterisk)
    trigger = watch_by_ari(pbx, secret, app="same")
    async with running(trigger, door):
        await restored(door)
        settings = Config.model_validate(
            {"base_url": f"http://127.0.0.1:{pbx.http_port}", "username": "watch", "secret": secret}
        )
        other = await connect(settings, app="same-pbx1", clock=RunningClock())
        await until(lambda: door.of(Kind.LINK_LOST))
        assert "give each bridge its own `app`" in door.of(Kind.LINK_LOST)[0].attributes["text"]
        await other.close()


async def test_no_channel_of_the_bridge_is_ever_in_stasis(
    asterisk22: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk22)
    async with running(watch_by_ari(pbx, secret), door):
        await restored(door)
        await talking(pbx, phones)
        await until(lambda: door.of(Kind.CALL_CONNECTED))
        assert "Stasis" not in {row[5] for row in pbx.channels()}
    assert len(pbx.channels()) == 2, "the bridge is gone, the call goes on"


async def test_tls_believes_the_sites_own_authority_only(
    asterisk22: StartAsterisk, secret: Secret, door: Door, tmp_path: Path
) -> None:
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert("127.0.0.1")
    pem, ca = tmp_path / "pbx.pem", tmp_path / "ca.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(ca))
    http = (
        "[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = @HTTP_PORT@\n"
        f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\ntlscertfile = {pem}\ntlsprivatekey = {pem}\n"
    )
    pbx = asterisk22(endpoints=ENDPOINTS, files={**FILES, "http.conf": http}, modules=MODULES)
    url = f"https://127.0.0.1:{port}"
    async with running(watch_by_ari(pbx, secret, base_url=url, tls={"ca": ca}), door):
        await restored(door)
    stranger = Config.model_validate({"base_url": url, "username": "watch", "secret": secret})
    with pytest.raises(Retryable, match="certificate verify failed"):
        await connect(stranger, app="x", clock=RunningClock())
    [refused] = await watch_by_ari(pbx, secret, base_url=url).check()
    assert refused.level == "error"
    trusting = await watch_by_ari(pbx, secret, base_url=url, tls={"verify": False}).check()
    assert [each.level for each in trusting if "tls.verify is off" in each.text] == ["warning"]
