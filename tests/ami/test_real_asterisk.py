"""The AMI trigger on real Asterisk 22 and 16, with sipp's own logs as the truth. See stage.py."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from bridge.errors import Retryable
from bridge.model import Kind
from bridge.protocols.ami import MAX_SENT_HEADERS, MAX_SENT_LINE
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_session import Refused, Session, connect
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.secret import Secret
from bridge.triggers.ami import Config, Trigger
from tests.ami.clock import RunningClock
from tests.ami.conftest import SECRET_VARIABLE
from tests.ami.door import Door, assert_found_in_the_middle, restored, running
from tests.ami.every import EVERY
from tests.ami.scenarios import PHONE
from tests.ami.stage import DIALPLAN, ENDPOINTS, FILES, MODULES, Stage, story_of
from tests.calls.agreement import assert_events_agree
from tests.conftest import StartAsterisk
from tests.parts.asterisk import Asterisk
from tests.parts.ports import free_port
from tests.parts.sip import Phones, answers, calls
from tests.waiting import until

pytestmark = pytest.mark.real("asterisk", "sipp")

AT_LENGTH = bool(os.environ.get("SOSBRIDGE_CALLS_ALL"))
PLAYED_ALWAYS = frozenset(
    (
        *(
            "answered",
            "answer_after_the_cancel",
            "busy",
            "cancelled",
            "congestion",
            "console_hangs_up",
            "fork",
        ),
        *("hung_up_by_pbx", "joined_by_console", "local", "local_not_optimised", "no_answer", "press_one"),
        *("queue", "redial", "referred_by_phone", "stasis_bridged", "wrong_password"),
    )
)
"""The rest is played from recordings (tests/calls/test_recordings.py), and with SOSBRIDGE_CALLS_ALL=1."""
PLAYED = [each for each in EVERY if each.name in PLAYED_ALWAYS or (AT_LENGTH and not each.chancy)]
SOON = 5.0
"""Seconds in which a telephone on a busy machine is told what the PBX has done."""


def started(start: StartAsterisk) -> Asterisk:
    return start(endpoints=ENDPOINTS, files=FILES, modules=MODULES)


def trigger_on(pbx: Asterisk, secret: Secret, **settings: object) -> Trigger:
    defaults = {"host": "127.0.0.1", "port": pbx.ami_port, "username": "watch", "secret": secret}
    return Trigger("pbx1", Config.model_validate({**defaults, **settings}), clock=RunningClock())


def lab(pbx: Asterisk, secret: Secret, **settings: object) -> Account:
    """An account that may do everything."""
    defaults = {"host": "127.0.0.1", "port": pbx.ami_port, "username": "lab", "secret": secret}
    return Account(**{**defaults, **settings})  # type: ignore[arg-type]  # the test's own keywords


@pytest.fixture
def lab_secret(monkeypatch: pytest.MonkeyPatch) -> Secret:
    monkeypatch.setenv("AMI_TEST_LAB_SECRET", "lab-secret")
    return Secret("env", "AMI_TEST_LAB_SECRET")


# --- calls ------------------------------------------------------------------------------------------


async def test_calls_become_what_sipp_says_they_were(
    asterisk: StartAsterisk, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk)
    async with running(trigger_on(pbx, secret), door):
        await restored(door)
        for scenario in PLAYED:
            door.events.clear()
            with Phones() as phones:
                stage = Stage(pbx, phones)
                await asyncio.to_thread(scenario.play, stage)
                await told(door, {call: list(said) for call, said in scenario.expected.items()})
                truths = await asyncio.to_thread(stage.truths)
                assert_events_agree(door.events, [] if scenario.no_call else truths, within=SOON)
    assert Kind.LINK_LOST not in door.kinds


async def told(door: Door, expected: dict[str, list[str]]) -> None:
    with suppress(TimeoutError):
        await until(lambda: story_of(door.events) == expected)
    assert story_of(door.events) == expected


# --- gaps -------------------------------------------------------------------------------------------


async def test_a_bridge_that_starts_in_the_middle_of_a_call(
    asterisk: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk)
    phones.answer(answers(), pbx.port_of("9110"))
    caller = await asyncio.to_thread(phones.call, calls(PHONE, hangs_up_after=1.5), pbx.sip_port, "9110")
    await asyncio.to_thread(caller.wait_received, "200")
    async with running(trigger_on(pbx, secret), door):
        await restored(door)
        await assert_found_in_the_middle(door, caller)


async def test_asterisk_killed_and_started_again_in_the_middle_of_a_call(
    asterisk22: StartAsterisk, phones: Phones, secret: Secret, door: Door
) -> None:
    pbx = started(asterisk22)
    phones.answer(answers(), pbx.port_of("9110"))
    async with running(trigger_on(pbx, secret, ping_interval=0.5), door):
        await restored(door)
        caller = await asyncio.to_thread(phones.call, calls(PHONE), pbx.sip_port, "9110")
        await asyncio.to_thread(caller.wait_received, "200")
        await until(lambda: door.of(Kind.CALL_CONNECTED))
        pbx.kill()
        await until(lambda: door.of(Kind.LINK_LOST))
        await asyncio.to_thread(pbx.start)
        await restored(door, 2)
    ended = [event for event in door.of(Kind.CALL_ENDED) if event.attributes["direction"] == "out"]
    assert [(e.attributes["outcome"], e.attributes["recovered"]) for e in ended] == [("unknown", "yes")]
    [lost] = door.of(Kind.LINK_LOST)
    back = door.of(Kind.LINK_RESTORED)[-1]
    assert float(back.attributes["since"]) == pytest.approx(lost.occurred_at, abs=0.001)


async def test_asterisk_that_hangs_is_noticed_and_its_return_too(
    asterisk22: StartAsterisk, secret: Secret, door: Door
) -> None:
    """SIGSTOP: the kernel goes on acknowledging, so only the ping can tell."""
    pbx = started(asterisk22)
    trigger = trigger_on(pbx, secret, ping_interval=0.2, ping_timeout=0.3, connect_timeout=0.3)
    async with running(trigger, door):
        await restored(door)
        os.kill(pbx.pid, signal.SIGSTOP)
        try:
            await until(lambda: door.of(Kind.LINK_LOST))
            assert not trigger.status.up
            assert "no answer to Ping" in door.of(Kind.LINK_LOST)[0].attributes["text"]
        finally:
            os.kill(pbx.pid, signal.SIGCONT)
        await restored(door, 2)


# --- accounts ---------------------------------------------------------------------------------------


async def test_check_tells_rights_and_a_wrong_secret(
    asterisk: StartAsterisk, secret: Secret, lab_secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbx = started(asterisk)
    good = await trigger_on(pbx, secret).check()
    assert [finding.level for finding in good] == ["ok", "ok", "ok", "ok"]
    assert good[0].text.startswith(f"logged in, Asterisk {pbx.version}.")
    excessive = await trigger_on(pbx, lab_secret, username="lab").check()
    [warning] = [finding.text for finding in excessive if finding.level == "warning"]
    assert "take `call, command, config, originate, system` off `write`" in warning
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    [refused] = await trigger_on(pbx, secret).check()
    assert refused.level == "error"
    assert refused.text.endswith("refused the login of watch: Authentication failed")


async def test_originate_tells_its_outcome(
    asterisk: StartAsterisk, phones: Phones, lab_secret: Secret
) -> None:
    pbx = started(asterisk)
    session = await connect(lab(pbx, lab_secret, events="call"), clock=RunningClock())
    near = {"Context": "phones", "Exten": "9115", "Priority": "1"}
    phones.answer(answers(after=0.1, hangs_up_after=0.1), pbx.port_of("2001"))
    call = await session.originate({"Channel": "PJSIP/2001", **near, "ChannelId": "d-1"}, action_id="d-1")
    assert (await call.outcome(timeout=5)).get("Uniqueid") == "d-1"
    for channel in ("PJSIP/nobody", "Local/77@phones/n"):
        call = await session.originate({"Channel": channel, **near}, action_id=channel)
        with pytest.raises(Refused, match="no such extension or endpoint, or it refused"):
            await call.outcome(timeout=5)
    await assert_takes_the_longest_action(session)
    await session.close()


async def assert_takes_the_longest_action(session: Session) -> None:
    longest = "v" * (MAX_SENT_LINE - len("Value: "))
    await session.action("Setvar", {"Variable": "LONG", "Value": longest})
    [answer] = await session.action("Getvar", {"Variable": "LONG"})
    assert answer.get("Value") == longest
    most = [("UserEvent", "Most"), *((f"H{n}", "1") for n in range(MAX_SENT_HEADERS - 3))]
    await session.action("UserEvent", most)


async def test_tls(asterisk22: StartAsterisk, secret: Secret, tmp_path: Path, door: Door) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, ca = tmp_path / "pbx.pem", tmp_path / "ca.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(chain))
    authority.cert_pem.write_to_path(str(ca))
    port = free_port()
    tls = f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\ntlscertfile = {chain}\ntlsprivatekey = {chain}\n"
    manager = FILES["manager.conf"].replace("[lab]", f"{tls}[lab]")
    pbx = asterisk22(endpoints=ENDPOINTS, files={**FILES, "manager.conf": manager}, modules=MODULES)
    async with running(trigger_on(pbx, secret, port=port, tls={"ca": str(ca)}), door):
        await restored(door)
    unverified = Account(
        host="127.0.0.1", port=port, username="watch", secret=secret, tls=TlsSettings().context()
    )
    with pytest.raises(Retryable, match="CERTIFICATE_VERIFY_FAILED"):
        await connect(unverified, clock=RunningClock())


# --- the pack ---------------------------------------------------------------------------------------


async def test_pack_drift_after_a_reload(asterisk: StartAsterisk, secret: Secret, door: Door) -> None:
    def loaded(hash_: str) -> str:
        return DIALPLAN.replace("[globals]\n", f"[globals]\nSOS_PACK_HASH = {hash_}\n")

    pbx = asterisk(endpoints=ENDPOINTS, files={**FILES, "extensions.conf": loaded("abc")}, modules=MODULES)
    config = Config.model_validate(
        {
            "host": "127.0.0.1",
            "port": pbx.ami_port,
            "username": "watch",
            "secret": secret,
            "resync_interval": 0.3,
        }
    )
    trigger = Trigger("pbx1", config, clock=RunningClock(), pack_hash=lambda: "abc")
    async with running(trigger, door):
        await until(lambda: "pack_drift" in {e.attributes["what"] for e in door.of(Kind.FAULT_CLEARED)})
        pbx.write("extensions.conf", loaded("other"))
        await asyncio.to_thread(pbx.cli, "dialplan reload")
        await until(lambda: door.of(Kind.FAULT))
    assert "(other)" in door.of(Kind.FAULT)[0].attributes["text"]
