"""The state of the moment as gauges, filled from a `Status` at each scrape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.model import IncidentState, Tier
from bridge.supervision.status import LinkStatus, Status, readiness, silent_for
from bridge.version import __version__

MOST_FAULT_KINDS: Final = 50
_FAULT_KIND: Final = re.compile(r"[a-z][a-z0-9_/]{0,39}")


class StatusGauges(Collector):
    """Asks for the status once a scrape. Registered by `app.create_app`."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask for a status yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        yield from _process(status)
        yield from _links(status.links)
        yield from _sos_path(status)
        yield from _work(status)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sosbridge_{name}", text, value=value)


def _process(status: Status) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "sosbridge_info",
        "Always 1; the labels say what runs.",
        labels=["version", "node", "config", "schema"],
    )
    info.add_metric([__version__, status.node, status.config_hash, status.schema_revision], 1)
    yield info
    yield _gauge("start_time_seconds", "When this process started, UTC epoch seconds.", status.started_at)
    yield _gauge(
        "config_reload_refused",
        "1 while the configuration on disk was refused and an older one runs.",
        bool(status.config_error),
    )


def _links(links: Iterable[LinkStatus]) -> Iterator[Metric]:
    names = ["link", "kind"]
    up = GaugeMetricFamily("sosbridge_link_up", "1 while the link's own traffic proves it.", labels=names)
    since = GaugeMetricFamily(
        "sosbridge_link_changed_timestamp_seconds",
        "When the link last came up or went down, UTC epoch seconds.",
        labels=names,
    )
    lag = GaugeMetricFamily(
        "sosbridge_link_lag_seconds",
        "How far behind the other side's events are, where that can be told.",
        labels=names,
    )
    for link in links:
        labels = [link.name, link.kind]
        up.add_metric(labels, link.up)
        since.add_metric(labels, link.since)
        if link.lag_seconds is not None:
            lag.add_metric(labels, link.lag_seconds)
    yield from (up, since, lag)


def _sos_path(status: Status) -> Iterator[Metric]:
    yield _gauge("ready", "1 while /readyz answers 200.", readiness(status)[0])
    yield _gauge(
        "canary_age_seconds",
        "Since the SOS path last answered its own canary; since the start before the first.",
        silent_for(status),
    )
    yield _gauge("canary_period_seconds", "How often the canary is sent.", status.canary_every)
    yield _gauge(
        "lanes_silent_seconds",
        "Since the laziest lane last looked for work; the canary wakes them all.",
        status.lanes_silent_for,
    )
    degraded = status.store_degraded_since
    yield _gauge(
        "store_degraded_seconds",
        "For how long the store has not taken events; 0 while it does.",
        0.0 if degraded is None else max(0.0, status.now - degraded),
    )
    yield _gauge("spool_events", "Events that are durable in the spool only.", status.spool_events)
    yield _gauge("spool_failing", "1 while the spool cannot be written.", bool(status.spool_error))
    blind = status.blind_intervals
    yield _gauge("blind_intervals_open", "Links on which a call may be missed right now.", blind.open)
    yield CounterMetricFamily(
        "sosbridge_blind_intervals_total",
        "Times a call may have been missed on a link, until reconciled.",
        value=blind.count,
    )
    yield CounterMetricFamily(
        "sosbridge_blind_seconds_total",
        "Length of all blind intervals together.",
        value=blind.seconds,
    )


def _bounded(faults: Mapping[str, int]) -> Counter[str]:
    """The faults by kind, with everything that could be made-up text as `other`."""
    counts: Counter[str] = Counter()
    others = 0
    for what, count in sorted(faults.items()):
        if _FAULT_KIND.fullmatch(what) and len(counts) < MOST_FAULT_KINDS:
            counts[what] += count
        else:
            others += count
    if others:
        counts["other"] += others
    return counts


def _work(status: Status) -> Iterator[Metric]:
    incidents = GaugeMetricFamily(
        "sosbridge_incidents_open", "Incidents that are not closed.", labels=["tier", "state"]
    )
    for tier in Tier:
        for state in IncidentState:
            if state is not IncidentState.CLOSED:
                incidents.add_metric([tier, state], status.open_incidents.get((tier, state), 0))
    faults = GaugeMetricFamily("sosbridge_faults_open", "Faults that nobody has mended yet.", labels=["what"])
    for what, count in _bounded(status.open_faults).items():
        faults.add_metric([what], count)
    waiting = GaugeMetricFamily(
        "sosbridge_deliveries_waiting", "Deliveries that are not settled yet.", labels=["driver"]
    )
    for driver, count in status.deliveries_waiting.items():
        waiting.add_metric([driver], count)
    untold = GaugeMetricFamily(
        "sosbridge_syslog_waiting",
        "Messages that the syslog server does not surely have yet.",
        labels=["server"],
    )
    for server, count in status.syslog_waiting.items():
        untold.add_metric([server], count)
    breakers = GaugeMetricFamily(
        "sosbridge_breaker_open",
        "1 while the driver is left alone: it does not answer.",
        labels=["driver"],
    )
    for driver, is_open in status.breakers_open.items():
        breakers.add_metric([driver], is_open)
    yield from (incidents, faults, waiting, untold, breakers)
