"""The fake PBX and its dialogues: what a test or the demo may rely on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.calls import CallTracker
from bridge.errors import ProtocolError
from bridge.model import Clock, Kind
from bridge.protocols.ami import Message, Parser
from bridge.protocols.ami_session import Refused, connect
from bridge.simulator.ami_server import AmiServer
from bridge.simulator.dialogue import Dialogue
from tests.ami.conftest import MakeAccount
from tests.calls.record import DEMO_CONSOLE, DEMO_PHONE
from tests.calls.test_recordings import FOLDER, feed

TEXT = b"""\
# by hand

@0
Event: Newchannel
Timestamp: 1700000000.500000
Uniqueid: 1700000000.1
Linkedid: 1700000000.1

@0.5
Event: UserEvent
Uniqueid: 1700000003.9
Linkedid: 1700000000.1
SosUid: 1700000000.1
Amount: 1700000000
"""


def test_dialogue_is_read_and_begins_anew() -> None:
    dialogue = Dialogue.parse(TEXT)
    assert [at for at, _ in dialogue] == [0.0, 0.5]
    assert dialogue.duration == 0.5
    first, second = (Message(message) for _, message in dialogue.renewed(1_800_000_000.25))
    assert first.get("Timestamp") == "1800000000.250000"
    assert first.get("Uniqueid") == first.get("Linkedid") == "1800000000.1"
    assert second.get("Uniqueid") == "1800000003.9", "the distance between calls stays"
    assert second.get("SosUid") == "1800000000.1", "wherever a Uniqueid is repeated"
    assert second.get("Amount") == "1700000000", "and nothing else"


def test_dialogues_of_the_same_second_are_told_apart() -> None:
    ids = {
        Message(message).get("Uniqueid")
        for run in (0, 1, 2)
        for _, message in Dialogue.parse(TEXT).renewed(5.0, run)
    }
    assert len(ids) == 6


@pytest.mark.parametrize("text", [b"Event: A\n", b"@x\nEvent: A\n", b"@1\n"])
def test_dialogue_without_times(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "broken.ami"
    file.write_bytes(text)
    with pytest.raises(ProtocolError, match=r"broken\.ami: a message begins with `@seconds`"):
        Dialogue.load(file)


def test_a_dialogue_without_calls_stays_as_it_is() -> None:
    assert Dialogue.parse(b"# nothing\n").renewed(5.0).duration == 0.0
    dialogue = Dialogue.parse(b"@0.5\nEvent: A\nValue: 1.5\n")
    assert dialogue.renewed(5.0, run=3) == dialogue


def test_the_demo_call_is_a_whole_call_of_the_tank_farm() -> None:
    dialogue = Dialogue.shipped("sos-answered")
    messages = [item for item in Parser().feed(dialogue.as_stream()) if isinstance(item, Message)]
    events = feed(CallTracker("asterisk/pbx1"), messages)
    own = [event.kind for event in events if event.endpoint == DEMO_PHONE]
    assert own == [
        Kind.CALL_DIALING,
        Kind.CALL_ANSWERED,
        Kind.CALL_CONNECTED,
        Kind.CALL_ENDED,
        Kind.ONLINE,
    ]
    [connected] = [e for e in events if e.kind is Kind.CALL_CONNECTED and e.endpoint == DEMO_PHONE]
    assert connected.attributes["connected_to"] == DEMO_CONSOLE
    assert Kind.OFFLINE not in {event.kind for event in events}


async def test_a_play_is_a_call_of_its_own_second(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    before = int(time.time())
    await pbx.play(Dialogue.load(FOLDER / "22" / "congestion.ami"), speed=1000)
    await session.action("Ping")
    [call] = {message.get("Uniqueid") for message in session.waiting() if message.event == "Newchannel"}
    assert before <= int(call.partition(".")[0]) <= int(time.time())
    await session.close()


async def test_channels_follow_the_events(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    pbx.emit("Newchannel", Uniqueid="1.0", Channel="PJSIP/1-0", ChannelState="4", ChannelStateDesc="Ring")
    pbx.emit("Newstate", Uniqueid="1.0", ChannelState="6", ChannelStateDesc="Up")
    pbx.emit("BridgeEnter", Uniqueid="1.0", ChannelState="6", ChannelStateDesc="Up", BridgeUniqueid="b")
    session = await connect(account(), clock=running_clock)
    _, row, _ = await session.action("CoreShowChannels")
    assert (row.get("ChannelStateDesc"), row.get("BridgeId"), row.get("Event")) == (
        "Up",
        "b",
        "CoreShowChannel",
    )
    pbx.emit("BridgeLeave", Uniqueid="1.0", ChannelState="6", ChannelStateDesc="Up", BridgeUniqueid="b")
    assert pbx.channels["1.0"]["BridgeId"] == ""
    pbx.emit("Hangup", Uniqueid="1.0")
    assert len(await session.action("CoreShowChannels")) == 2
    await session.close()


async def test_actions(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(), clock=running_clock)
    await session.action("Setvar", {"Variable": "A", "Value": "1"})
    [answer] = await session.action("Getvar", {"Variable": "A"})
    assert answer.get("Value") == "1"
    await session.action("UserEvent", [("UserEvent", "SOSCall"), ("SosUid", "1.0")])
    assert session.waiting()[-1].get("SosUid") == "1.0"
    await session.action("Events", {"EventMask": "off"})
    pbx.emit("Unheard")
    await session.action("Ping")
    assert session.waiting()[-1].event == "UserEvent"
    with pytest.raises(Refused, match="Invalid/unknown command"):
        await session.action("Reboot")
    await session.close()
