"""An incident as a note beside its recording: title, mark, facts, and until when it lasted. Pure.

Called by the drivers whose video system keeps a text with each recording. By the mark and by the full id
in the text the note is found again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from bridge.model import Delivery
from bridge.protocols.template import escape_line

FACTS: Final = ("location", "spoken", "phone", "extension", "tier", "opened_at", "exercise")
"""What a note says of an incident, as the delivery's params call it."""
EXERCISE: Final = "EXERCISE"


def title_of(delivery: Delivery) -> str:
    """The title on one line; an exercise's begins with `EXERCISE`."""
    title = escape_line(delivery.params.get("title", "")) or "SOS"
    if delivery.params.get("exercise") and not title.startswith(EXERCISE):
        return f"{EXERCISE} {title}"
    return title


def mark_of(delivery: Delivery) -> str:
    """The beginning of the incident's id, for a field with no room for all of it: `[5b0c7f0e]`."""
    return f"[{delivery.incident[:8]}]"


def marked_title(delivery: Delivery, length: int) -> str:
    """Title and mark, at most `length` characters: a title that is too long is cut, the mark never is."""
    mark = mark_of(delivery)
    return f"{title_of(delivery)[: length - len(mark) - 1]} {mark}"


def facts_of(delivery: Delivery, names: Iterable[str] = FACTS) -> list[str]:
    """A line for each of the params `names` that is not empty: `location TANKFARM-EAST-POST-03`."""
    return [f"{name} {escape_line(text)}" for name in names if (text := delivery.params.get(name))]


def end_line(delivery: Delivery, now: float) -> str:
    """Until when the incident lasted, and by whom and why it ended.

    now: UTC epoch seconds, written in the time zone in which the incident's beginning is.
    """
    params = delivery.params
    words = [f"{_end_of(delivery)}{_local(now, params.get('opened_at', ''))}"]
    for name, intro in (("acknowledged_by", "acknowledged by"), ("closed_by", "closed by")):
        if params.get(name):
            words.append(f"{intro} {escape_line(params[name])}")
    if params.get("close_reason"):
        words.append(f"because: {escape_line(params['close_reason'])}")
    return ", ".join(words)


def without_end(text: str, delivery: Delivery) -> list[str]:
    """The lines of a note but those that say until when this incident lasted."""
    return [line for line in text.splitlines() if not line.startswith(_end_of(delivery))]


def _end_of(delivery: Delivery) -> str:
    return f"incident {delivery.incident} lasted until "


def _local(now: float, opened_at: str) -> str:
    try:
        zone = datetime.fromisoformat(opened_at).tzinfo or UTC
    except ValueError:
        zone = UTC
    return datetime.fromtimestamp(now, zone).isoformat(" ", "seconds")
