"""The AMI accounts of the pack, what they may not do, the heartbeat and the live check. Real Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.drivers.dispatch import way_of_beats
from bridge.model import Finding
from bridge.pack.asking import AmiPbx
from bridge.pack.facts import AmiAccount
from bridge.pack.live import check_pack
from bridge.pack.render import pack_hash
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_link import connect
from bridge.protocols.secret import Secret
from bridge.supervision.clocks import SystemClock
from bridge.supervision.heartbeat import Heartbeat
from tests.pack.deliveries import dispatch_driver, settings
from tests.pack.lab import FACTS, HEARTBEAT, ORIGINATE, WATCH, AmiEvents, PackLab
from tests.parts.sip import Phone, Phones, calls_and_cancels

pytestmark = pytest.mark.real("asterisk", "sipp")

DENIED: tuple[tuple[AmiAccount, str, list[tuple[str, str]]], ...] = (
    (WATCH, "Originate", [("Channel", "Local/beat@sos-heartbeat/n"), ("Exten", "noted")]),
    (WATCH, "Hangup", [("Channel", "x")]),
    (WATCH, "Setvar", [("Variable", "SOS_BEAT_AT"), ("Value", "1")]),
    (WATCH, "UserEvent", [("UserEvent", "SOSAck")]),
    (WATCH, "DBPut", [("Family", "a"), ("Key", "b"), ("Val", "c")]),
    (WATCH, "Command", [("Command", "core show version")]),
    (ORIGINATE, "Setvar", [("Variable", "SOS_BEAT_AT"), ("Value", "1")]),
    (ORIGINATE, "Hangup", [("Channel", "x")]),
    (ORIGINATE, "Redirect", [("Channel", "x"), ("Context", "y"), ("Exten", "s"), ("Priority", "1")]),
    (ORIGINATE, "CoreShowChannels", []),
    (ORIGINATE, "Getvar", [("Variable", "SOS_PACK_HASH")]),
    (ORIGINATE, "Command", [("Command", "core show version")]),
    (HEARTBEAT, "Setvar", [("Variable", "SOS_BEAT_AT"), ("Value", "1")]),
    (HEARTBEAT, "Hangup", [("Channel", "x")]),
)


@pytest.mark.parametrize(("account", "action", "headers"), DENIED, ids=lambda value: str(value)[:20])
def test_an_account_may_not_do_more_than_its_work(
    lab: PackLab, account: AmiAccount, action: str, headers: list[tuple[str, str]]
) -> None:
    with contextlib.closing(AmiEvents(lab.pbx.ami_port, account.username, str(account.secret))) as ami:
        answer = ami.send(action, *headers)
    assert answer.response == "Error"
    assert "ermission denied" in answer.get("Message") or "nvalid/unknown command" in answer.get("Message")


def test_an_account_hears_only_what_concerns_it(lab: PackLab, phones: Phones) -> None:
    with (
        contextlib.closing(AmiEvents(lab.pbx.ami_port, ORIGINATE.username, str(ORIGINATE.secret))) as caller,
        contextlib.closing(AmiEvents(lab.pbx.ami_port, HEARTBEAT.username, str(HEARTBEAT.secret))) as heart,
    ):
        lab.beat()
        phones.call(calls_and_cancels(Phone("1002"), after=0.2), lab.pbx.sip_port, "9110").finish()
        lab.wait("SOSCall")
        lab.events.wait(lambda m: m.event == "Hangup" and m.get("Channel").startswith("PJSIP/1002"))
        time.sleep(0.1)
        assert {message.event for message in caller.all(lambda m: bool(m.event))} == {"UserEvent"}
        assert heart.all(lambda m: bool(m.event)) == []
    # A beat every few seconds is not the watcher's business.
    assert not lab.events.all(lambda m: "sos-heartbeat" in m.get("Channel"))


def test_a_beat_leaves_no_call_record(lab: PackLab) -> None:
    master = lab.pbx.log_folder / "cdr-custom" / "Master.csv"
    before = master.read_text() if master.exists() else ""
    for _ in range(3):
        lab.beat()
    time.sleep(0.3)
    assert (master.read_text() if master.exists() else "") == before
    assert "sos-heartbeat" not in before


def test_whoever_may_originate_cannot_break_out_of_the_dialplan(lab: PackLab) -> None:
    """Values that would mean something to it are filtered: no file, no shell, no dial string."""
    evil = "x,,System(touch ${PWN})&PJSIP/2001"
    with contextlib.closing(AmiEvents(lab.pbx.ami_port, ORIGINATE.username, str(ORIGINATE.secret))) as ami:
        for context, name in (("sos-notify", f"*{evil}"), ("sos-call", "9110"), ("sos-leg", f"*{evil}")):
            ami.send(
                "Originate",
                ("Channel", f"Local/{name.replace('/', '')}@{context}/n"),
                ("Context", "sos-connect"),
                ("Exten", "*x"),
                ("Priority", "1"),
                ("Timeout", "400"),
                ("Async", "true"),
                ("ChannelId", f"{context},,touch /tmp/pwned-by-channel-id"),
                ("Variable", "__SOS_RECORDINGS=/tmp/pwned-recordings"),
                ("Variable", "__SOS_GROUP=shift_1)}${SHELL(touch /tmp/pwned)}"),
                ("Variable", "__SOS_DIAL_2001=PJSIP/9000"),
            )
        time.sleep(0.8)
    assert not list(Path("/tmp").glob("pwned*"))
    named = {report.get("SosUid") for report in lab.events.all(lambda m: "SosUid" in m)}
    assert named
    assert all(re.fullmatch(r"[0-9A-Za-z._-]*", uid) for uid in named)
    # The dispatcher that is rung is the PBX's own, not the one of the variable.
    leg = lab.events.wait(lambda m: m.event == "DialBegin" and "*2001@sos-leg" in m.get("Channel"))
    assert leg.get("DestChannel").startswith("PJSIP/2001-")


async def test_beats_come_while_the_path_is_healthy_and_stop_when_it_is_not(
    lab: PackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(lab, monkeypatch)
    path = {"healthy": True}
    way = way_of_beats(config, name="heartbeat/pbx1", clock=SystemClock())
    heart = Heartbeat(way, SystemClock(), every=0.1, healthy=lambda: path["healthy"])
    running = asyncio.create_task(heart.run())
    try:
        await _until(lambda: heart.noted_at is not None)
        assert heart.why == ""
        path["healthy"] = False
        await _until(lambda: heart.why.startswith("held back"))
        last = heart.noted_at
        await asyncio.sleep(0.4)
        assert heart.noted_at == last
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    beat_at = await asyncio.to_thread(lambda: lab.events.send("Getvar", ("Variable", "SOS_BEAT_AT")))
    assert int(beat_at.get("Value")) == pytest.approx(time.time(), abs=3)


async def test_a_heartbeat_without_its_dialplan_says_so(
    lab: PackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(lab, monkeypatch)
    way = way_of_beats(config, name="heartbeat/pbx1", clock=SystemClock())
    heart = Heartbeat(way, SystemClock(), every=0.1, healthy=lambda: True)
    await asyncio.to_thread(lab.pbx.cli, "dialplan remove context sos-heartbeat")
    running = asyncio.create_task(heart.run())
    try:
        await _until(lambda: "refused by the PBX" in heart.why)
        assert heart.noted_at is None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(lab.pbx.cli, "dialplan reload")


async def test_the_live_check_finds_the_pack_and_what_is_wrong_around_it(
    lab: PackLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WATCH_SECRET", str(WATCH.secret))
    account = Account(
        host="127.0.0.1", port=lab.pbx.ami_port, username=WATCH.username, secret=Secret("env", "WATCH_SECRET")
    )
    facts = replace(FACTS, sounds=str(lab.pbx.sounds))
    session = await connect(account, clock=SystemClock())
    try:
        found = await check_pack(facts, AmiPbx(session))
        drifted = await check_pack(replace(facts, language="de"), AmiPbx(session))
    finally:
        await session.close()
    assert [(f.level, f.subject) for f in found if f.level == "error"] == [("error", "pack")]
    by_subject = {finding.subject: finding for finding in found}
    assert by_subject["dialplan"].level == "ok"
    assert by_subject["modules"].level == "ok"
    assert by_subject["console/9000"].level == "ok"
    assert by_subject["musiconhold.conf"].level == "ok"
    assert by_subject[str(lab.pbx.sounds)].level == "ok"
    assert "rtp_timeout is 0" in _texts(found, "phone/P-1001")
    assert "another one is loaded" in _texts(drifted, "pack")


async def test_the_live_check_of_the_loaded_pack_is_clean(
    lab: PackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCH_SECRET", str(WATCH.secret))
    account = Account(
        host="127.0.0.1", port=lab.pbx.ami_port, username=WATCH.username, secret=Secret("env", "WATCH_SECRET")
    )
    session = await connect(account, clock=SystemClock())
    try:
        [answer] = await session.action("Getvar", {"Variable": "SOS_PACK_HASH"})
        assert answer.get("Value") == pack_hash(lab.facts)
    finally:
        await session.close()
    driver = dispatch_driver(lab, monkeypatch)
    try:
        assert [finding.level for finding in await driver.check()] == ["ok", "ok"]
    finally:
        await driver.close()


def _texts(findings: list[Finding], subject: str) -> str:
    return "; ".join(finding.text for finding in findings if finding.subject == subject)


async def _until(condition: Callable[[], bool], timeout: float = 4.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  # what it waits for tells nobody
            await asyncio.sleep(0.02)
