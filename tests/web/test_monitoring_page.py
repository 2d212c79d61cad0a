"""docs/monitoring.md tells of every metric and probe, and of none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from bridge.supervision.status import BlindIntervals
from bridge.web import Metrics, create_app
from tests.web.scraped import answered_sos
from tests.web.statuses import healthy

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<type>\w+) \| (?P<labels>[`\w ]*?) ?\| ", re.MULTILINE)


def served() -> tuple[Metrics, list[str]]:
    """Metrics that have a sample of everything, and the paths that are served."""
    metrics = Metrics()
    app = create_app(lambda: healthy(open_faults={"link": 1}, blind_intervals=BlindIntervals()), metrics)
    for decision in answered_sos().told:
        metrics.observe([decision], decision.event.received_at)
    return metrics, [route.path for route in app.routes if isinstance(route, APIRoute)]


def families() -> dict[str, tuple[str, frozenset[str]]]:
    """Type and labels of each metric, under the name a query uses."""
    found = {}
    for family in served()[0].registry.collect():
        assert family.samples, f"{family.name} has no sample in this test"
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(name for sample in family.samples for name in sample.labels) - {"le"}
        found[name] = (family.type, labels)
    return found


def rules() -> list[dict[str, Any]]:
    [block] = re.findall(r"```yaml\n(groups:.*?)```", PAGE, re.DOTALL)
    [group] = yaml.safe_load(block)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    documented = {
        row["name"]: (row["type"], frozenset(re.findall(r"\w+", row["labels"]))) for row in ROW.finditer(PAGE)
    }
    real = families()
    ours = {name: shape for name, shape in real.items() if name.startswith("sosbridge_")}
    assert documented == ours
    assert not [name for name in set(real) - set(ours) if f"`{name}`" not in PAGE]


def test_every_probe_is_documented() -> None:
    documented = re.findall(r"^\| `(/\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(documented) == sorted(served()[1])


def test_no_other_metric_is_mentioned() -> None:
    samples = {
        sample.name for family in served()[0].registry.collect() for sample in family.samples
    } | families().keys()
    assert set(re.findall(r"\b(?:sosbridge|process)_\w+", PAGE)) <= samples


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alert_rules_can_be_used(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"none", "warning", "critical"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["expr"].count("(") == rule["expr"].count(")")
    known = families()
    for name, selector in re.findall(r"(sosbridge_\w+)(?:\{([^}]*)\})?", rule["expr"]):
        labels = known[name.removesuffix("_bucket")][1]
        assert set(re.findall(r"(\w+)=", selector)) <= labels


def test_one_rule_always_fires() -> None:
    assert [rule["expr"] for rule in rules() if rule["alert"] == "Watchdog"] == ["vector(1)"]
