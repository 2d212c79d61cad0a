"""A recording's name and notes as the incident's bookmark. Pure; called by `evidence.py`.

The incident's id stands in the notes, and its beginning in the name as well: ZoneMinder rewrites the notes
of an open event when motion of another kind is seen.
"""

from __future__ import annotations

from typing import TypedDict

from bridge.model import Delivery
from bridge.protocols.incident_note import (
    EXERCISE,
    end_line,
    facts_of,
    mark_of,
    marked_title,
    title_of,
    without_end,
)
from bridge.protocols.zoneminder import NAME_LENGTH
from bridge.protocols.zoneminder_values import VideoEvent


class Annotation(TypedDict):
    name: str
    notes: str


def mentions(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the event was marked for this incident."""
    return delivery.incident in event.notes or mark_of(delivery) in event.name


def bears(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the event already carries this incident's bookmark."""
    return event.archived and mentions(event, delivery)


def annotated(event: VideoEvent, delivery: Delivery) -> Annotation:
    """The event's name and notes with the bookmark; what other incidents wrote there stays."""
    facts = [f"incident {delivery.incident}", title_of(delivery), *facts_of(delivery)]
    ours = marked_title(delivery, NAME_LENGTH)
    return Annotation(
        name=event.name if _named_for_another(event, delivery) else ours,
        notes="\n".join([*facts, event.notes]).strip(),
    )


def extended(event: VideoEvent, delivery: Delivery, now: float) -> Annotation:
    """The same with the incident's end, in place of an end that was written before."""
    base = (
        Annotation(name=event.name, notes=event.notes)
        if mentions(event, delivery)
        else annotated(event, delivery)
    )
    lines = [end_line(delivery, now), *without_end(base["notes"], delivery)]
    return Annotation(name=base["name"], notes="\n".join(lines).strip())


def describe(event: VideoEvent) -> str:
    return f"event {event.id} is named {event.name!r} and archived"


def _named_for_another(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the name must stay. An exercise's goes: nobody may take the real incident for an exercise."""
    taken = event.name.endswith("]") and "incident " in event.notes
    return taken and (bool(delivery.params.get("exercise")) or not event.name.startswith(EXERCISE))
