"""Real dialogues of Asterisk 22 and 16, read as they came: every call becomes the events it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.calls import CallTracker
from bridge.model import CALL_KINDS, Event, Kind
from bridge.protocols.ami import Message, Parser
from bridge.simulator.dialogue import Dialogue
from bridge.triggers.ami.mapping import channel_of, fact_of
from tests.ami import truth
from tests.ami.every import EVERY, VERSIONS
from tests.ami.stage import Scenario, story_of
from tests.calls.agreement import assert_events_agree

FOLDER = Path(__file__).parent.parent / "fixtures" / "ami"

every_recording = pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: scenario.name)
both_versions = pytest.mark.parametrize("version", VERSIONS)


def messages_of(version: str, name: str) -> list[Message]:
    items = Parser().feed(Dialogue.load(FOLDER / version / f"{name}.ami").as_stream())
    return [item for item in items if isinstance(item, Message)]


def feed(tracker: CallTracker, messages: list[Message]) -> list[Event]:
    facts = [fact_of(message, 0.0) for message in messages]
    return [event for fact in facts if fact for event in tracker.feed(fact)]


def names_in(events: list[Event]) -> set[str | None]:
    return {event.attributes.get("name") for event in events if event.kind in CALL_KINDS}


def events_of(version: str, name: str) -> list[Event]:
    return feed(CallTracker("asterisk/pbx1"), messages_of(version, name))


@both_versions
@every_recording
def test_story(version: str, scenario: Scenario) -> None:
    tracker = CallTracker("asterisk/pbx1")
    events = feed(tracker, messages_of(version, scenario.name))
    assert story_of(events) == {call: list(said) for call, said in scenario.expected.items()}
    assert (tracker.live_channels, tracker.live_calls) == (0, 0), "nothing is kept of what is over"


@both_versions
@every_recording
def test_it_is_what_the_telephones_saw(version: str, scenario: Scenario) -> None:
    """sipp's own messages of the same calls; see tests/ami/truth.py."""
    file = FOLDER.parent / "logs" / version / f"{scenario.name}.truth"
    told = truth.read(file) if file.exists() else []
    assert_events_agree(events_of(version, scenario.name), [] if scenario.no_call else told)


@both_versions
@every_recording
def test_every_event_of_a_call_has_its_identity(version: str, scenario: Scenario) -> None:
    calls: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    events = events_of(version, scenario.name)
    for event in events:
        assert event.source == "asterisk/pbx1"
        assert event.via == "ami"
        assert event.occurred_at > 1_700_000_000, "the PBX's own time"
        if event.kind in CALL_KINDS:
            identity = (event.endpoint, event.caller, event.dialled)
            calls.setdefault((event.key, event.dialled), set()).add(identity)
    assert all(len(identities) == 1 for identities in calls.values())
    assert len({event.id for event in events}) == len(events), "no two events have one id"


@both_versions
@every_recording
def test_an_event_seen_twice_says_nothing_new(version: str, scenario: Scenario) -> None:
    """A filter that is set twice, two nodes, or a snapshot before the buffer: the same fact comes again."""
    twice = [message for message in messages_of(version, scenario.name) for _ in range(2)]
    events = feed(CallTracker("asterisk/pbx1"), twice)
    reports = {Kind.ACKNOWLEDGED, Kind.DISPATCH_STARTED}  # told apart by their id, like everything stored
    calls = [event for event in events if event.kind not in reports]
    assert len({event.id for event in calls}) == len(calls)
    assert {event.id for event in events} == {event.id for event in events_of(version, scenario.name)}


@both_versions
def test_names_of_the_whole_world(version: str) -> None:
    assert names_in(events_of(version, "foreign_names")) == {"Цех №5 Östen"}


@both_versions
def test_line_breaks_in_a_name_are_data(version: str) -> None:
    """Asterisk writes them as `\\r`, `\\n` in the C way; no header is split, none is added."""
    messages = messages_of(version, "line_breaks_in_the_name")
    assert not any("Action" in message for message in messages)
    names = names_in(events_of(version, "line_breaks_in_the_name"))
    assert names == {r"a%0d%0aAction: Command\\\tb\\\\r\\\\n"}


