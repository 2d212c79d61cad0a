"""Recorded events of Asterisk 22 and 16, read as they came: every call becomes the events it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.calls import CallTracker, facts
from bridge.errors import ProtocolError
from bridge.model import Event, Kind
from bridge.protocols.ari import Message, parse
from bridge.protocols.ari.events import text_at, texts_at, time_of
from bridge.triggers.ari.mapping import channels_of, devices_of, fact_of
from tests.ami import truth
from tests.ami.every import EVERY, VERSIONS
from tests.ami.stage import story_of
from tests.ari.scenarios import FIXTURES, RECORDED
from tests.calls.agreement import assert_events_agree

EXPECTED = {scenario.name: scenario.expected for scenario in EVERY}
ONLY_AMI = ("fault", "fault_cleared")

both_versions = pytest.mark.parametrize("version", VERSIONS)


def messages_of(version: str, name: str) -> list[Message]:
    return [parse(line) for line in (FIXTURES / version / f"{name}.jsonl").read_text().splitlines()]


def feed(tracker: CallTracker, messages: list[Message]) -> list[Event]:
    found = [fact_of(message, 0.0) for message in messages]
    return [event for fact in found if fact for event in tracker.feed(fact)]


@both_versions
@pytest.mark.parametrize("name", RECORDED)
def test_story(version: str, name: str) -> None:
    tracker = CallTracker("asterisk/pbx1", via="ari")
    events = feed(tracker, messages_of(version, name))
    expected = {about: list(said) for about, said in EXPECTED[name].items() if not about.startswith(ONLY_AMI)}
    assert story_of(events) == expected
    assert {event.via for event in events} == {"ari"}
    assert all(event.occurred_at > 1_700_000_000 for event in events), "the PBX's own time"
    assert (tracker.live_channels, tracker.live_calls) == (0, 0), "nothing is kept of what is over"


@both_versions
@pytest.mark.parametrize("name", RECORDED)
def test_it_is_what_the_telephones_saw(version: str, name: str) -> None:
    file = FIXTURES.parent / "logs" / version / f"{name}.truth"
    events = feed(CallTracker("asterisk/pbx1", via="ari"), messages_of(version, name))
    assert_events_agree(events, truth.read(file) if file.exists() else [])


def test_every_recording_has_its_scenario() -> None:
    for version in VERSIONS:
        assert sorted(file.stem for file in Path(FIXTURES / version).iterdir()) == sorted(RECORDED)


@both_versions
def test_events_seen_twice_mean_nothing_the_second_time(version: str) -> None:
    tracker = CallTracker("asterisk/pbx1")
    messages = messages_of(version, "answered")
    ringing = messages[: [message.type for message in messages].index("ChannelEnteredBridge")]
    assert feed(tracker, ringing)
    assert feed(tracker, ringing) == []


# --- single events ----------------------------------------------------------------------------------

CHANNEL = {
    "id": "1700000000.1",
    "name": "PJSIP/1001-00000001",
    "state": "Ring",
    "caller": {"name": "Post 3", "number": "1001"},
    "connected": {"name": "", "number": "9110"},
    "dialplan": {"context": "phones", "exten": "9110", "app_name": "Dial"},
    "channelvars": {"CHANNEL(linkedid)": "1700000000.1", "SOS_KIND": "", "SOS_EXTEN": "9110"},
}


def event(type_: str, **body: Any) -> facts.Fact | None:
    stamp = "2026-11-22T17:16:43.676+0000"
    return fact_of(Message(type_, {"type": type_, "timestamp": stamp, **body}), 5.0)


AT = 1795367803.676


def test_a_channel_that_a_phone_opens() -> None:
    assert event("ChannelCreated", channel=CHANNEL) == facts.Created(
        at=AT,
        uniqueid="1700000000.1",
        linkedid="1700000000.1",
        channel="PJSIP/1001-00000001",
        incoming=True,
        caller="1001",
        name="Post 3",
        exten="9110",
    )


def test_a_channel_that_the_pbx_opens_is_not_incoming() -> None:
    fact = event("ChannelCreated", channel={**CHANNEL, "state": "Down"})
    assert isinstance(fact, facts.Created)
    assert not fact.incoming


def test_without_channelvars_a_channel_is_a_call_of_its_own() -> None:
    bare = {name: value for name, value in CHANNEL.items() if name != "channelvars"}
    fact = event("ChannelCreated", channel={**bare, "id": "7.1"})
    assert isinstance(fact, facts.Created)
    assert fact.linkedid == "7.1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", facts.DialBegan),
        ("RINGING", None),
        ("PROGRESS", None),
        ("PROCEEDING", None),
        ("ANSWER", facts.DialEnded),
        ("BUSY", facts.DialEnded),
        ("CANCEL", facts.DialEnded),
        ("NOANSWER", facts.DialEnded),
    ],
)
def test_the_steps_of_a_dial(status: str, expected: type | None) -> None:
    fact = event("Dial", dialstatus=status, caller=CHANNEL, peer={**CHANNEL, "id": "1700000000.2"})
    assert fact is None if expected is None else isinstance(fact, expected)


def test_a_dial_that_the_pbx_itself_starts_has_its_caller_in_the_peer() -> None:
    fact = event("Dial", dialstatus="", peer=CHANNEL)
    assert isinstance(fact, facts.DialBegan)
    assert (fact.caller, fact.linkedid) == ("9110", "1700000000.1")


def test_a_hangup_wished_by_the_pbx_is_not_the_phones() -> None:
    assert event("ChannelHangupRequest", channel=CHANNEL, soft=True) is None
    assert event("ChannelHangupRequest", channel=CHANNEL) == facts.HangupRequested(
        at=AT, uniqueid="1700000000.1"
    )


def test_a_report_of_the_pack() -> None:
    said = {"eventname": "SOSAck", "SosUid": "1.2", "Dispatcher": "2001"}
    fact = event("ChannelUserevent", eventname="SOSAck", userevent=said, channel=CHANNEL)
    assert isinstance(fact, facts.Said)
    assert dict(fact.fields) == {"sosuid": "1.2", "dispatcher": "2001"}
    assert (fact.name, fact.uniqueid, fact.caller) == ("SOSAck", "1700000000.1", "1001")


def test_a_report_of_somebody_else_is_none() -> None:
    assert event("ChannelUserevent", eventname="Queue", userevent={}, channel=CHANNEL) is None


def test_a_parking_lot_mixes_nobody() -> None:
    fact = event("ChannelEnteredBridge", channel=CHANNEL, bridge={"id": "b", "technology": "holding_bridge"})
    assert isinstance(fact, facts.Entered)
    assert not fact.mixing


@pytest.mark.parametrize(
    ("type_", "body", "reachable"),
    [
        ("DeviceStateChanged", {"device_state": {"name": "PJSIP/1001", "state": "UNAVAILABLE"}}, False),
        ("DeviceStateChanged", {"device_state": {"name": "PJSIP/1001", "state": "NOT_INUSE"}}, True),
        ("DeviceStateChanged", {"device_state": {"name": "PJSIP/1001", "state": "INUSE"}}, None),
        ("DeviceStateChanged", {"device_state": {"name": "Local/1@x", "state": "NOT_INUSE"}}, None),
        (
            "PeerStatusChange",
            {"endpoint": {"technology": "PJSIP", "resource": "1001"}, "peer": {"peer_status": "Unreachable"}},
            False,
        ),
    ],
)
def test_devices(type_: str, body: dict[str, Any], reachable: bool | None) -> None:
    fact = event(type_, **body)
    if reachable is None:
        assert fact is None
    else:
        assert fact == facts.Reachability(at=AT, endpoint="1001", reachable=reachable)


def test_an_event_without_a_time_happened_when_it_came() -> None:
    fact = fact_of(Message("ChannelDestroyed", {"channel": CHANNEL, "cause_txt": "Normal Clearing"}), 5.0)
    assert fact == facts.Destroyed(at=5.0, uniqueid="1700000000.1", cause="Normal Clearing")


@pytest.mark.parametrize("type_", ["ChannelCreated", "Dial", "ChannelUserevent", "DeviceStateChanged"])
@pytest.mark.parametrize("broken", [{}, {"channel": 7, "peer": [], "bridge": None, "userevent": "x"}])
def test_fields_that_are_missing_or_of_another_kind_break_nothing(type_: str, broken: Any) -> None:
    fact = event(type_, **broken)
    if fact is not None:
        CallTracker("asterisk/pbx1").feed(fact)


# --- snapshots --------------------------------------------------------------------------------------


def test_a_snapshot_joins_channels_and_bridges() -> None:
    bridges = [{"id": "b1", "technology": "simple_bridge", "channels": ["1700000000.1", 7]}, "no bridge"]
    [row] = channels_of([CHANNEL, {"name": "without id"}, None], bridges)
    assert row == facts.LiveChannel(
        uniqueid="1700000000.1",
        linkedid="1700000000.1",
        channel="PJSIP/1001-00000001",
        state="Ring",
        caller="1001",
        connected="9110",
        exten="9110",
        bridge="b1",
        variables={"CHANNEL(linkedid)": "1700000000.1", "SOS_EXTEN": "9110"},
    )


def test_a_snapshot_tells_whom_the_pbx_called_and_who_is_parked() -> None:
    dialled = {**CHANNEL, "dialplan": {"exten": "", "app_name": "AppDial"}}
    [row] = channels_of(
        [dialled], [{"id": "lot", "technology": "holding_bridge", "channels": [CHANNEL["id"]]}]
    )
    assert (row.dialled_by_pbx, row.bridge, row.mixing) == (True, "lot", False)


def test_endpoints_of_a_snapshot() -> None:
    rows = [
        {"technology": "PJSIP", "resource": "1001", "state": "online"},
        {"technology": "PJSIP", "resource": "1002", "state": "offline"},
        {"technology": "PJSIP", "resource": "1003", "state": "unknown"},
        {"technology": "Local", "resource": "x", "state": "online"},
    ]
    assert [(fact.endpoint, fact.reachable) for fact in devices_of(rows, 1.0)] == [
        ("1001", True),
        ("1002", False),
    ]


# --- JSON -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"a": 1}', '{"type": 7}', "[" * 100_000])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


def test_text_keeps_to_one_line_and_to_what_a_database_takes() -> None:
    message = parse(json.dumps({"type": "X", "a": {"b": "one\r\ntwo\0\x85 \\ Цех"}}))
    assert message.text("a", "b") == "one\\r\\ntwo\\x00\\x85 \\ Цех"
    assert parse('{"type": "X", "a": "\\ud800"}').text("a") == "\\ud800"


def test_text_of_another_kind_is_empty() -> None:
    value: object
    for value in (7, None, [], {"b": 7}):
        assert text_at({"a": value}, "a", "b") == ""
    assert texts_at({"a": {"x": "1", "y": "", "z": 3}}, "a") == {"x": "1"}
    assert texts_at({"a": 7}, "a") == {}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-22T17:16:43.676+0000", AT),
        ("2026-11-22T18:16:43.676+0100", AT),
        ("2026-11-22T17:16:43", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(stamp: str, expected: float | None) -> None:
    assert time_of(stamp) == (pytest.approx(expected) if expected else None)


def test_an_sos_through_a_feature_code_becomes_the_alarm() -> None:
    events = feed(CallTracker("asterisk/pbx1"), messages_of("22", "feature_code"))
    dialled = [each.dialled for each in events if each.kind is Kind.CALL_DIALING]
    assert dialled[:2] == ["*9", "9110"]
