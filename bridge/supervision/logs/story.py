"""Tells in log lines what was decided: each line of each incident's story, and each fault.

An observer of ingest: called after each commit, in commit order.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bridge.engine import Decision, Reason
from bridge.model import Delivery, Fault, Incident, Kind, TimelineEntry

_log: Final = logging.getLogger("bridge.story")

ALARMING: Final = frozenset(
    {
        Reason.NO_PICTURE,
        Reason.ESCALATED,
        Reason.REMINDED,
        Reason.CAPPED,
        Reason.REASSERTED,
        Reason.RETRY,
    }
)
"""Steps of a story that say something did not go as it should: logged as warnings."""
UNHEEDED: Final = frozenset({Reason.ORPHAN, Reason.LATE})
LATE_AFTER: Final = 2.0
"""Seconds from an event to its reception from which the line says when it happened."""


def log_decisions(decisions: Sequence[Decision]) -> None:
    """Log the story of these decisions: facts `incident location tier phone reason`, faults as warnings."""
    for decision in decisions:
        for level, facts in _lines_of(decision):
            if _log.isEnabledFor(level):
                # Straight to the sink: structlog and the search for the calling line would cost as much
                # as all the rest, and this is by far the most frequent caller.
                _log.handle(_log.makeRecord(_log.name, level, "", 0, facts, (), None))


def _lines_of(decision: Decision) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield level and facts of each line, `event` among them as structlog has it."""
    for entry in decision.timeline:
        yield _level(entry, decision), {"event": entry.text, **_about(entry, decision), **_late(decision)}
    for fault in decision.faults.values():
        yield _of_fault(fault)
    if not decision.timeline and not decision.faults:
        yield _of_quiet(decision)


def _level(entry: TimelineEntry, decision: Decision) -> int:
    if entry.reason in ALARMING:
        return logging.WARNING
    if decision.event.kind is Kind.DELIVERY_SETTLED and entry.reason == Reason.SETTLED:
        settled = decision.deliveries.get(decision.event.attributes.get("delivery", ""))
        if settled is not None and not settled.state.done:
            return logging.WARNING
    return logging.INFO


def _about(entry: TimelineEntry, decision: Decision) -> dict[str, Any]:
    return {
        "incident": entry.incident,
        **_whereabouts(entry.incident, decision),
        "reason": str(entry.reason),
    }


def _whereabouts(incident_id: str, decision: Decision) -> Mapping[str, str]:
    """Where the incident is, by whatever the decision holds of it."""
    incident = decision.incidents.get(incident_id)
    if incident is not None:
        return _of_incident(incident)
    for delivery in decision.deliveries.values():
        if delivery.incident == incident_id:
            return _of_delivery(delivery)
    return {}


def _of_incident(incident: Incident) -> Mapping[str, str]:
    mark = {"exercise": "yes"} if incident.exercise else {}
    return {
        "location": incident.location or "location unknown",
        "tier": str(incident.tier),
        "phone": incident.phone,
        **mark,
    }


def _of_delivery(delivery: Delivery) -> Mapping[str, str]:
    mark = {"exercise": "yes"} if delivery.params.get("exercise") else {}
    return {
        "location": delivery.params.get("location") or "location unknown",
        "tier": str(delivery.tier),
        "phone": delivery.params.get("phone", ""),
        **mark,
    }


def _late(decision: Decision) -> Mapping[str, str]:
    """When it happened, of what was heard of late (found in a log after a blind interval)."""
    event = decision.event
    if event.received_at - event.occurred_at <= LATE_AFTER:
        return {}
    happened = datetime.fromtimestamp(event.occurred_at, UTC).isoformat(timespec="seconds")
    return {"happened": happened.replace("+00:00", "Z")}


def _of_fault(fault: Fault) -> tuple[int, dict[str, Any]]:
    facts = {"subject": fault.subject, "what": fault.what, "text": fault.text}
    if fault.cleared_at is None:
        return logging.WARNING, {"event": "fault", **facts}
    lasted = round(fault.cleared_at - fault.opened_at, 1)
    return logging.INFO, {"event": "fault cleared", **facts, "lasted": lasted}


def _of_quiet(decision: Decision) -> tuple[int, dict[str, Any]]:
    """A decision without a story: chatter, unless it concerned an incident that nobody knows or has."""
    event = decision.event
    return logging.INFO if decision.reason in UNHEEDED else logging.DEBUG, {
        "event": event.kind,
        "reason": decision.reason,
        "source": event.source,
        "phone": event.phone,
        "event_id": event.id,
    }
