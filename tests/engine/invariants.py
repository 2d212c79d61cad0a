"""What must be true after every event, whatever came before. Raises AssertionError with the rule's name."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

from bridge.engine import Decision, State
from bridge.engine.missed import CLOSED_BY
from bridge.engine.table import TRANSITIONS
from bridge.engine.timers import TIMERS
from bridge.model import (
    UNDO,
    Delivery,
    DeliveryState,
    Hold,
    Incident,
    IncidentState,
    Kind,
    Operation,
    Tier,
)
from bridge.response import OF_THE_PAST, Step
from tests.engine.database import Database

ATTENTION = {"escalate_1", "escalate_2", "console_click", "unresolved"}
"""An SOS that nobody has acknowledged has one of these timers, always."""
STARTS = {Operation.START_RECORDING, Operation.EVENT_START, Operation.BEACON_ON}
_MOVES = {(old, row.to) for (old, _), row in TRANSITIONS.items()}
MOVES = _MOVES | {(old, later) for old, to in _MOVES for earlier, later in _MOVES if to is earlier}
"""From and to. The first event of a call that nobody saw begin is two signals: it opens, and it connects."""


def check(database: Database, before: State, decision: Decision) -> None:
    """Check the rows after `decision` and what it changed. before: a copy of the rows before it."""
    rows = database.rows
    _one_live_incident_a_phone(rows)
    _every_emergency_call_has_its_incident(rows)
    _nothing_outlives_its_incident(rows)
    _the_past_touches_nothing(rows, decision)
    _an_sos_never_falls_silent(rows)
    _more_are_rung_for_until_enough_have_it(database)
    _shared_things_have_the_right_holders(rows)
    _what_is_free_is_stopped_and_what_is_held_is_not(database)
    _no_camera_goes_home_that_somebody_needs(rows)
    _changes_are_allowed(before, decision)
    _the_fallback_is_asked_only_where_the_first_does_not_ring(database, decision)


def _one_live_incident_a_phone(rows: State) -> None:
    live = Counter(row.phone for row in rows.incidents.values() if row.live and not row.exercise)
    assert all(count == 1 for count in live.values()), live


def _every_emergency_call_has_its_incident(rows: State) -> None:
    for call in rows.calls.values():
        if call.tier is Tier.EMERGENCY:
            incident = rows.incidents[call.incident]
            assert (incident.phone, incident.tier) == (call.phone, Tier.EMERGENCY)


def _nothing_outlives_its_incident(rows: State) -> None:
    for timer in rows.timers.values():
        assert rows.incidents[timer.incident].live, timer
        assert timer.name in TIMERS
    for hold in rows.holds.values():
        assert rows.incidents[hold.incident].live, hold
    for delivery in rows.deliveries.values():
        over = not rows.incidents[delivery.incident].live
        ends = {Operation.HOME, Operation.EXTEND_BOOKMARK, Operation.UPDATE_POPUP}
        afterwards = {*UNDO.values(), Operation.BOOKMARK, Operation.LOCK_EVIDENCE}
        afterwards |= ends if delivery.step.startswith("closed/") else set()
        afterwards |= OF_THE_PAST if delivery.step == "missed/1" else set()
        assert delivery.state.settled or not over or delivery.operation in afterwards, delivery
    for incident in rows.incidents.values():
        in_post_roll = (incident.id, "post_roll") in rows.timers
        assert in_post_roll == (incident.state is IncidentState.CLEARING), incident


def _the_past_touches_nothing(rows: State, decision: Decision) -> None:
    """An SOS that is found in a log is over: its own closed incident, words and a bookmark, nothing else."""
    if decision.event.kind is Kind.MISSED:
        assert all(row.recovered and not row.live for row in decision.incidents.values())
        assert not decision.timers
        assert not decision.holds
    for delivery in rows.deliveries.values():
        incident = rows.incidents[delivery.incident]
        if delivery.step.startswith("missed/"):
            assert incident.closed_by == CLOSED_BY, delivery
        if incident.closed_by == CLOSED_BY:
            assert delivery.step == "missed/1", delivery
            assert delivery.operation in OF_THE_PAST, delivery
            assert not delivery.resource, delivery
    for timer in rows.timers.values():
        assert rows.incidents[timer.incident].closed_by != CLOSED_BY, timer


def _an_sos_never_falls_silent(rows: State) -> None:
    timers = defaultdict(set)
    for timer in rows.timers.values():
        timers[timer.incident].add(timer.name)
    for row in rows.incidents.values():
        if row.tier is Tier.EMERGENCY and row.state in (IncidentState.OPEN, IncidentState.CONNECTED):
            assert row.acknowledged_at is None
            assert timers[row.id] & ATTENTION, row
        if row.tier is Tier.EMERGENCY and row.state is IncidentState.ACKNOWLEDGED:
            assert "unresolved" in timers[row.id]
            assert not timers[row.id] & (ATTENTION - {"unresolved"})


def _more_are_rung_for_until_enough_have_it(database: Database) -> None:
    rings = any(rule.step is Step.MORE_WANTED for rule in database.plan.rules)
    for row in database.rows.incidents.values():
        wanted = rings and row.state is IncidentState.ACKNOWLEDGED and row.wants_more
        assert ((row.id, "more_wanted") in database.rows.timers) == wanted, row
        assert row.people_wanted == 1 or row.acknowledgers, row


def _weight(rows: State, hold: Hold) -> tuple[bool, bool]:
    return hold.tier is Tier.EMERGENCY, not rows.incidents[hold.incident].exercise


def _shared_things_have_the_right_holders(rows: State) -> None:
    by_resource = defaultdict(list)
    for hold in rows.holds.values():
        by_resource[hold.resource].append(hold)
    for resource, holds in by_resource.items():
        having = [hold for hold in holds if hold.held]
        if resource.startswith("ptz/"):
            assert len(having) <= 1, holds
        if resource.startswith("screen/"):
            assert len({_weight(rows, hold) for hold in having}) <= 1, holds
        real_sos = any(_weight(rows, hold) == (True, True) for hold in having)
        assert not real_sos or not any(rows.incidents[hold.incident].exercise for hold in having), holds


def _what_is_free_is_stopped_and_what_is_held_is_not(database: Database) -> None:
    """Recordings, lamps: while one is held no stop is under way; once nobody holds it, one was asked for."""
    rows = database.rows
    asked: dict[tuple[str, ...], list[Delivery]] = defaultdict(list)
    for born in database.asked:
        start = born.resource.split("/")[0]
        if start in STARTS and database.plan.can(born.driver, UNDO[Operation(start)]):
            asked[born.resource, *_words_of_an_event(born)].append(rows.deliveries[born.id])
    for (resource, *words), deliveries in asked.items():
        began = {row.incident for row in deliveries if row.operation in STARTS}
        held = any(
            hold.held and (not words or hold.incident in began)
            for hold in rows.holds.values()
            if hold.resource == resource
        )
        stops = [row for row in deliveries if row.operation not in STARTS]
        called_off = {row.id for row in stops if row.state is DeliveryState.SUPERSEDED}
        in_vain = {stop.id for stop, later in pairwise(stops) if _is_the_same_again(stop, later)}
        course = "".join(
            "+" if row.operation in STARTS else "-"
            for row in deliveries
            if row.id not in called_off | in_vain
        )
        assert "--" not in course, f"{resource} is stopped twice"
        assert not course.startswith("-"), f"{resource} is stopped before it was started"
        if held:
            assert course.endswith("+"), f"{resource} is held and stopped"
        else:
            assert course.endswith("-"), f"{resource} is left on"


def _words_of_an_event(delivery: Delivery) -> tuple[str, ...]:
    """What a rule in the video system may be bound to: a start is ended by the stop with its own words."""
    if delivery.operation not in (Operation.EVENT_START, Operation.EVENT_STOP):
        return ()
    return delivery.params["location"], delivery.params["tier"], delivery.params["exercise"]


def _is_the_same_again(stop: Delivery, later: Delivery) -> bool:
    """Whether the later stop is the earlier one asked for once more, after that ended in vain."""
    in_vain = (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNCERTAIN)
    return stop.incident == later.incident and stop.state in in_vain


def _no_camera_goes_home_that_somebody_needs(rows: State) -> None:
    for delivery in rows.deliveries.values():
        if delivery.operation is Operation.HOME and not delivery.state.settled:
            camera = delivery.params["camera"]
            needed = [
                hold
                for hold in rows.holds.values()
                if camera in hold.resource and hold.incident != delivery.incident and hold.held
            ]
            assert not [hold for hold in needed if _lives(rows.incidents[hold.incident])], delivery


def _lives(incident: Incident) -> bool:
    return incident.live and incident.state is not IncidentState.CLEARING


def _the_fallback_is_asked_only_where_the_first_does_not_ring(database: Database, decision: Decision) -> None:
    """And every call that fails is the fallback's at once. What is told when it is over is told to both."""
    first_of = {fallback.driver: first for first, fallback in database.plan.fallbacks.items()}
    rows = database.rows.deliveries.values()
    calls = {(row.incident, row.step, row.driver, row.target): row for row in rows}
    for row in decision.deliveries.values():
        if row.operation is not Operation.NOTIFY or row.step.startswith(("acknowledged/", "cleared/")):
            continue
        if row.step.startswith("missed/"):
            assert row.driver not in first_of, "what is over can wait for the first"
            continue
        if row.driver in first_of and row.attempts == 0 and not row.state.settled:
            first = calls[row.incident, row.step, first_of[row.driver], row.target]
            assert not first.state.done, "the fallback rings beside the first"
            assert first.state is not DeliveryState.SUPERSEDED, (
                "the fallback makes a call that was called off"
            )
        failed = row.state in (DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.UNCERTAIN)
        if failed and (fallback := database.plan.fallbacks.get(row.driver)):
            resource = f"dispatch/{fallback.driver}/{row.target}"
            hold = database.rows.holds.get((resource, row.incident))
            asked = (row.incident, row.step, fallback.driver, row.target) in calls
            assert asked or (hold and not hold.held), "a call that failed is nobody's"


