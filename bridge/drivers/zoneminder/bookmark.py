"""A recording's name and notes as the incident's bookmark. Pure; called by the driver.

The incident's id stands in the notes, and its beginning in the name as well: ZoneMinder rewrites the notes
of an open event when motion of another kind is seen.
"""

from __future__ import annotations

from typing import Final, TypedDict

from bridge.model import Delivery
from bridge.protocols.template import escape_line
from bridge.protocols.zoneminder import NAME_LENGTH
from bridge.protocols.zoneminder_values import VideoEvent

FACTS: Final = ("location", "spoken", "phone", "extension", "tier", "opened_at", "exercise")


class Annotation(TypedDict):
    name: str
    notes: str


def bears(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the event already carries this incident's bookmark."""
    marked = delivery.incident in event.notes or _mark(delivery) in event.name
    return event.archived and marked


def annotated(event: VideoEvent, delivery: Delivery) -> Annotation:
    """The event's name and notes with the bookmark; what other incidents wrote there stays."""
    mark = _mark(delivery)
    title = escape_line(delivery.params.get("title", "")) or "SOS"
    ours = f"{title[: NAME_LENGTH - len(mark) - 1]} {mark}"
    facts = [f"incident {delivery.incident}", title]
    facts += [f"{name} {escape_line(delivery.params[name])}" for name in FACTS if delivery.params.get(name)]
    return Annotation(
        name=event.name if _marked_by_another(event) else ours,
        notes="\n".join([*facts, event.notes]).strip(),
    )


def describe(event: VideoEvent) -> str:
    return f"event {event.id} is named {event.name!r} and archived"


def _mark(delivery: Delivery) -> str:
    return f"[{delivery.incident[:8]}]"


def _marked_by_another(event: VideoEvent) -> bool:
    return event.name.endswith("]") and "incident " in event.notes
