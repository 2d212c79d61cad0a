"""The words of the incident's events and of its bookmark in the VMS. Pure; called by the driver.

Rules in the VMS look for words in the caption, so it holds the tags of location and camera and nothing that
changes from call to call. The incident's id stands in the description of the event, and in a tag and the
description of the bookmark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from bridge.model import Delivery
from bridge.protocols.incident_note import FACTS, facts_of
from bridge.protocols.nx_values import Bookmark
from bridge.protocols.template import escape_line

OURS: Final = "sosbridge"
"""Tag of every bookmark that the bridge makes."""
NAME_LENGTH: Final = 120
_TRACE: Final = re.compile(r"incident ([0-9a-f-]{36}) event (\d{1,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What our bookmark says of the event it belongs to. at: its timestamp in milliseconds."""

    incident: str
    at: int


def opened_ms(delivery: Delivery) -> int:
    """When the incident opened, in milliseconds: the timestamp of its events, and what they are known by."""
    try:
        return round(float(delivery.params.get("opened_ts", "")) * 1000)
    except (ValueError, OverflowError):  # no number, or one that is no time (nan, inf)
        return round(delivery.created_at * 1000)


def ended_ms(delivery: Delivery) -> int:
    """When a call of the past ended, in milliseconds; when the incident opened, where that is not said."""
    try:
        return round(float(delivery.params.get("ended_ts", "")) * 1000)
    except (ValueError, OverflowError):
        return opened_ms(delivery)


def caption(delivery: Delivery) -> str:
    """`TANKFARM-EAST-POST-03 TANKFARM-EAST-PTZ-01`, behind EXERCISE where it is one."""
    exercise = "EXERCISE" if delivery.params.get("exercise") else ""
    return _line(exercise, delivery.params.get("location", ""), delivery.params.get("camera", ""))


def description(delivery: Delivery) -> str:
    """For the operator: what, where, who calls; then the incident's id."""
    words = [delivery.params.get(name, "") for name in ("title", "spoken", "phone", "extension")]
    return _line(*words, f"incident {delivery.incident}")


def incident_tag(delivery: Delivery) -> str:
    return f"incident-{delivery.incident}"


def bookmark_fields(delivery: Delivery, *, before: float, length: float) -> dict[str, Any]:
    """The body that makes the bookmark, which holds all of a call of the past. before, length: seconds."""
    opened = opened_ms(delivery)
    lasted = max(0, ended_ms(delivery) - opened)
    facts = facts_of(delivery, (*FACTS, "missing"))
    tags = [
        OURS,
        incident_tag(delivery),
        delivery.params.get("tier") or str(delivery.tier),
        escape_line(delivery.params.get("location", "")),
    ]
    return {
        "name": (escape_line(delivery.params.get("title", "")) or "SOS")[:NAME_LENGTH],
        "description": "\n".join([*facts, f"incident {delivery.incident} event {opened}"]),
        "startTimeMs": opened - round(before * 1000),
        "durationMs": max(round(length * 1000), round(before * 1000) + lasted),
        "tags": [tag for tag in tags if tag],
    }


def trace_of(bookmark: Bookmark) -> Trace | None:
    """Read back which event our bookmark belongs to; None if it is not ours."""
    found = _TRACE.search(bookmark.description) if OURS in bookmark.tags else None
    return Trace(incident=found[1], at=int(found[2])) if found else None


def _line(*words: str) -> str:
    return " ".join(escape_line(word) for word in words if word)
