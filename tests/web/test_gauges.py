"""The state of the moment, read back as Prometheus would."""

from __future__ import annotations

import pytest

from bridge.model import IncidentState, Tier
from bridge.supervision.status import BlindIntervals, LinkKind
from bridge.version import __version__
from bridge.web.gauges import MOST_FAULT_KINDS, StatusGauges
from bridge.web.metrics import Metrics
from tests.fake_clock import START
from tests.web.scraped import scrape, value
from tests.web.statuses import NOW, healthy, link


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("ready", {}, 0),
        ("link_up", {"link": "pbx1", "kind": "pbx"}, 1),
        ("link_up", {"link": "zm", "kind": "vms"}, 0),
        ("link_changed_timestamp_seconds", {"link": "zm", "kind": "vms"}, NOW - 9),
        ("link_lag_seconds", {"link": "pbx1", "kind": "pbx"}, 0.012),
        ("link_lag_seconds", {"link": "zm", "kind": "vms"}, None),
        ("canary_age_seconds", {}, 3),
        ("canary_period_seconds", {}, 5),
        ("store_degraded_seconds", {}, 30),
        ("spool_events", {}, 12),
        ("spool_failing", {}, 1),
        ("lanes_silent_seconds", {}, 4),
        ("blind_intervals_open", {}, 1),
        ("blind_intervals_total", {}, 4),
        ("blind_seconds_total", {}, 61.5),
        ("incidents_open", {"tier": "emergency", "state": "acknowledged"}, 2),
        ("incidents_open", {"tier": "routine", "state": "open"}, 0),
        ("incidents_open", {"tier": "routine", "state": "closed"}, None),
        ("faults_open", {"what": "unknown_phone"}, 1),
        ("deliveries_waiting", {"driver": "zm"}, 7),
        ("syslog_waiting", {"server": "central"}, 12),
        ("breaker_open", {"driver": "zm"}, 1),
        ("config_reload_refused", {}, 1),
        ("start_time_seconds", {}, START),
        (
            "info",
            {"version": __version__, "node": "bridge-a", "config": "c0ffee", "schema": "0001"},
            1,
        ),
    ],
)
def test_gauges(name: str, labels: dict[str, str], expected: float | None) -> None:
    metrics = Metrics()
    status = healthy(
        links=(
            link("pbx1", LinkKind.PBX, lag_seconds=0.012),
            link("zm", LinkKind.VMS, up=False, since=NOW - 9),
        ),
        store_degraded_since=NOW - 30,
        spool_events=12,
        spool_error="no space left",
        lanes_silent_for=4,
        blind_intervals=BlindIntervals(open=1, count=4, seconds=61.5),
        open_incidents={(Tier.EMERGENCY, IncidentState.ACKNOWLEDGED): 2},
        open_faults={"unknown_phone": 1},
        deliveries_waiting={"zm": 7},
        syslog_waiting={"central": 12},
        breakers_open={"zm": True},
        config_error="site.yaml:3: unknown key",
    )
    metrics.registry.register(StatusGauges(lambda: status))
    assert value(metrics, name, **labels) == expected


def test_gauges_follow_the_status() -> None:
    metrics = Metrics()
    ages = iter([1.0, 2.0])
    metrics.registry.register(StatusGauges(lambda: healthy(canary_at=NOW - next(ages))))
    assert value(metrics, "canary_age_seconds") == 1.0
    assert value(metrics, "canary_age_seconds") == 2.0


def test_kinds_of_faults_are_bounded() -> None:
    metrics = Metrics()
    faults = {f"kind_{number:03}": 1 for number in range(MOST_FAULT_KINDS + 10)} | {"Free text!": 5}
    metrics.registry.register(StatusGauges(lambda: healthy(open_faults=faults)))
    kinds = {dict(labels)["what"]: v for (name, labels), v in scrape(metrics).items() if "faults" in name}
    assert len(kinds) == MOST_FAULT_KINDS + 1
    assert sum(kinds.values()) == sum(faults.values())
    assert kinds["other"] == 15
