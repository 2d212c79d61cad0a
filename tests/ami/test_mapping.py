"""AMI messages to facts where no recording has the case."""

from __future__ import annotations

import pytest

from bridge.calls import facts
from bridge.protocols.ami import Message
from bridge.triggers.ami.mapping import channel_of, fact_of


def fact(*lines: str) -> facts.Fact | None:
    return fact_of(Message("\n".join(lines).encode()), arrived=99.0)


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("Timestamp: 1700000000.25", 1700000000.25),
        ("Timestamp: soon", 99.0),
        ("Timestamp: nan", 99.0),
        ("Timestamp: -inf", 99.0),
        ("X: y", 99.0),
    ],
)
def test_time_is_the_pbx_own_or_else_that_of_arrival(stamp: str, at: float) -> None:
    assert fact("Event: Hangup", stamp, "Uniqueid: 1.0") == facts.Destroyed(at=at, uniqueid="1.0")


@pytest.mark.parametrize(
    "lines",
    [
        ("Event: VarSet", "Variable: X"),
        ("Event: UserEvent", "UserEvent: SomethingElse"),
        ("Event: ChallengeSent", "Service: PJSIP", "AccountID: 1001"),
        ("Event: InvalidPassword", "Service: AMI", "AccountID: watch"),
        ("Event: InvalidAccountID", "Service: PJSIP", "AccountID: <unknown>"),
        ("Event: SuccessfulAuth", "Service: AMI", "AccountID: watch"),
        ("Event: PeerStatus", "Peer: PJSIP/1001", "PeerStatus: Unknown"),
        ("Event: PeerStatus", "Peer: Local/1001", "PeerStatus: Reachable"),
        ("Event: DeviceStateChange", "Device: PJSIP/1001", "State: INUSE"),
        ("Event: DeviceStateChange", "Device: Queue:sos", "State: NOT_INUSE"),
        ("Event: DeviceStateChange", "Device: PJSIP/", "State: UNAVAILABLE"),
        ("Response: Success",),
    ],
    ids=" ".join,
)
def test_what_says_nothing(lines: tuple[str, ...]) -> None:
    assert fact(*lines) is None


@pytest.mark.parametrize(
    "event",
    ["InvalidPassword", "ChallengeResponseFailed", "InvalidAccountID", "FailedACL", "RequestBadFormat"],
)
def test_refused_phones(event: str) -> None:
    said = fact(
        f"Event: {event}", "Service: PJSIP", "AccountID: 1001", "RemoteAddress: IPV4/UDP/10.0.0.7/5060"
    )
    assert said == facts.Refused(at=99.0, account="1001", what=event, remote="IPV4/UDP/10.0.0.7/5060")


@pytest.mark.parametrize(
    ("lines", "reachable"),
    [
        (("Event: PeerStatus", "Peer: PJSIP/1001", "PeerStatus: Reachable"), True),
        (("Event: PeerStatus", "Peer: PJSIP/1001", "PeerStatus: Unreachable"), False),
        (("Event: DeviceStateChange", "Device: PJSIP/1001", "State: NOT_INUSE"), True),
        (("Event: DeviceStateChange", "Device: PJSIP/1001", "State: UNAVAILABLE"), False),
    ],
)
def test_reachability(lines: tuple[str, ...], reachable: bool) -> None:
    assert fact(*lines) == facts.Reachability(at=99.0, endpoint="1001", reachable=reachable)


def test_a_report_may_repeat_the_names_of_the_channels_headers() -> None:
    said = fact(
        "Event: UserEvent",
        "Channel: PJSIP/1001-0",
        "Exten: s",
        "Uniqueid: 1.0",
        "Linkedid: 1.0",
        "UserEvent: SOSCall",
        "Exten:9110",
        "Event: evil",
    )
    assert isinstance(said, facts.Said)
    assert (said.uniqueid, dict(said.fields)) == ("1.0", {"exten": "9110", "event": "evil"})


def test_a_call_the_pbx_starts_has_only_its_destination() -> None:
    began = fact(
        "Event: DialBegin",
        "DestChannel: PJSIP/1001-0",
        "DestUniqueid: 1.0",
        "DestLinkedid: 1.0",
        "DestConnectedLineNum: 555",
        "DestConnectedLineName: Click",
    )
    assert began == facts.DialBegan(
        at=99.0, dest_uniqueid="1.0", dest_channel="PJSIP/1001-0", linkedid="1.0", caller="555", name="Click"
    )


def test_holding_bridge_does_not_mix() -> None:
    entered = fact(
        "Event: BridgeEnter", "Uniqueid: 1.0", "BridgeUniqueid: b", "BridgeTechnology: holding_bridge"
    )
    assert entered == facts.Entered(at=99.0, uniqueid="1.0", bridge="b", mixing=False)


def test_row_of_a_snapshot() -> None:
    row = Message(
        b"Event: CoreShowChannel\nChannel: PJSIP/1001-0\nChannelStateDesc: Up\nCallerIDNum: 1001\n"
        b"ConnectedLineNum: 9110\nExten: s\nUniqueid: 1.0\nLinkedid: 1.0\nApplication: AppQueue\n"
        b"BridgeId: b\nChanVariable: SOS_KIND=alarm\nChanVariable: SOS_EXTEN=\nChanVariable: odd"
    )
    assert channel_of(row) == facts.LiveChannel(
        uniqueid="1.0",
        linkedid="1.0",
        channel="PJSIP/1001-0",
        state="Up",
        caller="1001",
        connected="9110",
        exten="s",
        dialled_by_pbx=True,
        bridge="b",
        variables={"SOS_KIND": "alarm"},
    )