@both_versions
def test_withheld_caller_id_is_empty_and_the_endpoint_is_known(version: str) -> None:
    outgoing = [
        event for event in events_of(version, "withheld") if event.attributes.get("direction") == "out"
    ]
    assert {(event.endpoint, event.caller) for event in outgoing} == {("1002", "")}


@both_versions
def test_dialing_is_told_before_anything_else_happens(version: str) -> None:
    first = events_of(version, "answered")[0]
    assert (first.kind, first.endpoint, first.caller, first.dialled) == (
        Kind.CALL_DIALING,
        "1001",
        "1001",
        "9110",
    )


@both_versions
def test_a_dispatcher_who_picked_up_is_not_connected_before_the_1(version: str) -> None:
    """Nor when the phone's call was answered long before (an announcement, a queue)."""
    for name in ("press_one", "press_one_of_an_answered_phone"):
        kinds = [(event.kind, event.endpoint) for event in events_of(version, name)]
        picked_up = kinds.index((Kind.CALL_ANSWERED, "2004"))
        pressed = next(n for n, (kind, _) in enumerate(kinds) if kind is Kind.ACKNOWLEDGED)
        connected = kinds.index((Kind.CALL_CONNECTED, "1001"))
        assert picked_up < pressed < connected
        assert (Kind.CALL_CONNECTED, "2003") not in kinds


# --- a snapshot in the midst ------------------------------------------------------------------------


def snapshot_after(messages: list[Message]) -> list[Message]:
    """Return the CoreShowChannel rows that Asterisk would give at this moment."""
    rows: dict[str, dict[str, str]] = {}
    for message in messages:
        uniqueid = message.get("Uniqueid")
        if message.event == "Newchannel":
            rows[uniqueid] = dict(message.headers) | {"BridgeId": "", "Application": ""}
        elif message.event == "Hangup":
            rows.pop(uniqueid)
        elif uniqueid in rows and "ChannelStateDesc" in message:
            rows[uniqueid] |= {name: message.get(name) for name in ("ChannelStateDesc", "Exten")}
        if message.event == "DialBegin":
            rows[message.get("DestUniqueid")]["Application"] = "AppDial"
        if message.event in ("BridgeEnter", "BridgeLeave"):
            rows[uniqueid]["BridgeId"] = (
                message.get("BridgeUniqueid") if message.event == "BridgeEnter" else ""
            )
    return [
        Message("\n".join(f"{name}: {value}" for name, value in row.items()).encode())
        for row in rows.values()
    ]


@both_versions
@pytest.mark.parametrize(
    "name",
    ["answered", "console_hangs_up", "fork", "local", "queue", "cancelled", "redirected", "called_back"],
)
def test_a_blind_interval_anywhere_loses_no_call_that_lives_after_it(version: str, name: str) -> None:
    """The bridge sees nothing between two moments, or begins in the midst; then the snapshot."""
    messages = messages_of(version, name)
    begins = len(messages) // 3
    for lost_from in (0, begins):
        for lost_to in range(lost_from, len(messages)):
            tracker = CallTracker("asterisk/pbx1")
            events = feed(tracker, messages[:lost_from])
            before = len(events)
            rows = [channel_of(row) for row in snapshot_after(messages[:lost_to])]
            events += tracker.reconcile(rows, now=1_800_000_000.0)
            recovered = events[before:]
            events += feed(tracker, messages[lost_to:])
            assert all(event.attributes.get("recovered") == "yes" for event in recovered)
            assert (tracker.live_channels, tracker.live_calls) == (0, 0)
            assert_each_call_begins_and_ends(events)


def assert_each_call_begins_and_ends(events: list[Event]) -> None:
    kinds: dict[str, list[Kind]] = {}
    for event in events:
        if event.kind in CALL_KINDS:
            kinds.setdefault(event.key, []).append(event.kind)
    for story in kinds.values():
        assert story[0] is Kind.CALL_DIALING
        assert story[-1] in (Kind.CALL_ENDED, Kind.CALL_FAILED)
        assert len(set(story)) == len(story), "nothing is said twice"
