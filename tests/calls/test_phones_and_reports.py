"""Devices outside calls, and what the dialplan pack reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls import CallTracker, facts
from bridge.calls.phones import MAX_ACCOUNTS, WINDOW
from bridge.model import Event, Kind

UID = "1700000000.0"
INCIDENT = "6f2d8a0e-51c4-5f0b-9a7e-2f6d1b1f9110"


@pytest.fixture
def tracker() -> CallTracker:
    return CallTracker("asterisk/pbx1")


def refused(at: float, account: str = "1001") -> facts.Refused:
    return facts.Refused(
        at=at, account=account, what="ChallengeResponseFailed", remote="IPV4/UDP/10.0.0.7/5060"
    )


def fed(tracker: CallTracker, *given: facts.Fact) -> list[Event]:
    return [event for fact in given for event in tracker.feed(fact)]


# --- refused and trusted ----------------------------------------------------------------------------


def test_a_refused_phone_is_a_fault_of_its_endpoint(tracker: CallTracker) -> None:
    [fault] = fed(tracker, refused(1000.0))
    assert (fault.kind, fault.endpoint, fault.occurred_at) == (Kind.FAULT, "1001", 1000.0)
    assert fault.attributes["subject"] == "endpoint/1001"
    assert fault.attributes["what"] == "refused"
    assert "ChallengeResponseFailed" in fault.attributes["text"]
    assert "10.0.0.7" in fault.attributes["text"]


def test_the_same_refusal_is_said_once_in_ten_seconds_and_again_later(tracker: CallTracker) -> None:
    assert len(fed(tracker, refused(1000.0), refused(1001.0), refused(1009.9))) == 1
    [again] = fed(tracker, refused(1000.0 + WINDOW))
    assert again.id != fed(CallTracker("asterisk/pbx1"), refused(1000.0))[0].id


def test_a_scanner_makes_no_flood(tracker: CallTracker) -> None:
    events = fed(tracker, *(refused(1000.0, f"guess-{n}") for n in range(10_000)))
    assert len(events) == MAX_ACCOUNTS + 1
    assert events[-1].attributes["subject"] == "endpoint/many"
    assert events[-1].endpoint == ""


def test_trusted_again_clears_once(tracker: CallTracker) -> None:
    events = fed(
        tracker,
        refused(1000.0),
        facts.Trusted(at=1001.0, account="1001"),
        facts.Trusted(at=1002.0, account="1001"),
        refused(1020.0),
        facts.Trusted(at=1021.0, account="1001"),
    )
    assert [event.kind for event in events] == [Kind.FAULT, Kind.FAULT_CLEARED] * 2
    assert {event.attributes["subject"] for event in events} == {"endpoint/1001"}


# --- reachable or not -------------------------------------------------------------------------------


def test_only_changes_are_told(tracker: CallTracker) -> None:
    states = [True, True, False, False, True]
    events = fed(
        tracker,
        *(
            facts.Reachability(at=float(n), endpoint="1001", reachable=state)
            for n, state in enumerate(states)
        ),
    )
    assert [event.kind for event in events] == [Kind.ONLINE, Kind.OFFLINE, Kind.ONLINE]
    assert len({event.id for event in events}) == 3
    assert events[1].attributes["text"] == "the PBX cannot reach 1001"


# --- reports ----------------------------------------------------------------------------------------


def said(name: str, **fields: str) -> facts.Said:
    return facts.Said(
        at=5.0, name=name, uniqueid="1700000000.7", linkedid=UID, channel="PJSIP/2004-1", fields=fields
    )


def test_press_1(tracker: CallTracker) -> None:
    [event] = fed(
        tracker, said("SOSAck", sosuid=UID, dispatcher="2004", sosincident=INCIDENT, delivery="d-1")
    )
    assert (event.kind, event.source, event.key) == (
        Kind.ACKNOWLEDGED,
        "asterisk/pbx1",
        f"{UID}/ack/2004/1700000000.7",
    )
    assert event.incident == INCIDENT
    assert event.attributes == {"by": "2004", "how": "dtmf", "call_key": UID, "delivery": "d-1"}


@pytest.mark.parametrize("named", ["", "-", "x" * 36, INCIDENT + "0", f"{INCIDENT}'; --"])
def test_an_incident_that_is_none_is_left_out(tracker: CallTracker, named: str) -> None:
    [event] = fed(tracker, said("SOSAck", sosuid=UID, dispatcher="2004", sosincident=named))
    assert event.incident == ""


def test_the_phones_of_one_tier_are_one_fact_and_the_next_loop_another(tracker: CallTracker) -> None:
    def rings(**fields: str) -> str:
        [event] = fed(tracker, said("SOSTier", sosuid=UID, **fields))
        assert event.kind is Kind.DISPATCH_STARTED
        rung = {"tier": fields["tier"], "loop": fields["loop"]}
        if "kind" in fields:
            rung["ringing"] = fields["kind"]
        assert event.attributes == {"call_key": UID, **rung}
        return event.id

    first = rings(tier="1", loop="1", dispatcher="2003", kind="alarm")
    assert rings(tier="1", loop="1", dispatcher="2004", kind="alarm") == first
    assert (
        len(
            {
                first,
                rings(tier="1", loop="2"),
                rings(tier="2", loop="1"),
                rings(tier="1", loop="1", kind="hunt"),
            }
        )
        == 4
    )


def test_nobody_took_it_until_somebody_did(tracker: CallTracker) -> None:
    [fault] = fed(tracker, said("SOSUnanswered", sosuid=UID, phone="1001"))
    assert fault.kind is Kind.FAULT
    assert (fault.attributes["subject"], fault.attributes["what"]) == (f"call/{UID}", "unanswered")
    events = fed(tracker, *[said("SOSAck", sosuid=UID, dispatcher="2004")] * 2)
    assert [event.kind for event in events] == [Kind.ACKNOWLEDGED, Kind.FAULT_CLEARED, Kind.ACKNOWLEDGED]
    assert events[1].attributes == {"subject": f"call/{UID}", "what": "unanswered"}


def test_an_announcement_without_its_file_is_a_fault_until_it_is_found(tracker: CallTracker) -> None:
    [fault] = fed(tracker, said("SOSPromptMissing", sosuid=UID, file="de/location-EAST-1"))
    assert fault.kind is Kind.FAULT
    assert fault.attributes == {
        "subject": "prompt/de/location-EAST-1",
        "what": "prompt",
        "text": "de/location-EAST-1.wav is not on the PBX: sosbridge prompts build, copy, moh reload",
    }
    [cleared] = fed(tracker, said("SOSPromptFound", sosuid=UID, file="de/location-EAST-1"))
    assert cleared.kind is Kind.FAULT_CLEARED
    assert cleared.attributes == {"subject": "prompt/de/location-EAST-1", "what": "prompt"}


def test_a_missing_file_is_one_fact_by_whatever_way_and_another_on_the_next_channel() -> None:
    report = said("SOSPromptMissing", sosuid=UID, file="de/press-1")
    ids = [fed(CallTracker("asterisk/pbx1", via=via), report)[0].id for via in ("ami", "ari")]
    assert ids[0] == ids[1]
    [another] = fed(CallTracker("asterisk/pbx1"), replace(report, uniqueid="1700000000.9"))
    assert another.id not in ids


@pytest.mark.parametrize("name", ["SOSPromptMissing", "SOSPromptFound"])
def test_a_report_of_no_file_is_none(tracker: CallTracker, name: str) -> None:
    assert fed(tracker, said(name, sosuid=UID)) == []


@pytest.mark.parametrize("name", ["SOSDone", "SOSTaken", "SOSLegAnswered", "SOSNew"])
def test_reports_that_only_help_to_read_a_log(tracker: CallTracker, name: str) -> None:
    assert fed(tracker, said(name, sosuid=UID)) == []


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("SOSRecording", {"file": "/rec/1.wav"}, "the PBX records the call: /rec/1.wav"),
        ("SOSNotTaken", {}, "dispatch was told, and nobody pressed 1"),
        ("SOSNoAck", {"dispatcher": "2001"}, "2001 picked up and did not press 1: not informed"),
        ("SOSNotReached", {"dispatcher": "2001", "why": "busy"}, "2001 was not reached: busy"),
    ],
)
def test_what_only_the_story_tells(
    tracker: CallTracker, name: str, fields: dict[str, str], text: str
) -> None:
    [event] = fed(tracker, said(name, sosuid=UID, **fields))
    assert (event.kind, event.attributes) == (Kind.REPORTED, {"call_key": UID, "text": text})


def test_who_is_not_reached_again_for_the_same_reason_is_the_same_fact(tracker: CallTracker) -> None:
    keys = [
        fed(tracker, said("SOSNotReached", sosuid=UID, dispatcher=who, why=why))[0].key
        for who, why in (("2001", "busy"), ("2001", "busy"), ("2001", "declined"), ("2002", "busy"))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def done(heard: str, **fields: str) -> facts.Said:
    return said("SOSDone", sosuid=UID, phone="1001", has="dispatcher", by="2004", heard=heard, **fields)


LEG = "1700000000.7"
"""The dispatcher's channel."""


