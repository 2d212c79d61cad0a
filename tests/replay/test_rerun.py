"""The engine on a log: what it asks for, at the log's times, and what another site would have made of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bridge.model import Delivery, Event, Incident, IncidentState, Kind, Operation, Tier
from bridge.replay import Difference, Rerun
from bridge.response import Plan, Rule, Step
from tests.site import PLAN, call_event

START = 1_700_000_000.0
ESCALATES = replace(
    PLAN,
    rules=(
        *PLAN.rules,
        Rule(step=Step.ESCALATE_1, operation=Operation.NOTIFY, driver="dispatch", groups=("shift",)),
    ),
    capabilities={**PLAN.capabilities, "dispatch": frozenset({Operation.NOTIFY})},
)


@dataclass
class Closed:
    """Incidents as a rerun gives them."""

    incidents: list[tuple[Incident, list[Delivery]]] = field(default_factory=list)

    def __call__(self, incident: Incident, deliveries: list[Delivery]) -> None:
        self.incidents.append((incident, deliveries))

    @property
    def only(self) -> tuple[Incident, list[Delivery]]:
        [found] = self.incidents
        return found


def a_call(start: float = START, key: str = "1700000000.1", *, answered: bool = True) -> list[Event]:
    """An SOS, picked up by a person after 10 s or not, hung up after 30 s."""
    events = [call_event(Kind.CALL_DIALING, start, key=key)]
    if answered:
        events += [
            call_event(Kind.CALL_ANSWERED, start + 10, key=key),
            call_event(Kind.CALL_CONNECTED, start + 10, key=key, connected_to="desk-1"),
        ]
    outcome = "connected" if answered else "cancelled"
    return [*events, call_event(Kind.CALL_ENDED, start + 30, key=key, ended_by="caller", outcome=outcome)]


DAY = 86400.0


def run(events: list[Event], plan: Plan = PLAN) -> Closed:
    closed = Closed()
    rerun = Rerun(plan, closed=closed)
    for event in events:
        rerun.take(event)
    rerun.end()
    return closed


def test_an_sos_asks_for_what_the_site_says_at_the_time_of_the_log() -> None:
    incident, deliveries = run(a_call()).only
    assert (incident.tier, incident.opened_at) == (Tier.EMERGENCY, START)
    assert incident.state is IncidentState.OPEN, "nobody clicked within the minute"
    asked = [(each.operation, each.target) for each in deliveries]
    assert (Operation.START_RECORDING, "1") in asked
    assert (Operation.POPUP, "desk-1") in asked
    assert {each.created_at for each in deliveries} <= {START, START + 10, START + 30}
    assert all(each.state.done for each in deliveries)


def test_nobody_answered_and_the_clock_runs_on_behind_the_log() -> None:
    _, deliveries = run(a_call(answered=False), ESCALATES).only
    [told] = [each for each in deliveries if each.operation is Operation.NOTIFY]
    assert (told.target, told.created_at) == ("shift", START + 20)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_events_that_a_log_has_in_another_order_are_decided_in_theirs(order: list[int]) -> None:
    events = a_call()
    assert run([events[number] for number in order]).only == run(events).only


def test_years_of_calls_leave_nothing_behind() -> None:
    resolved = [
        [
            *a_call(START + 3600 * number, f"1700000000.{number}"),
            Event(
                kind=Kind.RESOLVED,
                source="cli",
                key=f"r/{number}",
                occurred_at=START + 3600 * number + 60,
                endpoint="1003",
                attributes={"by": "olga"},
            ),
        ]
        for number in range(700)
    ]
    closed = Closed()
    rerun = Rerun(PLAN, closed=closed)
    for events in resolved:
        for event in events:
            rerun.take(event)
    rerun.end()
    assert len(closed.incidents) == 700
    assert len({incident.id for incident, _ in closed.incidents}) == 700
    assert len(rerun._state.incidents) < 600


@pytest.mark.parametrize(("between", "incidents"), [(1800.0, 1), (7200.0, 2)])
def test_nobody_clicks_in_a_log_and_an_hour_later_the_next_sos_is_one_of_its_own(
    between: float, incidents: int
) -> None:
    closed = run([*a_call(), *a_call(START + between, "1700000000.2")])
    assert [incident.state for incident, _ in closed.incidents] == [IncidentState.OPEN] * incidents
    assert sum(incident.pressed for incident, _ in closed.incidents) == 2


def test_what_was_asked_for_is_told_as_it_is_and_nothing_is_undone() -> None:
    [(alone, asked), _] = run([*a_call(), *a_call(START + 7200, "1700000000.2")]).incidents
    [(_, at_the_end)] = run([*a_call(), *a_call(START + 1000, "1700000000.2")]).incidents
    assert (alone.state, alone.closed_at) == (IncidentState.OPEN, None)
    assert {each.operation for each in asked} <= {each.operation for each in at_the_end}


def test_an_sos_whose_call_goes_on_is_not_given_out() -> None:
    dialing, *_, ended = a_call()
    long = replace(ended, occurred_at=START + 5 * 3600)
    again = a_call(START + 2 * 3600, "1700000000.2")
    assert len(run([dialing, *again, long]).incidents) == 1


def test_years_of_sos_that_nobody_clicks_leave_nothing_behind() -> None:
    closed = Closed()
    rerun = Rerun(PLAN, closed=closed)
    for number in range(200):
        for event in a_call(START + 86400 * number, f"1700000000.{number}"):
            rerun.take(event)
    assert len(rerun._state.incidents) < 100
    rerun.end()
    assert len({incident.id for incident, _ in closed.incidents}) == 200


def test_calls_that_concern_nobody_open_nothing() -> None:
    stranger = [replace(event, endpoint="2001", dialled="2002") for event in a_call()]
    assert run(stranger).incidents == []


# --- what-if ------------------------------------------------------------------------------------------


def difference(other: Plan, events: list[Event]) -> Difference:
    found = Difference()
    for plan, closed in ((PLAN, found.now), (other, found.then)):
        rerun = Rerun(plan, closed=closed)
        for event in events:
            rerun.take(event)
        rerun.end()
    found.end()
    return found


def test_the_same_site_differs_in_nothing() -> None:
    found = difference(PLAN, a_call())
    assert (found.changes, found.same) == ([], 1)


def test_an_action_more_and_one_less() -> None:
    kept = [rule for rule in PLAN.rules if rule.operation is not Operation.BOOKMARK]
    more = Rule(step=Step.CONNECTED, operation=Operation.UPDATE_POPUP, driver="wall")
    [change] = difference(replace(PLAN, rules=(*kept, more)), a_call()).changes
    assert {act[2] for act in change.gone} == {"bookmark"}
    assert {act[2] for act in change.added} == {"update_popup"}


def test_an_incident_that_is_not_opened_any_more_and_one_that_is_routine_now() -> None:
    [gone] = difference(replace(PLAN, phones=(), alarm_extensions=("9999",)), a_call()).changes
    assert (gone.then, gone.now is not None) == (None, True)
    [lower] = difference(replace(PLAN, alarm_extensions=("9999",)), a_call()).changes
    assert (lower.now and lower.now.tier, lower.then and lower.then.tier) == ("emergency", "routine")


def test_a_call_whose_end_was_never_written_does_not_take_the_next_ones_in() -> None:
    """The PBX stopped in the middle of it."""
    later = START + 300 * DAY
    closed = run([*a_call()[:1], *a_call(later, "1700000000.2")])
    assert [incident.opened_at for incident, _ in closed.incidents] == [START, later]
