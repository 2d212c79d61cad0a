"""How an incident is written into a Frigate event, and found there again. Pure; called by the driver.

The sub label holds the title and the beginning of the incident's id; the description everything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bridge.model import Delivery
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.template import escape_line

SUB_LABEL_LENGTH: Final = 100
FACTS: Final = ("location", "spoken", "phone", "extension", "tier", "opened_at", "exercise", "missing")
EXERCISE: Final = "EXERCISE"


def sub_label(delivery: Delivery) -> str:
    """Title and mark, at most 100 characters. Commas part the names of a list in Frigate, so none stays."""
    mark = _mark(delivery)
    title = _title(delivery).replace(",", " ")
    return f"{title[: SUB_LABEL_LENGTH - len(mark) - 1]} {mark}"


def belongs(event: FrigateEvent, delivery: Delivery) -> bool:
    """Whether the event was made for this incident."""
    return event.sub_label.endswith(_mark(delivery))


def is_described(event: FrigateEvent, delivery: Delivery) -> bool:
    """Whether the description names this incident."""
    return f"incident {delivery.incident}" in event.description.splitlines()


def description(delivery: Delivery) -> str:
    params = delivery.params
    facts = [f"{name} {escape_line(params[name])}" for name in FACTS if params.get(name)]
    return "\n".join([_title(delivery), f"incident {delivery.incident}", *facts])


def extended(event: FrigateEvent, delivery: Delivery, now: float) -> str:
    """The description with the incident's end, in place of an end that was written before."""
    before = event.description if is_described(event, delivery) else description(delivery)
    kept = [line for line in before.splitlines() if not line.startswith(_end_of(delivery))]
    return "\n".join([*kept, end_line(delivery, now)])


def end_line(delivery: Delivery, now: float) -> str:
    """Until when, and by whom and why. now: UTC epoch seconds, written in the beginning's time zone."""
    params = delivery.params
    words = [f"{_end_of(delivery)}{_local(now, params.get('opened_at', ''))}"]
    for name, intro in (("acknowledged_by", "acknowledged by"), ("closed_by", "closed by")):
        if params.get(name):
            words.append(f"{intro} {escape_line(params[name])}")
    if params.get("close_reason"):
        words.append(f"because: {escape_line(params['close_reason'])}")
    return ", ".join(words)


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
    try:
        zone = datetime.fromisoformat(opened_at).tzinfo or UTC
    except ValueError:
        zone = UTC
    return datetime.fromtimestamp(now, zone).isoformat(" ", "seconds")
