"""Metrics that saw a scene, read back as Prometheus would. Used by the tests of metrics and gauges."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from bridge.model import Kind, Operation
from bridge.web.metrics import Metrics
from tests.web.scene import Scene

Labels = frozenset[tuple[str, str]]


def scrape(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    """Every sample by name and labels, as a parser independent of the registry reads it."""
    body, _ = metrics.exposition()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return scrape(metrics).get((f"sosbridge_{name}", frozenset(labels.items())))


def counted(scene: Scene) -> Metrics:
    """Metrics that saw every decision of the scene, each committed 5 ms after its event came in."""
    metrics = Metrics()
    for decision in scene.told:
        metrics.observe([decision], decision.event.received_at + 0.005)
    return metrics


def answered_sos() -> Scene:
    """Pressed at 0 s, pictures, connected at 6 s, acknowledged at 9 s, hung up at 60 s, closed at 120 s."""
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0)
    scene.settle(scene.delivery(Operation.START_RECORDING), "verified", 0.3)
    scene.settle(scene.delivery(Operation.SHOW), "retry", 0.5)
    scene.settle(scene.delivery(Operation.SHOW), "verified", 1.5, attempts=2)
    scene.call(Kind.CALL_CONNECTED, 6, attributes={"connected_to": "desk1"})
    scene.person(Kind.ACKNOWLEDGED, 9)
    scene.call(Kind.CALL_ENDED, 60, attributes={"ended_by": "called"})
    scene.timer("post_roll")
    return scene
