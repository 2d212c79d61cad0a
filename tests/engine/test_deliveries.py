"""What receipts, failures and late words mean: written down, a fault or its end, nothing done twice."""

from __future__ import annotations

import pytest

from bridge.engine import Reason
from bridge.model import Kind, Tier
from tests.engine.control_room import ROUTINE_AT_03, SOS_AT_03, ControlRoom

SHOW = "wall show desk-1"


def test_a_receipt_is_written_down(room: ControlRoom) -> None:
    room.press("P-03")
    room.now += 0.25
    room.settle("P-03", SHOW, "verified", reference="tile:4", proof="tile 4 shows camera 1")
    shown = room.delivery("P-03", SHOW)
    assert (shown.state, shown.attempts, shown.reference) == ("verified", 1, "tile:4")
    assert (shown.started_at, shown.settled_at) == (room.now, room.now)
    assert room.story("P-03")[-1] == "wall show desk-1: verified after 250 ms: tile 4 shows camera 1"
    room.forget()


def test_a_failure_is_a_fault_until_the_driver_can_do_it_again(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", "wall popup desk-1", "failed", proof="403 forbidden")
    fault = room.fault("driver/wall", "popup")
    assert fault is not None
    assert "403 forbidden" in fault.text
    room.press("P-03")
    room.settle("P-03", "wall popup desk-1", "accepted")
    assert room.fault("driver/wall", "popup") is None
    room.forget()


@pytest.mark.parametrize("state", ["uncertain", "expired"])
def test_what_was_not_done_for_sure_is_never_counted_as_done(room: ControlRoom, state: str) -> None:
    room.press("P-03")
    room.settle("P-03", "wall popup desk-1", state)
    assert room.fault("driver/wall", "popup") is not None
    assert not room.delivery("P-03", "wall popup desk-1").state.done
    room.forget()


def test_an_attempt_that_will_be_repeated_is_counted(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", SHOW, "retry", proof="connection refused")
    first_started = room.now
    room.now += 1.0
    room.settle("P-03", SHOW, "retry", proof="connection refused", doubtful="yes")
    room.settle("P-03", SHOW, "retry", proof="timed out")
    waiting = room.delivery("P-03", SHOW)
    assert (waiting.state, waiting.attempts, waiting.doubtful) == ("pending", 3, True)
    assert (waiting.started_at, waiting.next_attempt_at) == (first_started, room.now + 1.0)
    told = [line for line in room.story("P-03") if line.endswith("trying again")]
    assert told == [
        "wall show desk-1: connection refused; trying again",
        "wall show desk-1: timed out; trying again",
    ]
    room.forget()


def test_the_same_receipt_twice_is_one(room: ControlRoom) -> None:
    room.press("P-03")
    delivery = room.delivery("P-03", SHOW)
    room.settle_delivery(delivery, "verified")
    settled = room.delivery("P-03", SHOW)
    room.now += 1.0
    room.settle_delivery(delivery, "verified")
    assert room.decisions[-1].reason is Reason.DUPLICATE
    assert room.delivery("P-03", SHOW) == settled
    room.forget()


def test_a_wish_that_somebody_elses_stands_against_is_no_fault(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", SHOW, "superseded", proof="an operator has another picture there")
    shown = room.delivery("P-03", SHOW)
    assert (shown.state, shown.proof) == ("superseded", "an operator has another picture there")
    assert room.story("P-03")[-1].endswith("an operator has another picture there")
    assert room.database.rows.faults == {}
    room.forget()


@pytest.mark.parametrize("late", ["failed", "accepted", "retry"])
def test_a_word_after_the_last_is_only_told(room: ControlRoom, late: str) -> None:
    room.press("P-03")
    room.settle("P-03", SHOW, "verified")
    settled = room.delivery("P-03", SHOW)
    room.settle_delivery(settled, late)
    assert room.decisions[-1].reason is Reason.LATE
    assert room.delivery("P-03", SHOW) == settled
    assert room.fault("driver/wall", "show") is None
    room.forget()


def test_a_delivery_that_was_superseded_under_way_is_not_a_fault_when_it_fails(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    room.settle_delivery(room.delivery("P-03", SHOW), "failed")
    assert room.decisions[-1].reason is Reason.LATE
    assert room.fault("driver/wall", "show") is None
    room.forget()


@pytest.mark.parametrize("late", ["accepted", "failed", "uncertain"])
def test_of_one_superseded_under_way_the_record_says_that_it_was_sent(room: ControlRoom, late: str) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    before = room.delivery("P-03", SHOW)
    assert (before.state, before.attempts, before.started_at) == ("superseded", 0, None)
    room.now += 0.5
    room.settle_delivery(before, late, doubtful="yes" if late == "uncertain" else "")
    after = room.delivery("P-03", SHOW)
    assert (after.state, after.proof, after.settled_at) == ("superseded", before.proof, before.settled_at)
    assert (after.attempts, after.started_at, after.doubtful) == (1, room.now, late == "uncertain")
    assert room.story("P-03")[-1] == f"{SHOW}: {late} after all: said the driver"
    room.forget()


def test_one_superseded_before_it_was_sent_has_no_attempt(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.press("P-04")
    room.settle_delivery(room.delivery("P-03", SHOW), "expired", attempts="0", started_at="")
    never_sent = room.delivery("P-03", SHOW)
    assert (never_sent.state, never_sent.attempts, never_sent.started_at) == ("superseded", 0, None)
    room.forget()


def test_a_receipt_of_an_unknown_delivery_is_an_orphan(room: ControlRoom) -> None:
    attributes = {"delivery": "no-such-delivery", "state": "verified", "attempts": "1"}
    room.event(Kind.DELIVERY_SETTLED, source="outbox", attributes=attributes)
    assert room.decisions[-1].reason is Reason.ORPHAN


@pytest.mark.parametrize("state", ["pending", "leased", "nonsense"])
def test_a_receipt_must_say_how_it_ended(room: ControlRoom, state: str) -> None:
    room.press("P-03")
    with pytest.raises(ValueError, match=state):
        room.settle("P-03", SHOW, state)
    room.forget()


def test_actions_have_the_priority_and_the_deadline_of_their_tier(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-05", "20")
    for row in room.database.asked:
        emergency = row.tier is Tier.EMERGENCY
        assert row.deadline - row.created_at == (300.0 if emergency else 30.0)
    orders = [row.order for row in room.database.asked if row.tier is Tier.EMERGENCY]
    assert orders == list(range(len(SOS_AT_03)))
    room.expects("P-03", *SOS_AT_03)
    room.expects("P-05", ROUTINE_AT_03[0], "wall popup desk-1")


def test_delivery_ids_come_from_incident_and_step(room: ControlRoom) -> None:
    room.press("P-03")
    twin = ControlRoom()
    twin.press("P-03")
    assert [row.id for row in twin.database.asked] == [row.id for row in room.database.asked]
    room.forget()
