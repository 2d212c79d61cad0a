"""What is counted and timed, read back as Prometheus would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from bridge.engine import Decision
from bridge.model import Event, Fault, Kind
from bridge.web.gauges import StatusGauges
from bridge.web.metrics import Metrics
from bridge.web.reactions import Reactions
from tests.fake_clock import START
from tests.web.scene import Scene
from tests.web.scraped import answered_sos, counted, scrape, value
from tests.web.statuses import healthy

# --- counters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("decisions_total", {"event": "call_dialing", "reason": "opened"}, 1),
        ("decisions_total", {"event": "delivery_settled", "reason": "settled"}, 2),
        ("decisions_total", {"event": "delivery_settled", "reason": "retry"}, 1),
        ("decisions_total", {"event": "timer_due", "reason": "closed"}, 1),
        ("incidents_opened_total", {"tier": "emergency", "event": "call_dialing", "exercise": "no"}, 1),
        ("incidents_cleared_total", {"tier": "emergency", "event": "call_ended", "exercise": "no"}, 1),
        ("incidents_closed_total", {"tier": "emergency", "exercise": "no"}, 1),
        (
            "deliveries_settled_total",
            {"driver": "zm", "operation": "start_recording", "state": "verified"},
            1,
        ),
        ("deliveries_settled_total", {"driver": "wall", "operation": "show", "state": "verified"}, 1),
        ("delivery_attempts_total", {"driver": "wall", "operation": "show"}, 2),
        ("delivery_attempts_total", {"driver": "zm", "operation": "start_recording"}, 1),
        ("delivery_retries_total", {"driver": "wall", "operation": "show"}, 1),
        ("delivery_retries_total", {"driver": "zm", "operation": "start_recording"}, None),
    ],
)
def test_counters_of_an_answered_sos(name: str, labels: dict[str, str], expected: float | None) -> None:
    assert value(counted(answered_sos()), name, **labels) == expected


def test_nothing_is_counted_twice() -> None:
    """Only the incident of the scene is opened, cleared, closed, whatever else its decisions touch."""
    totals: dict[str, float] = {}
    for (name, _), number in scrape(counted(answered_sos())).items():
        totals[name] = totals.get(name, 0) + number
    assert totals["sosbridge_incidents_opened_total"] == 1
    assert totals["sosbridge_incidents_cleared_total"] == 1
    assert totals["sosbridge_incidents_closed_total"] == 1
    assert totals["sosbridge_decisions_total"] == len(answered_sos().told)


def test_a_call_first_seen_when_it_is_connected_opens_and_connects() -> None:
    scene = Scene()
    decision = scene.call(Kind.CALL_CONNECTED, 0, attributes={"connected_to": "desk1"})
    assert decision.reason == "connected"
    metrics = counted(scene)
    opened = {"tier": "emergency", "event": "call_connected", "exercise": "no"}
    assert value(metrics, "incidents_opened_total", **opened) == 1
    assert value(metrics, "incident_connect_seconds_count", tier="emergency") == 1


def test_the_loser_of_a_camera_is_not_counted_as_opened() -> None:
    """A real SOS takes camera and screen from the exercise on its phone, and then ends it."""
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1", attributes={"exercise": "yes"})
    exercise = scene.incident
    scene.call(Kind.CALL_DIALING, 5, key="1.2")
    scene.timer("exercise_over", incident=exercise)
    metrics = counted(scene)
    opened = {"tier": "emergency", "event": "call_dialing"}
    assert value(metrics, "incidents_opened_total", exercise="yes", **opened) == 1
    assert value(metrics, "incidents_opened_total", exercise="no", **opened) == 1
    cleared = {"tier": "emergency", "event": "timer_due"}
    assert value(metrics, "incidents_cleared_total", exercise="yes", **cleared) == 1
    assert value(metrics, "incidents_cleared_total", exercise="no", **cleared) is None


def test_a_superseded_delivery_is_settled_without_a_latency() -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0)
    scene.person(Kind.RESOLVED, 2)
    scene.call(Kind.CALL_ENDED, 3)
    scene.timer("post_roll")
    metrics = counted(scene)
    superseded = {"driver": "zm", "operation": "start_recording", "state": "superseded"}
    assert value(metrics, "deliveries_settled_total", **superseded) == 1
    assert value(metrics, "delivery_start_seconds_count", driver="zm", tier="emergency") is None


# --- latencies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "labels", "count", "total"),
    [
        ("event_lag_seconds", {"family": "call"}, 3, 0.06),
        ("event_commit_seconds", {"family": "call"}, 3, 0.015),
        ("event_commit_seconds", {"family": "receipt"}, 3, 0.015),
        ("event_commit_seconds", {"family": "timer"}, 1, 0.005),
        ("event_commit_seconds", {"family": "person"}, 1, 0.005),
        ("delivery_start_seconds", {"driver": "wall", "tier": "emergency"}, 1, 0.008),
        ("delivery_receipt_seconds", {"driver": "wall", "tier": "emergency"}, 1, 1.48),
        ("delivery_receipt_seconds", {"driver": "zm", "tier": "emergency"}, 1, 0.28),
        ("incident_picture_seconds", {"tier": "emergency"}, 1, 1.5),
        ("incident_connect_seconds", {"tier": "emergency"}, 1, 6.0),
        ("incident_acknowledge_seconds", {"tier": "emergency"}, 1, 9.0),
    ],
)
def test_latencies_of_an_answered_sos(name: str, labels: dict[str, str], count: int, total: float) -> None:
    metrics = counted(answered_sos())
    assert value(metrics, f"{name}_count", **labels) == count
    assert value(metrics, f"{name}_sum", **labels) == pytest.approx(total, abs=1e-5)


def test_buckets_reach_from_a_millisecond_to_ten_minutes() -> None:
    metrics = counted(answered_sos())
    bounds = {
        dict(labels)["le"]
        for name, labels in scrape(metrics)
        if name == "sosbridge_incident_acknowledge_seconds_bucket"
    }
    assert {"0.001", "4.0", "20.0", "600.0", "+Inf"} <= bounds
    assert value(metrics, "incident_acknowledge_seconds_bucket", tier="emergency", le="4.0") == 0
    assert value(metrics, "incident_acknowledge_seconds_bucket", tier="emergency", le="10.0") == 1


def acknowledged(scene: Scene) -> tuple[object, object]:
    """How many acknowledgements were timed, and the seconds they took together."""
    metrics = counted(scene)
    name, tier = "incident_acknowledge_seconds", "emergency"
    return value(metrics, f"{name}_count", tier=tier), value(metrics, f"{name}_sum", tier=tier)


def test_pressed_again_after_it_was_acknowledged_is_timed_anew() -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1")
    scene.person(Kind.ACKNOWLEDGED, 3)
    scene.call(Kind.CALL_DIALING, 100, key="1.2")
    scene.person(Kind.ACKNOWLEDGED, 105)
    assert acknowledged(scene) == (2, pytest.approx(8.0))


def test_pressed_again_after_it_was_cleared_is_timed_anew() -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1")
    scene.person(Kind.RESOLVED, 3)
    scene.call(Kind.CALL_DIALING, 30, key="1.2")
    scene.person(Kind.ACKNOWLEDGED, 35)
    assert acknowledged(scene) == (1, pytest.approx(5.0))


@pytest.mark.parametrize("escalated", [False, True])
def test_pressed_again_before_anybody_had_it_counts_from_the_first_press(escalated: bool) -> None:
    """Also when every escalation time had passed: nobody came all the while."""
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1")
    if escalated:
        scene.timer("escalate_1")
        scene.timer("escalate_2")
    scene.call(Kind.CALL_DIALING, 70, key="1.2")
    scene.person(Kind.ACKNOWLEDGED, 72)
    scene.person(Kind.ACKNOWLEDGED, 75)
    assert acknowledged(scene) == (1, pytest.approx(72.0))


def test_a_routine_call_that_becomes_an_sos_is_timed_from_then_on() -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1", dialled="2200")
    scene.call(Kind.CALL_DIALING, 50, key="1.2")
    scene.person(Kind.ACKNOWLEDGED, 57)
    assert acknowledged(scene) == (1, pytest.approx(7.0))


@pytest.mark.parametrize("mark", ["exercise", "recovered"])
def test_exercises_and_the_past_are_not_timed(mark: str) -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, attributes={mark: "yes"})
    scene.person(Kind.ACKNOWLEDGED, 3000)
    assert value(counted(scene), "incident_acknowledge_seconds_count", tier="emergency") is None


def test_an_event_found_in_a_log_has_no_lag_but_a_commit() -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, attributes={"recovered": "yes"})
    metrics = counted(scene)
    assert value(metrics, "event_lag_seconds_count", family="call") is None
    assert value(metrics, "event_commit_seconds_count", family="call") == 1


def test_a_source_whose_clock_is_ahead_has_no_lag_below_zero() -> None:
    metrics = Metrics()
    scene = Scene()
    early = scene.call(Kind.CALL_DIALING, 0)
    early.event = replace(early.event, received_at=early.event.occurred_at - 3)
    metrics.observe([early], early.event.received_at)
    assert value(metrics, "event_lag_seconds_sum", family="call") == 0


def test_what_is_remembered_of_open_incidents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.reactions.MOST_WATCHED", 2)
    reactions = Reactions()
    scenes = [Scene() for _ in range(3)]
    for number, scene in enumerate(scenes):
        assert list(reactions.follow(scene.call(Kind.CALL_DIALING, 0, key=f"1.{number}"))) == []
    took = [list(reactions.follow(scene.person(Kind.ACKNOWLEDGED, 4))) for scene in scenes]
    assert [len(each) for each in took] == [0, 1, 1]


# --- the text ---------------------------------------------------------------------------------------


def test_openmetrics_for_a_scraper_that_asks_for_it() -> None:
    metrics = counted(answered_sos())
    metrics.registry.register(StatusGauges(healthy))
    body, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call] # not annotated
    names = {family.name for family in families}
    assert {"sosbridge_decisions", "sosbridge_blind_seconds", "sosbridge_canary_age_seconds"} <= names


def test_names_follow_the_conventions() -> None:
    metrics = counted(answered_sos())
    metrics.registry.register(StatusGauges(healthy))
    for family in metrics.registry.collect():
        if family.name.startswith("process_"):
            continue
        assert family.name.startswith("sosbridge_")
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
    assert not [name for name, _ in scrape(metrics) if name.endswith("_created")]


def test_a_scrape_stays_small() -> None:
    """Two thousand incidents leave no more samples than one."""
    one, many = counted(answered_sos()), Metrics()
    for number in range(200):
        scene = Scene()
        scene.call(Kind.CALL_DIALING, 0, key=f"9.{number}")
        many.observe(scene.told, START + 1)
    assert len(scrape(many)) <= len(scrape(one))


@given(text=st.text(min_size=1))
@settings(max_examples=30, deadline=None)
def test_no_label_holds_what_a_caller_can_write(text: str) -> None:
    canary = f"Zq{text}qZ"
    event = Event(
        kind=Kind.SOS,
        source=canary,
        key=canary,
        occurred_at=START,
        received_at=START,
        endpoint=canary,
        caller=canary,
        dialled=canary,
        attributes={"by": canary, "text": canary},
        via=canary,
    )
    metrics = Metrics()
    scene = Scene()
    decision = scene.tell(event)
    decision.faults["x", "y"] = Fault(subject=canary, what=canary, text=canary, opened_at=START)
    metrics.observe([decision, Decision(event=event, reason=decision.reason)], START)
    metrics.registry.register(StatusGauges(lambda: healthy(open_faults={canary: 1})))
    written = [text for _, labels in scrape(metrics) for _, text in labels]
    assert "opened" in written
    assert not [text for text in written if "Zq" in text]