@pytest.mark.parametrize("name", ["SOSDone", "SOSTold"])
def test_who_had_it_by_a_1_that_was_not_heard_has_acknowledged(tracker: CallTracker, name: str) -> None:
    told = {"sosuid": UID, "has": "dispatcher", "by": "lead", "dispatcher": "2004", "leg": LEG}
    report = replace(said(name, **told, sosincident=INCIDENT, delivery="d-2"), uniqueid=UID)
    [late] = fed(tracker, report)
    assert (late.kind, late.incident) == (Kind.ACKNOWLEDGED, INCIDENT)
    assert late.attributes == {"by": "2004", "how": "dtmf", "call_key": UID, "recovered": "yes"}
    [heard] = fed(tracker, said("SOSAck", sosuid=UID, dispatcher="2004", delivery="d-1"))
    assert heard.id == late.id


@pytest.mark.parametrize("has", ["", "console", "person"])
def test_nobody_else_has_acknowledged_by_having_it(tracker: CallTracker, has: str) -> None:
    assert fed(tracker, said("SOSDone", sosuid=UID, has=has, by="2004", dispatcher="2004", leg=LEG)) == []


@pytest.mark.parametrize("missing", ["dispatcher", "leg"])
def test_a_1_of_nobody_named_or_of_no_channel_is_none(tracker: CallTracker, missing: str) -> None:
    """As an older pack, or another exchange, says it."""
    told = {"dispatcher": "2004", "leg": LEG, missing: ""}
    assert fed(tracker, said("SOSDone", sosuid=UID, has="dispatcher", by="2004", **told)) == []