# --- changes ----------------------------------------------------------------------------------------


def _changes_are_allowed(before: State, decision: Decision) -> None:
    for incident in decision.incidents.values():
        known = before.incidents.get(incident.id)
        assert (known and known.state, incident.state) in MOVES, (known, incident)
        if known is not None:
            _a_known_incident_changes_rightly(known, incident, decision)
    for delivery in decision.deliveries.values():
        earlier = before.deliveries.get(delivery.id)
        assert earlier is None or not earlier.state.settled or _was_sent(earlier, delivery), (
            "a settled delivery changed"
        )
        assert earlier is not None or delivery.state in (DeliveryState.PENDING, DeliveryState.SUPERSEDED)
    for key, hold in decision.holds.items():
        earlier_hold = before.holds.get(key)
        if hold and earlier_hold and earlier_hold.held and not hold.held:
            _somebody_better_has_it(before, decision, hold)


def _a_known_incident_changes_rightly(known: Incident, incident: Incident, decision: Decision) -> None:
    assert known.live, "a closed incident changed"
    assert incident.pressed >= known.pressed
    assert not (known.tier is Tier.EMERGENCY and incident.tier is Tier.ROUTINE)
    pressed_again = incident.pressed > known.pressed
    if known.acknowledged_by and incident.acknowledged_by != known.acknowledged_by:
        assert pressed_again, "an acknowledgement was lost"
    hangup = decision.event.kind in (Kind.CALL_ENDED, Kind.CALL_FAILED)
    if hangup and known.tier is Tier.EMERGENCY and not known.acknowledged_by:
        assert incident.live
        assert incident.state is not IncidentState.CLEARING or known.state is IncidentState.CLEARING


def _somebody_better_has_it(before: State, decision: Decision, lost: Hold) -> None:
    """An SOS never loses to routine, and a real call never to an exercise of its tier.

    Among equals the first keeps it, unless a person says otherwise.
    """
    incidents = before.incidents | decision.incidents
    having = [
        hold for hold in decision.holds.values() if hold and hold.held and hold.resource == lost.resource
    ]
    assert having, lost
    for hold in having:
        winner, loser = incidents[hold.incident], incidents[lost.incident]
        assert (hold.tier is Tier.EMERGENCY) >= (lost.tier is Tier.EMERGENCY), (winner, loser)
        if hold.tier is lost.tier:
            assert loser.exercise >= winner.exercise
            swapped = decision.event.kind is Kind.SWAPPED
            assert loser.exercise or swapped or loser.state is IncidentState.CLEARING


def _was_sent(earlier: Delivery, later: Delivery) -> bool:
    """Whether all that became known of one that was superseded under way is that it was sent."""
    known = replace(earlier, attempts=later.attempts, started_at=later.started_at, doubtful=later.doubtful)
    return earlier.state is DeliveryState.SUPERSEDED and known == later
