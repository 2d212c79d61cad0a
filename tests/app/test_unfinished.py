"""What a tracker makes of the calls that an earlier run left unfinished, when it sees the PBX again."""

from __future__ import annotations

from bridge.calls import CallTracker
from bridge.calls.facts import Destroyed, LiveChannel
from bridge.model import Call, Kind, Tier

PBX, UNIQUEID = "asterisk/pbx1", "1795345027.10"


def stored(source: str = PBX, *, answered_at: float | None = None, connected_at: float | None = None) -> Call:
    return Call(
        id="call-1",
        source=source,
        key=UNIQUEID,
        endpoint="help-east-03",
        caller="4103",
        dialled="9110",
        phone="EAST-03",
        location="TANKFARM-EAST-POST-03",
        tier=Tier.EMERGENCY,
        dialing_at=1795345027.0,
        answered_at=answered_at,
        connected_at=connected_at,
    )


def channel(state: str = "Ring") -> LiveChannel:
    return LiveChannel(
        uniqueid=UNIQUEID,
        linkedid=UNIQUEID,
        channel="PJSIP/help-east-03-00000001",
        state=state,
        caller="4103",
        connected="",
        exten="tiers",  # the dialplan has gone on; the phone dialled something else
        dialled_by_pbx=False,
        bridge="",
        mixing=True,
        variables={},
    )


def test_a_call_that_is_gone_has_ended_unseen() -> None:
    tracker = CallTracker(PBX)
    tracker.recall([stored()])
    [event] = tracker.reconcile([], 1795345100.0)
    assert (event.kind, event.key, event.endpoint, event.dialled) == (
        Kind.CALL_ENDED,
        UNIQUEID,
        "help-east-03",
        "9110",
    )
    assert (event.occurred_at, event.attributes["outcome"]) == (1795345100.0, "unknown")
    assert "ended_by" not in event.attributes
    assert tracker.reconcile([], 1795345101.0) == []


def test_a_call_that_lives_goes_on_as_the_same_call() -> None:
    tracker = CallTracker(PBX)
    tracker.recall([stored()])
    assert tracker.reconcile([channel()], 1795345100.0) == []
    [answered] = tracker.reconcile([channel("Up")], 1795345101.0)
    assert (answered.kind, answered.dialled) == (Kind.CALL_ANSWERED, "9110")
    [ended] = tracker.feed(Destroyed(at=1795345102.0, uniqueid=UNIQUEID, cause="Normal Clearing"))
    assert (ended.kind, ended.dialled) == (Kind.CALL_ENDED, "9110")


def test_what_was_known_of_it_is_not_said_again() -> None:
    tracker = CallTracker(PBX)
    tracker.recall([stored(answered_at=1795345028.0, connected_at=1795345029.0)])
    assert tracker.reconcile([channel("Up")], 1795345100.0) == []


def test_calls_of_another_pbx_are_none_of_its_business() -> None:
    tracker = CallTracker(PBX)
    tracker.recall([stored("asterisk/pbx2")])
    assert tracker.reconcile([], 1795345100.0) == []
