"""What an event start is about. Called by `holds` and `stops`.

A recording is on or off, whoever switched it on. An event start sets off rules that the video system binds to
its words, the place and the urgency among them; only the stop with the same words ends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.model import Incident, Operation, Tier

Occasion = tuple[str, ...]

_EVENTS: Final = frozenset({Operation.EVENT_START, Operation.EVENT_STOP})
_WORDS: Final = ("location", "tier", "exercise")
NEWS: Final = ("acknowledged_by", "closed_by", "close_reason")
"""What a stop says of now; the rest of an event's words are those of its start."""


def is_event(operation: Operation) -> bool:
    return operation in _EVENTS


def occasion_of(operation: Operation, params: Mapping[str, str]) -> Occasion:
    """Return what tells an event from another at the same target; the same for all that are no events."""
    return tuple(params.get(word, "") for word in _WORDS) if is_event(operation) else ()


def occasion_at(incident: Incident | None, tier: Tier) -> Occasion:
    """Return what an event start of this incident says, held as `tier`."""
    if incident is None:
        return ()
    return incident.location, tier.value, "yes" if incident.exercise else ""
