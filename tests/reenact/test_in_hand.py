"""What a training waits for before it puts its clock forward."""

from __future__ import annotations

import math
from dataclasses import replace

from bridge.cli.replay.reenact.in_hand import STALE, InHand
from bridge.engine import Decision, Reason
from bridge.ingest import Committed
from bridge.model import (
    Call,
    Delivery,
    DeliveryState,
    Event,
    Incident,
    IncidentState,
    Kind,
    Operation,
    Tier,
    Timer,
)

TIMER = Timer(incident="i1", name="escalate_1", due_at=120.0)
DELIVERY = Delivery(
    id="d1",
    incident="i1",
    step="sos/1",
    driver="zm",
    operation=Operation.START_RECORDING,
    target="4",
    tier=Tier.EMERGENCY,
    order=1,
    state=DeliveryState.LEASED,
    created_at=100.0,
    deadline=400.0,
)


def event(kind: Kind, **attributes: str) -> Event:
    return Event(kind=kind, source="s", key="k", occurred_at=100.0, incident="i1", attributes=attributes)


def committed(
    *deliveries: Delivery, timer: Timer | None = None, about: Event | None = None, cleared: bool = False
) -> Committed:
    decision = Decision(event=about or event(Kind.CALL_DIALING), reason=Reason.NOTED)
    decision.deliveries = {each.id: each for each in deliveries}
    if timer or cleared:
        decision.timers = {(TIMER.incident, TIMER.name): timer}
    return Committed(decisions=[decision], leased=[], at=100.0)


def test_nothing_is_in_hand() -> None:
    assert not InHand().busy(1e12)
    assert InHand().next() == math.inf


def test_an_action_is_under_way_until_it_is_settled() -> None:
    hand = InHand()
    hand.take(committed(DELIVERY))
    assert hand.busy(100.0)
    hand.take(committed(replace(DELIVERY, state=DeliveryState.VERIFIED)))
    assert not hand.busy(100.0)


def test_an_action_that_is_tried_again_later_is_waited_for_like_a_timer() -> None:
    hand = InHand()
    hand.take(committed(replace(DELIVERY, next_attempt_at=105.0)))
    assert not hand.busy(104.0)
    assert hand.next() == 105.0
    assert hand.busy(105.0)


def test_a_timer_that_is_due_is_under_way_until_it_is_decided() -> None:
    hand = InHand()
    hand.take(committed(timer=TIMER))
    assert (hand.busy(119.0), hand.next(), hand.busy(120.0)) == (False, 120.0, True)
    hand.take(committed(about=event(Kind.TIMER_DUE, name="escalate_1", due_at="120.0")))
    assert not hand.busy(120.0)


def test_a_timer_that_was_set_anew_is_not_the_one_that_was_due() -> None:
    hand = InHand()
    hand.take(committed(timer=replace(TIMER, due_at=180.0)))
    hand.take(committed(about=event(Kind.TIMER_DUE, name="escalate_1", due_at="120.0")))
    assert hand.next() == 180.0


def test_a_timer_that_is_cleared_is_waited_for_no_more() -> None:
    hand = InHand()
    hand.take(committed(timer=TIMER))
    hand.take(committed(cleared=True))
    assert hand.next() == math.inf


def called(kind: Kind, at: float, state: IncidentState) -> Committed:
    """The call of i1 says something, which leaves the incident in this state."""
    call = Call(
        id="c1",
        source="s",
        key="k",
        endpoint="1001",
        dialled="9110",
        phone="P-01",
        location="",
        tier=Tier.EMERGENCY,
        dialing_at=100.0,
        incident="i1",
    )
    incident = Incident(id="i1", tier=Tier.EMERGENCY, state=state, phone="P-01", location="", opened_at=100.0)
    said = Event(kind=kind, source="s", key="k", occurred_at=at)
    decision = Decision(event=said, reason=Reason.NOTED, calls={"c1": call}, incidents={"i1": incident})
    return Committed(decisions=[decision], leased=[], at=at)


def test_an_incident_that_nobody_ends_is_stale_an_hour_after_its_last_call() -> None:
    hand = InHand()
    hand.take(called(Kind.CALL_DIALING, 100.0, IncidentState.OPEN))
    hand.take(called(Kind.CALL_ENDED, 150.0, IncidentState.OPEN))
    assert hand.next() == 150.0 + STALE
    assert hand.take_stale(149.0 + STALE) == []
    assert hand.take_stale(150.0 + STALE) == ["i1"]
    assert hand.take_stale(150.0 + STALE) == []


def test_an_incident_that_somebody_ended_is_never_stale() -> None:
    hand = InHand()
    hand.take(called(Kind.CALL_DIALING, 100.0, IncidentState.OPEN))
    hand.take(called(Kind.RESOLVED, 150.0, IncidentState.CLEARING))
    assert hand.take_stale(1e12) == []
    assert hand.next() == math.inf
