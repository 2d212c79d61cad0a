"""A recording's name and notes as the incident's bookmark. Pure; called by `evidence.py`.

The incident's id stands in the notes, and its beginning in the name as well: ZoneMinder rewrites the notes
of an open event when motion of another kind is seen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypedDict

from bridge.model import Delivery
from bridge.protocols.template import escape_line
from bridge.protocols.zoneminder import NAME_LENGTH
from bridge.protocols.zoneminder_values import VideoEvent

FACTS: Final = ("location", "spoken", "phone", "extension", "tier", "opened_at", "exercise")
EXERCISE: Final = "EXERCISE"


class Annotation(TypedDict):
    name: str
    notes: str


def mentions(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the event was marked for this incident."""
    return delivery.incident in event.notes or _mark(delivery) in event.name


def bears(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the event already carries this incident's bookmark."""
    return event.archived and mentions(event, delivery)


def annotated(event: VideoEvent, delivery: Delivery) -> Annotation:
    """The event's name and notes with the bookmark; what other incidents wrote there stays."""
    title = _title(delivery)
    mark = _mark(delivery)
    ours = f"{title[: NAME_LENGTH - len(mark) - 1]} {mark}"
    facts = [f"incident {delivery.incident}", title]
    facts += [f"{name} {escape_line(delivery.params[name])}" for name in FACTS if delivery.params.get(name)]
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
    lines = [line for line in base["notes"].splitlines() if not line.startswith(_end_of(delivery))]
    return Annotation(name=base["name"], notes="\n".join([end_line(delivery, now), *lines]).strip())


def end_line(delivery: Delivery, now: float) -> str:
    """Until when, and by whom and why: one line of the notes. now: UTC epoch seconds."""
    params = delivery.params
    words = [f"{_end_of(delivery)}{_local(now, params.get('opened_at', ''))}"]
    for name, intro in (("acknowledged_by", "acknowledged by"), ("closed_by", "closed by")):
        if params.get(name):
            words.append(f"{intro} {escape_line(params[name])}")
    if params.get("close_reason"):
        words.append(f"because: {escape_line(params['close_reason'])}")
    return ", ".join(words)


def describe(event: VideoEvent) -> str:
    return f"event {event.id} is named {event.name!r} and archived"


def _title(delivery: Delivery) -> str:
    title = escape_line(delivery.params.get("title", "")) or "SOS"
    if delivery.params.get("exercise") and not title.startswith(EXERCISE):
        return f"{EXERCISE} {title}"
    return title


def _mark(delivery: Delivery) -> str:
    return f"[{delivery.incident[:8]}]"


def _end_of(delivery: Delivery) -> str:
    return f"incident {delivery.incident} lasted until "


def _local(now: float, opened_at: str) -> str:
    """`now` in the time zone in which the incident's beginning is written."""
    try:
        zone = datetime.fromisoformat(opened_at).tzinfo or UTC
    except ValueError:
        zone = UTC
    return datetime.fromtimestamp(now, zone).isoformat(" ", "seconds")


def _named_for_another(event: VideoEvent, delivery: Delivery) -> bool:
    """Whether the name must stay. An exercise's goes: nobody may take the real incident for an exercise."""
    taken = event.name.endswith("]") and "incident " in event.notes
    return taken and (bool(delivery.params.get("exercise")) or not event.name.startswith(EXERCISE))
