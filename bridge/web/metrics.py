"""Counters and latencies of everything that was decided (docs/monitoring.md lists them).

Called by ingest after each commit (`observe`) and by `app` at each scrape (`exposition`). No label ever
holds a phone, a caller or other free text: label values are names of the configuration or of our enums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from bridge.engine import Decision, Reason
from bridge.model import OF_CALLS, Delivery, Event, Incident, IncidentState, Kind
from bridge.web.reactions import Reaction, Reactions, opened, told

BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.0, 4.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0),
)
"""1 ms to 10 min; 4, 20, 60 and 600 s are the times of the response table."""

FAMILIES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        **dict.fromkeys(OF_CALLS, "call"),
        Kind.OFF_HOOK: "call",
        Kind.SOS: "alarm",
        Kind.SOS_CLEARED: "alarm",
        Kind.ACKNOWLEDGED: "person",
        Kind.RESOLVED: "person",
        Kind.TIMER_DUE: "timer",
        Kind.DELIVERY_SETTLED: "receipt",
    }
)
"""Kinds that take the same way; all others are `fault`."""


class Metrics:
    """Everything that is counted, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        # A process-wide switch of the library: a `_created` line for each sample would double a scrape.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # not annotated
        self.registry = CollectorRegistry() if registry is None else registry
        ProcessCollector(registry=self.registry)
        self._reactions = Reactions()
        self._decisions = self._counter(
            "decisions", "Events decided, by kind of event and reason of the decision.", "event", "reason"
        )
        self._opened = self._counter(
            "incidents_opened",
            "Incidents opened, by kind of event.",
            "tier",
            "event",
            "exercise",
        )
        self._cleared = self._counter(
            "incidents_cleared", "Incidents cleared, by kind of event.", "tier", "event", "exercise"
        )
        self._closed = self._counter("incidents_closed", "Incidents closed.", "tier", "exercise")
        self._settled = self._counter(
            "deliveries_settled", "Deliveries by their last word.", "driver", "operation", "state"
        )
        self._attempts = self._counter(
            "delivery_attempts", "Attempts of the deliveries that are settled.", "driver", "operation"
        )
        self._retries = self._counter(
            "delivery_retries", "Attempts that are to be repeated.", "driver", "operation"
        )
        self._lag = self._latency(
            "event_lag", "From the event, by its source's clock, to its reception.", "family"
        )
        self._commit = self._latency("event_commit", "From an event's reception to its commit.", "family")
        self._start = self._latency(
            "delivery_start", "From the decision to the first attempt on the wire.", "driver", "tier"
        )
        self._receipt = self._latency(
            "delivery_receipt", "From the decision to the receipt (verified or accepted).", "driver", "tier"
        )
        self._took = {
            Reaction.CONNECT: self._latency(
                "incident_connect", "From the call for help to a person on the line.", "tier"
            ),
            Reaction.ACKNOWLEDGE: self._latency(
                "incident_acknowledge", "From the call for help to its acknowledgement.", "tier"
            ),
            Reaction.PICTURE: self._latency(
                "incident_picture", "From the call for help to the first receipt of a picture shown.", "tier"
            ),
        }

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"sosbridge_{name}", text, labels, registry=self.registry)

    def _latency(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"sosbridge_{name}_seconds", text, labels, registry=self.registry, buckets=BUCKETS)

    # --- after each commit --------------------------------------------------------------------------

    def observe(self, decisions: Sequence[Decision], now: float) -> None:
        """Count what was committed: every decision once, in order.

        now: after the commit, UTC epoch seconds.
        """
        for decision in decisions:
            self._decisions.labels(decision.event.kind, decision.reason).inc()
            self._observe_event(decision.event, now)
            for incident in decision.incidents.values():
                self._observe_incident(incident, decision)
            for delivery in decision.deliveries.values():
                self._observe_delivery(delivery, decision)
            for took in self._reactions.follow(decision):
                self._took[took.reaction].labels(took.tier).observe(took.seconds)

    def _observe_event(self, event: Event, now: float) -> None:
        if not event.received_at:
            return
        family = FAMILIES.get(event.kind, "fault")
        if event.attributes.get("recovered") != "yes":  # found in a log: late by nature
            self._lag.labels(family).observe(max(0.0, event.received_at - event.occurred_at))
        self._commit.labels(family).observe(max(0.0, now - event.received_at))

    def _observe_incident(self, incident: Incident, decision: Decision) -> None:
        exercise = "yes" if incident.exercise else "no"
        kind = decision.event.kind
        if opened(incident, decision):
            self._opened.labels(incident.tier, kind, exercise).inc()
        if incident.state is IncidentState.CLEARING and told(incident, decision, Reason.CLEARED):
            self._cleared.labels(incident.tier, kind, exercise).inc()
        if incident.state is IncidentState.CLOSED and told(incident, decision, Reason.CLOSED):
            self._closed.labels(incident.tier, exercise).inc()

    def _observe_delivery(self, delivery: Delivery, decision: Decision) -> None:
        driver, operation = delivery.driver, delivery.operation
        if decision.reason is Reason.RETRY:
            self._retries.labels(driver, operation).inc()
        if not delivery.state.settled:
            return
        self._settled.labels(driver, operation, delivery.state).inc()
        self._attempts.labels(driver, operation).inc(delivery.attempts)
        if delivery.started_at is not None:
            self._start.labels(driver, delivery.tier).observe(
                max(0.0, delivery.started_at - delivery.created_at)
            )
        if delivery.state.done and delivery.settled_at is not None:
            self._receipt.labels(driver, delivery.tier).observe(
                max(0.0, delivery.settled_at - delivery.created_at)
            )

    # --- at each scrape -----------------------------------------------------------------------------

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text for Prometheus and its content type, in the format its Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