def test_dispatch_answered_and_heard_nobody(tracker: CallTracker) -> None:
    """It vanished while it rang, or its microphone is dead: the story says so, and a fault of the phone."""
    story, fault = fed(tracker, done("0"))
    text = "2004 had the call and heard nothing: no sound came from 1001"
    assert (story.kind, story.attributes) == (Kind.REPORTED, {"call_key": UID, "text": text})
    assert (fault.kind, fault.endpoint, fault.attributes) == (
        Kind.FAULT,
        "1001",
        {"what": "unheard", "text": text},
    )


def test_a_phone_that_is_heard_again_is_mended(tracker: CallTracker) -> None:
    [cleared] = fed(tracker, done("431"))
    assert (cleared.kind, cleared.endpoint, cleared.attributes["what"]) == (
        Kind.FAULT_CLEARED,
        "1001",
        "unheard",
    )
    assert fed(tracker, done("200")) == [], "said once"
    assert [event.kind for event in fed(tracker, done("0"), done("9"))] == [
        Kind.REPORTED,
        Kind.FAULT,
        Kind.FAULT_CLEARED,
    ]


def test_the_phone_of_a_shared_line_is_named_by_its_number(tracker: CallTracker) -> None:
    report = replace(done("0"), caller="4501")
    _, fault = fed(tracker, report)
    assert (fault.endpoint, fault.caller) == ("1001", "4501")


@pytest.mark.parametrize("heard", ["", "-", "many"])
def test_a_call_that_nobody_took_says_nothing_of_sound(tracker: CallTracker, heard: str) -> None:
    assert fed(tracker, done(heard)) == []


def test_a_phone_from_which_no_sound_comes_is_a_fault_until_it_is_heard(tracker: CallTracker) -> None:
    silent = said("SOSSilent", sosuid=UID, phone="1001", since="the start")
    [fault] = tracker.feed(silent)
    text = "no sound comes from the phone, since the start"
    assert (fault.kind, fault.endpoint, fault.attributes) == (
        Kind.FAULT,
        "1001",
        {"what": "rtp_silence", "text": text},
    )
    [cleared] = tracker.feed(said("SOSHeard", sosuid=UID, phone="1001"))
    assert (cleared.kind, cleared.endpoint, cleared.attributes["what"]) == (
        Kind.FAULT_CLEARED,
        "1001",
        "rtp_silence",
    )
