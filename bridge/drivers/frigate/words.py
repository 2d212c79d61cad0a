"""How an incident is written into a Frigate event, and found there again. Pure; called by the driver.

The sub label holds the title and the beginning of the incident's id; the description everything.
"""

from __future__ import annotations

from typing import Final

from bridge.model import Delivery
from bridge.protocols.frigate_values import FrigateEvent
from bridge.protocols.incident_note import (
    FACTS,
    end_line,
    facts_of,
    mark_of,
    marked_title,
    title_of,
    without_end,
)

SUB_LABEL_LENGTH: Final = 100


def sub_label(delivery: Delivery) -> str:
    """Title and mark, at most 100 characters. Commas part the names of a list in Frigate, so none stays."""
    return marked_title(delivery, SUB_LABEL_LENGTH).replace(",", " ")


def belongs(event: FrigateEvent, delivery: Delivery) -> bool:
    """Whether the event was made for this incident."""
    return event.sub_label.endswith(mark_of(delivery))


def is_described(event: FrigateEvent, delivery: Delivery) -> bool:
    """Whether the description names this incident."""
    return f"incident {delivery.incident}" in event.description.splitlines()


def description(delivery: Delivery) -> str:
    facts = facts_of(delivery, (*FACTS, "missing"))
    return "\n".join([title_of(delivery), f"incident {delivery.incident}", *facts])


def extended(event: FrigateEvent, delivery: Delivery, now: float) -> str:
    """The description with the incident's end, in place of an end that was written before."""
    before = event.description if is_described(event, delivery) else description(delivery)
    return "\n".join([*without_end(before, delivery), end_line(delivery, now)])
