"""An SOS that a log tells of when it is over: a closed incident of its own, a review, words, no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine import Reason
from bridge.model import Fault, IncidentState, Kind, Operation, derive_id
from bridge.response import Rule, Step
from tests.engine.control_room import DISPATCH, PBX, START, ControlRoom, Dialled
from tests.engine.site import FULL, PLAN, WITH_FALLBACK

MARKS = tuple(f"wall bookmark_past {camera}" for camera in ("PTZ-01", "FIX-02", "MAST"))
HOUR = 3600.0
DAY = 24 * HOUR


def review(room: ControlRoom, phone: str = "P-03") -> Fault | None:
    return room.fault(f"incident/{room.incident(phone).id}", "review")


def incident_id(call: Dialled, occurrence: int = 0) -> str:
    return derive_id("incident", PBX, call.key, occurrence)


def test_a_missed_sos_has_the_incident_that_the_live_call_would_have_had() -> None:
    with ControlRoom(FULL) as room:
        call = room.call("P-03")
        decision = room.finds(call, at=START - HOUR, by="A. Weber")
        assert decision is not None
        assert decision.reason is Reason.FILED
        incident = room.incident("P-03")
        assert incident.id == incident_id(call)
        assert (incident.state, incident.recovered) == (IncidentState.CLOSED, True)
        assert (incident.opened_at, incident.closed_at) == (START - HOUR, START)
        assert room.timers("P-03") == {}
        room.expects("P-03", *MARKS, DISPATCH, missed="22:13", ended_ts=repr(START - HOUR + 8.0))
        [stored] = room.database.rows.calls.values()
        assert (stored.incident, stored.dialing_at, stored.ended_at) == (
            incident.id,
            START - HOUR,
            START - HOUR + 8.0,
        )
        assert room.story("P-03") == [
            "P-03 dialled 9110 (found in the PBX's log)",
            "the log says: abandoned; over after 8.0 s",
            "filed by A. Weber when it was over: somebody has to look into it",
        ]


@pytest.mark.parametrize(
    ("owed", "ago", "lines"),
    [
        pytest.param("missed", HOUR, (*MARKS, DISPATCH), id="missed"),
        pytest.param("review", HOUR, MARKS, id="to be looked into"),
        pytest.param("missed", DAY + 1, MARKS, id="no news any more when it is filed"),
    ],
)
def test_what_a_call_of_the_past_is_owed(owed: str, ago: float, lines: tuple[str, ...]) -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - ago, owed=owed)
        room.expects("P-03", *lines)
        assert review(room) is not None


def test_dispatch_is_told_until_the_sos_is_a_day_old() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        assert room.delivery("P-03", DISPATCH).deadline == START - HOUR + DAY
        assert room.delivery("P-03", DISPATCH).tier == "routine", "an SOS of now goes before it"
        room.forget()


def test_no_picture_is_spoken_of() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        told = room.delivery("P-03", DISPATCH).params
        assert "picture" not in told
        assert told["endpoint"] == "1003"
        room.forget()


def test_a_site_without_rules_for_it_has_the_review_alone() -> None:
    with ControlRoom(PLAN) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        assert review(room) is not None


@pytest.mark.parametrize("endpoint", ["1003", "1999"])
def test_filed_twice_it_is_one(endpoint: str) -> None:
    with ControlRoom(FULL) as room:
        call = room.call(endpoint)
        room.finds(call, at=START - HOUR)
        room.forget()
        before = room.database.copy()
        again = room.finds(call, at=START - HOUR, owed="review")
        assert again is not None
        assert again.reason is Reason.DUPLICATE
        assert room.database.rows == before


def test_what_was_seen_live_is_not_filed() -> None:
    with ControlRoom(FULL) as room:
        call = room.press("P-03")
        room.forget()
        before = dict(room.database.rows.incidents)
        decision = room.finds(call, at=START)
        assert decision is not None
        assert decision.reason is Reason.LATE
        assert room.database.rows.incidents == before
        room.resolve("anna", "P-03")
        room.forget()


def test_a_late_live_event_joins_what_was_filed() -> None:
    with ControlRoom(FULL) as room:
        call = room.call("P-03")
        room.finds(call, at=START - 30)
        room.forget()
        room.says(Kind.CALL_DIALING, call, at=START - 30)
        room.says(Kind.CALL_CONNECTED, call, at=START - 25, connected_to="2002")
        room.says(Kind.CALL_ENDED, call, at=START - 22)
        assert len(room.incidents("P-03")) == 1
        assert room.state("P-03") is IncidentState.CLOSED
        assert "connected to 2002, before it ended" in room.story("P-03")


def test_a_call_that_still_lives_after_all_is_new() -> None:
    """The log had no end of it, and a snapshot finds it: it is an SOS."""
    with ControlRoom(FULL) as room:
        call = room.call("P-03")
        room.finds(call, at=START - HOUR, ended_at="")
        room.forget()
        room.says(Kind.CALL_DIALING, call, at=START, recovered="yes")
        assert room.incident("P-03").id == incident_id(call, 1)
        assert room.state("P-03") is IncidentState.OPEN
        room.forget()


def test_a_key_of_another_time_is_another_call() -> None:
    with ControlRoom(FULL) as room:
        call = room.press("P-03")
        room.hang_up(call)
        room.forget()
        room.finds(call, at=START - 10 * HOUR)
        assert room.incident("P-03").id == incident_id(call, 1)
        room.forget()


def test_the_phones_living_incident_is_not_disturbed() -> None:
    with ControlRoom(FULL) as room:
        room.press("P-03")
        room.acknowledge("anna", "P-03")
        room.forget()
        living = room.incident("P-03")
        timers, holds = room.timers("P-03"), dict(room.database.rows.holds)
        room.finds(room.call("P-03"), at=START - HOUR)
        assert room.database.rows.incidents[living.id] == living
        assert room.database.rows.holds == holds
        assert {row.name: row.due_at - room.now for row in room.database.rows.timers.values()} == timers
        room.expects("P-03", *MARKS, DISPATCH)


def test_several_missed_sos_of_one_phone_keep_their_incidents() -> None:
    with ControlRoom(FULL) as room:
        calls = [room.call("P-03") for _ in range(3)]
        for number, call in enumerate(calls):
            room.finds(call, at=START - HOUR + 60 * number)
        assert [row.id for row in room.incidents("P-03")] == [incident_id(call) for call in calls]
        told = [row for row in room.database.asked if row.operation == "notify"]
        assert len({row.id for row in told}) == 3
        room.forget()


def test_an_unknown_phone_is_said() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("1999"), at=START - HOUR)
        assert room.fault("unknown/1999", "unknown_phone") is not None
        room.expects("unknown/1999", DISPATCH)


def test_what_is_no_alarm_is_nobodys() -> None:
    with ControlRoom(FULL) as room:
        decision = room.finds(room.call("P-03", "20"), at=START - HOUR)
        assert decision is not None
        assert decision.reason is Reason.ORPHAN
        assert room.incidents("P-03") == []


def test_only_words_and_bookmarks_whatever_the_site_writes() -> None:
    """The configuration refuses such rules; the engine does not count on it."""
    wild = [
        Rule(step=Step.MISSED, operation=operation, driver="wall")
        for operation in (Operation.RECALL_PRESET, Operation.SHOW, Operation.POPUP)
    ]
    with ControlRoom(replace(FULL, rules=(*FULL.rules, *wild))) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        room.expects("P-03", *MARKS, DISPATCH)


# --- the review -----------------------------------------------------------------------------------------


def test_a_named_person_reviews_it() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        room.forget()
        closed = room.incident("P-03")
        decision = room.event(
            Kind.RESOLVED, incident=closed.id, attributes={"by": "anna", "reason": "called them: a trial"}
        )
        assert decision is not None
        assert decision.reason is Reason.REVIEWED
        assert review(room) is None
        assert room.incident("P-03") == closed
        assert room.story("P-03")[-1] == "looked into by anna: called them: a trial"
        assert room.delivery("P-03", DISPATCH).state == "superseded"


def test_nobody_in_particular_cannot_review_it() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        room.forget()
        room.event(Kind.RESOLVED, incident=room.incident("P-03").id)
        assert review(room) is not None


def test_the_second_review_is_only_noted() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        room.forget()
        for by in ("anna", "bert"):
            decision = room.event(Kind.RESOLVED, incident=room.incident("P-03").id, attributes={"by": by})
        assert decision is not None
        assert decision.reason is Reason.LATE


# --- dispatch -------------------------------------------------------------------------------------------


def test_a_one_marks_it_heard() -> None:
    with ControlRoom(FULL) as room:
        room.finds(room.call("P-03"), at=START - HOUR)
        room.forget()
        closed = room.incident("P-03")
        attributes = {"tier": "1", "loop": "1", "ringing": "notify"}
        room.event(Kind.DISPATCH_STARTED, incident=closed.id, attributes=attributes)
        room.event(Kind.ACKNOWLEDGED, incident=closed.id, attributes={"by": "3001", "how": "dtmf"})
        assert room.incident("P-03") == closed
        assert review(room) is not None
        assert room.story("P-03")[-2:] == [
            "the PBX rings dispatch, to tell of the missed SOS",
            "acknowledged by 3001 (dtmf)",
        ]


def test_nobody_stands_in_for_the_first_dispatch_driver() -> None:
    with ControlRoom(WITH_FALLBACK) as room:
        room.link("dispatch", up=False)
        room.finds(room.call("P-03"), at=START - HOUR)
        room.expects("P-03", *MARKS, DISPATCH)
        room.settle("P-03", DISPATCH, "failed")
        assert room.fault("driver/dispatch", "link") is not None
